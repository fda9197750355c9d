// SPDX-License-Identifier: Apache-2.0
// Bounds behind operations that only move elements (ir/structure.h): where the channels went, and
// which of them met.
#include "passes/analysis/bounds.h"

#include "ir/structure.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"

#include <algorithm>

using namespace mlir;

namespace dyad {
namespace {

ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

// Bounds along another axis of a reshaped tensor.
Bounds reshaped(const Bounds &a, ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  if (a.axis < 0)
    return a;
  const ChannelShape was = channelShape(from, a.axis);
  Bounds result = a;
  for (int64_t axis = 0; axis < static_cast<int64_t>(to.size()); ++axis) {
    const ChannelShape now = channelShape(to, axis);
    if (now.outer == was.outer && now.channels == was.channels && now.inner == was.inner) {
      result.axis = axis;
      return result;
    }
  }
  result.dropForm();
  for (int64_t axis = 0; axis < static_cast<int64_t>(to.size()); ++axis) {
    const ChannelShape now = channelShape(to, axis);
    if (now.outer != was.outer || now.channels <= 1 || now.channels > Bounds::kMostChannels)
      continue;
    const bool joins = now.channels % was.channels == 0;
    if (!joins && was.channels % now.channels != 0)
      continue;
    // Several positions of the one for each of the other.
    const int64_t all = std::max(now.channels, was.channels);
    const int64_t ratio = all / std::min(now.channels, was.channels);
    result.axis = axis;
    result.each.assign(static_cast<size_t>(now.channels), FloatRange());
    for (int64_t i = 0; i < all; ++i) {
      const auto source = static_cast<size_t>(joins ? i / ratio : i);
      FloatRange &target = result.each[static_cast<size_t>(joins ? i : i / ratio)];
      target = joins || i % ratio == 0 ? a.each[source] : hull(target, a.each[source]);
    }
    return result;
  }
  return Bounds::of(a.hull());
}

Bounds concatenated(ArrayRef<const Bounds *> operands, Operation *op) {
  const auto axis = static_cast<int64_t>(op->getAttrOfType<IntegerAttr>("axis").getInt());
  const ArrayRef<int64_t> shape = shapeOf(op->getResult(0));
  if (shape[axis] <= Bounds::kMostChannels && shape[axis] > 0) {
    Bounds result;
    result.axis = axis;
    result.each.clear();
    bool isAlong = false; // else the parts may know channels along another axis
    for (const auto [part, operand] : llvm::zip(operands, op->getOperands())) {
      const auto size = static_cast<size_t>(shapeOf(operand)[axis]);
      isAlong |= part->axis < 0 || part->axis == axis;
      for (size_t c = 0; c < size; ++c)
        result.each.push_back(part->axis == axis ? part->each[c] : part->hull());
    }
    if (isAlong)
      return result;
  }
  Bounds result = *operands.front();
  result.dropForm();
  for (const Bounds *part : operands.drop_front()) {
    if (part->axis != result.axis || part->each.size() != result.each.size()) {
      FloatRange all = result.hull();
      for (const Bounds *each : operands)
        all = hull(all, each->hull());
      return Bounds::of(all);
    }
    for (size_t c = 0; c < result.each.size(); ++c)
      result.each[c] = hull(result.each[c], part->each[c]);
  }
  return result;
}

Bounds padded(const Bounds &a, Operation *op, double value) {
  const FloatRange pad{value, value};
  auto list = [&](const char *name) {
    return op->getAttrOfType<DenseI64ArrayAttr>(name).asArrayRef();
  };
  Bounds result = a;
  result.dropForm();
  bool touchesAll = false;
  for (int64_t axis = 0; axis < static_cast<int64_t>(list("low").size()); ++axis)
    touchesAll |= axis != a.axis &&
                  (list("low")[axis] > 0 || list("high")[axis] > 0 || list("interior")[axis] > 0);
  if (a.axis < 0)
    return Bounds::of(hull(a.each.front(), pad));
  result.each.assign(static_cast<size_t>(list("low")[a.axis]), pad);
  for (size_t c = 0; c < a.each.size(); ++c) {
    if (c > 0)
      result.each.insert(result.each.end(), static_cast<size_t>(list("interior")[a.axis]), pad);
    result.each.push_back(touchesAll ? hull(a.each[c], pad) : a.each[c]);
  }
  result.each.insert(result.each.end(), static_cast<size_t>(list("high")[a.axis]), pad);
  return result;
}

} // namespace

Bounds BoundsMap::moved(Operation *op, ArrayRef<const Bounds *> operands, double padValue) {
  const Bounds &a = *operands.front();
  const StringRef name = op->getName().stripDialect();
  const ArrayRef<int64_t> from = shapeOf(op->getOperand(0));
  const ArrayRef<int64_t> to = shapeOf(op->getResult(0));
  auto list = [&](const char *attribute) {
    return op->getAttrOfType<DenseI64ArrayAttr>(attribute).asArrayRef();
  };
  if (name == "reshape")
    return reshaped(a, from, to);
  if (name == "concat")
    return concatenated(operands, op);
  if (name == "pad")
    return padded(a, op, padValue);
  Bounds result = a;
  result.dropForm();
  if (a.axis < 0)
    return result;
  if (name == "transpose") {
    result.axis =
        std::distance(list("permutation").begin(), llvm::find(list("permutation"), a.axis));
  } else if (name == "slice") {
    result.each.clear();
    for (int64_t i = 0; i < to[a.axis]; ++i)
      result.each.push_back(
          a.each[static_cast<size_t>(list("starts")[a.axis] + i * list("steps")[a.axis])]);
  } else if (name == "broadcast") {
    result.axis += static_cast<int64_t>(to.size() - from.size());
    if (to[result.axis] != from[a.axis])
      return Bounds::of(a.hull());
  } else if (name == "gather") {
    if (op->getAttrOfType<IntegerAttr>("axis").getInt() == a.axis) {
      result.each.clear();
      for (int64_t index : list("indices"))
        result.each.push_back(a.each[static_cast<size_t>(index)]);
    }
  } else {
    return Bounds::of(a.hull());
  }
  return result.each.empty() ? Bounds::of(a.hull()) : result;
}

} // namespace dyad
