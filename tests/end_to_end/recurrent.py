# SPDX-License-Identifier: Apache-2.0
"""Recurrent networks in 2PC: a FastGRNN in each of the forms that exporters write, and the options of RNN, GRU and LSTM. What the client
receives equals `reference` bit for bit, is near ONNX Runtime's result, and costs what was predicted.
"""
import json
import pathlib
import re
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from dyad_tools import ROOT, must, tool
from functions import UNIT, checks, compare, float_results, random

STEPS = 5


def fast_grnn():
    """All forms cost the same; inputs of all steps are one product, a step waits for few flows."""
    costs = {}
    for form in ("trace", "scan", "loop"):
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary)
            must([sys.executable, ROOT / "scripts" / "recurrent_model.py", folder, "--form", form, "--steps", STEPS, "--features", 6,
                  "--hidden", 12, "--rank-w", 3, "--rank-u", 4, "--classes", 5, "--samples", 20])
            must([tool("dyadc"), folder / "model.onnx", "-o", folder / "out", "--scale", "12", "--calibrate", folder / "in_0_x.npy"])
            x = np.load(folder / "in_0_x.npy")[:2]
            fixed, = compare(form, folder / "out", {"x": x}, ["y"])
            floating, = float_results(folder / "model.onnx", {"x": x}, ["y"])
            units = np.abs(fixed - floating).max() / UNIT
            checks.expect(units <= 64, f"{form}: within 64 units", f"{units}")
            predicted = json.loads(must([tool("dyad-dump"), folder / "out", "--costs", "--json"]).stdout)
            costs[form] = [(phase["name"], phase["bytes"], phase["flows"]) for phase in predicted["phases"]]
            program = (folder / "out" / "program.cpp").read_text()
            # Inputs of all steps; masks for the states of all but the first; the last layer.
            products = re.findall(r"\b(matmul\w*)\(session", program)
            checks.expect(products.count("matmul") == 3 and products.count("matmulPrepared") == STEPS - 1,
                          f"{form}: products of all steps at once", str(products))
    checks.expect(costs["trace"] == costs["scan"] == costs["loop"], "all forms cost the same", str(costs))


def options():
    """Each case: operator, attributes, inputs beyond x, W and R."""
    array = lambda name, *shape: numpy_helper.from_array(random.uniform(-0.5, 0.5, shape).astype(np.float32), name)
    steps, batch, features, hidden = 3, 2, 4, 3
    length = numpy_helper.from_array(np.array([3, 2], np.int32), "n")
    cases = {
        "LSTM, peepholes, clip, reverse": ("LSTM", dict(direction="reverse", clip=0.75), ["b", "", "h", "c", "p"], 1),
        "LSTM, bidirectional, lengths": ("LSTM", dict(direction="bidirectional"), ["b", "n"], 2),
        "LSTM, coupled gates": ("LSTM", dict(input_forget=1), ["b"], 1),
        "GRU, linear before reset, initial state": ("GRU", dict(linear_before_reset=1), ["b", "", "h"], 1),
        "GRU, batch first": ("GRU", dict(layout=1), ["b"], 1),
        "RNN, other activations": ("RNN", dict(direction="bidirectional", activations=["Relu", "HardSigmoid"]), ["b"], 2),
    }
    for label, (operator, attributes, more, directions) in cases.items():
        gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[operator]
        first = attributes.get("layout", 0)
        arrays = {"w": array("w", directions, gates * hidden, features), "r": array("r", directions, gates * hidden, hidden),
                  "b": array("b", directions, 2 * gates * hidden), "h": array("h", directions, batch, hidden),
                  "c": array("c", directions, batch, hidden), "p": array("p", directions, 3 * hidden), "n": length}
        node = helper.make_node(operator, ["x", "w", "r", *more], ["y"], name="layer", hidden_size=hidden, **attributes)
        shape = [batch, steps, features] if first else [steps, batch, features]
        result = [batch, steps, directions, hidden] if first else [steps, directions, batch, hidden]
        value = lambda name, dims: helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
        used = [arrays[name] for name in ["w", "r", *more] if name]
        graph = helper.make_graph([node], "test", [value("x", shape)], [value("y", result)], used)
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary)
            onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9), str(folder / "model.onnx"))
            x = random.uniform(-1, 1, (2, *shape)).astype(np.float32)
            np.save(folder / "x.npy", x)
            must([tool("dyadc"), folder / "model.onnx", "-o", folder / "out", "--scale", "12", "--calibrate", folder / "x.npy"])
            fixed, = compare(label, folder / "out", {"x": x}, ["y"])
            if first:  # ONNX Runtime has no such layout
                node.attribute.remove(next(a for a in node.attribute if a.name == "layout"))
                graph = helper.make_graph([node], "test", [value("x", [steps, batch, features])],
                                          [value("y", [steps, directions, batch, hidden])], used)
                onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9), str(folder / "model.onnx"))
                floating, = float_results(folder / "model.onnx", {"x": x.swapaxes(1, 2)}, ["y"])
                floating = floating.transpose(0, 3, 1, 2, 4)
            else:
                floating, = float_results(folder / "model.onnx", {"x": x}, ["y"])
            units = np.abs(fixed - floating).max() / UNIT
            checks.expect(units <= 24, f"{label}: within 24 units", f"{units}")


if __name__ == "__main__":
    fast_grnn()
    options()
    checks.finish()
