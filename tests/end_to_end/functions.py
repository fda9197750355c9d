# SPDX-License-Identifier: Apache-2.0
"""Smooth functions, softmax, normalisation, recurrent layers and classical models in 2PC: what the client receives equals `reference` bit
for bit, costs are as predicted, and errors against ONNX Runtime stay within a few units of the last place.

Models that are not shipped run where the wider set stands beside the project.
"""
import json
import pathlib
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from dyad_tools import Checks, model_folder, must, named_inputs, run_parties, tool

checks = Checks()
random = np.random.default_rng(5)
UNIT = 2.0**-12  # --scale 12

# Operator: (range of its input, largest error in units). Outputs with a slope above one lose what rounding the input lost.
FUNCTIONS = {
    "Sigmoid": ((-8, 8), 3), "Tanh": ((-6, 6), 3), "Exp": ((-8, 1), 6), "Erf": ((-4, 4), 3), "Gelu": ((-8, 8), 4),
    "Softplus": ((-8, 8), 3), "Elu": ((-4, 4), 3), "Sin": ((-3, 3), 3), "HardSwish": ((-4, 4), 8), "Softsign": ((-4, 4), 3),
    "Log": ((0.125, 8), 12), "Sqrt": ((0.125, 8), 4), "Reciprocal": ((0.25, 8), 20), "Softmax": ((-4, 4), 6),
}


def save(path, nodes, shape, outputs, weights=()):
    value = lambda name, dims: helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
    graph = helper.make_graph(nodes, "test", [value("x", shape)], [value(name, dims) for name, dims in outputs], list(weights))
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9), str(path))


def float_results(model, inputs, names):
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    results = [session.run(names, {key: values[i] for key, values in inputs.items()}) for i in range(len(next(iter(inputs.values()))))]
    return [np.stack([result[k] for result in results]) for k in range(len(names))]


def compare(label, folder, inputs, names):
    """Runs reference and both parties; the reference's outputs."""
    folder = pathlib.Path(folder)
    given, wanted, files = [], [], []
    for name, values in inputs.items():
        np.save(folder / f"in-{name}.npy", values)
        given.append(f"{name}={folder / f'in-{name}.npy'}")
    command = [folder / "reference" / "reference"]
    for item in given:
        command += ["--input", item]
    for name in names:
        command += ["--output", f"{name}={folder / f'reference-{name}.npy'}"]
    must(command)
    client, _ = run_parties(folder, given, [f"{name}={folder / f'got-{name}.npy'}" for name in names], raw=False)
    results = []
    for name in names:
        results.append(np.load(folder / f"reference-{name}.npy"))
        got = np.load(folder / f"got-{name}.npy")
        checks.expect(np.array_equal(results[-1], got), f"{label}: '{name}' equals reference bit for bit", f"{got}\n{results[-1]}")
    predicted = json.loads(must([tool("dyad-dump"), folder, "--costs", "--json"]).stdout)
    online = next(phase for phase in predicted["phases"] if phase["name"] == "online")
    samples = len(next(iter(inputs.values())))
    measured = client["phases"]["online"]
    checks.expect(measured["bytes_sent"] + measured["bytes_received"] == samples * online["bytes"], f"{label}: bytes as predicted",
                  f"{measured} for {samples} samples of {online}")
    return results


def single_functions():
    for operator, ((low, high), units) in FUNCTIONS.items():
        with tempfile.TemporaryDirectory() as temporary:
            temporary = pathlib.Path(temporary)
            # Behind a private product: of its own input the client would compute the function in the clear.
            factors = numpy_helper.from_array((random.integers(48, 64, (5, 13)) / 64).astype(np.float32), "w")
            save(temporary / "model.onnx", [helper.make_node("Mul", ["x", "w"], ["p"], name="times"),
                                            helper.make_node(operator, ["p"], ["y"], name="f")], [5, 13], [("y", [5, 13])], [factors])
            x = random.uniform(low, high, (2, 5, 13)).astype(np.float32)
            x.ravel()[:2] = low, high
            np.save(temporary / "x.npy", x)
            must([tool("dyadc"), temporary / "model.onnx", "-o", temporary / "out", "--scale", "12", "--input-range", f"{low},{high}",
                  "--calibrate", temporary / "x.npy"])
            fixed, = compare(operator, temporary / "out", {"x": x}, ["y"])
            floating, = float_results(temporary / "model.onnx", {"x": x}, ["y"])
            error = np.abs(fixed - floating).max() / UNIT
            checks.expect(error <= units, f"{operator}: within {units} units", f"{error}")


