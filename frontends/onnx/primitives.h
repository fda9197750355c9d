// SPDX-License-Identifier: Apache-2.0
// The steps that builders are made of. Each works on constants at once and emits an nn operation
// for all other values, so that shape arithmetic and preparation of weights need no code of their
// own. Shapes and indices of the arguments fit, unless said otherwise.
#pragma once

#include "frontends/onnx/node.h"
#include "ir/nn/functions.h"

namespace dyad::onnx {

// Moving elements. Integers that depend on an input can be reshaped, nothing else; the others
// refuse them.

/// Any shape of the same number of elements; refuses others. The input may be poisoned.
Value reshape(Node &node, const Value &input, Shape shape);
Value transpose(Node &node, const Value &input, const Shape &permutation);
/// Repeats axes of size one; refuses a shape that the input cannot be broadcast to.
Value broadcast(Node &node, const Value &input, const Shape &shape);
/// Refuses inputs that differ in rank or outside of the axis.
Value concat(Node &node, llvm::ArrayRef<Value> inputs, int64_t axis);
/// `counts` elements along each axis, from `starts`, `steps` apart (may be negative).
Value slice(Node &node, const Value &input, const Shape &starts, const Shape &counts,
            const Shape &steps);
/// Positions `indices` (all in range) of an axis.
Value gather(Node &node, const Value &input, int64_t axis, const Shape &indices);
/// Element `i` of the result is element `indices[i]` of the flattened input.
Value take(Node &node, const Value &input, Shape shape, const Shape &indices);
/// Elements of `value` around the axes; negative entries cut elements off instead.
Value pad(Node &node, const Value &input, Shape low, Shape high, double value);
/// `interior` zeros between neighbours along each axis.
Value spread(Node &node, const Value &input, const Shape &interior);

// Arithmetic on floats, with the broadcasting of ONNX. Constants of integers are computed with too.

enum class Binary { kAdd, kSub, kMul, kDiv, kMin, kMax };
/// A quotient of a constant by a value that is none is a product with its reciprocal.
Value binary(Node &node, Binary kind, const Value &lhs, const Value &rhs);
enum class Unary { kNeg, kAbs, kRelu, kRound };
Value unary(Node &node, Unary kind, const Value &input);
/// min(max(x, low), high); an absent bound does not bound.
Value clip(Node &node, const Value &input, std::optional<double> low, std::optional<double> high);

/// 1 where x >= 0 (x > 0 if strict), else 0.
Value step(Node &node, const Value &input, bool isStrict);

/// A smooth function of each element (ir/nn/functions.h). Constants outside its domain are refused.
Value function(Node &node, nn::FunctionKind kind, const Value &input, double parameter = 0);

enum class Reduction { kSum, kMean, kMax, kMin, kL1 };
/// Reduced axes stay, with size one. No axes: the input itself (its absolute value for kL1).
Value reduce(Node &node, Reduction kind, const Value &input, const Shape &axes);

/// The axes that a reduction names: as attribute, or as an input from opset `inputSince` on. None
/// means all, or with noop_with_empty_axes nothing.
Shape reducedAxes(Node &node, int inputSince);
/// Refuses a node that has more results than its first: what only training uses.
void refuseTrainingOutputs(const Node &node);
/// A number that follows from the node's attributes or its meaning: public.
Value publicNumber(const Node &node, float value, llvm::StringRef what);
/// Drops reduced axes, unless the node's `keepdims` says otherwise.
Value withoutAxes(Node &node, const Value &reduced, const Shape &axes);

/// ...xMxK times ...xKxN, both of rank two or more; batch axes are broadcast.
Value matmul(Node &node, const Value &lhs, const Value &rhs);

} // namespace dyad::onnx
