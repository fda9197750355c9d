# SPDX-License-Identifier: Apache-2.0
"""A small network of the DenseNet kind: normalisations between a concatenation and a ReLU, whose factors no linear layer can take as they
are. What the client receives equals `reference` bit for bit, near ONNX Runtime's floats, whatever sign and size the factors have."""
import json
import pathlib
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from dyad_tools import Checks, must, run, run_parties, tool

checks = Checks()
random = np.random.default_rng(11)


def network(path):
    weights = []

    def weight(name, values):
        weights.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    def conv(name, source, inputs, outputs, kernel):
        scale = 1 / np.sqrt(inputs * kernel * kernel)
        w = weight(f"{name}_w", random.normal(0, scale, (outputs, inputs, kernel, kernel)))
        nodes.append(helper.make_node("Conv", [source, w], [name], name=name, pads=[kernel // 2] * 4))

    def norm(name, source, factors, offsets):
        count = len(factors)
        names = [weight(f"{name}_{i}", values)
                 for i, values in enumerate((factors, offsets, np.zeros(count), np.ones(count)))]
        nodes.append(helper.make_node("BatchNormalization", [source, *names], [f"{name}_y"], name=name, epsilon=0.0))
        nodes.append(helper.make_node("Relu", [f"{name}_y"], [f"{name}_r"], name=f"{name}_relu"))

    nodes = []
    conv("stem", "x", 3, 4, 3)
    # Factors of both signs, none, and offsets beyond all that the value can be, on either side of zero.
    norm("first", "stem", [1.5, -0.75, 0.5, -1], [0.1, 0.3, -0.2, 0])
    conv("wide", "first_r", 4, 6, 1)
    nodes.append(helper.make_node("Concat", ["stem", "wide"], ["joined"], name="joined", axis=1))
    norm("second", "joined", [0.7, -1.2, 0, 0, 0.01, -0.01, 0.01, -0.01, 2, -0.3], [0.2, 0.1, 0.5, -0.5, 0.9, 0.9, -0.9, -0.9, -0.4, 0])
    nodes.append(helper.make_node("GlobalAveragePool", ["second_r"], ["mean"], name="mean"))
    nodes.append(helper.make_node("Flatten", ["mean"], ["flat"], name="flat"))
    nodes.append(helper.make_node("Gemm", ["flat", weight("last_w", random.normal(0, 0.5, (10, 5))), weight("last_b", random.normal(0, 0.5, 5))],
                                  ["y"], name="last"))
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "dense", [value("x", [1, 3, 8, 8])], [value("y", [1, 5])], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))


def beyond(folder):
    """An offset that the samples put out of reach is clipped; a value that comes so far is refused, as it would be wrong."""
    def weight(name, values):
        return numpy_helper.from_array(np.asarray(values, np.float32), name)

    weights = [weight("stem_w", np.eye(2).reshape(2, 2, 1, 1)), weight("g", [0.01, 1]), weight("b", [-1, 0.5]), weight("m", [0, 0]), weight("v", [1, 1]),
               weight("last_w", [[[[1000]], [[100]]]])]
    nodes = [helper.make_node("Conv", ["x", "stem_w"], ["stem"], name="stem"), helper.make_node("Relu", ["stem"], ["r"], name="r"),
             helper.make_node("BatchNormalization", ["r", "g", "b", "m", "v"], ["n"], name="norm", epsilon=0.0),
             helper.make_node("Relu", ["n"], ["n_r"], name="n_r"), helper.make_node("Conv", ["n_r", "last_w"], ["y"], name="last")]
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "beyond", [value("x", [1, 2, 2, 2])], [value("y", [1, 1, 2, 2])], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(folder / "beyond.onnx"))
    x = np.stack([random.uniform(-100, 1, (16, 1, 2, 2)), random.uniform(0, 1, (16, 1, 2, 2))], axis=2).astype(np.float32)
    x[0] = 1
    np.save(folder / "beyond.npy", x)
    np.save(folder / "far.npy", np.broadcast_to(np.float32([5, 0.5]).reshape(1, 1, 2, 1, 1), (1, 1, 2, 2, 2)))
    must([tool("dyadc"), folder / "beyond.onnx", "-o", folder / "beyond", "--calibrate", folder / "beyond.npy", "--scale", "12"])
    done = run([folder / "beyond/reference/reference", "--input", folder / "far.npy", "--output", folder / "far-y.npy"])
    checks.expect(done.returncode == 1 and "'norm'" in done.stderr, "a value beyond the offsets' reach is refused", done.stderr)


def main():
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        network(folder / "model.onnx")
        x = random.uniform(-2, 2, (12, 1, 3, 8, 8)).astype(np.float32)
        np.save(folder / "calibration.npy", x)
        np.save(folder / "x.npy", x[:3])
        session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
        floating = np.stack([session.run(["y"], {"x": one})[0] for one in x[:3]])
        size = {}
        for name, flags in {"with signs": ["--scale", "12"], "scales by accuracy": [], "without": ["--scale", "12", "--disable", "factors-behind-relu"],
                            "with signs by RLWE": ["--scale", "12", "--linear", "he"]}.items():
            out = folder / name.replace(" ", "-")
            must([tool("dyadc"), folder / "model.onnx", "-o", out, "--calibrate", folder / "calibration.npy", *flags])
            must([out / "reference/reference", "--input", folder / "x.npy", "--output", out / "expected.npy"])
            client, _ = run_parties(out, [f"x={folder / 'x.npy'}"], out / "got.npy", raw=False)
            expected = np.load(out / "expected.npy")
            checks.expect(np.array_equal(np.load(out / "got.npy"), expected), f"{name}: equals reference bit for bit")
            error = np.abs(expected - floating).max()
            limit = 0.01 * floating.std() * (3 if name == "scales by accuracy" else 1)  # there 1% is the root mean square
            checks.expect(error <= limit, f"{name}: near the float model", f"{error} > {limit}")
            online = next(p for p in json.loads(must([tool("dyad-dump"), out, "--costs", "--json"]).stdout)["phases"] if p["name"] == "online")
            measured = client["phases"]["online"]
            checks.expect(measured["bytes_sent"] + measured["bytes_received"] == 3 * online["bytes"], f"{name}: bytes as predicted")
            size[name] = online["bytes"]
        checks.expect(size["with signs"] < 0.8 * size["without"], "signs alone are cheaper than factors", f"{size}")
        beyond(folder)
    checks.finish()


if __name__ == "__main__":
    main()
