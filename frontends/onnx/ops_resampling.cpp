// SPDX-License-Identifier: Apache-2.0
// Builders of Upsample and Resize in nearest mode: one gather along each axis whose size changes.
// Which neighbour is nearest has changed with almost every opset.
#include "frontends/onnx/operators.h"

#include <algorithm>
#include <cmath>

namespace dyad::onnx {

namespace {

using Values = std::vector<Value>;

// What Resize is asked for along one axis.
struct Sampling {
  int64_t from = 0;
  int64_t to = 0;
  float scale = 1;
  std::string coordinates; // coordinate_transformation_mode
  std::string rounding;    // nearest_mode
};

// Position in the input that result `at` comes from. Computed in f32 as ONNX Runtime does: the last
// bit decides which neighbour is nearest.
float sourceOf(const Sampling &s, int64_t at) {
  auto x = static_cast<float>(at);
  auto from = static_cast<float>(s.from);
  auto to = static_cast<float>(s.to);
  if (s.coordinates == "asymmetric")
    return x / s.scale;
  if (s.coordinates == "align_corners")
    return s.to == 1 ? 0 : x * (from - 1) / (to - 1);
  if (s.coordinates == "tf_half_pixel_for_nn")
    return (x + 0.5F) / s.scale;
  if (s.coordinates == "pytorch_half_pixel" && s.to <= 1)
    return 0;
  if (s.coordinates == "half_pixel_symmetric") {
    float adjustment = to / (s.scale * from);
    float centre = from / 2;
    return centre * (1 - adjustment) + (x + 0.5F) / s.scale - 0.5F;
  }
  return (x + 0.5F) / s.scale - 0.5F;
}

int64_t nearest(const Sampling &s, float position) {
  float whole = 0;
  if (s.rounding == "floor")
    whole = std::floor(position);
  else if (s.rounding == "ceil")
    whole = std::ceil(position);
  else if (s.rounding == "round_prefer_ceil")
    whole = std::floor(position + 0.5F);
  else // round_prefer_floor
    whole = std::ceil(position - 0.5F);
  return std::clamp<int64_t>(static_cast<int64_t>(whole), 0, s.from - 1);
}

Value resample(Node &node, const Value &input, int64_t axis, const Sampling &s) {
  if (s.to > 0 && s.from == 0)
    throw Refusal(fmt::format("axis {} of '{}' has no elements to repeat", axis, input.name));
  Shape indices;
  for (int64_t i = 0; i < elementCount({s.to}); ++i)
    indices.push_back(s.scale == 1 && s.from == s.to ? i : nearest(s, sourceOf(s, i)));
  return gather(node, input, axis, indices);
}

int64_t scaledSize(int64_t size, float scale) {
  if (!(scale > 0) || scale > 1e6F)
    throw Refusal(fmt::format("scale {} is out of range; the model is damaged", scale));
  return static_cast<int64_t>(std::floor(static_cast<float>(size) * scale));
}

Values buildUpsample(Node &node) {
  const Value &input = node.input(0);
  std::vector<float> scales;
  if (node.opset < 9)
    scales = node.reals("scales").value_or(std::vector<float>{});
  else
    scales = node.constantInput(1, "the scales").floats;
  if (static_cast<int64_t>(scales.size()) != input.rank())
    throw Refusal(fmt::format("there are {} scales for a tensor of rank {}; the model is damaged",
                              scales.size(), input.rank()));
  Value result = input;
  for (int64_t axis = 0; axis < input.rank(); ++axis) {
    int64_t size = input.shape()[axis];
    result = resample(node, result, axis,
                      {size, scaledSize(size, scales[axis]), scales[axis], "asymmetric", "floor"});
  }
  return {result};
}

// The axes that scales and sizes are about.
Shape resizedAxes(Node &node, int64_t rank) {
  Shape all;
  for (int64_t axis = 0; axis < rank; ++axis)
    all.push_back(axis);
  if (node.opset < 18)
    return all;
  std::optional<Shape> given = node.integers("axes");
  return given ? Node::axes(*given, rank) : all;
}

// One scale for all axes, so that the picture keeps its proportions.
void keepProportions(const std::string &policy, std::vector<Sampling> &all) {
  float scale = all.front().scale;
  for (const Sampling &s : all)
    scale = policy == "not_larger" ? std::min(scale, s.scale) : std::max(scale, s.scale);
  for (Sampling &s : all) {
    s.scale = scale;
    s.to = static_cast<int64_t>(std::round(scale * static_cast<float>(s.from)));
  }
}

Values buildResize(Node &node) {
  const Value &input = node.input(0);
  Shape axes = resizedAxes(node, input.rank());
  size_t scalesAt = node.opset < 11 ? 1 : 2;
  std::vector<float> scales;
  Shape sizes;
  if (node.has(scalesAt))
    scales = node.constantInput(scalesAt, "the scales").floats;
  if (node.opset >= 11 && node.has(3))
    sizes = node.constantIntegers(3, "the sizes");
  if (scales.empty() == sizes.empty())
    throw Refusal("it needs either scales or sizes; the model is damaged");
  if (std::max(scales.size(), sizes.size()) != axes.size())
    throw Refusal(fmt::format("there are {} scales or sizes for {} axes; the model is damaged",
                              std::max(scales.size(), sizes.size()), axes.size()));
  bool old = node.opset < 11;
  std::string coordinates =
      old ? "asymmetric" : node.text("coordinate_transformation_mode", "half_pixel");
  std::string rounding = old ? "floor" : node.text("nearest_mode", "round_prefer_floor");
  std::vector<Sampling> all;
  for (size_t i = 0; i < axes.size(); ++i) {
    Sampling s{input.shape()[axes[i]], 0, 1, coordinates, rounding};
    if (scales.empty()) {
      s.to = sizes[i];
      s.scale = static_cast<float>(s.to) / static_cast<float>(std::max<int64_t>(s.from, 1));
    } else {
      s.to = scaledSize(s.from, scales[i]);
      s.scale = scales[i];
    }
    all.push_back(s);
  }
  std::string policy =
      node.opset >= 18 ? node.text("keep_aspect_ratio_policy", "stretch") : "stretch";
  if (policy != "stretch" && !sizes.empty())
    keepProportions(policy, all);
  Value result = input;
  for (size_t i = 0; i < axes.size(); ++i)
    result = resample(node, result, axes[i], all[i]);
  return {result};
}

void checkUpsample(const Node &node) {
  std::string mode = node.text("mode", "nearest");
  if (mode != "nearest")
    throw Refusal(fmt::format("mode '{}' is not supported; export with mode nearest", mode));
}

void checkResize(const Node &node) {
  checkUpsample(node);
  if (node.opset < 11)
    return;
  std::string coordinates = node.text("coordinate_transformation_mode", "half_pixel");
  bool known = coordinates == "half_pixel" || coordinates == "pytorch_half_pixel" ||
               coordinates == "align_corners" || coordinates == "asymmetric" ||
               (coordinates == "tf_half_pixel_for_nn" && node.opset < 13) ||
               (coordinates == "half_pixel_symmetric" && node.opset >= 19);
  if (!known)
    throw Refusal(fmt::format("coordinate_transformation_mode '{}' is not supported; export with "
                              "asymmetric or half_pixel",
                              coordinates));
  std::string rounding = node.text("nearest_mode", "round_prefer_floor");
  if (rounding != "round_prefer_floor" && rounding != "round_prefer_ceil" && rounding != "floor" &&
      rounding != "ceil")
    throw Refusal(fmt::format("nearest_mode '{}' is not known; the model is damaged", rounding));
  std::string policy = node.text("keep_aspect_ratio_policy", "stretch");
  if (policy != "stretch" && policy != "not_larger" && policy != "not_smaller")
    throw Refusal(
        fmt::format("keep_aspect_ratio_policy '{}' is not known; the model is damaged", policy));
}

} // namespace

void addResampling(std::vector<Operator> &table) {
  table.insert(
      table.end(),
      {
          {"", "Upsample", 7, 8, buildUpsample, checkUpsample, "nearest, scales as attribute"},
          {"", "Upsample", 9, 9, buildUpsample, checkUpsample, "nearest, scales as constant input"},
          {"", "Resize", 10, 10, buildResize, checkResize, "nearest"},
          {"", "Resize", 11, 17, buildResize, checkResize,
           "nearest; all coordinate modes but tf_crop_and_resize"},
          {"", "Resize", 18, kNewest, buildResize, checkResize,
           "the same with axes and keep_aspect_ratio_policy"},
      });
}

} // namespace dyad::onnx
