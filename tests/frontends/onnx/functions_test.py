# SPDX-License-Identifier: Apache-2.0
# Smooth functions, normalisations and recurrent layers, against ONNX
# Runtime: once with secret inputs, once with all inputs constant. Usage: functions_test.py NN_EVAL
# [OPERATOR...]
import sys

import numpy as np

from harness import Cases, ints, random, w, x

CASES = Cases()
case = CASES.add

positive = dict(low=0.1, high=4.0)
for name in ["Exp", "Sigmoid", "Tanh", "Sin", "Cos", "Softplus", "Softsign"]:
    case(name, [7, 22], [x(2, 5, low=-6, high=6)])
case("Erf", [9, 13], [x(2, 5)])
for name in ["Log", "Sqrt", "Reciprocal"]:
    case(name, [7, 13], [x(2, 5, **positive)])
case("Div", 14, [x(2, 3), x(3, **positive)])
case("Mish", 18, [x(2, 5, low=-6, high=6)])
for approximate in ["none", "tanh"]:
    case("Gelu", 20, [x(2, 5, low=-4, high=4)], approximate=approximate)
case("Elu", [7, 22], [x(2, 5)], alpha=0.7)
case("Elu", 7, [x(2, 5)])
case("Celu", 12, [x(2, 5)], alpha=0.7)
case("Selu", 7, [x(2, 5)])
case("Selu", 22, [x(2, 5)], alpha=1.5, gamma=1.25)
case("HardSigmoid", [7, 22], [x(2, 5, low=-6, high=6)])
case("HardSigmoid", 7, [x(2, 5, low=-6, high=6)], alpha=0.3, beta=0.4)
case("HardSwish", [14, 22], [x(2, 5, low=-6, high=6)])
for exponent in [1, 2, 3, 0.5, -0.5, -1, 2.5, -2]:
    case("Pow", [7, 13], [x(2, 5, **positive), np.array(exponent, np.float32)])
case("Pow", 13, [x(2, 5, **positive), np.array([2], np.int64)])
for name in ["ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp"]:
    case(name, [11, 17], [x(2, 3, 4, **positive)], axes=[1, -1])
    case(name, 13, [x(2, 3, 4, **positive)], keepdims=0)
    case(name, 18, [x(2, 3, 4, **positive), ints(1)], keepdims=0)
    case(name, 18, [x(2, 3, 4, **positive)])

case("LayerNormalization", 17, [x(2, 3, 4), w(4), w(4)])
case("LayerNormalization", 17, [x(2, 3, 4), w(3, 4)], axis=1, epsilon=0.01)
case("InstanceNormalization", [7, 22], [x(2, 3, 4, 5), w(3), w(3)], epsilon=0.01)
case("GroupNormalization", 18, [x(2, 6, 4), w(3), w(3)], num_groups=3)
case("GroupNormalization", 21, [x(2, 6, 4, 2), w(6), w(6)], num_groups=2)
case("MeanVarianceNormalization", [9, 13], [x(2, 3, 4, 5)])
case("MeanVarianceNormalization", 13, [x(2, 3, 4, 5)], axes=[1, 2])
for p in [1, 2]:
    case("LpNormalization", [7, 22], [x(2, 3, 4)], p=p, axis=1)
case("RMSNormalization", 23, [x(2, 3, 4), w(4)])


def recurrent(type, gates, directions, **options):
    """Inputs of a layer with 3 steps, batch 2, 4 inputs, 5 hidden."""
    steps, batch, inputs, hidden = 3, 2, 4, 5
    layout = options.pop("layout", 0)
    given = options.pop("given", "bhcp")
    lengths = options.pop("lengths", None)
    state = (batch, directions, hidden) if layout else (directions, batch, hidden)
    arguments = [
        x(batch, steps, inputs) if layout else x(steps, batch, inputs),
        w(directions, gates * hidden, inputs),
        w(directions, gates * hidden, hidden),
        w(directions, 2 * gates * hidden) if "b" in given else None,
        None if lengths is None else np.array(lengths, np.int32),
        x(*state) if "h" in given else None,
    ]
    if type == "LSTM":
        arguments.append(x(*state) if "c" in given else None)
        if "p" in given:
            arguments.append(w(directions, 3 * hidden))
    while arguments[-1] is None:
        arguments.pop()
    case(type, options.pop("opset", 14), arguments, outputs=3 if type == "LSTM" else 2,
         hidden_size=hidden, **({"layout": 1} if layout else {}), **options)


for type, gates in [("RNN", 1), ("GRU", 3), ("LSTM", 4)]:
    for opset in [7, 14, 22]:
        recurrent(type, gates, 1, given="bh", opset=opset)
    recurrent(type, gates, 1, given="")
    recurrent(type, gates, 1, direction="reverse")
    recurrent(type, gates, 2, direction="bidirectional")
    recurrent(type, gates, 2, direction="bidirectional", given="b", lengths=[3, 1])
    recurrent(type, gates, 1, lengths=[2, 3])
    recurrent(type, gates, 1, clip=0.3)
    extra = {"RNN": ["Relu"], "GRU": ["HardSigmoid", "Softsign"], "LSTM": ["HardSigmoid", "Softsign", "Relu"]}[type]
    recurrent(type, gates, 1, activations=extra)
