# SPDX-License-Identifier: Apache-2.0
"""Merged heads: the ONNX model that is written computes what the formula says, and two parties what `reference` does.

The formula is evaluated by numpy from the weights: scores of a group summed, 1 / sqrt(group) more scale, one softmax, all values kept. What
cannot be merged, or only by private weights, is refused with the node's name.
"""
import json
import pathlib
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from dyad_tools import Checks, model_folder, must, run, tool

checks = Checks()
ROWS, HEADS, SIZE = 6, 4, 4
WIDTH = HEADS * SIZE


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def attention(folder, name, *, rotary=False, mask_by_head=False, rank=4, named=True, dynamic=False):
    """Heads 0 and 2 are alike, and 1 and 3, so that groups of neighbours would be wrong."""
    rng = np.random.default_rng(5)
    weights = {part: (rng.standard_normal((WIDTH, WIDTH)) / 3).astype(np.float32) for part in "qkvo"}
    for part in "qk":
        heads = weights[part].reshape(WIDTH, HEADS, SIZE)
        heads[:, 2:] = heads[:, :2] + 0.05 * rng.standard_normal((WIDTH, 2, SIZE))
    constants = {f"{part}.weight": value for part, value in weights.items()}
    constants["scale"] = np.float32(np.sqrt(SIZE))
    constants["split"] = np.array([1, ROWS, HEADS, SIZE] if rank == 4 else [ROWS, HEADS, SIZE])
    constants["join"] = np.array([1, ROWS, WIDTH] if rank == 4 else [ROWS, WIDTH])
    half = SIZE // 2
    angles = np.arange(ROWS)[:, None] * 0.7 ** np.arange(half)
    constants["cos"] = np.cos(np.concatenate([angles, angles], 1)).astype(np.float32)
    constants["sin"] = np.sin(np.concatenate([angles, angles], 1)).astype(np.float32)
    for key, value in (("zero", [0]), ("half", [half]), ("end", [SIZE]), ("last", [-1])):
        constants[key] = np.array(value)
    constants["mask"] = np.where(np.tril(np.ones((ROWS, ROWS))), 0, -8).astype(np.float32)
    if mask_by_head:
        constants["mask"] = np.stack([constants["mask"] * slope for slope in (1, .5, .25, .125)])[None]
    if dynamic:
        constants["split"], constants["join"] = np.array([1, -1, HEADS, SIZE]), np.array([1, -1, WIDTH])
        constants["mask"] = np.zeros((1, 1), np.float32)
    nodes = []

    def node(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], name=f"block/{output}" if named else "", **attributes))
        return output

    forward, backward = ([0, 2, 1, 3], [0, 2, 3, 1]) if rank == 4 else ([1, 0, 2], [1, 2, 0])
    for part in "qkv":
        node("MatMul", ["x", f"{part}.weight"], f"{part}_flat")
        node("Reshape", [f"{part}_flat", "split"], f"{part}_split")
        node("Transpose", [f"{part}_split"], f"{part}_heads", perm=forward)
        if rotary and part != "v":
            node("Slice", [f"{part}_heads", "zero", "half", "last"], f"{part}_low")
            node("Slice", [f"{part}_heads", "half", "end", "last"], f"{part}_high")
            node("Neg", [f"{part}_high"], f"{part}_negated")
            node("Concat", [f"{part}_negated", f"{part}_low"], f"{part}_turned", axis=-1)
            node("Add", [node("Mul", [f"{part}_heads", "cos"], f"{part}_c"), node("Mul", [f"{part}_turned", "sin"], f"{part}_s")], f"{part}_rotated")
    suffix = "rotated" if rotary else "heads"
    node("Transpose", [f"k_{suffix}"], "k_transposed", perm=[0, 1, 3, 2] if rank == 4 else [0, 2, 1])
    node("MatMul", [f"q_{suffix}", "k_transposed"], "scores")
    node("Add", [node("Div", ["scores", "scale"], "scaled"), "mask"], "masked")
    node("Softmax", ["masked"], "p", axis=-1)
    node("MatMul", ["p", "v_heads"], "mixed")
    node("Transpose", ["mixed"], "back", perm=forward)
    node("MatMul", [node("Reshape", ["back", "join"], "flat"), "o.weight"], "y")
    shape = [1, ROWS, WIDTH] if rank == 4 else [ROWS, WIDTH]
    info = helper.make_tensor_value_info
    known = shape
    if dynamic:
        shape = [1, "rows", WIDTH]
    graph = helper.make_graph(nodes, "attention", [info("x", TensorProto.FLOAT, shape)], [info("y", TensorProto.FLOAT, shape)],
                              [numpy_helper.from_array(value, key) for key, value in constants.items()])
    file = folder / f"{name}.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), str(file))
    x = np.random.default_rng(6).standard_normal((8, *known)).astype(np.float32)
    np.save(folder / f"{name}_x.npy", x)
    return file, x, constants


