# SPDX-License-Identifier: Apache-2.0
# Attributes of random tree ensembles and support vector machines, as scikit-learn exports write them.
import numpy as np


def forest(random, trees, features, depth, modes=("BRANCH_LEQ",), targets=1, prefix="target", ids=None, low=-1, scale=1.0, thin=False):
    """Trees of up to `depth` decisions with thresholds that are multiples of a half. Each leaf has a weight of at least `low` for each
    target, or for one of `ids` (tree after tree). `thin` trees have a leaf on each level."""
    lists = {name: [] for name in ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids")}
    weights = {name: [] for name in ("treeids", "nodeids", "ids", "weights")}

    def add(tree, numbers, level):
        number = next(numbers)
        is_leaf = level == depth or (level > 0 and not thin and random.random() < 0.2)
        at = len(lists["treeids"])
        values = (tree, number, 0, "LEAF", 0.0, 0, 0)
        if not is_leaf:
            values = (tree, number, int(random.integers(features)), str(random.choice(modes)), float(random.integers(-2, 3)) / 2, 0, 0)
        for name, value in zip(lists, values):
            lists[name].append(value)
        if is_leaf:
            for target in range(targets) if ids is None else [ids[tree % len(ids)]]:
                for name, value in zip(weights, (tree, number, target, float(random.uniform(low, 1)) * scale)):
                    weights[name].append(value)
            return number
        lists["truenodeids"][at] = add(tree, numbers, level + 1)
        lists["falsenodeids"][at] = add(tree, numbers, depth if thin else level + 1)
        return number

    for tree in range(trees):
        add(tree, iter(range(10**6)), 0)
    result = {**{f"nodes_{name}": values for name, values in lists.items()}, **{f"{prefix}_{name}": values for name, values in weights.items()}}
    return {**result, "n_targets": targets} if prefix == "target" else result


def support_vectors(random, classes, vectors, features, kernel, parameters, probabilities=False):
    """A classifier with `vectors` support vectors in each class, or (one class) a regressor."""
    count, pairs = vectors * classes, max(classes * (classes - 1) // 2, 1)
    uniform = lambda size: random.uniform(-1, 1, size).astype(np.float32).tolist()
    result = dict(kernel_type=kernel, kernel_params=[float(value) for value in parameters], support_vectors=uniform(count * features),
                  coefficients=uniform(count * max(classes - 1, 1)), rho=uniform(pairs))
    if classes == 1:
        return {**result, "n_supports": count}
    if probabilities:
        result.update(prob_a=random.uniform(-3, -1, pairs).astype(np.float32).tolist(), prob_b=uniform(pairs))
    return {**result, "vectors_per_class": [vectors] * classes, "classlabels_ints": [10 * i + 3 for i in range(classes)]}
