# SPDX-License-Identifier: Apache-2.0
"""Models and samples made to mislead the choice of ranges and scales: what comes out is near the float model, or is refused by name.

Each case is compiled with numbers chosen and with `--scale 12 --bitwidth 32`, with calibration samples and without. Allowed are:
  - the compiler refuses, exit 1, and names a node, an input or a file;
  - the program refuses the sample (`reference` would), and names a node or an input;
  - without samples, the compiler warns that the program differs from the model on drawn inputs;
  - all outputs are within 5 % of the float model's (ONNX Runtime), relative to the output's largest value on the samples given.
Never: zeros where the model says 1e-20, numbers where it says infinity, a crash. Some cases run as two parties as well.
"""
import argparse
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
onnxruntime.set_default_logger_severity(3)

TOLERANCE = 0.05
CRASHES = ("Stack dump", "terminate called", "Assertion", "LLVM ERROR", "Traceback", "what():", "Segmentation")
MODES = {"auto": [], "uniform": ["--scale", "12", "--bitwidth", "32"]}
GUESSED = 256  # the range of inputs that nothing is known of


class Case:
    """A model with its samples. `must_work`: it is right where numbers are chosen on samples; `must_refuse`: it is not taken there."""

    def __init__(self, nodes, calibration, real=None, weights=(), outputs=("y",), options=(), must_work=False, must_refuse=False,
                 opset=17, parties=False, modes=None):
        self.modes = MODES if modes is None else modes
        self.nodes, self.weights, self.outputs, self.options = nodes, weights, outputs, list(options)
        self.calibration = {key: np.asarray(value, np.float32) for key, value in calibration.items()}
        real = calibration if real is None else real
        self.real = {key: np.asarray(value, np.float32) for key, value in real.items()}
        self.must_work, self.must_refuse, self.opset, self.parties = must_work, must_refuse, opset, parties

    def save(self, path):
        inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, value.shape[1:]) for name, value in self.real.items()]
        weights = [numpy_helper.from_array(np.asarray(value, np.int64 if name == "pads" else np.float32), name) for name, value in self.weights]
        outputs = [onnx.ValueInfoProto(name=name) for name in self.outputs]
        graph = helper.make_graph(self.nodes, "adversarial", inputs, outputs, weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)
        model = onnx.shape_inference.infer_shapes(model)
        onnx.save(model, str(path))

    def names(self):
        return [node.name for node in self.nodes] + list(self.real) + [name for name, _ in self.weights]


def node(operator, inputs, output, name=None, **attributes):
    return helper.make_node(operator, inputs.split(), output.split(), name=name or f"{operator.lower()}/{output}", **attributes)


def uniform(*shape, low=-1.0, high=1.0):
    return random.uniform(low, high, shape).astype(np.float32)


def dense(weights, bias=None, then=None):
    """x times each matrix in turn, `then` between."""
    nodes, tensors, value = [], [], "x"
    for k, matrix in enumerate(weights):
        last = k + 1 == len(weights)
        tensors.append((f"w{k}", matrix))
        nodes.append(node("MatMul", f"{value} w{k}", f"p{k}" if not last or bias is not None else "y", f"layer{k}/matmul"))
        value = f"p{k}"
        if not last and then:
            nodes.append(node(then, value, f"a{k}", f"layer{k}/{then.lower()}"))
            value = f"a{k}"
    if bias is not None:
        tensors.append(("b", bias))
        nodes.append(node("Add", f"{value} b", "y", "last/add"))
    return nodes, tensors


def one(operator, extra="", weights=(), **attributes):
    """A private product, so that the function is of a shared value, and one operation behind it."""
    return [node("Mul", "x ones", "p", "times"), node(operator, f"p {extra}", "y", "f", **attributes)], [("ones", np.ones((1, 6), np.float32)), *weights]


def batches(*shape, count=8, scale=1.0, **arguments):
    return {"x": scale * uniform(count, *shape, **arguments)}


