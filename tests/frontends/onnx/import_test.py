# SPDX-License-Identifier: Apache-2.0
# What surrounds the operators: files, tensors, options, functions, branches, and every error
# message that a model or an option can cause. Usage: import_test.py NN_EVAL [TEST...]
import os
import random
import sys
import tempfile
import traceback

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from harness import Importer, difference, expected, model_of

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
node = helper.make_node
importer = None


def array(*values):
    return np.array(values, np.float32)


def ints(*values):
    return np.array(values, np.int64)


def check_equal(model, inputs, reference=None, **options):
    """The imported model computes what ONNX Runtime does (for `reference`, if it differs)."""
    answer = importer.ask(model, inputs, **options)
    problem = difference(expected(reference or model, inputs), answer)
    assert problem is None, problem


def check_errors(model, *wanted, **options):
    """The errors are exactly these, in any order: each a list of parts of its message."""
    answer = importer.ask(model, **options)
    messages = [error["message"] for error in answer["errors"]]
    assert not answer["imported"], "the model was imported"
    left = list(messages)
    for parts in wanted:
        parts = [parts] if isinstance(parts, str) else parts
        found = [message for message in left if all(part in message for part in parts)]
        assert found, f"no error with {parts} in {messages}"
        left.remove(found[0])
    assert not left, f"more errors than expected: {left}"
    return answer["errors"]


X = {"x": (FLOAT, [2, 3])}
RELU = node("Relu", ["x"], ["y"], name="act")


# Files.


def test_file_errors():
    model = model_of([RELU], X, ["y"]).SerializeToString()
    check_errors("missing.onnx", ["'missing.onnx' cannot be opened"])
    check_errors(".", ["is a folder"])
    check_errors(b"", ["is not an ONNX model"])
    check_errors(b"PK\x03\x04 this is something else entirely", ["is not an ONNX model"])
    check_errors(model[: len(model) // 2], ["is not an ONNX model, or it is truncated"])


def test_damaged_files_never_crash():
    weights = {"w": np.ones((4, 2, 3, 3), np.float32), "s": ints(1, -1)}
    graph = [
        node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1], strides=[2, 2]),
        node("MaxPool", ["a"], ["b"], kernel_shape=[2, 2]),
        node("Reshape", ["b", "s"], ["c"]),
        node("Slice", ["c", "one", "four", "one"], ["y"]),
    ]
    weights.update(one=ints(1), four=ints(4))
    data = model_of(graph, {"x": (FLOAT, [1, 2, 8, 8])}, ["y"], weights).SerializeToString()
    choice = random.Random(5)
    for round in range(400):
        damaged = bytearray(data)
        for _ in range(choice.randint(1, 4)):
            damaged[choice.randrange(len(damaged))] = choice.randrange(256)
        if round % 4 == 0:
            damaged = damaged[: choice.randrange(len(damaged))]
        answer = importer.ask(bytes(damaged))
        assert answer["imported"] or answer["errors"], "refused without a message"


def test_unknown_fields_are_skipped():
    model = model_of([RELU], X, ["y"], ir=11, opset=23)
    model.graph.node[0].metadata_props.add(key="origin", value="test")
    model.graph.node[0].device_configurations.add(configuration_id="a")
    check_equal(model, {"x": array([1, -2, 3], [4, -5, 6])})


def test_opsets_out_of_range():
    for opset in [6, 24]:
        check_errors(model_of([RELU], X, ["y"], opset=opset), [f"opset {opset} of ai.onnx, 7 to 23"])


# Tensors.


def test_tensor_encodings():
    values = [1, 0, 3, 2]
    for type in ["FLOAT", "FLOAT16", "BFLOAT16", "DOUBLE", "INT8", "UINT8", "INT16", "UINT16",
                 "INT32", "UINT32", "INT64", "UINT64", "BOOL"]:
        plain = helper.make_tensor("c", getattr(TensorProto, type), [4], values)
        packed = helper.make_tensor("c", getattr(TensorProto, type), [4],
                                    numpy_helper.to_array(plain).tobytes(), raw=True)
        wanted = [1, 0, 1, 1] if type == "BOOL" else values
        for tensor in [plain, packed]:
            nodes = [node("Cast", ["c"], ["f"], to=FLOAT), node("Add", ["x", "f"], ["y"])]
            answer = importer.ask(model_of(nodes, {"x": (FLOAT, [4])}, ["y"], {"c": tensor}),
                                  {"x": array(0, 0, 0, 0)})
            assert answer["outputs"]["y"]["values"] == wanted, (type, answer)


