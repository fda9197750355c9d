# SPDX-License-Identifier: Apache-2.0
"""Layers with public weights cost nothing, in prediction and in measurement, and change no result.

What the client can compute alone it computes in the clear: its input up to the first private weight. Behind that, layers with public
weights run on shares. Public weights are in the client's folder, private ones are not.
"""
import json
import pathlib
import tempfile

import numpy as np
import onnx
from onnx import numpy_helper

from dyad_tools import Checks, model_folder, must, run, run_parties, tensors_of, tool

checks = Checks()
LINEAR = {"conv2d", "matmul", "mul_private"}

# Patterns, and the nodes whose layers are private then: by the names that costs give them.
CASES = {
    "all weights": (["all"], set()),
    "the first layers": (["c1.*", "c2.*"], {"/f1/Gemm", "/f2/Gemm"}),
    "the last layers": (["f*"], {"/c1/Conv", "/c2/Conv"}),
    "weights without biases": (["*.weight"], set()),
    "one in the middle": (["c2.weight"], {"/c1/Conv", "/f1/Gemm", "/f2/Gemm"}),
}


def private_linear_nodes(costs):
    return {part for node in costs for part in node["name"].split(" + ")
            if LINEAR & set(node["op"].split(" + ")) and node["bytes_to_server"] + node["bytes_to_client"] > 0}