def missed_ranges():
    w = uniform(6, 6), uniform(6, 4)
    small, large = batches(1, 6, scale=0.01), batches(1, 6, scale=100)
    nodes, tensors = dense(w, then="Relu")
    yield "inputs far above the samples", Case(nodes, small, large, tensors, must_refuse=True)
    yield "inputs declared wide, samples tiny", Case(nodes, small, large, tensors, options=["--input-range", "-100,100"])
    # Samples where two inputs cancel: the middle is zero on all of them.
    apart = np.array([[1.0], [-1.0]] * 3)
    same = {"x": np.repeat(uniform(8, 1, 1), 6, axis=2)}
    opposite = {"x": np.sign(apart.T.reshape(1, 1, 6)) * np.ones((4, 1, 1))}
    nodes, tensors = dense([apart @ np.ones((1, 4)) * 50, uniform(4, 3)])
    yield "the middle cancels on samples only", Case(nodes, same, opposite, tensors, options=["--input-range", "-1,1"])
    nodes = [node("MatMul", "x w", "p", "first"), node("Mul", "p p", "q", "square"), node("Mul", "q q", "y", "fourth")]
    yield "a fourth power", Case(nodes, batches(1, 6, scale=0.1), batches(1, 6, scale=10), [("w", uniform(6, 6))], options=["--input-range", "-10,10"])
    nodes = [node("MatMul", "x w", "p", "first"), node("Exp", "p", "y", "exp")]
    yield "an exponential", Case(nodes, batches(1, 6), batches(1, 6, scale=6), [("w", uniform(6, 6) * 2)], options=["--input-range", "-6,6"])
    # Hidden behind a ReLU that no sample opens.
    nodes, tensors = dense([np.eye(6), uniform(6, 4) * 100], then="Relu")
    yield "a ReLU that no sample opens", Case(nodes, batches(1, 6, low=-1, high=-0.1), batches(1, 6, low=0.1, high=1), tensors, options=["--input-range", "-1,1"])


def dead_channels():
    image = batches(1, 2, 5, 5)
    w = uniform(4, 2, 3, 3)
    w[1] = 0
    ones, zeros = np.ones(4), np.zeros(4)
    conv = node("Conv", "x w b", "c", "conv")
    yield "a dead channel of a convolution", Case([conv, node("Relu", "c", "y", "relu")], image, weights=[("w", w), ("b", zeros)], must_work=True, parties=True)
    yield "a convolution of zeros", Case([conv, node("Relu", "c", "y", "relu")], image, weights=[("w", w * 0), ("b", [0, 1, -1, 2])], must_work=True)
    yield "all zero", Case([conv, node("Relu", "c", "y", "relu")], image, weights=[("w", w * 0), ("b", zeros)], must_work=True)
    yield "zero on all, then a layer", Case([conv, node("Relu", "c", "r", "relu"), node("Conv", "r v", "y", "second")], image,
                                           weights=[("w", w), ("b", zeros - 1000), ("v", uniform(3, 4, 1, 1))])
    yield "some channels always zero after ReLU", Case(
        [conv, node("Relu", "c", "r", "relu"), node("Conv", "r v", "y", "second")], image,
        weights=[("w", w), ("b", [-1000, 0, 0, 1000]), ("v", uniform(3, 4, 1, 1))], must_work=True)
    norm = [conv, node("BatchNormalization", "c scale shift mean variance", "n", "norm"), node("Relu", "n", "y", "relu")]
    for label, variance, refuse in (("zero", [0, 0, 1, 1], False), ("tiny", [1e-30, 1e-40, 1, 1], False)):
        yield f"{label} variance of a channel", Case(norm, image, weights=[("w", w), ("b", zeros), ("scale", ones), ("shift", uniform(4)), ("mean", zeros), ("variance", variance)])
    norm[1] = node("BatchNormalization", "c scale shift mean variance", "n", "norm", epsilon=0.0)
    yield "zero variance without epsilon", Case(norm, image, weights=[("w", w), ("b", zeros), ("scale", ones), ("shift", zeros), ("mean", zeros), ("variance", zeros)], must_refuse=True)