def expected(x, constants, groups, rotary):
    """Merged attention of one sample of rows x WIDTH, by the formula."""
    rows = len(x)

    def heads(part):
        return (x @ constants[f"{part}.weight"]).reshape(rows, HEADS, SIZE).transpose(1, 0, 2)

    def rotated(t):
        half = SIZE // 2
        return t * constants["cos"] + np.concatenate([-t[..., half:], t[..., :half]], -1) * constants["sin"]

    q, k, v = heads("q"), heads("k"), heads("v")
    if rotary:
        q, k = rotated(q), rotated(k)
    out = np.zeros((HEADS, rows, SIZE))
    for group in groups:
        scores = sum(q[head] @ k[head].T for head in group) / np.sqrt(SIZE * len(group))
        p = softmax(scores + constants["mask"])
        for head in group:
            out[head] = p @ v[head]
    return out.transpose(1, 0, 2).reshape(rows, WIDTH) @ constants["o.weight"]


def written(folder, name, size, **kind):
    file, x, constants = attention(folder, name, **kind)
    merged = folder / f"{name}_merged.onnx"
    shape = ["--shape", f"x=1,{ROWS},{WIDTH}"] if kind.get("dynamic") else []
    must([tool("dyadc"), file, "--public-weights", "?.weight", "--merge-heads", str(size), "--emit", "onnx", "-o", merged, *shape])
    groups = [(0, 2), (1, 3)] if size == 2 else [(0, 1, 2, 3)]
    got = ReferenceEvaluator(str(merged)).run(None, {"x": x[0]})[0]
    want = expected(x[0].reshape(ROWS, WIDTH), constants, groups, kind.get("rotary", False))
    checks.expect(np.allclose(got.reshape(ROWS, WIDTH), want, atol=1e-5), f"{name}: {size} heads a group", str(np.abs(got.reshape(ROWS, WIDTH) - want).max()))
    if kind.get("dynamic"):
        short = x[0][:, :ROWS - 2]
        checks.expect(np.allclose(ReferenceEvaluator(str(merged)).run(None, {"x": short})[0][0], expected(short[0], constants, groups, False), atol=1e-5),
                      f"{name}: sizes that were open stay open")
    before, after = onnx.load(str(file)).graph.initializer, onnx.load(str(merged)).graph.initializer
    checks.expect(list(before) == list(after), f"{name}: no weight is changed")
    onnx.checker.check_model(str(merged), full_check=True)
    return file, merged


def costs(folder):
    return json.loads(must([tool("dyad-dump"), folder, "--costs", "--json"]).stdout)