def main():
    source = model_folder("digits_lenet")
    model = onnx.load(str(source / "model.onnx"))
    images = np.load(source / "in_0_x.npy")
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        np.save(folder / "calibration.npy", images[:32])
        np.save(folder / "x.npy", images[-2:])

        def compile_model(name, flags):
            out = folder / name.replace(" ", "-")
            # One scale: with automatic ones channels are scaled too, but not those of public weights.
            must([tool("dyadc"), source / "model.onnx", "-o", out, "--calibrate", folder / "calibration.npy", "--scale", "10", *flags])
            must([out / "reference/reference", "--input", folder / "x.npy", "--output", out / "expected.npy", "--raw"])
            return out

        private = compile_model("nothing", [])
        expected = np.load(private / "expected.npy")
        for name, (patterns, nodes) in CASES.items():
            out = compile_model(name, [flag for pattern in patterns for flag in ("--public-weights", pattern)])
            checks.expect(np.array_equal(np.load(out / "expected.npy"), expected), f"{name}: reference computes the same integers")
            client, _ = run_parties(out, [f"x={folder / 'x.npy'}"], out / "got.npy")
            checks.expect(np.array_equal(np.load(out / "got.npy"), expected), f"{name}: equal")
            alone = json.loads((out / "manifest.json").read_text())["in_the_clear"]["client"]
            in_front = name in ("all weights", "the first layers")
            checks.expect((alone["products"] > 50_000) == in_front and (client["clear_seconds"] > 1e-4) == in_front,
                          f"{name}: what the client computes alone", f"{alone} {client['clear_seconds']}")
            files = sum(len(raw) for raw in tensors_of(out / "client/public.safetensors").values())
            checks.expect(alone["public_weight_bytes"] >= files, f"{name}: public weights of the client", f"{alone} {files}")
            predicted = json.loads(must([tool("dyad-dump"), out, "--costs", "--json"]).stdout)["nodes"]
            checks.expect(private_linear_nodes(predicted) == nodes, f"{name}: layers with traffic", str(predicted))
            measured = [(node["name"], node["op"], node["bytes_sent"], node["bytes_received"]) for node in client["nodes"]]
            wanted = [(node["name"], node["op"], node["bytes_to_server"], node["bytes_to_client"]) for node in predicted]
            checks.expect(measured == wanted, f"{name}: predicted costs are the measured ones", f"{measured}\n{wanted}")
            public = set(json.loads((out / "manifest.json").read_text())["public_weights"])
            at_client = set(tensors_of(out / "client/public.safetensors"))
            checks.expect(at_client and at_client <= public, f"{name}: the client's folder has public weights only", str(at_client))
            checks.expect(not (set(tensors_of(private / "server/weights.safetensors")) - public) & at_client, f"{name}: and no private one")

        checks.expect(not (private / "client/public.safetensors").exists(), "no file of weights where none is public")
        everything = json.loads(must([tool("dyad-dump"), folder / "all-weights", "--costs", "--json"]).stdout)
        checks.expect(not everything["nodes"], "with all weights public the client computes alone")

        # The model that this one was fine-tuned from: convolutions as here, other matrices.
        rng = np.random.default_rng(3)
        for initializer in model.graph.initializer:
            if initializer.name.startswith("f"):
                values = numpy_helper.to_array(initializer)
                initializer.CopyFrom(numpy_helper.from_array(rng.permutation(values.ravel()).reshape(values.shape), initializer.name))
        onnx.save(model, str(folder / "base.onnx"))
        out = compile_model("fine tuned", ["--public-weights", folder / "base.onnx"])
        public = set(json.loads((out / "manifest.json").read_text())["public_weights"])
        checks.expect(public == {"c1.weight", "c1.bias", "c2.weight", "c2.bias"}, "what the public model has too is public", str(public))
        run_parties(out, [f"x={folder / 'x.npy'}"], out / "got.npy")
        checks.expect(np.array_equal(np.load(out / "got.npy"), expected), "fine-tuned: equal")
        said = json.loads(must([tool("dyad-dump"), out, "--owners", "--json"]).stdout)
        why = {weight["name"]: (weight["owner"], weight["why"]) for weight in said["weights"]}
        checks.expect(all(why[name][0] == "public" and "public model has it" in why[name][1] for name in public)
                      and all(owner == "server" for name, (owner, _) in why.items() if name.startswith("f")),
                      "whose each weight is, and why", str(why))
        runs = {row["node"]: row["runs"] for row in said["operations"] if "fx.input" not in row["operations"]}
        places = set(runs.values())
        checks.expect({"at the client, in the clear", "between both, on shares, by protocol", "revealed"} <= places, "where nodes run", str(runs))
        again = must([tool("dyad-dump"), source / "model.onnx", "--owners", "--public-weights", folder / "base.onnx"]).stdout
        checks.expect("the client learns" in again and "same name" in again and "in the clear" in again, "the same as text, of a model", again)
        done = run([tool("dyad-dump"), folder, "--owners"])
        checks.expect(done.returncode == 1 and "manifest.json" in done.stderr, "a folder without a program", done.stderr)

        # Behind the last private weight the client may go on alone, if it is told to.
        kept = compile_model("public head", ["--public-weights", "f2*"])
        early = compile_model("revealed early", ["--public-weights", "f2*", "--reveal-early", "/Relu_2"])
        run_parties(early, [f"x={folder / 'x.npy'}"], out / "got.npy")
        checks.expect(np.array_equal(np.load(out / "got.npy"), expected), "revealed early: equal")
        manifest = json.loads((early / "manifest.json").read_text())
        checks.expect(any("'/Relu_2'" in item and "64 numbers" in item for item in manifest["learns"]["client"])
                      and not any("/Relu_2" in item for item in json.loads((kept / "manifest.json").read_text())["learns"]["client"]),
                      "the manifest says what the client learns", str(manifest["learns"]))
        online = [next(p for p in json.loads((o / "manifest.json").read_text())["costs"] if p["name"] == "online") for o in (kept, early)]
        checks.expect(online[1]["flows"] < online[0]["flows"], "fewer flows", str(online))
        done = run([tool("dyadc"), source / "model.onnx", "-o", folder / "wrong", "--reveal-early", "/Relu_2"])
        checks.expect(done.returncode == 1 and "f2.weight" in done.stderr and "/Relu_2" in done.stderr, "a private suffix is refused", done.stderr)

        done = run([tool("dyadc"), source / "model.onnx", "-o", folder / "wrong", "--public-weights", "c3*"])
        checks.expect(done.returncode == 1 and "c3*" in done.stderr, "a pattern without weights is an error", done.stderr)

        # A public input: the server's weights make every value known to the server.
        out = compile_model("public input", ["--owner", "x=public"])
        run_parties(out, [f"x={folder / 'x.npy'}"], out / "got.npy", [f"x={folder / 'x.npy'}"])
        checks.expect(np.array_equal(np.load(out / "got.npy"), expected), "public input: equal")
    checks.finish()


if __name__ == "__main__":
    main()
