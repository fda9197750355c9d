# SPDX-License-Identifier: Apache-2.0
# Every operator and opset that the importer tells apart, against ONNX Runtime: once with secret
# inputs, once with all inputs constant. Usage: operators_test.py NN_EVAL [NAME...]
import sys

import numpy as np
from onnx import TensorProto, helper

from harness import Cases, Secret, ints, random, w, x


CASES = Cases()
case = CASES.add

# Elementwise.
for name in ["Add", "Sub", "Mul", "Div"]:
    case(name, [7, 13, 14, 23], [x(2, 3, 4), w(3, 1, low=0.5)])
    case(name, 14, [w(2, 1, 4), x(1, 3, 4, low=0.5)])
    case(name, 14, [x(3), x(2, 3, low=0.5)])
    case(name, 14, [Secret(ints(7, -7, 9)), ints(2, 2, -4)], only_folded=True)
for name in ["Sum", "Min", "Max", "Mean"]:
    case(name, [8, 13], [x(2, 3), w(3), x(2, 1)])
    case(name, 8, [x(2, 3)])
case("Max", 12, [Secret(ints(7, -7, 9)), ints(2, 2, -4)], only_folded=True)
for name in ["Neg", "Abs", "Relu"]:
    case(name, [7, 13], [x(2, 3, 4)])
case("Relu", 14, [x()])
case("LeakyRelu", [7, 16], [x(2, 5)], alpha=0.2)
case("LeakyRelu", 16, [x(2, 5)])
case("PRelu", [7, 9, 16], [x(2, 3, 4), w(3, 1)])
case("PRelu", 16, [x(2, 3, 4), w(1)])
case("Clip", [7, 10], [x(2, 5)], min=-0.5, max=1.0)
case("Clip", 7, [x(2, 5)], max=1.0)
case("Clip", [11, 13], [x(2, 5), np.float32(-0.5), np.float32(1)])
case("Clip", 12, [x(2, 5), None, np.float32(0.25)])
case("Clip", 12, [x(2, 5), np.float32(0.25), np.float32(-0.25)])
case("Clip", 13, [x(2, 5)])
case("Clip", 13, [x(2, 5), Secret(np.float32(-0.5)), np.float32(1)])
case("Clip", 13, [x(2, 5), np.float32(-np.inf), np.float32(np.inf)])
case("Pow", [7, 13, 15], [x(2, 5), np.float32(2)])
case("Pow", 13, [x(2, 5), np.array([1], np.float32)])
case("Pow", 13, [x(2, 5, low=0.1), w(5)], only_folded=True)
case("Identity", [7, 14, 19], [x(2, 5)])
case("Dropout", [7, 10], [x(2, 5)], outputs=["o0", "unused"], ratio=0.3)
case("Dropout", [12, 13, 22], [x(2, 5), np.float32(0.3)])
case("Dropout", 13, [x(2, 5), np.float32(0.3), np.array(False)])
for name in ["Softmax", "LogSoftmax"]:
    case(name, [7, 11, 13], [x(2, 5)])
    case(name, [7, 11], [x(2, 3, 4)])
    case(name, 11, [x(2, 3, 4)], axis=0)
    case(name, 11, [x(2, 3, 1, 1)], axis=1)
    case(name, 11, [x(2, 3, 4)], axis=-1)
    case(name, 13, [x(2, 3, 4)])
    case(name, 13, [x(2, 3, 4)], axis=1)
for source, target in [("FLOAT", "DOUBLE"), ("FLOAT", "INT64"), ("FLOAT", "INT8"), ("FLOAT", "BOOL"),
                       ("INT64", "FLOAT"), ("INT64", "UINT8"), ("INT64", "BOOL"), ("BOOL", "INT32")]:
    values = random.uniform(-9, 9, 6).round(1).astype(np.float32)
    if source != "FLOAT":
        values = np.array([0, 3, -5, 300, 1, 0], np.int64)
    case("Cast", [9, 13], [Secret(values.astype(bool) if source == "BOOL" else values)],
         only_folded=target != "DOUBLE", to=getattr(TensorProto, target))
case("CastLike", 15, [Secret(w(4) * 5), ints(1)], only_folded=True)
case("CastLike", 19, [x(4), w(2)])

