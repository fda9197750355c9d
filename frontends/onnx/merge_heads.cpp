// SPDX-License-Identifier: Apache-2.0
#include "frontends/onnx/merge_heads.h"

#include "frontends/onnx/model_file.h"
#include "frontends/onnx/tensor.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <map>
#include <set>

namespace dyad::onnx {

namespace {

using ::onnx::NodeProto;

// Nodes for the list that is being made; results get names that the graph does not have.
class Writer {
public:
  explicit Writer(const ::onnx::GraphProto &graph) {
    for (const NodeProto &node : graph.node()) {
      for (const std::string &output : node.output())
        names_.insert(output);
      names_.insert(node.name());
    }
    for (const auto &tensor : graph.initializer())
      names_.insert(tensor.name());
    for (const auto &input : graph.input())
      names_.insert(input.name());
  }

  NodeProto &add(const std::string &type, const std::string &block,
                 const std::vector<std::string> &inputs) {
    NodeProto &node = *nodes_.Add();
    node.set_op_type(type);
    node.set_name(unique(fmt::format("{}/merge_heads/{}", block, type)));
    for (const std::string &input : inputs)
      node.add_input(input);
    node.add_output(unique(node.name() + "_output_0"));
    return node;
  }
  void copy(const NodeProto &node) { *nodes_.Add() = node; }

  std::string integers(const std::string &block, const std::vector<int64_t> &values) {
    NodeProto &node = add("Constant", block, {});
    ::onnx::TensorProto &tensor = valueOf(node);
    tensor.set_data_type(::onnx::TensorProto::INT64);
    tensor.add_dims(static_cast<int64_t>(values.size()));
    for (int64_t value : values)
      tensor.add_int64_data(value);
    return node.output(0);
  }
  std::string reshape(const std::string &block, const std::string &value,
                      std::vector<int64_t> shape) {
    std::string to = integers(block, shape);
    return add("Reshape", block, {value, to}).output(0);
  }
  std::string transpose(const std::string &block, const std::string &value,
                        const std::vector<int64_t> &axes) {
    NodeProto &node = add("Transpose", block, {value});
    ::onnx::AttributeProto &attribute = *node.add_attribute();
    attribute.set_name("perm");
    attribute.set_type(::onnx::AttributeProto::INTS);
    for (int64_t axis : axes)
      attribute.add_ints(axis);
    return node.output(0);
  }
  // Entries of an axis in another order; nothing where it is the same.
  std::string gather(const std::string &block, const std::string &value,
                     const std::vector<int64_t> &order, int64_t axis) {
    if (std::is_sorted(order.begin(), order.end()))
      return value;
    std::string indices = integers(block, order);
    NodeProto &node = add("Gather", block, {value, indices});
    ::onnx::AttributeProto &attribute = *node.add_attribute();
    attribute.set_name("axis");
    attribute.set_type(::onnx::AttributeProto::INT);
    attribute.set_i(axis);
    return node.output(0);
  }
  void scale(int64_t size) {
    if (names_.count(kMergedScale) > 0)
      throw Refusal(fmt::format("a tensor is called '{}': heads are merged already", kMergedScale));
    NodeProto &node = *nodes_.Add();
    node.set_op_type("Constant");
    node.set_name(kMergedScale);
    node.add_output(kMergedScale);
    ::onnx::TensorProto &tensor = valueOf(node);
    tensor.set_data_type(::onnx::TensorProto::FLOAT);
    tensor.add_float_data(static_cast<float>(1 / std::sqrt(static_cast<double>(size))));
  }

  google::protobuf::RepeatedPtrField<NodeProto> &nodes() { return nodes_; }

private:
  static ::onnx::TensorProto &valueOf(NodeProto &node) {
    ::onnx::AttributeProto &attribute = *node.add_attribute();
    attribute.set_name("value");
    attribute.set_type(::onnx::AttributeProto::TENSOR);
    return *attribute.mutable_t();
  }
  std::string unique(const std::string &name) {
    std::string result = name;
    for (int i = 1; !names_.insert(result).second; ++i)
      result = fmt::format("{}_{}", name, i);
    return result;
  }

  google::protobuf::RepeatedPtrField<NodeProto> nodes_;
  std::set<std::string> names_;
};

// One block's rewriting. Shapes copy leading axes (0) and infer rows (-1), so that sizes that
// the model leaves open stay open.
class Block {
public:
  Block(Writer &writer, const HeadGroups &block)
      : writer_(writer), block_(block),
        groups_(static_cast<int64_t>(block.order.size()) / block.size), leading_(block.rank - 3) {}

