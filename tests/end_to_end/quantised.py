# SPDX-License-Identifier: Apache-2.0
"""Models that ONNX Runtime quantised to 8 bits run at their own widths: both parties' result is that of reference bit for bit, close to ONNX Runtime's own,
and takes fewer bytes than the float model at 32 bits, in each of the forms that its quantiser writes."""
import json
import pathlib
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantFormat, QuantType, quantize_dynamic

from dyad_tools import ROOT, Checks, must, run_parties, tool

sys.path.insert(0, str(ROOT / "examples"))
from quantise import quantise  # noqa: E402

checks = Checks()
rng = np.random.default_rng(11)


def residual_network(path):
    """Two convolutions with a sum around the second one, pooling, a matrix product."""
    def weight(name, *shape):
        fan = np.prod(shape[1:]) if len(shape) > 1 else 30
        return numpy_helper.from_array((rng.standard_normal(shape) * np.sqrt(2 / fan)).astype(np.float32), name)

    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["c1"], "conv1", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"], "relu1"),
        helper.make_node("Conv", ["r1", "w2", "b2"], ["c2"], "conv2", pads=[1, 1, 1, 1]),
        helper.make_node("Add", ["c2", "r1"], ["s"], "sum"),
        helper.make_node("Relu", ["s"], ["r2"], "relu2"),
        helper.make_node("MaxPool", ["r2"], ["p"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("GlobalAveragePool", ["p"], ["g"], "mean"),
        helper.make_node("Flatten", ["g"], ["f"], "flatten"),
        helper.make_node("Gemm", ["f", "w3", "b3"], ["y"], "gemm", transB=1),
    ]
    graph = helper.make_graph(
        nodes, "residual", [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 3, 32, 32])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 10])],
        [weight("w1", 16, 3, 3, 3), weight("b1", 16), weight("w2", 16, 16, 3, 3), weight("b2", 16), weight("w3", 10, 16), weight("b3", 10)])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))


def images(count):
    """Smooth fields with some noise, which have ranges as pictures do."""
    coarse = rng.standard_normal((count, 3, 8, 8)).repeat(4, axis=2).repeat(4, axis=3)
    return (coarse + 0.2 * rng.standard_normal((count, 3, 32, 32))).astype(np.float32)[:, None]


def by_onnx_runtime(model, samples):
    session = ort.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"x": sample})[0] for sample in samples])


def online_bytes(folder):
    nodes = json.loads(must([tool("dyad-dump"), folder, "--costs", "--json"]).stdout)["nodes"]
    return sum(node["bytes_to_server"] + node["bytes_to_client"] for node in nodes)


def main():
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        residual_network(folder / "float.onnx")
        samples = images(64)
        calibration = samples[:32]
        np.save(folder / "calibration.npy", calibration)
        np.save(folder / "all.npy", samples)
        np.save(folder / "x.npy", samples[-2:])
        floats = by_onnx_runtime(folder / "float.onnx", samples)

        def compile_model(name, *flags, model=None):
            out = folder / name
            must([tool("dyadc"), model or folder / f"{name}.onnx", "-o", out, "--calibrate", folder / "calibration.npy", *flags])
            return out

        uniform = online_bytes(compile_model("uniform", "--scale", "12", "--bitwidth", "32", model=folder / "float.onnx"))
        forms = {
            "signed": {},
            "operators": dict(quant_format=QuantFormat.QOperator, activation_type=QuantType.QUInt8),
            "tensors": dict(per_channel=False),
            "symmetric": dict(extra_options={"ActivationSymmetric": True}),
        }
        for name, options in forms.items():
            quantise(folder / "float.onnx", calibration, folder / f"{name}.onnx", **options)
            out = compile_model(name)
            must([out / "reference/reference", "--input", folder / "all.npy", "--output", out / "all.npy"])
            got = np.load(out / "all.npy").reshape(floats.shape)
            theirs = by_onnx_runtime(folder / f"{name}.onnx", samples)
            error, own = (np.sqrt(np.mean((values - floats) ** 2)) for values in (got, theirs))
            checks.expect(error < 1.5 * own + 0.015 * floats.std(), f"{name}: hardly further from the float model than ONNX Runtime's int8",
                          f"{error} against {own}")
            apart = np.abs(got - theirs).max() / np.ptp(floats)
            checks.expect(apart < 0.05, f"{name}: near to ONNX Runtime's int8", f"{apart} of the range")
            spent = online_bytes(out)
            checks.expect(spent < 0.75 * uniform, f"{name}: narrow widths", f"{spent} of {uniform} bytes")

        out = folder / "signed"
        must([out / "reference/reference", "--input", folder / "x.npy", "--output", out / "expected.npy", "--raw"])
        client, _ = run_parties(out, [f"x={folder / 'x.npy'}"], out / "got.npy")
        checks.expect(np.array_equal(np.load(out / "got.npy"), np.load(out / "expected.npy")), "equal to reference bit for bit")
        measured = sum(node["bytes_sent"] + node["bytes_received"] for node in client["nodes"])
        checks.expect(measured == online_bytes(out), "predicted bytes are the measured ones", f"{measured}")

        # Bounds of the integer type stay where only proved facts count, and the integers are ONNX Runtime's then but for ties.
        out = compile_model("strict", "--strict-ranges", model=folder / "signed.onnx")
        must([out / "reference/reference", "--input", folder / "all.npy", "--output", out / "all.npy"])
        apart = np.abs(np.load(out / "all.npy").reshape(floats.shape) - by_onnx_runtime(folder / "signed.onnx", samples)).max()
        checks.expect(apart / np.ptp(floats) < 0.05, "strict: near to ONNX Runtime's int8", str(apart))
        checks.expect("fx.clip" in must([tool("dyadc"), folder / "signed.onnx", "--calibrate", folder / "calibration.npy", "--strict-ranges",
                                         "--emit", "fx"]).stdout, "strict: bounds stay")

        quantize_dynamic(str(folder / "float.onnx"), str(folder / "dynamic.onnx"), weight_type=QuantType.QUInt8)
        out = compile_model("dynamic")
        must([out / "reference/reference", "--input", folder / "all.npy", "--output", out / "all.npy"])
        apart = np.abs(np.load(out / "all.npy").reshape(floats.shape) - floats).max() / np.ptp(floats)
        checks.expect(apart < 0.05, "scales computed at run time: near to the float model", str(apart))
    checks.finish()


if __name__ == "__main__":
    main()
