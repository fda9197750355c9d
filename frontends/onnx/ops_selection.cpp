// SPDX-License-Identifier: Apache-2.0
// Builders of operators that choose elements by public positions: slices, gathers, padding.
#include "frontends/onnx/operators.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace dyad::onnx {

namespace {

using Values = std::vector<Value>;

Values buildSlice(Node &node) {
  const Value &input = node.input(0);
  Shape from = input.shape();
  int64_t rank = input.rank();
  Shape starts;
  Shape ends;
  std::optional<Shape> axes;
  Shape steps;
  if (node.opset < 10) {
    starts = node.integers("starts").value_or(Shape{});
    ends = node.integers("ends").value_or(Shape{});
    axes = node.integers("axes");
  } else {
    starts = node.constantIntegers(1, "starts");
    ends = node.constantIntegers(2, "ends");
    if (node.has(3))
      axes = node.constantIntegers(3, "axes");
    if (node.has(4))
      steps = node.constantIntegers(4, "steps");
  }
  if (!axes) {
    axes.emplace(starts.size());
    std::iota(axes->begin(), axes->end(), 0);
  }
  if (steps.empty())
    steps.assign(starts.size(), 1);
  if (ends.size() != starts.size() || axes->size() != starts.size() ||
      steps.size() != starts.size())
    throw Refusal("starts, ends, axes and steps differ in length; the model is damaged");
  Shape where = Node::axes(*axes, rank);
  Shape first(rank, 0);
  Shape counts = from;
  Shape strides(rank, 1);
  for (size_t i = 0; i < where.size(); ++i) {
    int64_t axis = where[i];
    int64_t size = from[axis];
    int64_t step = steps[i];
    if (step == 0)
      throw Refusal("a step is zero; the model is damaged");
    if (size == 0)
      continue;
    // Ends may be the smallest or largest integer, for "all": clamp before adding anything.
    auto clamped = [size](int64_t at, int64_t low, int64_t high) {
      return std::clamp(at < 0 ? (at < -size ? int64_t{-1} - size : at) + size : at, low, high);
    };
    bool up = step > 0;
    int64_t begin = clamped(starts[i], 0, up ? size : size - 1);
    int64_t end = clamped(ends[i], up ? 0 : -1, up ? size : size - 1);
    int64_t span = up ? end - begin : begin - end;
    uint64_t stride = up ? static_cast<uint64_t>(step) : 0 - static_cast<uint64_t>(step);
    counts[axis] =
        span <= 0 ? 0 : static_cast<int64_t>((static_cast<uint64_t>(span) - 1) / stride) + 1;
    first[axis] = counts[axis] == 0 ? 0 : begin;
    strides[axis] = counts[axis] <= 1 ? 1 : step; // a step that is not taken may be enormous
  }
  return {slice(node, input, first, counts, strides)};
}

Values buildSplit(Node &node) {
  const Value &input = node.input(0);
  Shape from = input.shape();
  int64_t axis = Node::axis(node.integer("axis", 0), input.rank());
  auto parts = static_cast<int64_t>(node.outputCount());
  std::optional<Shape> sizes;
  if (node.opset < 13)
    sizes = node.integers("split");
  else if (node.has(1))
    sizes = node.constantIntegers(1, "the sizes of the parts");
  if (!sizes) {
    // Equal parts; since opset 18 the last one may be smaller.
    if (node.opset >= 18)
      parts = node.integer("num_outputs", parts);
    if (parts < 1 || (node.opset < 18 && from[axis] % parts != 0))
      throw Refusal(fmt::format("{} positions cannot be split into {} equal parts; the model is "
                                "damaged",
                                from[axis], parts));
    int64_t each = (from[axis] + parts - 1) / parts;
    sizes.emplace();
    for (int64_t i = 0; i < parts; ++i)
      sizes->push_back(std::clamp<int64_t>(from[axis] - i * each, 0, each));
  }
  int64_t sum = 0;
  for (int64_t size : *sizes)
    sum = size < 0 ? -1 : sum < 0 ? sum : elementCount({size}) + sum;
  if (sum != from[axis] || sizes->size() != node.outputCount())
    throw Refusal(fmt::format("the sizes of the {} parts do not add up to the {} positions along "
                              "axis {}; the model was exported for other input shapes",
                              sizes->size(), from[axis], axis));
  Values results;
  Shape starts(from.size(), 0);
  for (int64_t size : *sizes) {
    Shape counts = from;
    counts[axis] = size;
    results.push_back(slice(node, input, starts, counts, Shape(from.size(), 1)));
    starts[axis] += size;
  }
  return results;
}

// Indices counted from either end, brought into range.
Shape positionsIn(llvm::ArrayRef<int64_t> indices, int64_t size) {
  Shape result;
  result.reserve(indices.size());
  for (int64_t index : indices) {
    if (index < -size || index >= size)
      throw Refusal(fmt::format("index {} is outside of an axis of {} positions; the model was "
                                "exported for other input shapes",
                                index, size));
    result.push_back(index < 0 ? index + size : index);
  }
  return result;
}

const Tensor &indicesOf(Node &node) {
  const Tensor &indices = node.constantInput(1, "the index tensor");
  if (indices.kind != Kind::kInteger)
    throw Refusal("the index tensor should hold integers; the model is damaged");
  return indices;
}

Values buildGather(Node &node) {
  const Value &input = node.input(0);
  const Tensor &indices = indicesOf(node);
  int64_t axis = Node::axis(node.integer("axis", 0), input.rank());
  Shape from = input.shape();
  Value chosen = gather(node, input, axis, positionsIn(indices.integers, from[axis]));
  Shape shape(from.begin(), from.begin() + axis);
  shape.insert(shape.end(), indices.shape.begin(), indices.shape.end());
  shape.insert(shape.end(), from.begin() + axis + 1, from.end());
  return {reshape(node, chosen, shape)};
}

Values buildGatherElements(Node &node) {
  const Value &input = node.input(0);
  const Tensor &indices = indicesOf(node);
  int64_t axis = Node::axis(node.integer("axis", 0), input.rank());
  Shape from = input.shape();
  if (indices.shape.size() != from.size())
    throw Refusal("indices and data differ in rank; the model is damaged");
  for (size_t i = 0; i < from.size(); ++i)
    if (static_cast<int64_t>(i) != axis && indices.shape[i] > from[i])
      throw Refusal(fmt::format("indices of shape {} reach outside of data of shape {}; the model "
                                "is damaged",
                                shapeText(indices.shape), shapeText(from)));
  Shape along = positionsIn(indices.integers, from[axis]);
  Shape own = stridesOf(indices.shape);
  Shape strides = stridesOf(from);
  Shape positions(along.size());
  for (size_t i = 0; i < along.size(); ++i) {
    auto rest = static_cast<int64_t>(i);
    for (size_t k = 0; k < from.size(); ++k) {
      int64_t at = static_cast<int64_t>(k) == axis ? along[i] : rest / own[k];
      rest %= own[k];
      positions[i] += at * strides[k];
    }
  }
  return {take(node, input, indices.shape, positions)};
}

// Positions of the padded axis in the original one, for the modes that repeat elements.
Shape paddedPositions(const std::string &mode, int64_t size, int64_t low, int64_t high) {
  if (size + low + high > 0 && size < 1)
    throw Refusal(fmt::format("mode '{}' cannot pad an empty axis", mode));
  Shape positions;
  for (int64_t i = -low; i < size + high; ++i) {
    int64_t at = i;
    if (mode == "edge") {
      at = std::clamp<int64_t>(i, 0, size - 1);
    } else if (mode == "wrap") {
      at = ((i % size) + size) % size;
    } else if (size > 1) { // reflect, without repeating the border
      int64_t period = 2 * (size - 1);
      at = ((i % period) + period) % period;
      at = std::min(at, period - at);
    } else {
      at = 0;
    }
    positions.push_back(at);
  }
  return positions;
}

double paddingValue(Node &node) {
  if (node.opset < 11)
    return node.real("value", 0);
  if (!node.has(2))
    return 0;
  const Tensor &value = node.constantInput(2, "the padding value");
  if (value.size() != 1 || value.kind != node.input(0).kind())
    throw Refusal("the padding value should be one element of the input's type; the model is "
                  "damaged");
  return value.kind == Kind::kFloat ? value.floats.front()
                                    : static_cast<double>(value.integers.front());
}

Values buildPad(Node &node) {
  const Value &input = node.input(0);
  Shape given = node.opset < 11 ? node.integers("pads").value_or(Shape{})
                                : node.constantIntegers(1, "the pads");
  Shape axes(input.rank());
  std::iota(axes.begin(), axes.end(), 0);
  if (node.opset >= 18 && node.has(3))
    axes = Node::axes(node.constantIntegers(3, "the axes"), input.rank());
  if (given.size() != 2 * axes.size())
    throw Refusal(fmt::format("there are {} pads for {} axes; the model is damaged", given.size(),
                              axes.size()));
  Shape low(input.rank(), 0);
  Shape high(input.rank(), 0);
  for (size_t i = 0; i < axes.size(); ++i) {
    low[axes[i]] = given[i];
    high[axes[i]] = given[axes.size() + i];
  }
  for (size_t i = 0; i < low.size(); ++i)
    if (std::max(low[i], high[i]) > kMaxElements || std::min(low[i], high[i]) < -kMaxElements)
      throw Refusal("a pad is larger than any tensor; the model is damaged");
  std::string mode = node.text("mode", "constant");
  if (mode == "constant") {
    double value = paddingValue(node);
    if (!std::isfinite(value))
      throw Refusal(fmt::format("the padding value {} has no fixed-point value; pad with a finite "
                                "one",
                                value));
    return {pad(node, input, low, high, value)};
  }
  Value result = input;
  for (size_t axis = 0; axis < low.size(); ++axis)
    result = gather(node, result, static_cast<int64_t>(axis),
                    paddedPositions(mode, input.shape()[axis], low[axis], high[axis]));
  return {result};
}

void checkPad(const Node &node) {
  std::string mode = node.text("mode", "constant");
  bool known = mode == "constant" || mode == "reflect" || mode == "edge" ||
               (mode == "wrap" && node.opset >= 19);
  if (!known)
    throw Refusal(fmt::format("mode '{}' is not supported; constant, reflect and edge are, and "
                              "wrap since opset 19",
                              mode));
}

} // namespace

void addSelection(std::vector<Operator> &table) {
  table.insert(
      table.end(),
      {
          {"", "Slice", 7, 9, buildSlice, nullptr, "bounds as attributes"},
          {"", "Slice", 10, kNewest, buildSlice, nullptr, "bounds as constant inputs, steps"},
          {"", "Split", 7, 12, buildSplit, nullptr, "sizes as attribute"},
          {"", "Split", 13, 17, buildSplit, nullptr, "sizes as constant input"},
          {"", "Split", 18, kNewest, buildSplit, nullptr, "sizes as constant input, num_outputs"},
          {"", "Gather", 7, kNewest, buildGather, nullptr, "constant indices"},
          {"", "GatherElements", 11, kNewest, buildGatherElements, nullptr, "constant indices"},
          {"", "Pad", 7, 10, buildPad, checkPad,
           "pads as attribute; constant, reflect, edge; the value is public"},
          {"", "Pad", 11, 17, buildPad, checkPad,
           "constant pads and value; constant, reflect, edge; the value is public"},
          {"", "Pad", 18, kNewest, buildPad, checkPad, "the same with axes; wrap since opset 19"},
      });
}

} // namespace dyad::onnx
