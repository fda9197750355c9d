#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes variants of a public model as fine-tuning leaves them, each in a file of its own.

usage: scripts/fine_tuned_variants.py MODEL.onnx FOLDER [--seed N] [--rank R]

    last_block.onnx    the last quarter of the convolutions (at least two) and the head changed
    low_rank.onnx      one convolution (or matrix, where there is none) in the middle changed by an update of rank R
    biases.onnx        all biases (of operators, or of Add nodes) changed, nothing else
    upper_half.onnx    the second half of the layers with all that is read there (the lower layers are frozen)
    lora.onnx          every square matrix (a transformer's projections) changed by an update of rank R, as LoRA leaves it when merged
    lora_upper.onnx    those of the second half alone
    one_element.onnx   one number of the head's matrix changed
    renamed.onnx       nothing changed but all names of initializers, and matrices of Gemm stored the other way round

Changes are of a tenth of the tensor's standard deviation.
"""
import argparse
import pathlib

import numpy as np
import onnx
from onnx import numpy_helper

CHANGE = 0.1
LINEAR = {"Conv", "Gemm", "MatMul"}


class Model:
    """A model whose initializers are read and replaced by name."""

    def __init__(self, path):
        self.proto = onnx.load(str(path))
        self.tensors = {tensor.name: tensor for tensor in self.proto.graph.initializer}

    def get(self, name):
        return numpy_helper.to_array(self.tensors[name])

    def put(self, name, values):
        self.tensors[name].CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name))

    def perturb(self, name, rng):
        values = self.get(name)
        size = CHANGE * (values.std() or 1)
        self.put(name, values + size * rng.standard_normal(values.shape))

    def layers(self):
        """Names of (weight, bias or None) of linear nodes, in order."""
        found = []
        for node in self.proto.graph.node:
            weight = next((name for name in node.input if name in self.tensors), None)
            if node.op_type in LINEAR and weight is not None:
                bias = node.input[2] if len(node.input) > 2 else None
                found.append((weight, bias if bias in self.tensors else None))
        return found

    def biases(self):
        adds = [name for node in self.proto.graph.node if node.op_type == "Add" for name in node.input
                if name in self.tensors and self.get(name).ndim == 1]
        return [bias for _, bias in self.layers() if bias] + adds


def last_block(model, rng, rank):
    layers = model.layers()
    count = max(2, len(layers) // 4)
    for weight, bias in layers[-count:]:
        model.perturb(weight, rng)
        if bias:
            model.perturb(bias, rng)


def upper_half(model, rng, rank):
    upper = {weight for weight, _ in model.layers()[len(model.layers()) // 2:]}
    nodes = list(model.proto.graph.node)
    first = next(k for k, node in enumerate(nodes) if upper & set(node.input))
    for name in dict.fromkeys(name for node in nodes[first:] for name in node.input if name in model.tensors):
        if name in upper or (model.get(name).ndim == 1 and model.get(name).dtype == np.float32):
            model.perturb(name, rng)


def add_update(model, name, rng, rank):
    values = model.get(name)
    rows = values.shape[0]
    update = rng.standard_normal((rows, rank)) @ rng.standard_normal((rank, values.size // rows))
    model.put(name, values + (CHANGE * values.std() / np.sqrt(rank) * update).reshape(values.shape))


def lora(model, rng, rank, layers=None):
    for name, _ in layers or model.layers():
        shape = model.get(name).shape
        if len(shape) == 2 and shape[0] == shape[1]:
            add_update(model, name, rng, rank)


def lora_upper(model, rng, rank):
    lora(model, rng, rank, model.layers()[len(model.layers()) // 2:])


def low_rank(model, rng, rank):
    layers = [weight for weight, _ in model.layers() if model.get(weight).ndim == 4] or [weight for weight, _ in model.layers()]
    add_update(model, layers[len(layers) // 2], rng, rank)


def biases(model, rng, rank):
    for name in model.biases():
        model.perturb(name, rng)


def one_element(model, rng, rank):
    name, _ = model.layers()[-1]
    values = model.get(name).copy()
    values.flat[values.size // 3] += values.std()
    model.put(name, values)


def renamed(model, rng, rank):
    for node in model.proto.graph.node:
        transposed = [item for item in node.attribute if item.name == "transB" and item.i == 1]
        if node.op_type == "Gemm" and transposed and node.input[1] in model.tensors:
            model.put(node.input[1], model.get(node.input[1]).T)
            node.attribute.remove(transposed[0])
    names = {name: f"t{k}" for k, name in enumerate(model.tensors)}
    for tensor in model.proto.graph.initializer:
        tensor.name = names[tensor.name]
    for node in model.proto.graph.node:
        for k, name in enumerate(node.input):
            node.input[k] = names.get(name, name)


VARIANTS = {"last_block": last_block,
            "upper_half": upper_half, "lora": lora, "lora_upper": lora_upper, "low_rank": low_rank, "biases": biases, "one_element": one_element, "renamed": renamed}


def write(source, folder, seed=1, rank=4, only=tuple(VARIANTS)):
    """The files, by the variant's name."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for name in only:
        model = Model(source)
        VARIANTS[name](model, np.random.default_rng(seed), rank)
        files[name] = folder / f"{name}.onnx"
        onnx.save(model.proto, str(files[name]))
    return files


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("folder")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rank", type=int, default=4)
    given = parser.parse_args()
    for name, path in write(given.model, given.folder, given.seed, given.rank).items():
        print(f"{name}: {path}")


if __name__ == "__main__":
    main()