def magnitudes():
    x = batches(1, 6)
    w, v = uniform(6, 5), uniform(5, 4)
    for label, matrices in {
        "1e-30": [w * 1e-30], "1e30": [w * 1e30], "denormals": [w * 1e-40], "1e30 then 1e-30": [w * 1e30, v * 1e-30],
        "1e-30 then 1e30": [w * 1e-30, v * 1e30], "1e-12": [w * 1e-12], "1e12": [w * 1e12], "1e20 then 1e20": [w * 1e20, v * 1e20],
        "1e-20 then 1e-20": [w * 1e-20, v * 1e-20], "one of 1e30": [np.where(np.arange(30).reshape(6, 5) == 7, 1e30, w)],
        "one of 1e-30": [np.where(np.arange(30).reshape(6, 5) == 7, 1e-30, w)],
        "columns from 1e-30 to 1e30": [w * 10.0 ** np.array([-30, -15, 0, 15, 30])],
        "columns apart, then back": [w * 10.0 ** np.array([-9, -4, 0, 4, 9]), v * 10.0 ** -np.array([-9.0, -4, 0, 4, 9])[:, None]],
        "rows from 1e-30 to 1": [w * 10.0 ** -np.array([[30.0], [20], [10], [5], [1], [0]])],
    }.items():
        for then in (None, "Relu") if len(matrices) == 2 else (None,):
            nodes, tensors = dense(matrices, then=then)
            works = label in ("1e-12", "1e12", "one of 1e-30", "columns apart, then back", "rows from 1e-30 to 1")
            yield f"weights of {label}{', ReLU between' if then else ''}", Case(nodes, x, weights=tensors, must_work=works and then != "Relu",
                                                                               must_refuse=label == "1e20 then 1e20")
    nodes, tensors = dense([w], bias=np.full(5, 1e30))
    yield "a bias of 1e30", Case(nodes, x, weights=tensors)
    nodes, tensors = dense([w], bias=np.full(5, 1e-30))
    yield "a bias of 1e-30", Case(nodes, x, weights=tensors, must_work=True)
    nodes, tensors = dense([w * 1e-30], bias=np.full(5, 0.5))
    yield "a bias that hides all else", Case(nodes, x, weights=tensors)
    yield "a branch of 1e-30 beside one of 1", Case([node("MatMul", "x w", "p", "tiny"), node("Add", "p x", "y", "sum")], x, weights=[("w", uniform(6, 6) * 1e-30)], must_work=True)
    yield "a branch of 1e30 beside one of 1", Case([node("MatMul", "x w", "p", "huge"), node("Add", "p x", "y", "sum")], x, weights=[("w", uniform(6, 6) * 1e30)])
    yield "huge and tiny side by side", Case([node("MatMul", "x w", "p", "huge"), node("MatMul", "x v", "q", "tiny"), node("Concat", "p q", "y", "concat", axis=1)], x,
                                             weights=[("w", w * 1e10), ("v", w * 1e-10)])
    yield "huge and tiny outputs apart", Case([node("MatMul", "x w", "y", "huge"), node("MatMul", "x v", "z", "tiny")], x, weights=[("w", w * 1e10), ("v", w * 1e-10)], outputs=("y", "z"))
    yield "an arg-max of 1e-20", Case([node("MatMul", "x w", "p", "tiny"), node("ArgMax", "p", "y", "argmax", axis=1)], x, weights=[("w", w * 1e-20)])
    yield "tiny inputs", Case(*[dense([w])[0], batches(1, 6, scale=1e-20)], weights=dense([w])[1])
    yield "huge inputs", Case(*[dense([w])[0], batches(1, 6, scale=1e20)], weights=dense([w])[1])
    for operator, value in (("Mul", 1e-30), ("Mul", 1e30), ("Div", 1e-30), ("Div", 1e30), ("Add", 1e30), ("Sub", 1e-30)):
        yield f"{operator} of {value:g}", Case(*one(operator, "k")[:1], x, weights=one(operator, "k")[1] + [("k", np.float32(value))])


def constants():
    x = batches(1, 6)
    yield "x times zero plus five", Case([node("Mul", "x zero", "p", "times"), node("Add", "p five", "y", "plus")], x, weights=[("zero", np.zeros((1, 6))), ("five", np.float32(5))], must_work=True)
    yield "x minus x", Case([node("Mul", "x w", "p", "times"), node("Sub", "p p", "y", "minus")], x, weights=[("w", uniform(1, 6))], must_work=True)
    yield "an output that is a weight", Case([node("Relu", "x", "z", "relu"), node("Abs", "w", "y", "abs")], x, weights=[("w", uniform(1, 6))], outputs=("z", "y"))
    yield "only a weight", Case([node("Abs", "w", "y", "abs")], x, weights=[("w", uniform(1, 6))])
    yield "the input itself", Case([node("Identity", "x", "y", "identity")], x, must_work=True)
    yield "an unused input", Case([node("Relu", "x", "y", "relu")], {**x, "unused": uniform(8, 3)}, must_work=True)
    yield "a constant of 1e-20", Case([node("Mul", "x zero", "p", "times"), node("Add", "p tiny", "y", "plus")], x, weights=[("zero", np.zeros((1, 6))), ("tiny", np.float32(1e-20))])
    yield "nearly constant", Case([node("Mul", "x w", "p", "times"), node("Add", "p k", "y", "plus")], x, weights=[("w", uniform(1, 6) * 1e-4), ("k", np.float32(1))])
    yield "softmax of one", Case(one("Softmax", axis=-1)[0][1:] , {"p": uniform(8, 4, 1)}, must_work=True)