def parameters():
    """The same function with other parameters over the same range: each has its own polynomial."""
    with tempfile.TemporaryDirectory() as temporary:
        temporary = pathlib.Path(temporary)
        factors = numpy_helper.from_array(np.full((1, 40), 0.75, np.float32), "w")
        exponents = [numpy_helper.from_array(np.float32(value), f"e{value}") for value in (1.5, 2.5)]
        nodes = [helper.make_node("Mul", ["x", "w"], ["p"], name="times")]
        nodes += [helper.make_node("Elu", ["p"], [f"elu{alpha}"], name=f"elu{alpha}", alpha=alpha) for alpha in (0.5, 1.5)]
        nodes += [helper.make_node("Abs", ["p"], ["a"], name="abs"), helper.make_node("Add", ["a", "one"], ["q"], name="plus")]
        nodes += [helper.make_node("Pow", ["q", f"e{value}"], [f"pow{value}"], name=f"pow{value}") for value in (1.5, 2.5)]
        names = ["elu0.5", "elu1.5", "pow1.5", "pow2.5"]
        save(temporary / "model.onnx", nodes, [1, 40], [(name, [1, 40]) for name in names],
             [factors, numpy_helper.from_array(np.float32(1), "one"), *exponents])
        x = np.linspace(-2, 2, 80).reshape(2, 1, 40).astype(np.float32)
        np.save(temporary / "x.npy", x)
        must([tool("dyadc"), temporary / "model.onnx", "-o", temporary / "out", "--scale", "12", "--calibrate", temporary / "x.npy"])
        fixed = compare("parameters", temporary / "out", {"x": x}, names)
        for name, got, wanted in zip(names, fixed, float_results(temporary / "model.onnx", {"x": x}, names)):
            units = np.abs(got - wanted).max() / UNIT
            checks.expect(units <= 16, f"{name}: within 16 units", f"{units}")


def layer_norm_in_steps(root):
    """What exports before opset 17 hold instead of LayerNormalization; `root` is how they divide by the root."""
    nodes = [helper.make_node("ReduceMean", ["p", "last"], ["mean"], name="mean"), helper.make_node("Sub", ["p", "mean"], ["rest"], name="rest"),
             helper.make_node("Pow", ["rest", "two"], ["square"], name="square"),
             helper.make_node("ReduceMean", ["square", "last"], ["variance"], name="variance"),
             helper.make_node("Add", ["variance", "epsilon"], ["sum"], name="sum"), helper.make_node("Sqrt", ["sum"], ["root"], name="root")]
    if root == "Div":
        return nodes + [helper.make_node("Div", ["rest", "root"], ["y"], name="f")]
    return nodes + [helper.make_node("Reciprocal", ["root"], ["inverse"], name="inverse"),
                    helper.make_node("Mul", ["rest", "inverse"], ["y"], name="f")]


def rows():
    """Softmax, normalisation and quotients of rows: which operation each becomes, and its error in units of the last place."""
    one = lambda operator, *inputs, **attributes: [helper.make_node(operator, ["p", *inputs], ["y"], name="f", **attributes)]
    cases = {
        "Softmax of axis 1": (one("Softmax", axis=1), "softmax", 2), "Softmax of axis 2": (one("Softmax", axis=2), "softmax", 2),
        "LogSoftmax of axis 1": (one("LogSoftmax", axis=1), "log_softmax", 5),
        "LayerNormalization": (one("LayerNormalization", "scale7", "bias7"), "normalize", 10),
        "LayerNormalization of two axes": (one("LayerNormalization", "scale67", axis=1), "normalize", 10),
        "InstanceNormalization": (one("InstanceNormalization", "scale6", "bias6", epsilon=0.01), "normalize", 10),
        "GroupNormalization": (one("GroupNormalization", "scale2", "bias2", num_groups=2), "normalize", 10),
        "MeanVarianceNormalization": (one("MeanVarianceNormalization", axes=[0, 2]), "normalize", 8),
        "layer norm in steps": (layer_norm_in_steps("Div"), "normalize", 8),
        "layer norm in steps, reciprocal": (layer_norm_in_steps("Reciprocal"), "normalize", 8),
        "LpNormalization": (one("LpNormalization", axis=1, p=1), "quotient", 2),
        "Div": ([helper.make_node("Abs", ["p"], ["abs"], name="abs"), helper.make_node("Add", ["abs", "half"], ["q"], name="plus"),
                 helper.make_node("Div", ["p", "q"], ["y"], name="f")], "quotient", 4),
    }
    array = lambda name, *shape: numpy_helper.from_array(random.uniform(0.5, 1.5, shape).astype(np.float32), name)
    weights = [array("scale7", 7), array("bias7", 7), array("scale67", 6, 7), array("scale6", 6), array("bias6", 6), array("scale2", 2),
               array("bias2", 2), array("w", 3, 6, 7), numpy_helper.from_array(np.int64([2]), "last"),
               numpy_helper.from_array(np.float32(2), "two"), numpy_helper.from_array(np.float32(1e-3), "epsilon"),
               numpy_helper.from_array(np.float32(0.5), "half")]
    for label, (nodes, function, units) in cases.items():
        with tempfile.TemporaryDirectory() as temporary:
            temporary = pathlib.Path(temporary)
            used = {name for node in nodes for name in node.input} | {"w"}
            save(temporary / "model.onnx", [helper.make_node("Mul", ["x", "w"], ["p"], name="times"), *nodes], [3, 6, 7],
                 [("y", [3, 6, 7])], [weight for weight in weights if weight.name in used])
            x = (random.uniform(0.5, 2, (8, 3, 1, 1)) * random.uniform(-2, 2, (8, 3, 6, 7))).astype(np.float32)
            np.save(temporary / "x.npy", x)
            must([tool("dyadc"), temporary / "model.onnx", "-o", temporary / "out", "--scale", "12", "--calibrate", temporary / "x.npy"])
            emitted = must([tool("dyad-dump"), temporary / "out"]).stdout
            checks.expect(f'mpc.rows "{function}"' in emitted, f"{label}: a function of rows", emitted)
            fixed, = compare(label, temporary / "out", {"x": x[:2]}, ["y"])
            floating, = float_results(temporary / "model.onnx", {"x": x[:2]}, ["y"])
            error = np.abs(fixed - floating).max() / UNIT
            checks.expect(error <= units, f"{label}: within {units} units", f"{error}")


