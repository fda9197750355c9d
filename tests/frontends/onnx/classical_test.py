# SPDX-License-Identifier: Apache-2.0
# Classical models of ai.onnx.ml against ONNX Runtime: once with secret inputs, once with all inputs
# constant; then what is refused, and results that name classes. Usage: classical_test.py NN_EVAL
# [OPERATOR...]
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from classical_models import forest, support_vectors
from harness import Cases, Importer, expected, ints, model_of, random, w, x

CASES = Cases()


def case(type, arguments, outputs=1, **attributes):
    CASES.add(f"ai.onnx.ml/{type}", 17, arguments, outputs, **attributes)


case("Scaler", [x(2, 3)], offset=[0.5, 1.0, -1.0], scale=[2.0, 0.5, 1.0])
case("Scaler", [x(2, 3)], offset=[0.5], scale=[2.0])
for norm in ["MAX", "L1", "L2"]:
    case("Normalizer", [x(2, 3, low=0.5)], norm=norm)
for post in ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"]:
    case("LinearClassifier", [x(4, 3)], outputs=2, coefficients=w(12).tolist(), intercepts=w(4).tolist(),
         classlabels_ints=[3, -1, 20, 7], post_transform=post)
    case("LinearRegressor", [x(4, 3)], coefficients=w(6).tolist(), intercepts=w(2).tolist(), targets=2, post_transform=post)
for post in ["NONE", "LOGISTIC"]:
    case("LinearClassifier", [x(4, 3)], outputs=2, coefficients=w(3).tolist(), intercepts=w(1).tolist(),
         classlabels_ints=[5, 2], post_transform=post)
case("ArrayFeatureExtractor", [x(2, 5), ints(3, 0)])

grid = lambda *shape: random.integers(-2, 3, shape).astype(np.float32)
secret = type(x(1))
case("Binarizer", [x(3, 4)], threshold=0.25)
case("Binarizer", [secret(grid(3, 4))])
case("Imputer", [secret(grid(3, 4))], imputed_value_floats=[0.5, 1.5, 2.5, 3.5], replaced_value_float=-1.0)
case("Imputer", [secret(grid(3, 4))], imputed_value_floats=[0.5], replaced_value_float=2.0)
case("Imputer", [x(3, 4)], imputed_value_floats=[0.5], replaced_value_float=float("nan"))
case("FeatureVectorizer", [x(3, 4), x(3, 2)], inputdimensions=[4, 2])
case("FeatureVectorizer", [x(3, 4), x(3, 2)], inputdimensions=[3, 2])
case("OneHotEncoder", [secret(grid(5))], cats_int64s=[-1, 0, 2], zeros=1)
case("LabelEncoder", [secret(grid(3, 4))], keys_floats=[-1.0, 2.0], values_floats=[10.5, -3.0], default_float=0.75, domain_opset=2)

# Modes with inputs that meet the thresholds exactly.
for mode in ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]:
    case("TreeEnsembleRegressor", [secret(grid(40, 3))], **forest(random, 4, 3, 3, modes=[mode]))