# Functions of constants.
for name in ["Sqrt", "Exp", "Log", "Floor", "Ceil", "Reciprocal", "Sigmoid", "Tanh"]:
    case(name, [7, 13], [x(5, low=0.1)], only_folded=True)
case("Round", 11, [Secret(np.array([0.5, 1.5, -2.5, 1.2], np.float32))], only_folded=True)
case("Sign", 13, [x(5)], only_folded=True)
case("Erf", 13, [x(5)], only_folded=True)
case("Mod", 13, [Secret(ints(7, -7, 7, -7)), ints(3, 3, -3, -3)], only_folded=True)
case("Mod", 13, [Secret(ints(7, -7, 7, -7)), ints(3, 3, -3, -3)], only_folded=True, fmod=1)
case("Mod", 13, [x(5), w(5)], only_folded=True, fmod=1)
for name in ["Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"]:
    case(name, [13, 16], [Secret(ints(1, 2, 3)), ints(2)], only_folded=True)
    case(name, 16, [Secret(np.array([1, 2, 3], np.float32)), np.float32(2)], only_folded=True)
for name in ["And", "Or", "Xor"]:
    case(name, 7, [Secret(np.array([0, 0, 1, 1], bool)), np.array([0, 1, 0, 1], bool)],
         only_folded=True)
case("Not", 7, [Secret(np.array([0, 1], bool))], only_folded=True)
case("Where", [9, 16], [np.array([[True], [False]]), x(2, 3), w(3)])
case("Where", 16, [np.array(True), x(2, 1), w(3)])
case("ConstantOfShape", [9, 20], [ints(2, 3)])
case("ConstantOfShape", 9, [ints(2, 0)],
     value=helper.make_tensor("value", TensorProto.INT64, [1], [4]))
case("Shape", [7, 13, 15], [x(2, 3, 4)])
case("Shape", 15, [x(2, 3, 4)], start=-2)
case("Shape", 19, [x(2, 3, 4)], start=1, end=-1)
case("Size", [7, 13], [x(2, 3, 4)])
case("Range", 11, [ints(3)[0], ints(10)[0], ints(2)[0]])
case("Range", 11, [np.float32(3), np.float32(-1), np.float32(-0.5)])
case("Constant", 9, [], value=helper.make_tensor("value", TensorProto.FLOAT, [2], [1, 2]))
case("Constant", 12, [], value_float=1.5)
case("Constant", 12, [], value_floats=[1.5, 2.5])
case("Constant", 13, [], value_int=3)
case("Constant", 13, [], value_ints=[3, 4])

