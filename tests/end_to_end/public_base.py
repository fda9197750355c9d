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

        done = compile_model("low_rank", base[:2])[1]
        checks.expect("rank 2, but kept whole and private" in done.stderr, "an update that is found and not split is named", done.stderr)
        done = compile_model("not_a_number", base)[1]
        checks.expect(done.returncode != 0, "a NaN is refused", done.stderr)
        done = run([tool("dyadc"), files["biases"], "-o", folder / "none", "--public-weights", model_folder("acasxu_1_6") / "model.onnx"])
        checks.expect(done.returncode == 1 and "holds none" in done.stderr, "a base of another model is an error", done.stderr)
    checks.finish()


if __name__ == "__main__":
    main()