def single_elements():
    x = {"x": uniform(8, 1, 1, 1, 1, low=0.5)}
    w = ("w", uniform(1, 1, 1, 1) + 2)
    for operator, extra, weights, attributes in (
        ("Conv", "w", [w], {}), ("MatMul", "w", [w], {}), ("Relu", "", [], {}), ("Softmax", "", [], {"axis": 1}), ("LogSoftmax", "", [], {"axis": 1}), ("ArgMax", "", [], {"axis": 1}),
        ("ReduceMean", "", [], {"axes": [1]}), ("ReduceMax", "", [], {"axes": [2, 3]}), ("MaxPool", "", [], {"kernel_shape": [1, 1]}),
        ("AveragePool", "", [], {"kernel_shape": [1, 1]}), ("GlobalAveragePool", "", [], {}), ("Sigmoid", "", [], {}), ("Exp", "", [], {}),
        ("Reciprocal", "", [], {}), ("Flatten", "", [], {}), ("InstanceNormalization", "s b", [("s", np.ones(1)), ("b", np.ones(1))], {}),
        ("LayerNormalization", "s", [("s", np.ones(1))], {}), ("Clip", "lo hi", [("lo", np.float32(0)), ("hi", np.float32(0.6))], {}),
        ("LpNormalization", "", [], {"axis": 1, "p": 1}),
    ):
        nodes = [node("Mul", "x k", "q", "times"), node(operator, f"q {extra}", "y", "f", **attributes)]
        yield f"one element: {operator}", Case(nodes, x, weights=[("k", np.full((1, 1, 1, 1), 1.5)), *weights], must_work=operator not in ("InstanceNormalization", "LayerNormalization"))


def edges():
    ends = np.tile(np.array([-1, 1, -0.5, 0.5, 0, 1], np.float32), (8, 1, 1))
    signs = {"x": ends * np.sign(uniform(8, 1, 6))}
    w = np.sign(uniform(6, 4))
    nodes, tensors = dense([w])
    for label, scale, given in (("-1,1", 1, "-1,1"), ("-128,127", 127, "-128,127"), ("-256,256", 256, "-256,256"), ("one point", 0, "0,0")):
        yield f"inputs at the ends of {label}", Case(nodes, {"x": signs["x"] * scale}, weights=tensors, options=["--input-range", given], must_work=True, parties=scale == 127)
    yield "no head-room, powers of two", Case(nodes, {"x": np.sign(signs["x"]) * 4}, weights=tensors, options=["--headroom", "0"])
    yield "all samples the same", Case(nodes, {"x": np.repeat(uniform(1, 1, 6), 8, axis=0)}, batches(1, 6), tensors, options=["--input-range", "-1,1"])
    yield "one sample", Case(nodes, batches(1, 6, count=1), batches(1, 6), tensors, options=["--input-range", "-1,1"])
    yield "samples of zeros", Case(nodes, batches(1, 6, scale=0), batches(1, 6), tensors)
    yield "samples of zeros, range declared", Case(nodes, batches(1, 6, scale=0), batches(1, 6), tensors, options=["--input-range", "-1,1"])
    yield "64 bits", Case(nodes, signs, weights=tensors, modes={"64": ["--bitwidth", "64", "--scale", "24"]}, must_work=True)
    yield "40 fraction bits in 64", Case(nodes, signs, weights=tensors, modes={"40 of 64": ["--bitwidth", "64", "--scale", "40"]})
    yield "two fraction bits", Case(nodes, signs, weights=tensors, modes={"2 of 16": ["--bitwidth", "16", "--scale", "2"]}, must_work=True)


