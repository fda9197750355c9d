# SPDX-License-Identifier: Apache-2.0
"""Classical models in 2PC: forests and support vector machines of random attributes. What the client receives equals `reference` bit for
bit, bytes are as predicted, and labels are those of ONNX Runtime."""
import pathlib
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "frontends" / "onnx"))
from classical_models import forest, support_vectors
from dyad_tools import must, tool
from functions import checks, compare, float_results

random = np.random.default_rng(11)
FEATURES = 6


def save(path, kind, outputs, **attributes):
    node = helper.make_node(kind, ["x"], [name for name, _, _ in outputs], name="model", domain="ai.onnx.ml", **attributes)
    graph = helper.make_graph([node], "test", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, FEATURES])],
                              [helper.make_tensor_value_info(name, type, shape) for name, type, shape in outputs])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), str(path))


def run(title, kind, outputs, bound, options=(), kept=None, **attributes):
    """Compiles, runs, compares (`kept` outputs only): labels are ONNX Runtime's, floats at most `bound` of their largest away."""
    with tempfile.TemporaryDirectory() as temporary:
        temporary = pathlib.Path(temporary)
        save(temporary / "model.onnx", kind, outputs, **attributes)
        outputs = outputs[:kept]
        names = [name for name, _, _ in outputs]
        # Multiples of 1/64, which every scale holds: decisions are those of floats, also at a threshold.
        x = random.integers(-128, 129, (48, 1, FEATURES)).astype(np.float32) / 64
        np.save(temporary / "x.npy", x)
        must([tool("dyadc"), temporary / "model.onnx", "-o", temporary / "out", "--calibrate", temporary / "x.npy", "--outputs", ",".join(names), *options])
        some = {"x": x[:5]}
        fixed = compare(title, temporary / "out", some, names)
        for (name, type, _), got, wanted in zip(outputs, fixed, float_results(temporary / "model.onnx", some, names)):
            if type == TensorProto.INT64:
                checks.expect(np.array_equal(got, wanted), f"{title}: labels of ONNX Runtime", f"{got} {wanted}")
            else:
                error = np.abs(got - wanted).max() / np.abs(wanted).max()
                checks.expect(error <= bound, f"{title}: '{name}' within {bound} of its largest", f"{error}")


def main():
    label = ("label", TensorProto.INT64, [1])
    scores = lambda count: ("p", TensorProto.FLOAT, [1, count])
    boosted = forest(random, 12, FEATURES, 3)
    run("boosted trees", "TreeEnsembleRegressor", [("y", TensorProto.FLOAT, [1, 1])], 0.02, base_values=[0.5], **boosted)
    run("mixed modes", "TreeEnsembleRegressor", [("y", TensorProto.FLOAT, [1, 1])], 0.02, aggregate_function="AVERAGE",
        **forest(random, 5, FEATURES, 4, modes=["BRANCH_LEQ", "BRANCH_LT", "BRANCH_EQ"]))
    deep = forest(random, 6, FEATURES, 9, targets=3, prefix="class", low=0, scale=1 / 6, thin=True)
    run("deep forest", "TreeEnsembleClassifier", [label, scores(3)], 0.02, classlabels_int64s=[12, -5, 7], **deep)
    run("deep forest by HE", "TreeEnsembleClassifier", [label, scores(3)], 0.02, ["--linear", "he"], 1, classlabels_int64s=[12, -5, 7], **deep)
    run("support vectors", "SVMClassifier", [label, scores(3)], 0.02, **support_vectors(random, 3, 5, FEATURES, "RBF", [0.2, 0, 0]))
    run("probabilities", "SVMClassifier", [label, scores(2)], 0.02,
        **support_vectors(random, 2, 5, FEATURES, "POLY", [0.2, 0.5, 2], probabilities=True))
    checks.finish()


if __name__ == "__main__":
    main()