case("TreeEnsembleRegressor", [secret(grid(40, 3))],
     **forest(random, 5, 3, 4, modes=["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]))
for depth in [1, 2, 9]:  # complete trees, and deep thin ones with private paths
    case("TreeEnsembleRegressor", [x(20, 5)], **forest(random, 6, 5, depth, thin=depth == 9))
for aggregate in ["SUM", "AVERAGE", "MIN", "MAX"]:
    case("TreeEnsembleRegressor", [x(20, 5)], **forest(random, 3, 5, 3, targets=2), aggregate_function=aggregate,
         base_values=[0.5, -0.25])
for post in ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"]:
    labels = dict(classlabels_int64s=[4, 9, -2], post_transform=post)
    case("TreeEnsembleClassifier", [x(20, 5)], outputs=2, **forest(random, 4, 5, 3, targets=3, prefix="class"), **labels)
    case("TreeEnsembleClassifier", [x(20, 5)], outputs=2, base_values=[0.1, 0.4, -0.3],
         **forest(random, 4, 5, 3, targets=3, prefix="class", ids=[0, 1, 2]), **labels)
    for ids in [[0], [1]]:
        for low in [0, -1]:  # weights that are all positive are probabilities
            labels = dict(classlabels_int64s=[0, 1], post_transform=post)
            binary = forest(random, 4, 5, 3, prefix="class", ids=ids, low=low, scale=0.25)
            case("TreeEnsembleClassifier", [x(20, 5)], outputs=2, **binary, **labels)
            if ids == [0]:
                case("TreeEnsembleClassifier", [x(20, 5)], outputs=2, base_values=[0.125], **binary, **labels)
    case("TreeEnsembleClassifier", [x(20, 5)], outputs=2, **forest(random, 4, 5, 3, targets=2, prefix="class"),
         classlabels_int64s=[0, 1], post_transform=post)
tensors = forest(random, 2, 3, 2)
for name in ["nodes_values", "target_weights"]:
    tensors[f"{name}_as_tensor"] = numpy_helper.from_array(np.array(tensors.pop(name), np.float64))
CASES.add("ai.onnx.ml/TreeEnsembleRegressor", 17, [secret(grid(6, 3).astype(np.float64))], domain_opset=3, **tensors)
tensor = lambda values, type: numpy_helper.from_array(np.array(values, type))
for aggregate in [0, 1, 2, 3]:
    case("TreeEnsemble", [x(20, 3)], domain_opset=5, tree_roots=[0, 2], nodes_featureids=[0, 1, 2], nodes_splits=tensor([0.5, -0.5, 0.1], np.float32),
         nodes_modes=tensor([0, 1, 3], np.uint8), nodes_truenodeids=[1, 0, 3], nodes_trueleafs=[0, 1, 1],
         nodes_falsenodeids=[2, 1, 4], nodes_falseleafs=[1, 1, 1], leaf_targetids=[0, 0, 0, 0, 0],
         leaf_weights=tensor([1.5, -2, 3, 0.25, -1], np.float32), n_targets=1, aggregate_function=aggregate)

for kernel, parameters in [("LINEAR", [0, 0, 0]), ("POLY", [0.5, 0.25, 3]), ("POLY", [0.5, 0.25, 2]), ("RBF", [0.4, 0, 0]),
                           ("SIGMOID", [0.3, 0.1, 0])]:
    machine = lambda classes, **options: support_vectors(random, classes, 3, 4, kernel, parameters, **options)
    case("SVMRegressor", [x(6, 4)], **machine(1))
    case("SVMRegressor", [x(6, 4)], **machine(1), one_class=1)
    for classes in [2, 4]:
        case("SVMClassifier", [x(6, 4)], outputs=2, **machine(classes))
    # ONNX Runtime stops where the gradient is this small; see also couplings() below.
    case("SVMClassifier", [x(6, 4)], outputs=2, tolerance=0.005 / 2, **machine(2, probabilities=True))
for post in ["LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"]:
    for classes in [2, 3]:
        case("SVMClassifier", [x(6, 4)], outputs=2, **support_vectors(random, classes, 3, 4, "RBF", [0.4, 0, 0]), post_transform=post)
case("SVMRegressor", [x(6, 4)], coefficients=w(4).tolist(), rho=[0.5], kernel_type="LINEAR", kernel_params=[0.0, 0.0, 0.0])
case("SVMClassifier", [x(6, 4)], outputs=2, coefficients=w(12).tolist(), rho=[0.5] * 3, kernel_type="LINEAR", kernel_params=[0.0] * 3,
     classlabels_ints=[3, 4, 5])


class Checks:
    def __init__(self, importer):
        self.importer, self.failures = importer, []

    def expect(self, condition, title):
        if not condition:
            self.failures.append(title)

    def refused(self, type, attributes, text, domain_opset=1):
        """A node with secret features is refused, at its name, for a reason that says `text`."""
        features = np.zeros((2, 3), np.float32)
        outputs = ["y", "z"] if type.endswith("Classifier") else ["y"]
        node = helper.make_node(type, ["x"], outputs, name="the node", domain="ai.onnx.ml", **attributes)
        model = model_of([node], {"x": features}, outputs, imports=[helper.make_opsetid("ai.onnx.ml", domain_opset)])
        errors = self.importer.ask(model)["errors"]
        self.expect(any(text in error["message"] and error["node"] == "the node" for error in errors), f"{type}: {errors} says '{text}'")


def refusals(checks):
    small = forest(random, 2, 3, 2)
    count = len(small["nodes_modes"])
    checks.refused("TreeEnsembleRegressor", {**small, "nodes_modes": ["BRANCH_MEMBER"] * count}, "mode")
    checks.refused("TreeEnsembleRegressor", {**small, "nodes_featureids": [3] * count}, "feature 3 of 3")
    checks.refused("TreeEnsembleRegressor", {**small, "post_transform": "PROBIT"}, "PROBIT")
    checks.refused("TreeEnsembleRegressor", {**small, "nodes_values": [1.0]}, "1 values")
    loop = dict(nodes_treeids=[0] * 3, nodes_nodeids=[0, 1, 2], nodes_featureids=[0] * 3, nodes_modes=["BRANCH_LEQ", "BRANCH_LEQ", "LEAF"],
                nodes_values=[0.0] * 3, nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 2, 0], target_treeids=[0], target_nodeids=[2],
                target_ids=[0], target_weights=[1.0])
    checks.refused("TreeEnsembleRegressor", loop, "do not form one")
    machine = support_vectors(random, 3, 3, 3, "RBF", [0.4, 0, 0])
    checks.refused("SVMClassifier", {**machine, "kernel_type": "CHI"}, "CHI")
    checks.refused("SVMClassifier", {**machine, "rho": [0.5]}, "1 values of rho for 3 pairs")
    linear = dict(coefficients=w(6).tolist(), rho=[0.5], kernel_type="LINEAR", kernel_params=[0.0] * 3, classlabels_ints=[3, 4])
    checks.refused("SVMClassifier", linear, "LinearClassifier")
    checks.refused("OneHotEncoder", dict(cats_strings=["a", "b"]), "strings")


def couplings(checks):
    """Probabilities of several classes against the p of sum 1 that minimises p Q p, which libsvm iterates towards."""
    features = random.uniform(-2, 2, (40, 4)).astype(np.float32)
    for count in [3, 6]:
        machine = support_vectors(random, count, 3, 4, "RBF", [0.4, 0, 0], probabilities=True)
        results = []
        for names in [(), ("prob_a", "prob_b")]:
            attributes = {name: value for name, value in machine.items() if name in names or not name.startswith("prob")}
            node = helper.make_node("SVMClassifier", ["x"], ["label", "p"], name="m", domain="ai.onnx.ml", **attributes)
            model = model_of([node], {"x": features}, [("label", TensorProto.INT64), "p"], imports=[helper.make_opsetid("ai.onnx.ml", 1)])
            results.append(np.reshape(checks.importer.ask(model, {"x": features})["outputs"]["p"]["values"], (len(features), -1)))
            runtime = expected(model, {"x": features})["p"]
        worst = 0
        for scores, got in zip(*results):
            pairs = 1 / (1 + np.exp(scores * machine["prob_a"] + machine["prob_b"]))
            r = np.zeros((count, count))
            r[np.triu_indices(count, 1)] = pairs
            r += np.tril(1 - r.T, -1)
            system = np.block([[np.diag((r**2).sum(0)) - r * r.T, np.ones((count, 1))], [np.ones((1, count)), np.zeros((1, 1))]])
            exact = np.linalg.solve(system, np.append(np.zeros(count), 1))[:count]
            worst = max(worst, np.abs(got - exact).max())
        checks.expect(worst < 0.003, f"probabilities of {count} classes are {worst:.4f} from the best ones (ONNX Runtime's of the last: "
                      f"{np.abs(runtime[-1] - exact).max():.4f})")


def classes(checks):
    """Labels of every kind, and what follows them in exports."""
    features = random.uniform(-1, 1, (4, 3)).astype(np.float32)
    linear = dict(coefficients=w(9).tolist(), intercepts=w(3).tolist(), post_transform="SOFTMAX")
    node = lambda **labels: helper.make_node("LinearClassifier", ["x"], ["label", "p"], name="c", domain="ai.onnx.ml", **linear, **labels)
    ml = [helper.make_opsetid("ai.onnx.ml", 2)]
    numbers = node(classlabels_ints=[7, -3, 40])
    zip_map = helper.make_node("ZipMap", ["p"], ["map"], name="z", domain="ai.onnx.ml", classlabels_int64s=[7, -3, 40])
    model = model_of([numbers, zip_map], {"x": features}, [("label", TensorProto.INT64), "map"], imports=ml)
    answer = checks.importer.ask(model, {"x": features})
    wanted = expected(model_of([numbers], {"x": features}, [("label", TensorProto.INT64), "p"], imports=ml), {"x": features})
    checks.expect(answer["outputs"]["label"]["values"] == wanted["label"].tolist(), f"labels {answer['outputs']['label']}")
    checks.expect(np.allclose(answer["outputs"]["map"]["values"], wanted["p"].ravel(), atol=1e-5), "probabilities behind a ZipMap")
    checks.expect(any("ZipMap" in warning["message"] for warning in answer["warnings"]), f"a warning of ZipMap: {answer['warnings']}")

    encoder = helper.make_node("LabelEncoder", ["label"], ["y"], name="e", domain="ai.onnx.ml", keys_int64s=[40, 7], values_int64s=[1, 2],
                               default_int64=9)
    model = model_of([numbers, encoder], {"x": features}, [("y", TensorProto.INT64)], imports=ml)
    answer = checks.importer.ask(model, {"x": features})
    checks.expect(answer["outputs"]["y"]["values"] == expected(model, {"x": features})["y"].tolist(), f"encoded labels {answer['outputs']}")

    model = model_of([node(classlabels_strings=["ant", "bee", "cat"])], {"x": features}, [("label", TensorProto.STRING)], imports=ml)
    answer = checks.importer.ask(model, {"x": features}, print=True)
    names = [["ant", "bee", "cat"][i] for i in answer["outputs"]["label"]["values"]]
    checks.expect(names == expected(model, {"x": features})["label"].tolist(), f"names {names}")
    checks.expect('names = ["ant", "bee", "cat"]' in answer["text"], "names in the module")


if __name__ == "__main__":
    status = CASES.run()
    if not sys.argv[2:]:
        checks = Checks(Importer(sys.argv[1]))
        refusals(checks)
        couplings(checks)
        classes(checks)
        print("\n".join(checks.failures))
        status |= bool(checks.failures)
    sys.exit(status)