def test_tensor_errors():
    def model(tensor):
        return model_of([node("Add", ["x", "w"], ["y"], name="sum")], X, ["y"], {"w": tensor})

    where = "node 'sum' (Add, opset 17): "
    for value, text in [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")]:
        check_errors(model(array(1, value, 2)), [where, "weight 'w' holds " + text])
    short = helper.make_tensor("w", FLOAT, [3], np.zeros(3, np.float32).tobytes(), raw=True)
    short.raw_data = short.raw_data[:-2]
    check_errors(model(short), [where, "tensor 'w' of shape 3 needs 12 bytes, the model holds 10"])
    few = helper.make_tensor("w", FLOAT, [3], [1, 2, 3])
    few.float_data.pop()
    check_errors(model(few), [where, "needs 3 elements, the model holds 2"])
    large = helper.make_tensor("w", TensorProto.DOUBLE, [3], [1, 1e300, 2])
    check_errors(model(large), [where, "tensor 'w' holds 1e+300, which is beyond 32-bit floats"])
    text = helper.make_tensor("w", TensorProto.STRING, [1], [b"a"])
    check_errors(model(text), [where, "tensor 'w': element type STRING is not supported"])
    small = helper.make_tensor("w", TensorProto.INT4, [3], [1, 2, 3])
    check_errors(model(small), [where, "tensor 'w': element type", "is not supported"])


def test_nan_through_folding():
    nodes = [node("Sqrt", ["c"], ["root"], name="root of it"),
             node("Max", ["root", "zero"], ["m"]),
             node("Mul", ["x", "m"], ["y"], name="product")]
    model = model_of(nodes, X, ["y"], {"c": array(-1.0), "zero": array(0.0)})
    check_errors(model, ["node 'product' (Mul, opset 17)", "holds NaN"])


def test_external_data():
    weight = np.arange(6, dtype=np.float32).reshape(2, 3)
    with tempfile.TemporaryDirectory() as folder:
        def save(name, **entries):
            tensor = TensorProto(name="w", data_type=FLOAT, dims=[2, 3])
            tensor.data_location = TensorProto.EXTERNAL
            for key, value in entries.items():
                tensor.external_data.add(key=key, value=str(value))
            path = os.path.join(folder, name)
            nodes = [node("Add", ["x", "w"], ["y"], name="sum")]
            onnx.save(model_of(nodes, X, ["y"], {"w": tensor}), path)
            return path

        with open(os.path.join(folder, "weights.bin"), "wb") as file:
            file.write(b"head" + weight.tobytes())
        os.makedirs(os.path.join(folder, "sub"))
        os.symlink("/etc/passwd", os.path.join(folder, "link"))
        answer = importer.ask(save("good.onnx", location="weights.bin", offset=4, length=24),
                              {"x": np.zeros((2, 3))})
        assert answer["outputs"]["y"]["values"] == weight.ravel().tolist(), answer
        answer = importer.ask(save("sub.onnx", location="sub/../weights.bin", offset=4))
        assert answer["imported"], answer
        for location in ["../weights.bin", "/etc/passwd", "link", "sub/../../weights.bin"]:
            check_errors(save("bad.onnx", location=location),
                         ["node 'sum'", f"in '{location}', outside of the model's folder"])
        check_errors(save("bad.onnx", location="weights.bin", offset=8), ["missing or too short"])
        check_errors(save("bad.onnx", location="none.bin"), ["missing or too short"])
        check_errors(save("bad.onnx", location="weights.bin", length=20),
                     ["needs 24 bytes of external data, the model names 20"])
        check_errors(save("bad.onnx", location="weights.bin", offset="-4"), ["is no number"])


# Inputs and options.


def test_symbolic_dimensions():
    model = model_of([node("Add", ["x", "z"], ["y"])],
                     {"x": (FLOAT, ["N", 3]), "z": (FLOAT, ["N", 3])}, ["y"])
    check_errors(model, ["graph input 'x' has symbolic dimensions ('N')", "--shape x=1,3"],
                 ["graph input 'z'", "--shape z=1,3"])
    values = {"x": array([1, 2, 3]), "z": array([4, 5, 6])}
    check_equal(model, values, shapes={"x": [1, 3]})  # N is fixed for both
    check_errors(model, ["--shape gives dimension 'N' the sizes 1 and 2", "must agree"],
                 shapes={"x": [1, 3], "z": [2, 3]})
    check_errors(model, ["--shape names 'xx', which is no graph input; did you mean 'x'"],
                 shapes={"xx": [1, 3], "x": [1, 3]})
    check_errors(model, ["graph input 'x': --shape gives it shape 1x4, which differs"],
                 shapes={"x": [1, 4]})


def test_inputs_without_shape():
    model = model_of([RELU], {"x": (FLOAT, None)}, ["y"])
    check_errors(model, ["graph input 'x' has no shape", "--shape x="])
    check_equal(model, {"x": array(-1, 2)}, shapes={"x": [2]})


def test_integer_inputs_need_set():
    nodes = [node("Gather", ["w", "ids"], ["e"]), node("Add", ["x", "e"], ["y"])]
    inputs = {"x": (FLOAT, [2, 3]), "ids": (INT64, [2])}
    weight = {"w": np.arange(12, dtype=np.float32).reshape(4, 3)}
    model = model_of(nodes, inputs, ["y"], weight)
    check_errors(model, ["graph input 'ids' has type INT64", "--set ids=VALUE"])
    fixed = model_of(nodes, X, ["y"], {**weight, "ids": ints(3, 1)})
    x = {"x": array([1, 2, 3], [4, 5, 6])}
    check_equal(model, x, fixed, sets={"ids": {"integers": [3, 1]}})
    check_equal(model, x, fixed, sets={"ids": {"floats": [3.0, 1.0], "shape": [2]}})
    check_equal(model, x, model_of(nodes, X, ["y"], {**weight, "ids": ints(2, 2)}),
                sets={"ids": {"integers": [2]}})
    check_errors(model, ["--set gives it 1.5, its type is INT64"],
                 sets={"ids": {"floats": [1.5, 1]}})
    check_errors(model, ["--set gives it 3 elements, its shape 2 has 2"],
                 sets={"ids": {"integers": [1, 2, 3]}})
    check_errors(model, ["--set gives it a value of shape 3"],
                 sets={"ids": {"integers": [1, 2, 3], "shape": [3]}})
    check_errors(model, ["index 4 is outside of an axis of 4 positions"],
                 sets={"ids": {"integers": [4]}})
    check_errors(model, ["--set names 'idx', which is no graph input; did you mean 'ids'?"],
                 ["graph input 'ids' has type INT64"], sets={"idx": {"integers": [1]}})


def test_initializers_that_are_inputs():
    model = model_of([node("Add", ["x", "w"], ["y"])], {**X, "w": (FLOAT, [3])}, ["y"],
                     {"w": array(1, 2, 3)}, opset=8, ir=3)
    check_equal(model, {"x": array([1, 2, 3], [4, 5, 6])})


def test_owners_ranges_and_reveal():
    model = model_of([node("Add", ["x", "z"], ["y"])], {**X, "z": (FLOAT, [3]), "u": (FLOAT, [1])},
                     ["y"])
    text = importer.ask(model, print=True, owners={"z": "server"}, reveal="both",
                        ranges={"": [-1, 2], "z": [0, 0.5]})["text"]
    assert 'nn.input "x" owner "client" range' in text, text
    assert 'nn.input "z" owner "server" range 0.000000e+00 to 5.000000e-01' in text, text
    assert 'nn.input "u"' in text, "an unused input is dropped"
    assert 'nn.output "y"' in text and 'to "both"' in text, text
    check_errors(model, ["--owner z=me should be"], ["--reveal all should be"],
                 ["--input-range 2,1 should be"], ["--owner names 'q'"], ["--input-range names 'r'"],
                 owners={"z": "me", "q": "client"}, reveal="all",
                 ranges={"z": [2, 1], "r": [0, 1]})


def test_outputs_of_any_tensor():
    nodes = [node("Relu", ["x"], ["hidden/act"]), node("Erf", ["hidden/act"], ["y"])]
    model = model_of(nodes, X, ["y"], {"unused": array(1.0)})
    x = {"x": array([1, -2, 3], [4, 5, 6])}
    check_equal(model, x, model_of(nodes[:1], X, ["hidden/act"]), outputs=["hidden/act"])
    answer = importer.ask(model, x, outputs=["x", "unused"])
    assert answer["outputs"]["x"]["values"] == x["x"].ravel().tolist()
    assert answer["outputs"]["unused"]["values"] == [1]
    check_errors(model, ["--outputs names 'hidden/akt', which is no tensor of the graph",
                         "did you mean 'hidden/act'?"], outputs=["hidden/akt"])
    check_errors(model, ["output 'x' is named twice"], outputs=["x", "x"])


def test_constant_outputs():
    model = model_of([node("Shape", ["x"], ["s"]), node("Mul", ["c", "c"], ["cc"])], X,
                     [("s", INT64), "cc"], {"c": array(3.0)})
    check_equal(model, {"x": np.zeros((2, 3), np.float32)})


# Graphs.


def test_order_names_and_cycles():
    nodes = [node("Relu", ["a"], ["y"], name="late"), node("Neg", ["x"], ["a"], name="early")]
    answer = importer.ask(model_of(nodes, X, ["y"]), {"x": array([1, -2, 3], [4, 5, 6])})
    assert answer["outputs"]["y"]["values"] == [0, 2, 0, 0, 0, 0], answer
    nodes = [node("Add", ["x", "b"], ["a"], name="one"), node("Neg", ["a"], ["b"], name="two")]
    check_errors(model_of(nodes, X, ["b"]), ["is needed to compute it", "cycles"])
    check_errors(model_of([node("Relu", ["nothing"], ["y"], name="r")], X, ["y"]),
                 ["node 'r' (Relu, opset 17): its input 'nothing' is produced by no node"])
    check_errors(model_of([RELU], X, ["z"]), ["graph output 'z' is produced by no node"])
    check_errors(model_of([RELU, node("Neg", ["x"], ["y"], name="neg")], X, ["y"]),
                 ["node 'neg' (Neg): its result 'y' is also produced by node 'act'"])
    check_errors(model_of([node("Neg", ["x"], ["x"], name="neg")], X, ["x"]),
                 ["its result 'x' is also an input or initializer"])
    check_errors(model_of([RELU], X, []), ["the model has no outputs"])


def test_locations():
    nodes = [node("Neg", ["x"], ["a"]), node("Relu", ["a"], ["y"], name="layer/act")]
    text = importer.ask(model_of(nodes, X, ["y"]), print=True, locations=True)["text"]
    assert 'loc("Neg_0")' in text and 'loc("layer/act")' in text, text


def test_shape_arithmetic():
    nodes = [
        node("Shape", ["x"], ["shape"]),
        node("Gather", ["shape", "zero"], ["n"], axis=0),
        node("Unsqueeze", ["n", "axes"], ["n1"]),
        node("Concat", ["n1", "minus"], ["target"], axis=0),
        node("Cast", ["shape"], ["f"], to=FLOAT),
        node("Sqrt", ["f"], ["root"]),
        node("ReduceMax", ["root"], ["most"], keepdims=0),
        node("Reshape", ["x", "target"], ["flat"]),
        node("Div", ["flat", "most"], ["y"]),
    ]
    model = model_of(nodes, {"x": (FLOAT, [2, 3, 4])}, ["y"],
                     {"zero": ints(0)[0], "axes": ints(0), "minus": ints(-1)})
    check_equal(model, {"x": np.arange(24, dtype=np.float32).reshape(2, 3, 4)})


def branch(name, nodes, outputs, initializers={}):
    return helper.make_graph(
        nodes, name, [], [helper.make_tensor_value_info(o, FLOAT, None) for o in outputs],
        [numpy_helper.from_array(value, key) for key, value in initializers.items()])


def loop_body():
    """carried -> carried^2, and collects what it was."""
    return helper.make_graph(
        [node("Mul", ["v", "v"], ["v2"]), node("Identity", ["v"], ["was"]),
         node("Identity", ["go"], ["on"])], "body",
        [helper.make_tensor_value_info("i", INT64, []), helper.make_tensor_value_info("go", BOOL, []),
         helper.make_tensor_value_info("v", FLOAT, None)],
        [helper.make_tensor_value_info("on", BOOL, []), helper.make_tensor_value_info("v2", FLOAT, None),
         helper.make_tensor_value_info("was", FLOAT, None)])


def test_branches():
    inner = branch("inner", [node("Mul", ["h", "two"], ["t2"])], ["t2"], {"two": array(2.0)})
    other = branch("other", [node("Neg", ["h"], ["t3"])], ["t3"])
    then = branch("then", [node("Relu", ["x"], ["h"]),
                           node("If", ["flag"], ["t"], then_branch=inner, else_branch=other)], ["t"])
    deep = branch("else", [node("Det", ["x"], ["e"])], ["e"])
    nodes = [node("Shape", ["x"], ["s"]), node("Gather", ["s", "one"], ["d"]),
             node("Equal", ["d", "three"], ["flag"]),
             node("If", ["flag"], ["y"], then_branch=then, else_branch=deep)]
    constants = {"one": ints(1)[0], "three": ints(3)[0]}
    model = model_of(nodes, X, ["y"], constants)
    simple = model_of([node("Relu", ["x"], ["h"]), node("Add", ["h", "h"], ["y"])], X, ["y"])
    check_equal(model, {"x": array([1, -2, 3], [4, -5, 6])}, simple)
    check_errors(model_of(nodes, X, ["y"], {**constants, "three": ints(4)[0]}),
                 ["node 'If_3/Det_0' (Det, opset 17): this operator is not supported"])
    loops = [node("Loop", ["count", "", "x"], ["y", "all"], body=loop_body())]
    squares = model_of([node("Mul", ["x", "x"], ["a"]), node("Mul", ["a", "a"], ["y"])], X, ["y"])
    check_equal(model_of(loops, X, ["y"], {"count": ints(2)[0]}), {"x": array([1, -2, 3], [4, -5, 6])},
                squares)
    check_errors(model_of(loops, {**X, "count": (INT64, [])}, ["y"]), "graph input 'count'")
    scan = helper.make_graph(
        [node("Add", ["sum", "row"], ["next"]), node("Identity", ["next"], ["seen"])], "scan",
        [helper.make_tensor_value_info(name, FLOAT, [3]) for name in ("sum", "row")],
        [helper.make_tensor_value_info(name, FLOAT, [3]) for name in ("next", "seen")])
    scans = [node("Scan", ["zero", "x"], ["total", "y"], body=scan, num_scan_inputs=1,
                  scan_input_directions=[1])]
    check_equal(model_of(scans, X, ["total", "y"], {"zero": array(0, 0, 0)}),
                {"x": array([1, -2, 3], [4, -5, 6])})
    captured = branch("late", [node("Identity", ["later"], ["l"])], ["l"])
    nodes = [node("If", ["yes"], ["y"], then_branch=captured, else_branch=other),
             node("Neg", ["x"], ["later"])]
    answer = importer.ask(model_of(nodes, X, ["y"], {"yes": np.array(True)}),
                          {"x": array([1, 2, 3], [4, 5, 6])})
    assert answer["outputs"]["y"]["values"] == [-1, -2, -3, -4, -5, -6], answer
    nodes = [node("If", ["c"], ["y"], name="choice", then_branch=captured, else_branch=other)]
    check_errors(model_of(nodes, {**X, "c": (BOOL, [])}, ["y"]),
                 ["graph input 'c' has type BOOL", "--set c="])


def test_functions():
    def attribute_of(one, name, type):
        reference = one.attribute.add(name=name, type=type)
        reference.ref_attr_name = name
        return one

    leaky = helper.make_function(
        "local", "Inner", ["a"], ["b"],
        [attribute_of(node("LeakyRelu", ["a"], ["b"], name="leak"), "alpha", onnx.AttributeProto.FLOAT)],
        [helper.make_opsetid("", 17)], ["alpha"])
    outer = helper.make_function(
        "local", "Outer", ["p", "q"], ["r"],
        [attribute_of(node("Inner", ["p"], ["i"], domain="local", name="call"), "alpha",
                      onnx.AttributeProto.FLOAT),
         node("Constant", [], ["k"], value_float=3.0),
         node("Mul", ["i", "k"], ["m"]), node("Sum", ["m", "q"], ["r"], name="sum")],
        [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)], [],
        [helper.make_attribute("alpha", 0.25)])
    imports = [helper.make_opsetid("local", 1)]
    nodes = [node("Outer", ["x", "x"], ["h"], domain="local", name="f", alpha=0.5),
             node("Outer", ["h", "x"], ["y"], domain="local", name="g")]
    model = model_of(nodes, X, ["y"], functions=[leaky, outer], imports=imports, ir=9)
    check_equal(model, {"x": array([1, -2, 3], [4, -5, 6])})
    text = importer.ask(model, print=True, locations=True)["text"]
    assert 'loc("f/call/leak")' in text and 'loc("g/sum")' in text, text
    again = helper.make_function("local", "Again", ["a"], ["b"],
                                 [node("Again", ["a"], ["b"], domain="local")],
                                 [helper.make_opsetid("local", 1)])
    check_errors(model_of([node("Again", ["x"], ["y"], domain="local", name="a")], X, ["y"],
                          functions=[again], imports=imports),
                 ["a function must not call itself"])


