// SPDX-License-Identifier: Apache-2.0
#include "frontends/onnx/tensor.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace dyad::onnx {

namespace {

// Calls visit(position in the result, position in the input) over all of `shape`, row-major.
template <typename Visit>
void forEach(llvm::ArrayRef<int64_t> shape, int64_t offset, llvm::ArrayRef<int64_t> strides,
             Visit visit) {
  int64_t count = elementCount(shape);
  if (count == 0)
    return;
  std::vector<int64_t> index(shape.size(), 0);
  int64_t position = offset;
  for (int64_t i = 0; i < count; ++i) {
    visit(i, position);
    for (size_t axis = shape.size(); axis-- > 0;) {
      position += strides[axis];
      if (++index[axis] < shape[axis])
        break;
      position -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}

Tensor emptyLike(const Tensor &input, Shape shape) {
  Tensor result{input.kind, std::move(shape), {}, {}};
  auto count = static_cast<size_t>(elementCount(result.shape));
  if (input.kind == Kind::kFloat)
    result.floats.resize(count);
  else
    result.integers.resize(count);
  return result;
}

// Strides of `input` seen as a tensor of shape `shape`: zero where an axis is repeated.
Shape broadcastStrides(llvm::ArrayRef<int64_t> input, llvm::ArrayRef<int64_t> shape) {
  Shape own = stridesOf(input);
  Shape strides(shape.size(), 0);
  for (size_t i = 0; i < input.size(); ++i)
    if (input[input.size() - 1 - i] != 1)
      strides[shape.size() - 1 - i] = own[input.size() - 1 - i];
  return strides;
}

Shape reducedShape(const Tensor &input, llvm::ArrayRef<int64_t> axes) {
  Shape shape = input.shape;
  for (int64_t axis : axes)
    shape[axis] = 1;
  return shape;
}

// Strides into the reduced tensor while walking over the input.
Shape reducedStrides(const Tensor &input, llvm::ArrayRef<int64_t> axes) {
  Shape strides = stridesOf(reducedShape(input, axes));
  for (int64_t axis : axes)
    strides[axis] = 0;
  return strides;
}

} // namespace

int64_t Tensor::size() const {
  return static_cast<int64_t>(kind == Kind::kFloat ? floats.size() : integers.size());
}

int64_t elementCount(llvm::ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t dimension : shape) {
    if (dimension < 0)
      throw Refusal(fmt::format("a tensor would have the negative dimension {}", dimension));
    if (dimension > 0 && count > kMaxElements / dimension)
      throw Refusal(fmt::format("a tensor of shape {} would have more than {} elements",
                                shapeText(shape), kMaxElements));
    count *= dimension;
  }
  return count;
}

Shape stridesOf(llvm::ArrayRef<int64_t> shape) {
  Shape strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;)
    strides[i - 1] = strides[i] * shape[i];
  return strides;
}

std::string shapeText(llvm::ArrayRef<int64_t> shape) {
  return shape.empty() ? "scalar" : fmt::format("{}", fmt::join(shape.begin(), shape.end(), "x"));
}

const char *kindName(Kind kind) {
  return kind == Kind::kFloat ? "float" : kind == Kind::kInteger ? "integer" : "bool";
}

Shape broadcastShape(llvm::ArrayRef<int64_t> lhs, llvm::ArrayRef<int64_t> rhs) {
  Shape result(std::max(lhs.size(), rhs.size()), 1);
  for (size_t i = 0; i < result.size(); ++i) {
    int64_t a = i < lhs.size() ? lhs[lhs.size() - 1 - i] : 1;
    int64_t b = i < rhs.size() ? rhs[rhs.size() - 1 - i] : 1;
    if (a != b && a != 1 && b != 1)
      throw Refusal(fmt::format("shapes {} and {} cannot be broadcast to one; the model is damaged "
                                "or was exported for other input shapes",
                                shapeText(lhs), shapeText(rhs)));
    result[result.size() - 1 - i] = a == 1 ? b : a;
  }
  return result;
}

Tensor scalarFloat(float value) { return {Kind::kFloat, {}, {value}, {}}; }

Tensor integerVector(llvm::ArrayRef<int64_t> values) {
  return {Kind::kInteger, {static_cast<int64_t>(values.size())}, {}, values.vec()};
}

Tensor strided(const Tensor &input, Shape shape, int64_t offset, llvm::ArrayRef<int64_t> strides) {
  Tensor result = emptyLike(input, std::move(shape));
  if (input.kind == Kind::kFloat)
    forEach(result.shape, offset, strides,
            [&](int64_t to, int64_t from) { result.floats[to] = input.floats[from]; });
  else
    forEach(result.shape, offset, strides,
            [&](int64_t to, int64_t from) { result.integers[to] = input.integers[from]; });
  return result;
}

Tensor take(const Tensor &input, Shape shape, llvm::ArrayRef<int64_t> indices) {
  Tensor result = emptyLike(input, std::move(shape));
  for (size_t i = 0; i < indices.size(); ++i) {
    if (input.kind == Kind::kFloat)
      result.floats[i] = input.floats[indices[i]];
    else
      result.integers[i] = input.integers[indices[i]];
  }
  return result;
}