def functions():
    x = batches(1, 6)
    far = batches(1, 6, scale=1e4)
    for operator, extra, weights, attributes in (
        ("Clip", "lo hi", [("lo", np.float32(-3.4e38)), ("hi", np.float32(3.4e38))], {}), ("Clip", "lo hi", [("lo", np.float32(0.25)), ("hi", np.float32(0.25))], {}),
        ("LeakyRelu", "", [], {"alpha": 1e-30}), ("LeakyRelu", "", [], {"alpha": 1e30}), ("PRelu", "s", [("s", np.full(6, 1e30))], {}), ("PRelu", "s", [("s", np.full(6, 1e-30))], {}),
        ("HardSigmoid", "", [], {"alpha": 1e-30, "beta": 0.5}), ("Elu", "", [], {"alpha": 1e-30}), ("Pow", "e", [("e", np.float32(2))], {}), ("ThresholdedRelu", "", [], {"alpha": 1e-30}),
    ):
        nodes, tensors = one(operator, extra, weights, **attributes)
        yield f"{operator} {attributes or [float(np.ravel(value)[0]) for _, value in weights]}", Case(nodes, x, weights=tensors)
    for operator in ("Sigmoid", "Tanh", "Softmax", "LogSoftmax", "Softplus", "Erf", "Exp", "Gelu", "Sqrt", "Log", "Reciprocal", "Sin"):
        nodes, tensors = one(operator)
        yield f"{operator} of 1e4", Case(nodes, far, weights=tensors, opset=20)
        nodes, tensors = one(operator)
        yield f"{operator} of 1e-6", Case(nodes, batches(1, 6, scale=1e-6), weights=tensors, opset=20)
    nodes, tensors = one("Pad", "pads value", [("pads", np.array([0, 1, 0, 1])), ("value", np.float32(-1e30))])
    yield "padding with -1e30", Case(nodes, x, weights=tensors)
    nodes = [node("Mul", "x k", "p", "times"), node("Pad", "p pads low", "q", "pad"), node("MaxPool", "q", "y", "pool", kernel_shape=[2, 2])]
    yield "max-pooling padded with the lowest float", Case(nodes, {"x": uniform(8, 1, 2, 4, 4)}, weights=[("k", np.ones((1, 2, 1, 1))), ("pads", np.array([0, 0, 1, 1, 0, 0, 1, 1])), ("low", np.float32(-3.4e38))])
    nodes, tensors = one("LayerNormalization", "s", [("s", np.ones(6))])
    yield "normalisation of equal elements", Case(nodes, {"x": np.repeat(uniform(8, 1, 1), 6, axis=2)}, weights=tensors)
    yield "normalisation of 1e-10", Case(nodes, batches(1, 6, scale=1e-10), weights=tensors)
    nodes = [node("Mul", "x ones", "p", "times"), node("Sub", "p p", "z", "minus"), node("Div", "p z", "y", "div")]
    yield "a division by zero", Case(nodes, x, weights=[("ones", np.ones((1, 6)))], must_refuse=True)


GROUPS = (missed_ranges, dead_channels, magnitudes, constants, single_elements, edges, functions)


def floats(case, path):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    used = {value.name for value in session.get_inputs()}
    def results(inputs):
        count = len(next(iter(inputs.values())))
        runs = [session.run(list(case.outputs), {key: value[i] for key, value in inputs.items() if key in used}) for i in range(count)]
        return {name: np.stack([one[k] for one in runs]) for k, name in enumerate(case.outputs)}
    # Without samples or declared range, precision is that of inputs of the guessed one.
    guessed = {key: value * (GUESSED / max(np.abs(value).max(), 1e-30)) for key, value in case.calibration.items()}
    return results(case.real), results(case.calibration), results(case.calibration if case.options else guessed)


def named(case, text):
    return any(name and f"'{name}'" in text or f"{name}:" in text or f"{name}\"" in text for name in case.names())


