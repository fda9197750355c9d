# SPDX-License-Identifier: Apache-2.0
"""Fine-tuned variants of a public model: what is private, that nothing of it reaches the client, and the same integers as `reference`.

The variants are those of scripts/fine_tuned_variants.py, an update of rank 2 of the widest matrix, and hand-made ones that a matching by
value must not fall for.
"""
import json
import pathlib
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from dyad_tools import ROOT, Checks, model_folder, must, run, run_parties, tensors_of, tool

sys.path.insert(0, str(ROOT / "scripts"))
import fine_tuned_variants  # noqa: E402

checks = Checks()
WEIGHTS = {"c1.weight", "c2.weight", "f1.weight", "f2.weight"}
BIASES = {"c1.bias", "c2.bias", "f1.bias", "f2.bias"}


def rank_two(model):
    rng = np.random.default_rng(2)
    values = model.get("f1.weight")
    update = rng.standard_normal((values.shape[0], 2)) @ rng.standard_normal((2, values.shape[1]))
    model.put("f1.weight", values + 0.02 * update)


def one_input(model):
    values = model.get("f1.weight").copy()
    values[:, 7] += 0.1
    model.put("f1.weight", values)


def one_output(model):
    values = model.get("f1.weight").copy()
    values[5] += np.linspace(-0.1, 0.1, values.shape[1], dtype=np.float32)
    model.put("f1.weight", values)


def not_a_number(model):
    values = model.get("f2.weight").copy()
    values[0, 0] = np.nan
    model.put("f2.weight", values)


HAND_MADE = {"rank_two": rank_two, "one_input": one_input, "one_output": one_output, "not_a_number": not_a_number}
# What stays private of the model's own weights, and what an update becomes.
PRIVATE = {
    "last_block": ({"f1.weight", "f1.bias", "f2.weight", "f2.bias"}, ""),
    "biases": (BIASES, ""),
    "renamed": (set(), ""),
    "low_rank": (set(), "rank 2"),
    "rank_two": (set(), "rank 2"),
    "one_input": (set(), "inputs 7 of"),
    "one_output": (set(), "outputs 5 of"),
}


def lora_nodes(folder):
    """LoRA as exporters leave it in the graph, W and B A apart: two projections of one value, W public, A and B private."""
    rng = np.random.default_rng(5)
    def weight(name, *shape):
        return numpy_helper.from_array((rng.standard_normal(shape) / np.sqrt(shape[0])).astype(np.float32), name)
    weights, nodes = [weight("first.W", 16, 32), numpy_helper.from_array(np.float32(0.5), "s")], []
    nodes += [helper.make_node("MatMul", ["x", "first.W"], ["h0"], name="first"), helper.make_node("Relu", ["h0"], ["h"], name="relu")]
    for p in "qk":
        weights += [weight(f"{p}.W", 32, 32), weight(f"{p}.A", 32, 2), weight(f"{p}.B", 2, 32)]
        nodes += [helper.make_node("MatMul", ["h", f"{p}.W"], [f"{p}w"], name=f"{p}/base"),
                  helper.make_node("MatMul", ["h", f"{p}.A"], [f"{p}a"], name=f"{p}/A"),
                  helper.make_node("MatMul", [f"{p}a", f"{p}.B"], [f"{p}b"], name=f"{p}/B"),
                  helper.make_node("Mul", [f"{p}b", "s"], [f"{p}s"], name=f"{p}/scale"),
                  helper.make_node("Add", [f"{p}w", f"{p}s"], [f"{p}y"], name=f"{p}/add")]
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    rows = 64
    graph = helper.make_graph(nodes, "lora", [value("x", [rows, 16])], [value("qy", [rows, 32]), value("ky", [rows, 32])], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9), str(folder / "lora.onnx"))
    np.save(folder / "lora_x.npy", rng.standard_normal((4, rows, 16)).astype(np.float32))
    out = folder / "lora"
    # On a slow link narrow products are worth their truncation.
    must([tool("dyadc"), folder / "lora.onnx", "-o", out, "--calibrate", folder / "lora_x.npy", "--public-weights", "?.W", "--network", "10mbit,0.1ms"])
    np.save(folder / "lora_1.npy", np.load(folder / "lora_x.npy")[:1])
    outputs = [argument for name in ("qy", "ky") for argument in ("--output", f"{name}={out / name}.npy")]
    must([out / "reference/reference", "--input", folder / "lora_1.npy", *outputs, "--raw"])
    expected = [np.load(f"{out / name}.npy") for name in ("qy", "ky")]
    must([tool("dyad"), "run", out, "--input", folder / "lora_1.npy", *outputs, "--raw"])
    checks.expect(all(np.array_equal(np.load(f"{out / name}.npy"), e) for name, e in zip(("qy", "ky"), expected)), "LoRA nodes: equal")
    owners = {row["name"]: row["owner"] for row in json.loads((out / "manifest.json").read_text())["weights"]}
    checks.expect(owners["q.W"] == owners["k.W"] == "public" and not any("W" in name and owner != "public" and "first" not in name
                  for name, owner in owners.items()), "LoRA nodes: W is in nothing private", str(owners))
    program = (out / "program.mlir").read_text()
    count = lambda text: program.count(text)
    checks.expect(count("mpc.matmul_public") == 2 and count("= mpc.matmul ") in (3, 4, 5), "LoRA nodes: W on shares, A and B apart from it", program)
    # Of the first layer, of one or two products with A, and of the two sums; none of a product with W or with B.
    checks.expect(count("= mpc.truncate") in (4, 5), "LoRA nodes: one truncation after each sum", program)
    # With one width for all, both products with A are one, of 2 + 2 columns.
    program = must([tool("dyadc"), folder / "lora.onnx", "--emit", "mpc", "--calibrate", folder / "lora_x.npy", "--public-weights", "?.W",
                    "--network", "10mbit,0.1ms", "--scale", "12", "--bitwidth", "32"]).stdout
    checks.expect(count("= mpc.matmul ") == 4 and count('fx.weight @"q.A+k.A" : tensor<32x4x') == 1 and count("= mpc.truncate") == 5,
                  "LoRA nodes: A factors of one input are one product", program)