# Nodes.


def test_all_problems_in_one_run():
    nodes = [
        node("Relu", ["x"], ["a"], name="fine"),
        node("Floor", ["a"], ["b"], name="floor"),
        node("Conv", ["b", "w"], ["c"], name="conv", pads=[1, 1, 1]),
        node("Det", ["c"], ["d"], name="det"),
        node("Sign", ["d"], ["e"], name="sign"),
        node("Scaler", ["e"], ["f"], name="scaler", domain="com.example"),
        node("Resize", ["f", "", "s"], ["g"], name="resize", mode="linear"),
        node("Upsample", ["g", "s"], ["h"], name="up"),
        node("Softmax", ["b"], ["i"], name="soft"),
        node("Mul", ["i", "i"], ["j"], name="times"),
        node("NonMaxSuppression", ["h", "h"], ["y"], name="nms"),
    ]
    weights = {"w": np.ones((2, 3, 3, 3), np.float32), "s": array(1, 1, 2, 2)}
    model = model_of(nodes, {"x": (FLOAT, [1, 3, 8, 8])}, ["y", "j"], weights,
                     imports=[helper.make_opsetid("com.example", 3)])
    errors = check_errors(
        model,
        ["node 'floor' (Floor, opset 17): this operator is supported on constants only", "'a' depends"],
        ["node 'conv' (Conv, opset 17): attribute 'pads' has 3 entries"],
        ["node 'det' (Det, opset 17): this operator is not supported; see docs/reference/ops.md"],
        ["node 'sign' (Sign, opset 17): this operator is supported on constants only"],
        ["node 'scaler' (com.example.Scaler, opset 3): operators of domain 'com.example'"],
        ["node 'resize' (Resize, opset 17): mode 'linear' is not supported"],
        ["node 'up' (Upsample, opset 17): this operator does not exist at this opset but at 7 to 8"],
        ["node 'nms' (NonMaxSuppression, opset 17): this operator is not supported"])
    assert {error["node"] for error in errors} >= {"floor", "conv", "det", "nms"}, errors