def verdict(case, folder, path, options, wanted):
    """("right", "refused by ...", "warned", or what is wrong), and why."""
    outputs = [folder / f"got{k}.npy" for k in range(len(case.outputs))]
    for file in outputs:
        file.unlink(missing_ok=True)
    command = [tool("dyad"), "verify", path, "--json", *options, *case.options]
    for name in case.real:
        command += ["--input", f"{name}={folder / f'real-{name}.npy'}"]
    for name, file in zip(case.outputs, outputs):
        command += ["--output", f"{name}={file}"]
    done = run(command, 120)
    said = done.stderr
    if done.returncode not in (0, 1) or any(crash in said for crash in CRASHES):
        return f"crash ({done.returncode})", said[-800:]
    if not done.stdout.startswith("{") or "error: " in said:
        if "error" not in said or not named(case, said):
            return "refused without a name", said[-800:]
        return "refused by the compiler", said[-800:]
    nodes = json.loads(done.stdout)["nodes"]
    violated = [entry for entry in nodes if "violation" in entry]
    if violated:
        good = all(entry["name"] for entry in violated)
        return "refused by the program" if good else "refused without a name", violated[0]
    for name, file in zip(case.outputs, outputs):
        expected, seen = wanted[0][name], wanted[1][name]
        got = np.load(file)
        if not np.isfinite(expected).all():
            return "WRONG", f"{name}: the model gives {expected.ravel()[:4]}, the program {got.ravel()[:4]}"
        if expected.dtype.kind == "i":
            if (expected != got).mean() > 0.25:
                return "warned" if f"indices of output '{name}' are wrong on drawn inputs" in said else "WRONG", f"{name}: {expected.ravel()[:8]} {got.ravel()[:8]}"
            continue
        size = max(np.abs(expected).max(initial=0), np.abs(seen[np.isfinite(seen)]).max(initial=0))
        error = np.abs(got.astype(np.float64) - expected).max(initial=0)
        if not error <= TOLERANCE * size:
            return "WRONG", f"{name}: error {error:.3g} of {size:.3g}: {expected.ravel()[:4]} {got.ravel()[:4]}\n{said[-800:]}"
    return "right", ""


def compile_and_run(label, case, folder, path, options):
    """`reference` and both parties agree bit for bit."""
    out = folder / "out"
    must([tool("dyadc"), path, "-o", out, *options, *case.options])
    given = [f"{name}={folder / f'real-{name}.npy'}" for name in case.real]
    reference = [out / "reference/reference", "--raw", "--output", folder / "reference.npy"]
    for item in given:
        reference += ["--input", item]
    must(reference)
    run_parties(out, given, folder / "parties.npy")
    checks.expect(np.array_equal(np.load(folder / "reference.npy"), np.load(folder / "parties.npy")), f"{label}: 2PC equals reference")


def check(label, case, folder, verbose):
    path = folder / "model.onnx"
    case.save(path)
    calibrate = []
    for name in case.real:
        np.save(folder / f"real-{name}.npy", case.real[name])
        np.save(folder / f"calibration-{name}.npy", case.calibration[name])
        calibrate += ["--calibrate", f"{name}={folder / f'calibration-{name}.npy'}"]
    wanted = floats(case, path)
    for mode, options in case.modes.items():
        for samples in (calibrate, []):
            what, why = verdict(case, folder, path, options + samples, (wanted[0], wanted[1 if samples else 2]))
            title = f"{label} [{mode}{', samples' if samples else ''}]"
            if verbose:
                print(f"{title}: {what} {why if what != 'right' else ''}", flush=True)
            good = what == "right" or what.startswith("refused by") or what == "warned" and not samples
            if case.must_refuse and samples:
                good = good and what != "right"
            if case.must_work and samples and mode != "uniform":
                good = good and what == "right"
            checks.expect(good, title, f"{what}: {why}")
    if case.parties:
        compile_and_run(label, case, folder, path, calibrate)


def bad_samples(folder):
    nodes, tensors = dense([uniform(6, 4)])
    case = Case(nodes, batches(1, 6), weights=tensors)
    path = folder / "model.onnx"
    case.save(path)
    good = case.calibration["x"]
    for label, values in {"no samples": good[:0], "NaN": np.where(good == good.max(), np.nan, good), "infinity": np.where(good == good.max(), np.inf, good),
                          "beyond float32": good.astype(np.float64) * 1e300}.items():
        np.save(folder / "bad.npy", values)
        for options in MODES.values():
            done = run([tool("dyadc"), path, "-o", folder / "never", "--calibrate", folder / "bad.npy", *options])
            checks.expect(done.returncode == 1 and "bad.npy" in done.stderr and not any(crash in done.stderr for crash in CRASHES),
                          f"calibration with {label} is refused", done.stderr)
    (folder / "bad.npy").write_bytes(b"")
    done = run([tool("dyadc"), path, "-o", folder / "never", "--calibrate", folder / "bad.npy"])
    checks.expect(done.returncode == 1 and "bad.npy" in done.stderr, "an empty calibration file is refused", done.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--verbose", action="store_true", help="say what happened in every case")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        for group in GROUPS:
            for label, case in group():
                if arguments.only in label:
                    check(label, case, folder, arguments.verbose)
        if not arguments.only:
            bad_samples(folder)
    checks.finish()


if __name__ == "__main__":
    main()
