# SPDX-License-Identifier: Apache-2.0
"""dyad check: what a model would cost, without compiling it, and all that it needs where it is not supported."""
import json
import pathlib
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from dyad_tools import Checks, model_folder, must, run, tool

checks = Checks()


def save_model(path, nodes, inputs, output, weights=()):
    graph = helper.make_graph(nodes, "graph", [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs],
                              [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
                              [numpy_helper.from_array(values.astype(np.float32), name) for name, values in weights])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


def check(model, *options, status=0):
    done = run([tool("dyad"), "check", model, "--json", *options])
    checks.expect(done.returncode == status, f"exit status of check {pathlib.Path(model).name}", done.stderr + done.stdout[-500:])
    return json.loads(done.stdout)


def estimates(folder):
    source = model_folder("mnist8")
    np.save(folder / "calibration.npy", np.load(source / "in_0_Input3.npy")[:4])
    options = ["--calibrate", folder / "calibration.npy", "--logits"]
    result = check(source / "model.onnx", *options, "--network", "100Mbit,20ms")
    checks.expect(result["supported"] and not result["problems"] and not result["numbers"]["assumed"], "a supported model", str(result["problems"]))
    checks.expect(len(result["networks"]) == 3, "LAN, WAN and the link that is given")
    for link, network in zip(["lan", "wan", "100Mbit,20ms"], result["networks"]):
        dump = must([tool("dyad-dump"), source / "model.onnx", "--costs", "--json", *options, "--network", link])
        same = [[phase[key] for key in ("name", "bytes_to_server", "bytes_to_client", "flows", "seconds")] for phase in network["phases"]]
        wanted = [[phase[key] for key in ("name", "bytes_to_server", "bytes_to_client", "flows", "seconds")]
                  for phase in json.loads(dump.stdout)["phases"]]
        checks.expect(same == wanted, f"costs on {link} are those of dyad-dump", f"{same}\n{wanted}")
        checks.expect(network["total"]["bytes"] == sum(phase["bytes"] for phase in network["phases"]), "and their sum")
        checks.expect(len(network["nodes"]) == 5 and network["nodes"] == sorted(network["nodes"], key=lambda node: -node["seconds"]),
                      "the five dearest nodes", str(network["nodes"]))
        checks.expect(1e7 < network["memory"]["client"] <= network["memory"]["server"] < 1e9, "memory", str(network["memory"]))
    advice = " ".join(text for node in check(source / "model.onnx")["networks"][0]["nodes"] for text in node["advice"])
    checks.expect("--calibrate" in advice and "--public-weights" in advice, "what one could do", advice)


def typical_numbers(folder):
    rng = np.random.default_rng(0)
    nodes = [helper.make_node("Conv", ["x", "w"], ["a"], name="large", pads=[1, 1, 1, 1]), helper.make_node("Relu", ["a"], ["y"], name="relu")]
    large = save_model(folder / "large.onnx", nodes, [("x", [1, 64, 56, 56])], "y", [("w", rng.standard_normal((64, 64, 3, 3)) / 24)])
    result = check(large)
    checks.expect(result["numbers"]["assumed"] and "--exact" in result["numbers"]["about"], "a large model is estimated with typical numbers",
                  str(result["numbers"]))
    bits = {node["name"] for node in result["networks"][0]["nodes"]}
    checks.expect({"large", "relu"} <= bits, "its nodes", str(bits))


def unsupported(folder):
    nodes = [helper.make_node("Det", ["x"], ["a"], name="first/det"), helper.make_node("Relu", ["a"], ["b"], name="fine"),
             helper.make_node("NonZero", ["b"], ["y"], name="second/nonzero")]
    result = check(save_model(folder / "unsupported.onnx", nodes, [("x", [1, 4])], "y"), status=1)
    text = "\n".join(result["problems"])
    checks.expect(not result["supported"] and "networks" not in result and len(result["problems"]) == 2 and "first/det" in text
                  and "second/nonzero" in text, "all unsupported nodes in one go", text)
    done = run([tool("dyad"), "check", folder / "unsupported.onnx"])
    checks.expect(done.returncode == 1 and "2 problems" in done.stdout and "first/det" in done.stdout, "and for people", done.stdout)

    nodes = [helper.make_node("Relu", ["x"], ["a"], name="relu"), helper.make_node("Det", ["a"], ["y"], name="det")]
    result = check(save_model(folder / "both.onnx", nodes, [("x", ["batch", "length"])], "y"), status=1)
    text = "\n".join(result["problems"])
    checks.expect("--shape x=1,SIZE" in text and "'det'" in text, "symbolic dimensions beside an unsupported node", text)

    symbolic = save_model(folder / "symbolic.onnx", nodes[:1], [("x", ["batch", "length"])], "a")
    text = "\n".join(check(symbolic, status=1)["problems"])
    checks.expect("--shape x=1,SIZE" in text and "'length'" in text, "which shapes to give", text)
    checks.expect(check(symbolic, "--shape", "x=1,20")["supported"], "with a shape it is supported")


def main():
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        estimates(folder)
        typical_numbers(folder)
        unsupported(folder)
    checks.finish()


if __name__ == "__main__":
    main()
