// SPDX-License-Identifier: Apache-2.0
// Builders of operators that reshape, reorder, join or repeat.
#include "frontends/onnx/operators.h"

#include <numeric>

namespace dyad::onnx {

namespace {

using Values = std::vector<Value>;

Values buildReshape(Node &node) {
  const Value &input = node.input(0);
  Shape shape = node.constantIntegers(1, "the shape");
  Shape from = input.shape();
  bool allowZero = node.opset >= 14 && node.integer("allowzero", 0) != 0;
  int64_t inferred = -1;
  int64_t known = 1;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0 && !allowZero) {
      if (i >= from.size())
        throw Refusal(fmt::format("the shape copies dimension {} of '{}', which has rank {}; the "
                                  "model is damaged",
                                  i, input.name, from.size()));
      shape[i] = from[i];
    }
    if (shape[i] == -1 && inferred < 0) {
      inferred = static_cast<int64_t>(i);
      continue;
    }
    if (shape[i] < 0)
      throw Refusal(fmt::format("the shape has the dimension {}; the model is damaged", shape[i]));
    known = elementCount({known, shape[i]});
  }
  if (inferred >= 0) {
    int64_t count = elementCount(from);
    if (known == 0 || count % known != 0)
      throw Refusal(fmt::format("'{}' of shape {} cannot be given a shape with {} elements times "
                                "one more dimension; the model was exported for other input shapes",
                                input.name, shapeText(from), known));
    shape[inferred] = count / known;
  }
  return {reshape(node, input, shape)};
}

Values buildFlatten(Node &node) {
  const Value &input = node.input(0);
  int64_t rank = input.rank();
  int64_t given = node.integer("axis", 1);
  int64_t axis = given == rank ? rank : Node::axis(given, rank);
  Shape shape = input.shape();
  return {reshape(node, input,
                  {elementCount(llvm::ArrayRef(shape).take_front(axis)),
                   elementCount(llvm::ArrayRef(shape).drop_front(axis))})};
}

// An attribute before opset 13, an input since then.
std::optional<Shape> axesOf(Node &node) {
  if (node.opset < 13)
    return node.integers("axes");
  return node.has(1) ? std::optional(node.constantIntegers(1, "the axes")) : std::nullopt;
}

Values buildSqueeze(Node &node) {
  const Value &input = node.input(0);
  Shape from = input.shape();
  std::optional<Shape> given = axesOf(node);
  Shape axes = Node::axes(given.value_or(Shape{}), input.rank());
  Shape shape;
  for (int64_t i = 0; i < input.rank(); ++i) {
    bool drop = given ? llvm::is_contained(axes, i) : from[i] == 1;
    if (!drop)
      shape.push_back(from[i]);
    else if (from[i] != 1)
      throw Refusal(fmt::format("axis {} of '{}' has size {} and cannot be dropped; the model was "
                                "exported for other input shapes",
                                i, input.name, from[i]));
  }
  return {reshape(node, input, shape)};
}

Values buildUnsqueeze(Node &node) {
  const Value &input = node.input(0);
  std::optional<Shape> given = axesOf(node);
  if (!given)
    throw Refusal("the axes are missing; the model is damaged");
  int64_t rank = input.rank() + static_cast<int64_t>(given->size());
  Shape axes = Node::axes(*given, rank);
  Shape from = input.shape();
  Shape shape;
  size_t next = 0;
  for (int64_t i = 0; i < rank; ++i)
    shape.push_back(llvm::is_contained(axes, i) ? 1 : from[next++]);
  return {reshape(node, input, shape)};
}

Values buildTranspose(Node &node) {
  const Value &input = node.input(0);
  Shape permutation(input.rank());
  std::iota(permutation.rbegin(), permutation.rend(), 0);
  if (std::optional<Shape> given = node.integers("perm"))
    permutation = Node::axes(*given, input.rank());
  if (static_cast<int64_t>(permutation.size()) != input.rank())
    throw Refusal(fmt::format("the permutation has {} entries for a tensor of rank {}; the model "
                              "is damaged",
                              permutation.size(), input.rank()));
  return {transpose(node, input, permutation)};
}

Values buildConcat(Node &node) {
  if (!node.hasAttribute("axis"))
    throw Refusal("the axis is missing; the model is damaged");
  int64_t axis = Node::axis(node.integer("axis", 0), node.input(0).rank());
  for (size_t i = 1; i < node.inputs.size(); ++i)
    node.input(i); // refuses one that is absent
  return {concat(node, node.inputs, axis)};
}

Values buildExpand(Node &node) {
  const Value &input = node.input(0);
  return {
      broadcast(node, input, broadcastShape(input.shape(), node.constantIntegers(1, "the shape")))};
}