def main():
    source = model_folder("digits_lenet")
    images = np.load(source / "in_0_x.npy")
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        np.save(folder / "calibration.npy", images[:32])
        np.save(folder / "x.npy", images[-2:])
        files = fine_tuned_variants.write(source / "model.onnx", folder, rank=2, only=("last_block", "low_rank", "biases", "renamed"))
        for name, change in HAND_MADE.items():
            model = fine_tuned_variants.Model(source / "model.onnx")
            change(model)
            files[name] = folder / f"{name}.onnx"
            files[name].write_bytes(model.proto.SerializeToString())
        # On a slow link without latency bytes decide, and narrow products pay.
        base = ["--public-weights", source / "model.onnx", "--network", "10mbit,0.1ms"]

        def compile_model(name, flags):
            out = folder / f"{name}{len(flags)}"
            command = [tool("dyadc"), files[name], "-o", out, "--calibrate", folder / "calibration.npy", *flags]
            return out, run(command)

        for name, (private, update) in PRIVATE.items():
            flags = base + (["--split-updates", "always"] if name == "low_rank" else [])
            out, done = compile_model(name, flags)
            checks.expect(done.returncode == 0, f"{name}: compiles", done.stderr)
            must([out / "reference/reference", "--input", folder / "x.npy", "--output", out / "expected.npy", "--raw"])
            run_parties(out, [f"x={folder / 'x.npy'}"], out / "got.npy")
            checks.expect(np.array_equal(np.load(out / "got.npy"), np.load(out / "expected.npy")), f"{name}: equal")
            manifest = json.loads((out / "manifest.json").read_text())
            updates = [entry["computed_as"] for entry in manifest["weight_updates"]]
            checks.expect(len(updates) == bool(update) and update in "".join(updates), f"{name}: update", str(updates))
            public = set(manifest["public_weights"])
            kept = tensors_of(out / "server/weights.safetensors")
            checks.expect(not private & public, f"{name}: what was changed is private", str(public))
            if not update and name != "renamed":
                others = (WEIGHTS | BIASES) - private
                checks.expect(others <= public, f"{name}: the rest is public", str(others - public))
            if name == "renamed":
                checks.expect(not set(kept) - public, f"{name}: all of it is public", str(set(kept) - public))
            bundle = b"".join(file.read_bytes() for file in sorted((out / "client").rglob("*")) if file.is_file())
            bundle += (out / "program.cpp").read_bytes()
            for tensor, values in kept.items():
                if tensor not in public and len(values) >= 16:
                    checks.expect(values not in bundle, f"{name}: the client has nothing of {tensor}")

        lora_nodes(folder)
        done = compile_model("low_rank", base[:2])[1]
        checks.expect("rank 2, but kept whole and private" in done.stderr, "an update that is found and not split is named", done.stderr)
        done = compile_model("not_a_number", base)[1]
        checks.expect(done.returncode != 0, "a NaN is refused", done.stderr)
        done = run([tool("dyadc"), files["biases"], "-o", folder / "none", "--public-weights", model_folder("acasxu_1_6") / "model.onnx"])
        checks.expect(done.returncode == 1 and "holds none" in done.stderr, "a base of another model is an error", done.stderr)
    checks.finish()


if __name__ == "__main__":
    main()
