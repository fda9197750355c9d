#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a recurrent network with random weights as PyTorch exports it, and inputs for it.

usage: scripts/recurrent_model.py FOLDER [--cell fastgrnn|lstm] [--form trace|scan|loop] [--steps N] ...

FOLDER gets model.onnx and in_0_x.npy. The default is shaped like the network for Google-30 (keyword spotting, 30 classes) that
SIRNN and SeeDot measure: a FastGRNN of 99 steps of 32 features, 100 hidden units, W = W1 W2 of rank 16 and U = U1 U2 of rank 35,
    z = sigmoid(W x + U h + b_z),  c = tanh(W x + U h + b_h),  h' = (sigmoid(zeta) (1 - z) + sigmoid(nu)) c + z h,
and a linear layer on the last state. `trace` has the nodes of every step, as torch.onnx.export traces them; `loop` has a Loop with
a constant trip count, as it writes a scripted `for`; `scan` has a Scan. `lstm` is one LSTM node and its last state.
"""
import argparse
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


class Graph:
    """Nodes in the making; names count up as PyTorch's do."""

    def __init__(self, parent=None):
        self.nodes = []
        self.weights = parent.weights if parent else []
        self.counts = parent.counts if parent else {}

    def node(self, op, inputs, path="", **attributes):
        """The name of the node's first result."""
        number = self.counts[path + op] = self.counts.get(path + op, -1) + 1
        name = f"{path}/{op}" + (f"_{number}" if number else "")
        self.nodes.append(helper.make_node(op, inputs, [f"{name}_output_0"], name=name, **attributes))
        return f"{name}_output_0"

    def weight(self, name, array):
        self.weights.append(numpy_helper.from_array(np.asarray(array), name))
        return name