  void scores(const NodeProto &node) {
    NodeProto merged = node;
    const std::string &name = node.name();
    merged.set_input(0, sideBySide(name, node.input(0), block_.keySize));
    // Keys are transposed: their heads and entries are neighbours already.
    std::string keys = writer_.gather(name, node.input(1), block_.order, leading_);
    merged.set_input(
        1, writer_.reshape(name, keys, shape({groups_, block_.size * block_.keySize, -1})));
    merged.set_output(0, name + "/merge_heads/scores");
    writer_.copy(merged);
    NodeProto &scaled = writer_.add("Mul", name, {merged.output(0), kMergedScale});
    scaled.set_output(0, node.output(0));
  }

  void mixture(const NodeProto &node) {
    NodeProto merged = node;
    const std::string &name = node.name();
    merged.set_input(1, sideBySide(name, node.input(1), block_.valueSize));
    merged.set_output(0, name + "/merge_heads/mixture");
    writer_.copy(merged);
    std::string parts = writer_.reshape(name, merged.output(0),
                                        shape({groups_, -1, block_.size, block_.valueSize}));
    parts = writer_.transpose(name, parts, axes({0, 2, 1, 3}));
    const auto heads = static_cast<int64_t>(block_.order.size());
    parts = writer_.reshape(name, parts, shape({heads, -1, block_.valueSize}));
    std::vector<int64_t> back(block_.order.size());
    for (size_t i = 0; i < back.size(); ++i)
      back[static_cast<size_t>(block_.order[i])] = static_cast<int64_t>(i);
    parts = writer_.gather(name, parts, back, leading_);
    NodeProto &last = *writer_.nodes().Mutable(writer_.nodes().size() - 1);
    last.set_output(0, node.output(0));
  }

private:
  std::vector<int64_t> shape(std::vector<int64_t> behind) const {
    behind.insert(behind.begin(), static_cast<size_t>(leading_), 0);
    return behind;
  }
  std::vector<int64_t> axes(const std::vector<int64_t> &behind) const {
    std::vector<int64_t> all;
    for (int64_t axis = 0; axis < leading_; ++axis)
      all.push_back(axis);
    for (int64_t axis : behind)
      all.push_back(axis + leading_);
    return all;
  }
  std::string sideBySide(const std::string &name, const std::string &value, int64_t width) {
    std::string parts = writer_.gather(name, value, block_.order, leading_);
    parts = writer_.reshape(name, parts, shape({groups_, block_.size, -1, width}));
    parts = writer_.transpose(name, parts, axes({0, 2, 1, 3}));
    return writer_.reshape(name, parts, shape({groups_, -1, block_.size * width}));
  }

  Writer &writer_;
  const HeadGroups &block_;
  int64_t groups_;
  int64_t leading_;
};

} // namespace

void mergeHeads(::onnx::ModelProto &model, const std::vector<HeadGroups> &blocks) {
  ::onnx::GraphProto &graph = *model.mutable_graph();
  for (int i = 0; i < graph.node_size(); ++i)
    if (graph.node(i).name().empty())
      graph.mutable_node(i)->set_name(fmt::format("{}_{}", graph.node(i).op_type(), i));
  std::map<std::string, const HeadGroups *> scores;
  std::map<std::string, const HeadGroups *> mixtures;
  for (const HeadGroups &block : blocks) {
    scores[block.scores] = &block;
    mixtures[block.mixture] = &block;
  }
  size_t found = 0;
  Writer writer(graph);
  writer.scale(blocks.front().size);
  for (const NodeProto &node : graph.node()) {
    if (auto block = scores.find(node.name()); block != scores.end()) {
      Block(writer, *block->second).scores(node);
      ++found;
    } else if (block = mixtures.find(node.name()); block != mixtures.end()) {
      Block(writer, *block->second).mixture(node);
      ++found;
    } else {
      writer.copy(node);
    }
  }
  if (found != 2 * blocks.size())
    throw Refusal("--merge-heads: attention in functions, branches or loops, or with node names "
                  "that are there twice, cannot be rewritten; export the model with its blocks in "
                  "the main graph");
  graph.mutable_node()->Swap(&writer.nodes());
  // Shapes of intermediate values that the exporter noted do not hold any more.
  graph.clear_value_info();
}

void writeMergedHeads(const std::string &path, const std::vector<HeadGroups> &blocks,
                      const std::string &output) {
  ::onnx::ModelProto model;
  readModel(path, model);
  namespace fs = std::filesystem;
  for (const auto &tensor : model.graph().initializer())
    if (tensor.data_location() == ::onnx::TensorProto::EXTERNAL &&
        fs::absolute(path).parent_path().lexically_normal() !=
            fs::absolute(output).parent_path().lexically_normal())
      throw Refusal(fmt::format("'{}' keeps its weights in files beside it; write '{}' to the same "
                                "folder",
                                path, fs::path(output).filename().string()));
  mergeHeads(model, blocks);
  std::ofstream file(output, std::ios::binary);
  if (!file || !model.SerializeToOstream(&file) || !file.flush())
    throw Refusal(
        fmt::format("'{}' cannot be written; check the path, and that there is room", output));
}

} // namespace dyad::onnx