def test_problems_behind_integer_inputs():
    nodes = [
        node("Gather", ["w", "ids"], ["e"], name="embedding"),
        node("Unsqueeze", ["mask", "last"], ["mask1"]),
        node("Cast", ["mask1"], ["m"], to=FLOAT),
        node("Add", ["e", "m"], ["a"]),
        node("Floor", ["a"], ["b"], name="norm"),
        node("Softmax", ["b"], ["c"], name="attention"),
        node("MatMul", ["c", "s2"], ["y"], name="product"),
    ]
    inputs = {"ids": (INT64, [1, 5]), "mask": (INT64, [1, 5])}
    weights = {"last": ints(-1), "w": np.ones((7, 4), np.float32), "s": np.ones(4, np.float32),
               "s2": np.ones((3, 2), np.float32)}
    check_errors(model_of(nodes, inputs, ["y"], weights), "graph input 'ids'", "graph input 'mask'",
                 "node 'norm' (Floor, opset 17): this operator is supported on constants only",
                 "node 'product' (MatMul, opset 17): shapes 1x5x4 and 3x2 do not fit")


def test_node_errors():
    def check(nodes, *parts, inputs={"x": (FLOAT, [1, 4, 6, 6])}, weights={}, opset=17, outputs=["y"]):
        check_errors(model_of(nodes if isinstance(nodes, list) else [nodes], inputs, outputs,
                              weights, opset), list(parts))

    check([node("MaxPool", ["x"], ["a", "where"], kernel_shape=[2, 2], name="pool"),
           node("Identity", ["where"], ["y"], name="use")], "node 'use' (Identity, opset 17)",
          "output 'where' of node 'pool' (MaxPool, opset 17) is not supported")
    check(node("MaxPool", ["x"], ["y"]), "kernel_shape is missing")
    check(node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], pads=[2, 2, 2, 2]), "in the padding")
    check(node("MaxPool", ["x"], ["y"], kernel_shape=[9, 2]), "larger than the padded input")
    check(node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], auto_pad="SAME"), "auto_pad 'SAME'")
    check(node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2, 2]), "'kernel_shape' has 3 entries")
    check(node("DepthToSpace", ["x"], ["y"], blocksize=3), "4 channels cannot be divided")
    check(node("DepthToSpace", ["x"], ["y"], blocksize=2, mode="ABC"), "mode 'ABC' is not supported")
    check(node("BatchNormalization", ["x", "w", "w", "w", "w"], ["y"], training_mode=1),
          "training_mode 1 is not supported", weights={"w": array(1, 2, 3, 4)})
    check(node("BatchNormalization", ["x", "w", "w", "w", "w"], ["y"]),
          "'w' has shape 3 for 4 channels", weights={"w": array(1, 2, 3)})
    check(node("BatchNormalization", ["x", "w", "w", "w", "w"], ["y"], spatial=0),
          "spatial 0", weights={"w": array(1, 2, 3, 4)}, opset=7)
    check(node("Dropout", ["x", "r", "t"], ["y"]), "training_mode is true",
          weights={"r": np.float32(0.5), "t": np.array(True)})
    check(node("Dropout", ["x"], ["a", "y"], name="drop"), "output 'y' of node 'drop'",
          outputs=[("y", BOOL)])
    check(node("Pow", ["x", "p"], ["y"]), "an exponent of shape 2 is not supported",
          weights={"p": array(1, 2)})
    layer = node("GRU", ["x", "w", "r"], ["y"], hidden_size=2)
    weights = {"w": np.ones((1, 6, 3), np.float32), "r": np.ones((1, 6, 2), np.float32)}
    check(layer, "'w' has shape 1x6x3 instead of 1x6x4", inputs={"x": (FLOAT, [5, 1, 4])},
          weights=weights)
    check(node("GRU", ["x", "w", "r"], ["y"], hidden_size=2, activations=["Tanh", "Swish"]),
          "activation 'swish' is not supported", inputs={"x": (FLOAT, [5, 1, 3])}, weights=weights)
    check(node("Pad", ["x", "p"], ["y"], mode="wrap"), "mode 'wrap' is not supported",
          weights={"p": np.zeros(8, np.int64)})
    check(node("Pad", ["x", "p", "v"], ["y"]), "the padding value -inf",
          weights={"p": np.ones(8, np.int64), "v": np.float32(-np.inf)})
    check(node("Conv", ["x", "w"], ["y"]), "weight 'w' of shape 2x3x3x3 with 1 groups",
          weights={"w": np.ones((2, 3, 3, 3), np.float32)})
    check(node("Conv", ["x", "w"], ["y"]), "input 'x' has rank 5", inputs={"x": (FLOAT, [1, 2, 3, 3, 3])},
          weights={"w": np.ones((2, 2, 3, 3, 3), np.float32)})
    check(node("Conv", ["x"], ["y"]), "input 2 is missing")
    check(node("Reshape", ["x", "s"], ["y"]), "cannot be given shape 5x5",
          weights={"s": ints(5, 5)})
    check(node("Concat", ["x", "w"], ["y"], axis=1), "differ outside of axis 1",
          weights={"w": np.ones((1, 4, 6, 5), np.float32)})
    check(node("Transpose", ["x"], ["y"], perm=[0, 1, 1, 2]), "axis 1 is named twice")
    check(node("ReduceMean", ["x"], ["y"], axes=[4]), "axis 4 does not exist in a tensor of rank 4")
    check(node("Add", ["x", "w"], ["y"]), "shapes 1x4x6x6 and 5 cannot be broadcast",
          weights={"w": np.ones(5, np.float32)})
    check(node("MatMul", ["x", "w"], ["y"]), "shapes 1x4x6x6 and 5x2 do not fit",
          weights={"w": np.ones((5, 2), np.float32)})
    check(node("Cast", ["x"], ["y"], to=INT64), "a cast from float to INT64 of 'x'")
    check(node("Where", ["c", "x", "x"], ["y"]), "wrong type", weights={"c": array(1.0)})
    check(node("Transpose", ["x"], ["y"], perm=3), "attribute 'perm' should be a INTS, found a INT")
    check(node("Softmax", ["x"], ["y"], axis=7), "axis 7 does not exist")
    check([node("ArgMax", ["x"], ["i"]), node("Add", ["i", "one"], ["y"])],
          "holds integers that depend on a graph input", weights={"one": ints(1)},
          outputs=[("y", INT64)])