# Structure.
case("Reshape", [7, 13, 14], [x(2, 3, 4), ints(0, -1, 2)])
case("Reshape", 14, [x(0, 3), ints(3, 0)], allowzero=1)
case("Reshape", 14, [x(1), ints()])
case("Flatten", [7, 9], [x(2, 3, 4)])
case("Flatten", 9, [x(2, 3, 4)], axis=0)
case("Flatten", 9, [x(2, 3, 4)], axis=3)
case("Flatten", [11, 13], [x(2, 3, 4)], axis=-1)
case("Squeeze", [7, 11], [x(1, 3, 1, 2)], axes=[2])
case("Squeeze", 11, [x(1, 3, 1, 2)])
case("Squeeze", 11, [x(1, 3, 1, 2)], axes=[-2, 0])
case("Squeeze", [13, 21], [x(1, 3, 1, 2), ints(-4)])
case("Squeeze", 13, [x(1, 3, 1, 2)])
case("Unsqueeze", [7, 11], [x(3, 2)], axes=[0, 3])
case("Unsqueeze", [13, 21], [x(3, 2), ints(-1, 1)])
case("Transpose", [7, 13], [x(2, 3, 4)])
case("Transpose", 13, [x(2, 3, 4)], perm=[1, 2, 0])
case("Concat", [7, 11, 13], [x(2, 3), w(2, 1), x(2, 2)], axis=1)
case("Concat", 11, [x(2, 3), w(1, 3)], axis=-2)
case("Expand", [8, 13], [x(3, 1), ints(2, 1, 4)])
case("Expand", 13, [x(3, 4), ints(1)])
case("Tile", [7, 13], [x(2, 3), ints(2, 3)])
case("Tile", 13, [x(2, 3), ints(0, 1)])
case("DepthToSpace", [7, 11], [x(1, 12, 2, 3)], blocksize=2)
case("DepthToSpace", [11, 13], [x(1, 12, 2, 3)], blocksize=2, mode="CRD")
case("DepthToSpace", 13, [x(1, 12, 2, 3)], blocksize=2, mode="DCR")
case("SpaceToDepth", [7, 13], [x(1, 2, 4, 6)], blocksize=2)
case("Split", [7, 11], [x(6, 2)], outputs=3)
case("Split", [7, 11], [x(6, 2)], outputs=2, split=[4, 2])
case("Split", 11, [x(2, 6)], outputs=2, axis=-1)
case("Split", [13, 18], [x(2, 6), ints(1, 5)], outputs=2, axis=1)
case("Split", 13, [x(6, 2)], outputs=3)
case("Split", 18, [x(7, 2)], outputs=3, num_outputs=3)
case("Slice", [7, 9], [x(5, 6)], starts=[1, -3], ends=[4, 1000])
case("Slice", 9, [x(5, 6)], starts=[-4], ends=[-1], axes=[1])
case("Slice", [10, 11, 13], [x(5, 6), ints(1), ints(5), ints(0), ints(2)])
case("Slice", 13, [x(5, 6), ints(-1, 5), ints(-1000, 0), ints(0, -1), ints(-1, -2)])
case("Slice", 13, [x(5, 6), ints(0), ints(2**63 - 1), ints(1)])
case("Slice", 13, [x(5, 6), ints(4), ints(-(2**63)), ints(0), ints(-3)])
case("Slice", 13, [x(5, 6), ints(3), ints(2)])
case("Slice", 10, [x(5, 6), ints(2), ints(3), None, ints(2**62)])
case("Gather", [7, 11, 13], [x(5, 3), ints(4, 0, 2)])
case("Gather", 11, [x(5, 3), ints(-1, 1).reshape(1, 2)], axis=1)
case("Gather", 13, [x(5, 3), ints(2)[0]], axis=-2)
case("GatherElements", [11, 13], [x(3, 4), ints(0, 2, -1, 1).reshape(1, 4)])
case("GatherElements", 13, [x(3, 4), ints(0, 3, -1, 1, 0, 0).reshape(3, 2)], axis=1)
case("Pad", [7, 10], [x(2, 3)], pads=[0, 1, 2, 3])
case("Pad", 10, [x(2, 3)], pads=[0, 1, 2, 3], value=1.5)
case("Pad", 10, [x(3, 4)], pads=[1, 2, 2, 3], mode="reflect")
case("Pad", 10, [x(2, 3)], pads=[1, 2, 2, 3], mode="edge")
case("Pad", [11, 13, 18, 21], [x(2, 3), ints(0, 1, 2, 3), np.float32(-1)])
case("Pad", 13, [x(2, 3), ints(0, -1, 2, -1)])
case("Pad", 13, [x(3, 4), ints(1, 2, 2, 3)], mode="reflect")
case("Pad", 18, [x(2, 3), ints(1, 2), None, ints(-1)], mode="edge")
case("Pad", 19, [x(2, 3), ints(1, 2, 2, 3)], mode="wrap")

# Windows. The pooling of ONNX Runtime counts ceil_mode's padding before opset 19, the standard
# does not: those cases have no count_include_pad.
for opset in [7, 11, 22]:
    case("Conv", opset, [x(2, 4, 7, 6), w(6, 4, 3, 2), w(6)])
    case("Conv", opset, [x(1, 4, 7, 6), w(6, 2, 3, 3)], group=2, pads=[1, 0, 2, 1], strides=[2, 1])
case("Conv", 11, [x(1, 4, 9, 8), w(4, 1, 3, 3), w(4)], group=4, dilations=[2, 2], pads=[2, 2, 2, 2])
for mode in ["SAME_UPPER", "SAME_LOWER", "VALID"]:
    case("Conv", 11, [x(1, 2, 7, 8), w(3, 2, 2, 3)], auto_pad=mode, strides=[2, 3])
    case("MaxPool", 12, [x(1, 2, 7, 8)], auto_pad=mode, strides=[2, 3], kernel_shape=[2, 3])
    case("AveragePool", 11, [x(1, 2, 7, 8)], auto_pad=mode, strides=[2, 2], kernel_shape=[3, 2])