def main():
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        file, merged = written(folder, "plain", 2)
        written(folder, "all", 4)
        written(folder, "rotary", 2, rotary=True)
        written(folder, "rank3", 2, rank=3)
        written(folder, "unnamed", 2, named=False)
        written(folder, "dynamic", 2, dynamic=True)

        # Merged while compiling, or before: the same program. Two parties compute what reference does.
        common = ["--calibrate", folder / "plain_x.npy", "--public-weights", "[qk].weight", "--scale", "10"]
        must([tool("dyadc"), file, "-o", folder / "a", "--merge-heads", "2", *common])
        must([tool("dyadc"), merged, "-o", folder / "b", *common])
        must([tool("dyadc"), file, "-o", folder / "c", *common])
        np.save(folder / "one.npy", np.load(folder / "plain_x.npy")[:1])
        for name in "ab":
            must([folder / name / "reference/reference", "--input", folder / "one.npy", "--output", folder / f"{name}.npy", "--raw"])
        must([tool("dyad"), "run", folder / "a", "--input", folder / "one.npy", "--output", folder / "got.npy", "--raw"])
        checks.expect(np.array_equal(np.load(folder / "a.npy"), np.load(folder / "got.npy")), "two parties: equal to reference")
        checks.expect(np.array_equal(np.load(folder / "a.npy"), np.load(folder / "b.npy")), "merged while compiling: as the merged model")

        def softmax_bytes(name):
            return sum(node["bytes_to_server"] + node["bytes_to_client"] for node in costs(folder / name)["nodes"] if "block/p" in node["name"])

        checks.expect(1.6 < softmax_bytes("c") / softmax_bytes("a") < 2.4, "half the rows: about half the softmax's bytes",
                      f"{softmax_bytes('c')} {softmax_bytes('a')}")
        manifest = json.loads((folder / "a/manifest.json").read_text())
        checks.expect(manifest["options"].get("merge-heads") == "2", "the manifest names it", str(manifest["options"]))

        # A public model and one fine-tuned from it: the base is merged alike.
        tuned = onnx.load(str(file))
        for tensor in tuned.graph.initializer:
            if tensor.name == "o.weight":
                tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) * np.float32(1.25), "o.weight"))
        onnx.save(tuned, str(folder / "tuned.onnx"))
        weights = json.loads(must([tool("dyad-dump"), folder / "tuned.onnx", "--owners", "--json", "--merge-heads", "2", "--public-weights", file,
                                   "--calibrate", folder / "plain_x.npy"]).stdout)["weights"]
        private = {weight["name"] for weight in weights if weight["owner"] != "public"}
        checks.expect(private == {"o.weight"} and len(weights) > 4, "a merged base: the changed weight alone is private", str(weights)[:600])

        def refused(text, model, *flags):
            result = run([tool("dyadc"), model, "-o", folder / "x", "--calibrate", folder / "plain_x.npy", *flags])
            checks.expect(result.returncode == 1 and text in result.stderr, f"refused: {text}", result.stderr[:500])

        refused("is private, and show in the program", file, "--merge-heads", "2")
        refused("node 'block/scores'", file, "--merge-heads", "2")
        refused("is private", file, "--merge-heads", "2", "--public-weights", "q.weight")
        refused("4 heads, of which no groups of 3", file, "--merge-heads", "3", "--public-weights", "*.weight")
        by_head, _, _ = attention(folder, "by_head", mask_by_head=True)
        refused("such heads cannot be summed", by_head, "--merge-heads", "2", "--public-weights", "*.weight")
        # Samples where heads would stand: they have the projections' columns in common.
        node = helper.make_node
        samples = helper.make_graph(
            [node("MatMul", ["x", "q.weight"], ["q"]), node("MatMul", ["x", "k.weight"], ["k"]), node("Transpose", ["k"], ["t"], perm=[0, 2, 1]),
             node("MatMul", ["q", "t"], ["s"]), node("Softmax", ["s"], ["p"], axis=-1), node("MatMul", ["p", "q"], ["y"])], "samples",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, ROWS, SIZE])], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [4, ROWS, SIZE])],
            [numpy_helper.from_array(np.eye(SIZE, dtype=np.float32), f"{part}.weight") for part in "qk"])
        onnx.save(helper.make_model(samples, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), str(folder / "samples.onnx"))
        refused("columns, which are not 4 heads", folder / "samples.onnx", "--merge-heads", "2", "--public-weights", "*")
        refused("the model has no attention", model_folder("digits_lenet") / "model.onnx", "--merge-heads", "2")
        usage = run([tool("dyadc"), file, "--emit", "onnx"])
        checks.expect(usage.returncode == 2 and "--merge-heads M" in usage.stderr, "--emit onnx alone says what to give")
        place = run([tool("dyadc"), file, "--public-weights", "*", "--merge-heads", "2", "--emit", "onnx", "-o", folder / "no/such/folder.onnx"])
        checks.expect(place.returncode == 1 and "cannot be written" in place.stderr, "a file that cannot be written", place.stderr)
    checks.finish()


if __name__ == "__main__":
    main()