Tensor transpose(const Tensor &input, llvm::ArrayRef<int64_t> permutation) {
  Shape own = stridesOf(input.shape);
  Shape shape;
  Shape strides;
  for (int64_t axis : permutation) {
    shape.push_back(input.shape[axis]);
    strides.push_back(own[axis]);
  }
  return strided(input, std::move(shape), 0, strides);
}

Tensor broadcast(const Tensor &input, const Shape &shape) {
  return strided(input, shape, 0, broadcastStrides(input.shape, shape));
}

Tensor reshape(const Tensor &input, Shape shape) {
  Tensor result = input;
  result.shape = std::move(shape);
  return result;
}

Tensor concat(llvm::ArrayRef<const Tensor *> inputs, int64_t axis) {
  Shape shape = inputs.front()->shape;
  shape[axis] = 0;
  for (const Tensor *input : inputs)
    shape[axis] += input->shape[axis];
  Tensor result = emptyLike(*inputs.front(), std::move(shape));
  Shape strides = stridesOf(result.shape);
  int64_t start = 0;
  for (const Tensor *input : inputs) {
    forEach(input->shape, start * strides[axis], strides, [&](int64_t from, int64_t to) {
      if (result.kind == Kind::kFloat)
        result.floats[to] = input->floats[from];
      else
        result.integers[to] = input->integers[from];
    });
    start += input->shape[axis];
  }
  return result;
}

Tensor pad(const Tensor &input, llvm::ArrayRef<int64_t> low, llvm::ArrayRef<int64_t> high,
           llvm::ArrayRef<int64_t> interior, double value) {
  Shape shape;
  for (size_t i = 0; i < input.shape.size(); ++i)
    shape.push_back(low[i] + high[i] + input.shape[i] +
                    std::max<int64_t>(input.shape[i] - 1, 0) * interior[i]);
  Tensor result = emptyLike(input, std::move(shape));
  std::fill(result.floats.begin(), result.floats.end(), static_cast<float>(value));
  std::fill(result.integers.begin(), result.integers.end(), static_cast<int64_t>(value));
  Shape strides = stridesOf(result.shape);
  int64_t offset = 0;
  for (size_t i = 0; i < strides.size(); ++i) {
    offset += low[i] * strides[i];
    strides[i] *= 1 + interior[i];
  }
  forEach(input.shape, offset, strides, [&](int64_t from, int64_t to) {
    if (result.kind == Kind::kFloat)
      result.floats[to] = input.floats[from];
    else
      result.integers[to] = input.integers[from];
  });
  return result;
}

Tensor mapFloats(const Tensor &input, const std::function<float(float)> &function) {
  Tensor result = input;
  for (float &value : result.floats)
    value = function(value);
  return result;
}

Tensor mapIntegers(const Tensor &input, Kind kind,
                   const std::function<int64_t(int64_t)> &function) {
  Tensor result{kind, input.shape, {}, input.integers};
  for (int64_t &value : result.integers)
    value = function(value);
  return result;
}

Tensor zipFloats(const Tensor &lhs, const Tensor &rhs,
                 const std::function<float(float, float)> &function) {
  Shape shape = broadcastShape(lhs.shape, rhs.shape);
  Tensor result = broadcast(lhs, shape);
  forEach(shape, 0, broadcastStrides(rhs.shape, shape), [&](int64_t i, int64_t other) {
    result.floats[i] = function(result.floats[i], rhs.floats[other]);
  });
  return result;
}

Tensor zipIntegers(const Tensor &lhs, const Tensor &rhs, Kind kind,
                   const std::function<int64_t(int64_t, int64_t)> &function) {
  Shape shape = broadcastShape(lhs.shape, rhs.shape);
  Tensor result = broadcast(lhs, shape);
  result.kind = kind;
  forEach(shape, 0, broadcastStrides(rhs.shape, shape), [&](int64_t i, int64_t other) {
    result.integers[i] = function(result.integers[i], rhs.integers[other]);
  });
  return result;
}

Tensor reduceFloats(const Tensor &input, llvm::ArrayRef<int64_t> axes, double start,
                    const std::function<double(double, double)> &function) {
  Tensor result{Kind::kFloat, reducedShape(input, axes), {}, {}};
  std::vector<double> sums(elementCount(result.shape), start);
  forEach(input.shape, 0, reducedStrides(input, axes),
          [&](int64_t from, int64_t to) { sums[to] = function(sums[to], input.floats[from]); });
  result.floats.assign(sums.begin(), sums.end());
  return result;
}

Tensor reduceIntegers(const Tensor &input, llvm::ArrayRef<int64_t> axes, int64_t start,
                      const std::function<int64_t(int64_t, int64_t)> &function) {
  Tensor result{input.kind, reducedShape(input, axes), {}, {}};
  result.integers.assign(elementCount(result.shape), start);
  forEach(input.shape, 0, reducedStrides(input, axes), [&](int64_t from, int64_t to) {
    result.integers[to] = function(result.integers[to], input.integers[from]);
  });
  return result;
}

} // namespace dyad::onnx