def test_transposed_convolution_of_a_larger_shape():
    # ONNX Runtime refuses this; the standard puts zeros at the end.
    w = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    attributes = {"strides": [3]}
    small = [node("ConvTranspose", ["x", "w"], ["a"], **attributes),
             node("Pad", ["a", "pads"], ["y"])]
    large = [node("ConvTranspose", ["x", "w"], ["y"], output_shape=[14], **attributes)]
    inputs = {"x": (FLOAT, [1, 2, 4])}
    check_equal(model_of(large, inputs, ["y"], {"w": w}),
                {"x": np.arange(8, dtype=np.float32).reshape(1, 2, 4)},
                model_of(small, inputs, ["y"], {"w": w, "pads": ints(0, 0, 0, 0, 0, 2)}))


def test_indices_of_arg_max_can_be_returned():
    nodes = [node("ArgMax", ["x"], ["i"], axis=1), node("Cast", ["i"], ["j"], to=TensorProto.INT32),
             node("Squeeze", ["j", "one"], ["k"]), node("Identity", ["k"], ["y"])]
    model = model_of(nodes, X, [("y", TensorProto.INT32)], {"one": ints(1)})
    check_equal(model, {"x": array([1, 3, 2], [9, 1, 9])})


def test_float_types_are_one():
    nodes = [node("Cast", ["x"], ["h"], to=TensorProto.FLOAT16), node("Neg", ["h"], ["y"])]
    model = model_of(nodes, X, [("y", TensorProto.FLOAT16)])
    check_equal(model, {"x": array([1, -2, 3], [4, -5, 6])})
    half = model_of([RELU], {"x": (TensorProto.FLOAT16, [2])}, [("y", TensorProto.FLOAT16)])
    assert importer.ask(half)["imported"]


def main():
    global importer
    importer = Importer(sys.argv[1])
    tests = {name: test for name, test in globals().items() if name.startswith("test_")}
    failures = 0
    for name in sys.argv[2:] or tests:
        try:
            tests[name]()
        except Exception:
            failures += 1
            print(f"{name} failed:\n{traceback.format_exc(limit=-3)}")
    print(f"{len(sys.argv[2:] or tests)} tests, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