case("Conv", 11, [x(2, 4, 9), w(6, 2, 3), w(6)], group=2, strides=[2], pads=[1, 2], dilations=[2])
case("Conv", 11, [x(1, 2, 9), w(3, 2, 3)], auto_pad="SAME_UPPER", strides=[2], kernel_shape=[3])
case("Conv", 11, [x(1, 2, 5, 5), x(3, 2, 3, 3)])
for opset in [7, 11, 22]:
    case("ConvTranspose", opset, [x(1, 4, 3, 4), w(4, 3, 3, 2), w(3)], strides=[2, 3])
case("ConvTranspose", 11, [x(2, 4, 3, 4), w(4, 2, 3, 3)], group=2, pads=[1, 0, 2, 1], strides=[2, 2])
case("ConvTranspose", 11, [x(1, 2, 3, 4), w(2, 2, 3, 3)], strides=[2, 2], output_padding=[1, 1],
     pads=[1, 1, 1, 1], dilations=[2, 1])
case("ConvTranspose", 11, [x(1, 2, 3, 4), w(2, 2, 3, 3)], strides=[2, 2], output_shape=[6, 8])
case("ConvTranspose", 11, [x(1, 2, 3, 4), w(2, 2, 3, 3)], strides=[2, 2], auto_pad="SAME_UPPER")
case("ConvTranspose", 11, [x(1, 2, 3, 4), w(2, 2, 3, 3)], strides=[2, 2], auto_pad="SAME_LOWER")
case("ConvTranspose", 11, [x(1, 2, 3, 4), w(2, 2, 2, 2)], pads=[2, 2, 1, 1], strides=[3, 3])
case("ConvTranspose", 11, [x(1, 2, 5), w(2, 3, 4)], strides=[2], pads=[1, 1])
case("MaxPool", [7, 8, 10, 11, 12, 22], [x(2, 3, 7, 8)], kernel_shape=[3, 2], strides=[2, 2],
     pads=[1, 0, 1, 1])
case("MaxPool", [10, 12], [x(1, 2, 7, 8)], kernel_shape=[3, 2], strides=[2, 3], ceil_mode=1)
case("MaxPool", 12, [x(1, 2, 7, 8)], kernel_shape=[2, 2], strides=[3, 3], ceil_mode=1,
     pads=[0, 0, 1, 1])
case("MaxPool", [10, 12], [x(1, 2, 9, 8)], kernel_shape=[3, 2], dilations=[2, 3])
case("MaxPool", 12, [x(1, 2, 9)], kernel_shape=[3], strides=[2], pads=[1, 1])
case("AveragePool", [7, 10, 11, 19, 22], [x(2, 3, 7, 8)], kernel_shape=[3, 2], strides=[2, 2],
     pads=[1, 0, 1, 1])
case("AveragePool", [7, 11, 19], [x(1, 2, 7, 8)], kernel_shape=[3, 2], strides=[2, 2],
     pads=[1, 0, 1, 1], count_include_pad=1)
case("AveragePool", [10, 19], [x(1, 2, 8, 9)], kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1)
case("AveragePool", 19, [x(1, 2, 8, 9)], kernel_shape=[3, 2], strides=[2, 3], ceil_mode=1,
     pads=[1, 1, 0, 0], count_include_pad=1)
case("AveragePool", 19, [x(1, 2, 9, 9)], kernel_shape=[3, 2], dilations=[2, 1])
case("AveragePool", 11, [x(1, 2, 9)], kernel_shape=[3], strides=[2], pads=[1, 1])
for name in ["GlobalAveragePool", "GlobalMaxPool"]:
    case(name, [7, 22], [x(2, 3, 4, 5)])
    case(name, 7, [x(2, 3, 4)])