def value(name, shape, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def fastgrnn_weights(graph, random, sizes):
    """Products have a deviation of about one, so that gates and states use their range."""
    def normal(name, rows, columns, deviation):
        graph.weight(name, (deviation * random.standard_normal((rows, columns)) / np.sqrt(rows)).astype(np.float32))

    if sizes.rank_w:
        normal("rnn.W1", sizes.features, sizes.rank_w, 1)
        normal("rnn.W2", sizes.rank_w, sizes.hidden, 1)
    else:
        normal("rnn.W", sizes.features, sizes.hidden, 1)
    if sizes.rank_u:
        normal("rnn.U1", sizes.hidden, sizes.rank_u, 1.2)
        normal("rnn.U2", sizes.rank_u, sizes.hidden, 1.2)
    else:
        normal("rnn.U", sizes.hidden, sizes.hidden, 1.4)
    graph.weight("rnn.bias_gate", (0.5 + 0.5 * random.standard_normal((1, sizes.hidden))).astype(np.float32))
    graph.weight("rnn.bias_update", (0.5 * random.standard_normal((1, sizes.hidden))).astype(np.float32))
    graph.weight("rnn.zeta", np.full((1, 1), 1, np.float32))
    graph.weight("rnn.nu", np.full((1, 1), -4, np.float32))
    graph.weight("one", np.float32(1))


def fastgrnn_cell(graph, x, h, sizes):
    """One step: the name of the next state."""
    def node(op, *inputs):
        return graph.node(op, inputs, "/rnn")

    def product(state, name, rank):
        if not rank:
            return node("MatMul", state, f"rnn.{name}")
        return node("MatMul", node("MatMul", state, f"rnn.{name}1"), f"rnn.{name}2")

    both = node("Add", product(x, "W", sizes.rank_w), product(h, "U", sizes.rank_u))
    z = node("Sigmoid", node("Add", both, "rnn.bias_gate"))
    c = node("Tanh", node("Add", both, "rnn.bias_update"))
    kept = node("Mul", z, h)
    weight = node("Add", node("Mul", node("Sigmoid", "rnn.zeta"), node("Sub", "one", z)), node("Sigmoid", "rnn.nu"))
    return node("Add", kept, node("Mul", weight, c))


def fastgrnn(graph, random, sizes):
    """The name of the last state of shape [1, hidden]."""
    fastgrnn_weights(graph, random, sizes)
    h = graph.weight("h0", np.zeros((1, sizes.hidden), np.float32))
    if sizes.form == "trace":
        for t in range(sizes.steps):
            index = graph.weight(f"index_{t}", np.int64(t))
            h = fastgrnn_cell(graph, graph.node("Gather", ["x", index], "/rnn", axis=1), h, sizes)
        return h
    body = Graph(graph)
    if sizes.form == "scan":
        last = fastgrnn_cell(body, "x_t", "h_in", sizes)
        inside = helper.make_graph(body.nodes, "step", [value("h_in", [1, sizes.hidden]), value("x_t", [1, sizes.features])],
                                   [value(last, [1, sizes.hidden])])
        return graph.node("Scan", [h, "x"], "/rnn", body=inside, num_scan_inputs=1, scan_input_axes=[1])
    last = fastgrnn_cell(body, body.node("Gather", ["x", "t"], "/rnn", axis=1), "h_in", sizes)
    goes_on = body.node("Identity", ["goes_on"], "/rnn")
    inside = helper.make_graph(body.nodes, "step", [value("t", [], INT64), value("goes_on", [], BOOL),
                                                   value("h_in", [1, sizes.hidden])],
                               [value(goes_on, [], BOOL), value(last, [1, sizes.hidden])])
    return graph.node("Loop", [graph.weight("steps", np.int64(sizes.steps)), graph.weight("true", np.bool_(True)), h], "/rnn",
                      body=inside)


def lstm(graph, random, sizes):
    uniform = lambda *shape: (random.uniform(-1, 1, shape) / np.sqrt(sizes.hidden)).astype(np.float32)
    graph.weight("rnn.W", uniform(1, 4 * sizes.hidden, sizes.features))
    graph.weight("rnn.R", uniform(1, 4 * sizes.hidden, sizes.hidden))
    graph.weight("rnn.B", uniform(1, 8 * sizes.hidden))
    for state in ("h0", "c0"):
        graph.weight(state, np.zeros((1, 1, sizes.hidden), np.float32))
    steps_first = graph.node("Transpose", ["x"], "/rnn", perm=[1, 0, 2])
    graph.nodes.append(helper.make_node("LSTM", [steps_first, "rnn.W", "rnn.R", "rnn.B", "", "h0", "c0"], ["", "rnn.h", ""],
                                        name="/rnn/LSTM", hidden_size=sizes.hidden))
    return graph.node("Squeeze", ["rnn.h", graph.weight("axis", np.array([0], np.int64))], "/rnn")


def speech(random, count, sizes):
    """Features that move slowly, louder and quieter, of deviation about one."""
    rest = 0.8
    x = np.zeros((count, sizes.steps, sizes.features))
    last = random.standard_normal((count, sizes.features))
    for t in range(sizes.steps):
        last = rest * last + np.sqrt(1 - rest**2) * random.standard_normal(last.shape)
        x[:, t] = last
    loudness = 0.6 + 0.6 * np.sin(np.linspace(0, np.pi, sizes.steps))
    return np.clip(x * loudness[None, :, None], -4, 4).astype(np.float32)[:, None]


def write(folder, sizes):
    random = np.random.default_rng(sizes.seed)
    graph = Graph()
    last = (lstm if sizes.cell == "lstm" else fastgrnn)(graph, random, sizes)
    outputs = sizes.hidden
    if sizes.classes:
        outputs = sizes.classes
        graph.weight("fc.weight", (2 * random.standard_normal((outputs, sizes.hidden)) / np.sqrt(sizes.hidden)).astype(np.float32))
        graph.weight("fc.bias", (0.1 * random.standard_normal(outputs)).astype(np.float32))
        last = graph.node("Gemm", [last, "fc.weight", "fc.bias"], "/fc", transB=1)
    graph.nodes.append(helper.make_node("Identity", [last], ["y"], name="/Identity"))
    model = helper.make_model(
        helper.make_graph(graph.nodes, "main_graph", [value("x", [1, sizes.steps, sizes.features])], [value("y", [1, outputs])],
                          graph.weights),
        opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, folder / "model.onnx")
    np.save(folder / "in_0_x.npy", speech(random, sizes.samples, sizes))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--cell", choices=["fastgrnn", "lstm"], default="fastgrnn")
    parser.add_argument("--form", choices=["trace", "scan", "loop"], default="trace", help="of a FastGRNN")
    parser.add_argument("--rank-w", type=int, default=16, help="0: W in one piece")
    parser.add_argument("--rank-u", type=int, default=35, help="0: U in one piece")
    for name, default, meaning in [("steps", None, "default 99, LSTM 32"), ("features", None, "default 32, LSTM 64"),
                                   ("hidden", None, "default 100, LSTM 128"),
                                   ("classes", None, "of the layer behind; 0: no such layer; default 30, LSTM 0")]:
        parser.add_argument(f"--{name}", type=int, default=default, help=meaning)
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    sizes = parser.parse_args()
    defaults = (32, 64, 128, 0) if sizes.cell == "lstm" else (99, 32, 100, 30)
    for name, default in zip(("steps", "features", "hidden", "classes"), defaults):
        if getattr(sizes, name) is None:
            setattr(sizes, name, default)
    write(sizes.folder, sizes)


if __name__ == "__main__":
    main()