Values buildTile(Node &node) {
  Value result = node.input(0);
  Shape repeats = node.constantIntegers(1, "the repeats");
  Shape shape = result.shape();
  if (repeats.size() != shape.size())
    throw Refusal(fmt::format("there are {} repeats for a tensor of rank {}; the model is damaged",
                              repeats.size(), shape.size()));
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    Shape indices(elementCount({shape[axis], repeats[axis]}));
    for (size_t i = 0; i < indices.size(); ++i)
      indices[i] = static_cast<int64_t>(i) % shape[axis];
    result = gather(node, result, static_cast<int64_t>(axis), indices);
  }
  return {result};
}

// Refuses anything but N x C x H x W; returns the block size.
int64_t blockOf(Node &node) {
  int64_t block = node.integer("blocksize", 0);
  if (node.input(0).rank() != 4)
    throw Refusal(
        fmt::format("a tensor of rank {} is not supported, only rank 4 is", node.input(0).rank()));
  if (block < 1 || block > 1 << 15)
    throw Refusal(fmt::format("blocksize {} is out of range; the model is damaged", block));
  return block;
}

Values buildDepthToSpace(Node &node) {
  int64_t block = blockOf(node);
  const Value &input = node.input(0);
  Shape s = input.shape();
  std::string mode = node.opset >= 11 ? node.text("mode", "DCR") : "DCR";
  if (s[1] % (block * block) != 0)
    throw Refusal(fmt::format("{} channels cannot be divided into blocks of {}x{}; the model is "
                              "damaged",
                              s[1], block, block));
  int64_t depth = s[1] / (block * block);
  Value blocks =
      mode == "DCR" ? transpose(node, reshape(node, input, {s[0], block, block, depth, s[2], s[3]}),
                                {0, 3, 4, 1, 5, 2})
                    : transpose(node, reshape(node, input, {s[0], depth, block, block, s[2], s[3]}),
                                {0, 1, 4, 2, 5, 3});
  return {reshape(node, blocks, {s[0], depth, s[2] * block, s[3] * block})};
}

void checkDepthToSpace(const Node &node) {
  std::string mode = node.text("mode", "DCR");
  if (mode != "DCR" && mode != "CRD")
    throw Refusal(fmt::format("mode '{}' is not supported; DCR and CRD are", mode));
}

Values buildSpaceToDepth(Node &node) {
  int64_t block = blockOf(node);
  const Value &input = node.input(0);
  Shape s = input.shape();
  if (s[2] % block != 0 || s[3] % block != 0)
    throw Refusal(fmt::format("{}x{} positions cannot be divided into blocks of {}x{}; the model "
                              "was exported for other input shapes",
                              s[2], s[3], block, block));
  Value blocks = reshape(node, input, {s[0], s[1], s[2] / block, block, s[3] / block, block});
  return {reshape(node, transpose(node, blocks, {0, 3, 5, 1, 2, 4}),
                  {s[0], s[1] * block * block, s[2] / block, s[3] / block})};
}

} // namespace

void addStructure(std::vector<Operator> &table) {
  table.insert(
      table.end(),
      {
          {"", "Reshape", 7, 13, buildReshape, nullptr, "constant shape"},
          {"", "Reshape", 14, kNewest, buildReshape, nullptr, "constant shape, allowzero"},
          {"", "Flatten", 7, kNewest, buildFlatten, nullptr, ""},
          {"", "Squeeze", 7, 12, buildSqueeze, nullptr, "axes as attribute"},
          {"", "Squeeze", 13, kNewest, buildSqueeze, nullptr, "axes as constant input"},
          {"", "Unsqueeze", 7, 12, buildUnsqueeze, nullptr, "axes as attribute"},
          {"", "Unsqueeze", 13, kNewest, buildUnsqueeze, nullptr, "axes as constant input"},
          {"", "Transpose", 7, kNewest, buildTranspose, nullptr, ""},
          {"", "Concat", 7, kNewest, buildConcat, nullptr, ""},
          {"", "Expand", 8, kNewest, buildExpand, nullptr, "constant shape"},
          {"", "Tile", 7, kNewest, buildTile, nullptr, "constant repeats"},
          {"", "DepthToSpace", 7, 10, buildDepthToSpace, nullptr, "mode DCR"},
          {"", "DepthToSpace", 11, kNewest, buildDepthToSpace, checkDepthToSpace,
           "modes DCR and CRD"},
          {"", "SpaceToDepth", 7, kNewest, buildSpaceToDepth, nullptr, ""},
      });
}

} // namespace dyad::onnx