# Linear.
case("Gemm", [7, 9, 11, 13], [x(2, 3), w(3, 4), w(4)])
case("Gemm", 11, [x(2, 3), w(3, 4)])
case("Gemm", 13, [x(3, 2), w(4, 3), w(2, 1)], transA=1, transB=1, alpha=0.5, beta=2.0)
case("Gemm", 13, [w(2, 3), x(3, 4), np.float32(3)], alpha=0.5)
case("Gemm", 13, [x(2, 3), x(3, 4), x(4)], alpha=0.5, beta=0.25)
case("MatMul", [7, 9, 13], [x(2, 3), w(3, 4)])
case("MatMul", 13, [w(2, 3), x(3)])
case("MatMul", 13, [x(3), w(3, 4)])
case("MatMul", 13, [x(3), w(3)])
case("MatMul", 13, [x(2, 5, 2, 3), w(3, 4)])
case("MatMul", 13, [x(2, 1, 2, 3), w(5, 3, 4)])
case("MatMul", 13, [x(5, 3), x(2, 3, 4)])
case("MatMul", 13, [x(3), x(2, 3, 4)])
case("BatchNormalization", [7, 9, 14, 15], [x(2, 3, 4, 4), w(3), w(3), w(3), w(3, low=0.5)])
case("BatchNormalization", 15, [x(2, 3), w(3), w(3), w(3), w(3, low=0.5)], epsilon=0.01)

# Reductions.
for name in ["Sum", "Mean", "Max", "Min", "L1"]:
    type = "Reduce" + name
    since = 13 if name == "Sum" else 18
    case(type, [7, 11], [x(2, 3, 4)], axes=[1])
    case(type, 11, [x(2, 3, 4)], axes=[-1, 0], keepdims=0)
    case(type, 11, [x(2, 3, 4)])
    case(type, [since, 20], [x(2, 3, 4), ints(-1, 0)], keepdims=0)
    case(type, since, [x(2, 3, 4), ints(1)])
    case(type, since, [x(2, 3, 4)])
    if name != "L1":  # ONNX Runtime returns negative values, the standard absolute ones
        case(type, since, [x(2, 3, 4)], noop_with_empty_axes=1)
case("ReduceSum", 13, [Secret(ints(3, 4)), ints(0)], only_folded=True)
case("ReduceMax", 13, [Secret(ints(3, 4))], only_folded=True)
case("ReduceProd", [11, 13], [Secret(ints(3, 4))], only_folded=True, keepdims=0)
ties = Secret(np.array([[1, 3, 3], [2, 2, 1]], np.float32))
for name in ["ArgMax", "ArgMin"]:
    case(name, [7, 11, 13], [x(3, 4)], axis=1)
    case(name, 13, [x(3, 4)], axis=-2, keepdims=0)
    case(name, 13, [ties], axis=1)
    case(name, 13, [ties], axis=1, select_last_index=1)

# Resampling.
case("Upsample", 7, [x(1, 2, 3, 4)], scales=[1.0, 1.0, 2.0, 1.5])
case("Upsample", 9, [x(1, 2, 3, 4), np.array([1, 1, 2, 3], np.float32)])
case("Resize", 10, [x(1, 2, 3, 4), np.array([1, 1, 2, 0.5], np.float32)])
grow = np.array([1, 1, 2.5, 1.7], np.float32)
shrink = np.array([1, 1, 0.6, 0.75], np.float32)
MODES = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"]
for coordinates in MODES:
    for rounding in ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]:
        settings = {"coordinate_transformation_mode": coordinates, "nearest_mode": rounding}
        case("Resize", 11, [x(1, 2, 5, 8), w(0), grow], **settings)
        case("Resize", 18, [x(1, 2, 5, 8), None, grow], **settings)
        case("Resize", 13, [x(1, 2, 5, 8), None, shrink], **settings)
        case("Resize", 19, [x(1, 2, 5, 8), None, None, ints(1, 2, 7, 3)], **settings)
case("Resize", 11, [x(1, 2, 5, 8), w(0), grow], coordinate_transformation_mode="tf_half_pixel_for_nn")
case("Resize", 19, [x(1, 2, 5, 8), None, grow], coordinate_transformation_mode="half_pixel_symmetric")
case("Resize", 11, [x(1, 2, 5, 8), w(0), w(0), ints(1, 2, 10, 16)])
case("Resize", 18, [x(1, 2, 5, 8), None, np.array([2, 3], np.float32)], axes=[-2, -1])
for policy in ["not_larger", "not_smaller"]:
    case("Resize", 18, [x(1, 2, 5, 8), None, None, ints(10, 12)], axes=[2, 3],
         keep_aspect_ratio_policy=policy)


if __name__ == "__main__":
    sys.exit(CASES.run())