for rnn in [["ScaledTanh"], ["Affine"], ["LeakyRelu"], ["Elu"], ["Softplus"]]:
    alphas = dict(activation_alpha=[0.5]) if rnn[0] != "Softplus" else {}
    betas = dict(activation_beta=[0.25]) if rnn[0] in ("ScaledTanh", "Affine") else {}
    recurrent("RNN", 1, 1, activations=rnn, **alphas, **betas)
recurrent("RNN", 1, 2, direction="bidirectional", activations=["Relu", "Tanh"])
recurrent("GRU", 3, 1, linear_before_reset=1)
recurrent("GRU", 3, 2, linear_before_reset=1, direction="bidirectional", given="b")
recurrent("LSTM", 4, 1, input_forget=1, given="bhc")


# Quantised values go back to floats within a model; here single operators on what tools write.
scale, zero = np.float32(0.03), np.uint8(120)
signed = dict(low=-1.5, high=1.5)


def q(*shape, type=np.int8, low=-100, high=100):
    return random.integers(low, high, shape).astype(type)


case("QuantizeLinear", [10, 13, 21], [x(2, 3, 4, **signed), scale, zero])
case("QuantizeLinear", 13, [x(2, 3, 4, **signed), np.float32(0.01), np.int8(3)])
case("QuantizeLinear", 13, [x(2, 3, 4, **signed), w(3, low=0.01, high=0.02), q(3)], axis=1)
case("QuantizeLinear", 13, [x(2, 3, 4, **signed), scale])
case("DequantizeLinear", [10, 13, 21], [q(2, 3, type=np.uint8, low=0), scale, zero])
case("DequantizeLinear", 13, [q(4, 3), w(3, low=0.01, high=0.02), q(3)], axis=1)
case("DequantizeLinear", 13, [q(4), scale])
case("DequantizeLinear", 13, [q(4, type=np.int32), scale, np.int32(0)])
case("QLinearConv", 10, [q(1, 3, 5, 5, type=np.uint8, low=0), scale, zero, q(4, 3, 3, 3), np.float32(0.02), np.int8(0),
                         np.float32(0.2), np.uint8(100), q(4, type=np.int32)], pads=[1, 1, 1, 1], only_folded=True)
case("QLinearConv", 10, [q(1, 3, 5, 5, type=np.uint8, low=0), scale, zero, q(4, 3, 3, 3), w(4, low=0.01, high=0.02),
                         q(4, low=0, high=1), np.float32(0.2), np.uint8(100)], only_folded=True)
case("QLinearMatMul", [10, 21], [q(5, 3, type=np.uint8, low=0), scale, zero, q(3, 4), np.float32(0.02), np.int8(5),
                                 np.float32(0.2), np.uint8(100)], only_folded=True)
case("MatMulInteger", 10, [q(5, 3, type=np.uint8, low=0), q(3, 4), zero, np.int8(5)], only_folded=True)
case("ConvInteger", 10, [q(1, 3, 5, 5, type=np.uint8, low=0), q(4, 3, 3, 3, type=np.uint8, low=0), zero, zero],
     only_folded=True)
# As ONNX Runtime's QOperator format has them.
u8 = dict(type=np.uint8, low=0)
for type in ("QLinearAdd", "QLinearMul"):
    case(f"com.microsoft/{type}", 17, [q(2, 3, 4, **u8), scale, zero, q(3, 1, **u8), np.float32(0.0217), np.uint8(7), np.float32(0.0913),
                                          zero],
         only_folded=True)
case("com.microsoft/QLinearAveragePool", 17, [q(1, 2, 6, 6, **u8), scale, zero, scale, zero], kernel_shape=[3, 3], strides=[3, 3], only_folded=True)
case("com.microsoft/QLinearGlobalAveragePool", 17, [q(1, 2, 4, 4, **u8), scale, zero, scale, zero], only_folded=True)
case("com.microsoft/QLinearConcat", 17, [scale, zero, q(2, 3, **u8), np.float32(0.02), np.uint8(7), q(2, 2, **u8), scale, zero], axis=1,
     only_folded=True)
case("com.microsoft/QGemm", 17, [q(2, 3, **u8), scale, zero, q(4, 3), w(4, low=0.01, high=0.02), q(4, low=0, high=1), q(4, type=np.int32),
                                 np.float32(0.2), np.uint8(100)], transB=1, only_folded=True)
case("com.microsoft/QGemm", 17, [q(2, 3, **u8), scale, zero, q(3, 4), np.float32(0.02), np.int8(5)], alpha=0.5, only_folded=True)


if __name__ == "__main__":
    sys.exit(CASES.run())
