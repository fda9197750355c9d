// SPDX-License-Identifier: Apache-2.0
// Builders of convolutions and poolings. All are two-dimensional in nn: those along one axis get a
// second one of size one on the way.
#include "frontends/onnx/operators.h"

#include "ir/nn/nn.h"
#include "ir/windows.h"

#include <algorithm>

namespace dyad::onnx {

namespace {

using Values = std::vector<Value>;

// A window in nn's terms: two axes, pads as top, left, bottom, right.
struct Geometry {
  Shape kernel;
  Shape strides;
  Shape dilations;
  Shape pads;
  Shape counts;         // positions along both axes
  Shape ceilPads{0, 0}; // what ceil_mode adds below and at the right
};

Value toPlane(Node &node, const Value &input) {
  Shape shape = input.shape();
  if (shape.size() == 3)
    shape.insert(shape.begin() + 2, 1);
  return reshape(node, input, shape);
}

Value fromPlane(Node &node, const Value &result, int64_t rank) {
  Shape shape = result.shape();
  if (rank == 3)
    shape.erase(shape.begin() + 2);
  return reshape(node, result, shape);
}

// Rank three or four: one or two axes that a window slides along.
int64_t spatialAxes(const Value &input) {
  int64_t rank = input.rank();
  if (rank != 3 && rank != 4)
    throw Refusal(fmt::format("input '{}' has rank {}; one and two spatial axes are supported "
                              "(rank 3 and 4)",
                              input.name, rank));
  return rank - 2;
}

// An attribute with one entry for each spatial axis, made two-dimensional.
Shape perAxis(Node &node, const char *name, int64_t spatial, int64_t fallback) {
  Shape given = node.integers(name).value_or(Shape(spatial, fallback));
  if (static_cast<int64_t>(given.size()) != spatial)
    throw Refusal(fmt::format("attribute '{}' has {} entries for {} spatial axes; the model is "
                              "damaged",
                              name, given.size(), spatial));
  for (int64_t entry : given)
    if (entry < 1 || entry > kMaxElements)
      throw Refusal(fmt::format("attribute '{}' holds {}; the model is damaged", name, entry));
  if (spatial == 1)
    given.insert(given.begin(), 1);
  return given;
}

Shape explicitPads(Node &node, int64_t spatial) {
  Shape given = node.integers("pads").value_or(Shape(2 * spatial, 0));
  if (static_cast<int64_t>(given.size()) != 2 * spatial)
    throw Refusal(fmt::format("attribute 'pads' has {} entries for {} spatial axes; the model is "
                              "damaged",
                              given.size(), spatial));
  for (int64_t pad : given)
    if (pad > kMaxElements || pad < -kMaxElements)
      throw Refusal(fmt::format("attribute 'pads' holds {}; the model is damaged", pad));
  return spatial == 2 ? given : Shape{0, given[0], 0, given[1]};
}

void checkAutoPad(const Node &node) {
  std::string mode = node.text("auto_pad", "NOTSET");
  if (mode != "NOTSET" && mode != "VALID" && mode != "SAME_UPPER" && mode != "SAME_LOWER")
    throw Refusal(fmt::format("auto_pad '{}' is not known; the model is damaged", mode));
}

// Pads and positions of a convolution or pooling over `input` (already a plane). Negative pads are
// left for the caller to cut off.
Geometry geometryOf(Node &node, const Value &plane, int64_t spatial, Shape kernel) {
  Geometry g;
  g.kernel = std::move(kernel);
  g.strides = perAxis(node, "strides", spatial, 1);
  g.dilations = perAxis(node, "dilations", spatial, 1);
  g.pads = explicitPads(node, spatial);
  std::string mode = node.text("auto_pad", "NOTSET");
  bool ceil = mode == "NOTSET" && node.integer("ceil_mode", 0) != 0;
  Shape size = plane.shape();
  for (int64_t i = 0; i < 2; ++i) {
    int64_t extent = g.dilations[i] * (g.kernel[i] - 1) + 1;
    int64_t &low = g.pads[i];
    int64_t &high = g.pads[2 + i];
    if (mode == "VALID")
      low = high = 0;
    if (mode == "SAME_UPPER" || mode == "SAME_LOWER") {
      int64_t count = (size[2 + i] + g.strides[i] - 1) / g.strides[i];
      int64_t all = std::max<int64_t>((count - 1) * g.strides[i] + extent - size[2 + i], 0);
      low = mode == "SAME_UPPER" ? all / 2 : all - all / 2;
      high = all - low;
    }
    int64_t count = windowCount(size[2 + i], g.kernel[i], g.strides[i], low, high, g.dilations[i]);
    if (ceil) {
      int64_t room = size[2 + i] + low + high - extent;
      count = room < 0 ? 0 : (room + g.strides[i] - 1) / g.strides[i] + 1;
      // A last window that would start in the padding behind the input is left out.
      if (count > 1 && (count - 1) * g.strides[i] >= size[2 + i] + low)
        --count;
      int64_t needed = (count - 1) * g.strides[i] + extent - size[2 + i] - low;
      g.ceilPads[i] = std::max<int64_t>(needed - high, 0);
      high = std::min(high, std::max<int64_t>(needed, 0));
    }
    if (count < 1)
      throw Refusal(fmt::format("a window of {} positions is larger than the padded input of {}; "
                                "the model was exported for larger inputs",
                                extent, size[2 + i] + low + high));
    g.counts.push_back(count);
  }
  return g;
}

// Cuts off what negative pads ask for.
Value cropped(Node &node, const Value &plane, Geometry &g) {
  Shape low{0, 0, std::min<int64_t>(g.pads[0], 0), std::min<int64_t>(g.pads[1], 0)};
  Shape high{0, 0, std::min<int64_t>(g.pads[2], 0), std::min<int64_t>(g.pads[3], 0)};
  for (int64_t &pad : g.pads)
    pad = std::max<int64_t>(pad, 0);
  return pad(node, plane, low, high, 0);
}

Value emitConv(Node &node, const Value &plane, const Value &weight, const Geometry &g,
               int64_t groups) {
  Shape shape = plane.shape();
  mlir::Value x = node.operand(plane);
  mlir::Value w = node.operand(weight);
  mlir::Value bias;
  int64_t channels = weight.shape()[0];
  if (node.has(2)) {
    const Value &given = node.floatInput(2);
    if (given.shape() != Shape{channels})
      throw Refusal(fmt::format("bias '{}' has shape {} for {} output channels; the model is "
                                "damaged",
                                given.name, shapeText(given.shape()), channels));
    bias = node.operand(given);
  }
  Shape result{shape[0], channels, g.counts[0], g.counts[1]};
  elementCount(result);
  return node.emit<nn::Conv2DOp>(node.floatType(result), x, w, bias, g.strides, g.pads, g.dilations,
                                 groups);
}

int64_t groupsOf(Node &node) {
  int64_t groups = node.integer("group", 1);
  if (groups < 1 || groups > kMaxElements)
    throw Refusal(fmt::format("group {} is out of range; the model is damaged", groups));
  return groups;
}

void requireKernelShape(Node &node, const Value &weight) {
  Shape shape = weight.shape();
  std::optional<Shape> stated = node.integers("kernel_shape");
  if (stated && *stated != Shape(shape.begin() + 2, shape.end()))
    throw Refusal(fmt::format("kernel_shape and weight '{}' of shape {} do not fit; the model is "
                              "damaged",
                              weight.name, shapeText(shape)));
}

// Operands of Conv and ConvTranspose, in two dimensions.
struct ConvOperands {
  int64_t rank = 0; ///< of the input as it came
  int64_t spatial = 0;
  int64_t groups = 1;
  Value plane;
  Value weight;
};

ConvOperands convOperands(Node &node, bool transposed) {
  const Value &input = node.floatInput(0);
  const Value &kernels = node.floatInput(1);
  ConvOperands operands;
  operands.rank = input.rank();
  operands.spatial = spatialAxes(input);
  operands.groups = groupsOf(node);
  Shape shape = input.shape();
  Shape weightShape = kernels.shape();
  int64_t groups = operands.groups;
  bool fits = weightShape.size() == shape.size() &&
              (transposed ? weightShape[0] == shape[1] && shape[1] % groups == 0
                          : weightShape[1] * groups == shape[1] && weightShape[0] % groups == 0);
  if (!fits)
    throw Refusal(fmt::format("weight '{}' of shape {} with {} groups does not fit an input of "
                              "shape {}; the model was exported for other input shapes",
                              kernels.name, shapeText(weightShape), groups, shapeText(shape)));
  requireKernelShape(node, kernels);
  operands.plane = toPlane(node, input);
  operands.weight = toPlane(node, kernels);
  return operands;
}

Values buildConv(Node &node) {
  auto [rank, spatial, groups, plane, weight] = convOperands(node, false);
  Shape w = weight.shape();
  Geometry g = geometryOf(node, plane, spatial, {w[2], w[3]});
  plane = cropped(node, plane, g);
  return {fromPlane(node, emitConv(node, plane, weight, g, groups), rank)};
}

// Pads of a transposed convolution, as ONNX counts them: what is cut off from the full result.
// Fills counts with the size of the result; a larger output_shape adds to the output padding.
void transposedPads(Node &node, const Value &plane, int64_t spatial, Geometry &g,
                    Shape &outputPadding) {
  std::string mode = node.text("auto_pad", "NOTSET");
  std::optional<Shape> wanted = node.integers("output_shape");
  Shape size = plane.shape();
  if (wanted && static_cast<int64_t>(wanted->size()) == spatial + 2)
    wanted->erase(wanted->begin(), wanted->begin() + 2);
  if (wanted && static_cast<int64_t>(wanted->size()) != spatial)
    throw Refusal("output_shape has the wrong number of entries; the model is damaged");
  if (wanted && spatial == 1)
    wanted->insert(wanted->begin(), 1);
  bool same = mode == "SAME_UPPER" || mode == "SAME_LOWER";
  for (int64_t i = 0; i < 2; ++i) {
    int64_t extent = g.dilations[i] * (g.kernel[i] - 1) + 1;
    int64_t full = g.strides[i] * (size[2 + i] - 1) + extent + outputPadding[i];
    if (mode == "VALID")
      g.pads[i] = g.pads[2 + i] = 0;
    if (wanted || same) {
      int64_t out = wanted ? (*wanted)[i] : size[2 + i] * g.strides[i];
      int64_t all = full - out;
      if (out < 1 || out > kMaxElements)
        throw Refusal(
            fmt::format("an output of {} positions is out of range; the model is damaged", out));
      if (all < 0) { // more than there are: zeros, and the bias, at the end
        outputPadding[i] -= all;
        full = out;
        all = 0;
      }
      g.pads[i] = mode == "SAME_UPPER" ? all / 2 : all - all / 2;
      g.pads[2 + i] = all - g.pads[i];
    }
    g.counts.push_back(full - g.pads[i] - g.pads[2 + i]);
    if (g.counts.back() < 1)
      throw Refusal("the pads cut off the whole result; the model is damaged");
  }
}

// C x M/g x KH x KW -> M x C/g x KH x KW with both spatial axes reversed.
Value transposedWeight(Node &node, const Value &weight, int64_t groups) {
  Shape w = weight.shape();
  Value grouped = reshape(node, weight, {groups, w[0] / groups, w[1], w[2], w[3]});
  Value turned = reshape(node, transpose(node, grouped, {0, 2, 1, 3, 4}),
                         {groups * w[1], w[0] / groups, w[2], w[3]});
  return slice(node, turned, {0, 0, w[2] - 1, w[3] - 1}, turned.shape(), {1, 1, -1, -1});
}

// A convolution of the input with stride-1 zeros between its elements.
Values buildConvTranspose(Node &node) {
  auto [rank, spatial, groups, plane, weight] = convOperands(node, true);
  Geometry g;
  g.kernel = {weight.shape()[2], weight.shape()[3]};
  g.strides = perAxis(node, "strides", spatial, 1);
  g.dilations = perAxis(node, "dilations", spatial, 1);
  g.pads = explicitPads(node, spatial);
  Shape outputPadding = node.integers("output_padding").value_or(Shape(spatial, 0));
  if (static_cast<int64_t>(outputPadding.size()) != spatial ||
      llvm::any_of(outputPadding, [](int64_t p) { return p < 0 || p > kMaxElements; }))
    throw Refusal("output_padding does not fit the input; the model is damaged");
  if (spatial == 1)
    outputPadding.insert(outputPadding.begin(), 0);
  transposedPads(node, plane, spatial, g, outputPadding);
  for (int64_t i = 0; i < 2; ++i) {
    int64_t reach = g.dilations[i] * (g.kernel[i] - 1);
    g.pads[i] = reach - g.pads[i];
    g.pads[2 + i] = reach - g.pads[2 + i] + outputPadding[i];
  }
  plane = spread(node, plane, {0, 0, g.strides[0] - 1, g.strides[1] - 1});
  plane = cropped(node, plane, g);
  g.strides = {1, 1};
  Value result = emitConv(node, plane, transposedWeight(node, weight, groups), g, groups);
  return {fromPlane(node, result, rank)};
}

// Each window must see an element of the input: the maximum or mean of nothing is no number.
void requireFullWindows(const Geometry &g, const Shape &size) {
  for (int64_t i = 0; i < 2; ++i) {
    for (int64_t at = 0; at < g.counts[i]; ++at) {
      bool sees = false;
      for (int64_t k = 0; k < g.kernel[i] && !sees; ++k) {
        int64_t position = at * g.strides[i] - g.pads[i] + k * g.dilations[i];
        sees = position >= 0 && position < size[2 + i];
      }
      if (!sees)
        throw Refusal("a window lies entirely in the padding; use pads smaller than the kernel");
    }
  }
}

template <bool maximum> Values buildPool(Node &node) {
  const Value &input = node.floatInput(0);
  int64_t spatial = spatialAxes(input);
  if (!node.hasAttribute("kernel_shape"))
    throw Refusal("kernel_shape is missing; the model is damaged");
  Value plane = toPlane(node, input);
  Geometry g = geometryOf(node, plane, spatial, perAxis(node, "kernel_shape", spatial, 1));
  bool countPads = !maximum && node.integer("count_include_pad", 0) != 0;
  if (llvm::any_of(g.pads, [](int64_t pad) { return pad < 0; }))
    throw Refusal("negative pads are not supported in pooling; slice the input instead");
  if (!countPads)
    requireFullWindows(g, plane.shape());
  Shape shape = plane.shape();
  Shape result{shape[0], shape[1], g.counts[0], g.counts[1]};
  elementCount(result);
  mlir::Value x = node.operand(plane);
  Value pooled;
  if constexpr (maximum) {
    Shape pads = g.pads;
    pads[2] += g.ceilPads[0];
    pads[3] += g.ceilPads[1];
    pooled = node.emit<nn::MaxPool2DOp>(node.floatType(result), x, g.kernel, g.strides, pads,
                                        g.dilations);
  } else {
    pooled = node.emit<nn::AveragePool2DOp>(node.floatType(result), x, g.kernel, g.strides, g.pads,
                                            g.ceilPads, g.dilations, countPads);
  }
  return {fromPlane(node, pooled, input.rank())};
}

template <Reduction kind> Values buildGlobalPool(Node &node) {
  const Value &input = node.floatInput(0);
  Shape axes;
  for (int64_t axis = 2; axis < input.rank(); ++axis)
    axes.push_back(axis);
  return {reduce(node, kind, input, axes)};
}

} // namespace

void addWindows(std::vector<Operator> &table) {
  const char *planes = "one and two spatial axes";
  table.insert(
      table.end(),
      {
          {"", "Conv", 7, kNewest, buildConv, checkAutoPad, planes},
          {"", "ConvTranspose", 7, kNewest, buildConvTranspose, checkAutoPad, planes},
          {"", "MaxPool", 7, kNewest, buildPool<true>, checkAutoPad,
           "one and two spatial axes; no indices output"},
          {"", "AveragePool", 7, kNewest, buildPool<false>, checkAutoPad, planes},
          {"", "GlobalAveragePool", 7, kNewest, buildGlobalPool<Reduction::kMean>, nullptr, ""},
          {"", "GlobalMaxPool", 7, kNewest, buildGlobalPool<Reduction::kMax>, nullptr, ""},
      });
}

} // namespace dyad::onnx
