#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Quantises an ONNX model to 8 bits with ONNX Runtime's static quantisation, in the form that compiles to the narrowest widths:
quantise.py MODEL.onnx SAMPLES.npy QUANTISED.onnx [COUNT]. SAMPLES holds inputs, the first COUNT (32) of which calibrate the scales; give
the same ones to dyadc --calibrate. See docs/quantised.md."""
import logging
import sys

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static


class Samples(CalibrationDataReader):
    def __init__(self, name, samples):
        self.rest = iter([{name: sample} for sample in samples])

    def get_next(self):
        return next(self.rest, None)


def quantise(model, samples, result, **options):
    """Activations and weights of 8 bits, weights by channel; `options` go to quantize_static."""
    graph = onnx.load(str(model)).graph
    weights = {initializer.name for initializer in graph.initializer}
    name = next(item.name for item in graph.input if item.name not in weights)
    logging.getLogger().setLevel(logging.ERROR)  # advice on preprocessing
    quantize_static(str(model), str(result), Samples(name, samples),
                    **{"quant_format": QuantFormat.QDQ, "per_channel": True, "activation_type": QuantType.QInt8,
                       "weight_type": QuantType.QInt8, **options})


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    quantise(sys.argv[1], np.load(sys.argv[2])[:int(sys.argv[4]) if len(sys.argv) == 5 else 32], sys.argv[3])