def layers():
    """A recurrent layer in both directions, and a normalised one, of random weights."""
    hidden, features = 6, 5
    weight = lambda name, *shape: numpy_helper.from_array(random.uniform(-0.6, 0.6, shape).astype(np.float32), name)
    for kind, gates in (("LSTM", 4), ("GRU", 3), ("RNN", 1)):
        with tempfile.TemporaryDirectory() as temporary:
            temporary = pathlib.Path(temporary)
            node = helper.make_node(kind, ["x", "w", "r", "b"], ["y"], name="layer", hidden_size=hidden, direction="bidirectional")
            save(temporary / "model.onnx", [node], [4, 1, features], [("y", [4, 2, 1, hidden])],
                 [weight("w", 2, gates * hidden, features), weight("r", 2, gates * hidden, hidden), weight("b", 2, 2 * gates * hidden)])
            x = random.uniform(-2, 2, (6, 4, 1, features)).astype(np.float32)
            np.save(temporary / "x.npy", x)
            must([tool("dyadc"), temporary / "model.onnx", "-o", temporary / "out", "--scale", "12", "--calibrate", temporary / "x.npy"])
            fixed, = compare(kind, temporary / "out", {"x": x[:2]}, ["y"])
            floating, = float_results(temporary / "model.onnx", {"x": x[:2]}, ["y"])
            checks.expect(np.abs(fixed - floating).max() < 0.01, f"{kind}: near the float layer", f"{np.abs(fixed - floating).max()}")


def models():
    """(largest error of each output, further options) of models from elsewhere."""
    cases = {"wine_mlp": ({"label": 0, "probabilities": 0.1}, 8), "breast_cancer_logreg_ml": ({"label": 0, "probabilities": 0.1}, 8),
             "breast_cancer_logreg": ({"label": 0, "probabilities": 0.1}, 8), "digits_gru": ({"logits": 0.5}, 4),
             "silero_vad_16k_static": ({"output": 0.02}, 3)}
    for name, (bounds, samples) in cases.items():
        folder = model_folder(name)
        if folder is None:
            print(f"{name}: not present, left out")
            continue
        inputs = dict(named_inputs(folder))
        with tempfile.TemporaryDirectory() as temporary:
            command = [tool("dyadc"), folder / "model.onnx", "-o", f"{temporary}/out", "--outputs", ",".join(bounds)]
            for key, values in inputs.items():
                np.save(f"{temporary}/{key}.npy", values[:64])
                command += ["--calibrate", f"{key}={temporary}/{key}.npy"]
            must(command)
            some = {key: values[:samples] for key, values in inputs.items()}
            fixed = compare(name, f"{temporary}/out", some, list(bounds))
            for (output, bound), got in zip(bounds.items(), fixed):
                saved = np.load(next(folder.glob(f"out_*_{output}.npy")))[:samples]
                error = np.abs(got.astype(float) - saved).max()
                checks.expect(error <= bound, f"{name}: '{output}' within {bound} of float", f"{error}")


def main():
    single_functions()
    parameters()
    rows()
    layers()
    models()
    checks.finish()


if __name__ == "__main__":
    main()
