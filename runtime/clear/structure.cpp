// SPDX-License-Identifier: Apache-2.0
// Structure operations as one strided copy: a result element's position is an offset plus a step
// for each axis; only gather, take and pad need more.
#include "runtime/clear/structure.h"

#include "runtime/net/error.h"

#include <algorithm>

namespace dyad::clear {

namespace {

using List = std::vector<std::int64_t>;

List stepsOf(const Shape &shape) {
  List steps(shape.size(), 1);
  for (std::size_t axis = shape.size(); axis-- > 1;)
    steps[axis - 1] = steps[axis] * shape[axis];
  return steps;
}

/// result[i0, i1, ...] = from[offset + i0 * steps[0] + ...], row by row.
template <typename T>
void copyStrided(const T *from, const List &steps, T *into, const Shape &shape) {
  const std::int64_t size = sizeOf(shape);
  if (size == 0)
    return;
  const std::size_t rank = shape.size();
  const std::int64_t row = rank == 0 ? 1 : shape[rank - 1];
  const std::int64_t step = rank == 0 ? 1 : steps[rank - 1];
  List index(rank, 0);
  for (std::int64_t done = 0; done < size; done += row) {
    if (step == 1)
      std::copy(from, from + row, into + done);
    else
      for (std::int64_t i = 0; i < row; ++i)
        into[done + i] = from[i * step];
    for (std::size_t axis = rank - std::min<std::size_t>(rank, 1); axis-- > 0;) {
      from += steps[axis];
      if (++index[axis] < shape[axis])
        break;
      from -= steps[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}

/// The opposite: into[i0 * steps[0] + ...] = from[i0, i1, ...].
template <typename T>
void scatterStrided(const T *from, const Shape &shape, T *into, const List &steps) {
  const std::int64_t size = sizeOf(shape);
  const std::size_t rank = shape.size();
  List index(rank, 0);
  for (std::int64_t i = 0; i < size; ++i) {
    *into = from[i];
    for (std::size_t axis = rank; axis-- > 0;) {
      into += steps[axis];
      if (++index[axis] < shape[axis])
        break;
      into -= steps[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}

void requireAxis(const Shape &shape, std::int64_t axis) {
  DYAD_REQUIRE(axis >= 0 && axis < static_cast<std::int64_t>(shape.size()), kOutOfRange,
               "axis {} of {}", axis, describe(shape));
}
void requireEntries(const Shape &shape, const List &list) {
  DYAD_REQUIRE(list.size() == shape.size(), kShapeMismatch, "{} entries for the axes of {}",
               list.size(), describe(shape));
}

} // namespace

template <typename T> Tensor<T> reshape(Tensor<T> x, Shape shape) {
  DYAD_REQUIRE(sizeOf(shape) == sizeOf(x.shape), kShapeMismatch, "{} cannot be reshaped to {}",
               describe(x.shape), describe(shape));
  x.shape = std::move(shape);
  return x;
}

template <typename T> Tensor<T> transpose(const Tensor<T> &x, const List &permutation) {
  requireEntries(x.shape, permutation);
  const List from = stepsOf(x.shape);
  Tensor<T> result;
  List steps;
  std::vector<bool> used(permutation.size());
  for (std::int64_t axis : permutation) {
    requireAxis(x.shape, axis);
    DYAD_REQUIRE(!used[axis], kOutOfRange, "axis {} twice in a permutation", axis);
    used[axis] = true;
    result.shape.push_back(x.shape[axis]);
    steps.push_back(from[axis]);
  }
  result.data.resize(x.data.size());
  copyStrided(x.data.data(), steps, result.data.data(), result.shape);
  return result;
}

template <typename T>
Tensor<T> concat(const std::vector<const Tensor<T> *> &inputs, std::int64_t axis) {
  DYAD_REQUIRE(!inputs.empty(), kShapeMismatch, "concatenation of nothing");
  Tensor<T> result;
  result.shape = inputs[0]->shape;
  requireAxis(result.shape, axis);
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    Shape shape = inputs[i]->shape;
    DYAD_REQUIRE(shape.size() == result.shape.size(), kShapeMismatch, "concatenation of {} and {}",
                 describe(result.shape), describe(shape));
    const std::int64_t extent = std::exchange(shape[axis], result.shape[axis]);
    DYAD_REQUIRE(shape == result.shape, kShapeMismatch, "concatenation along axis {} of {} and {}",
                 axis, describe(inputs[0]->shape), describe(inputs[i]->shape));
    result.shape[axis] += extent;
  }
  result.data.resize(sizeOf(result.shape));
  const std::int64_t outer = sizeOf(Shape(result.shape.begin(), result.shape.begin() + axis));
  const std::int64_t inner = sizeOf(Shape(result.shape.begin() + axis, result.shape.end()));
  T *block = result.data.data();
  for (const Tensor<T> *input : inputs) {
    const std::int64_t length = outer == 0 ? 0 : sizeOf(input->shape) / outer;
    for (std::int64_t i = 0; i < outer; ++i)
      std::copy_n(input->data.data() + i * length, length, block + i * inner);
    block += length;
  }
  return result;
}

template <typename T>
Tensor<T> slice(const Tensor<T> &x, const List &starts, const List &steps, Shape shape) {
  requireEntries(x.shape, starts);
  requireEntries(x.shape, steps);
  requireEntries(x.shape, shape);
  List strides = stepsOf(x.shape);
  std::int64_t offset = 0;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    const std::int64_t last = starts[axis] + (shape[axis] - 1) * steps[axis];
    DYAD_REQUIRE(shape[axis] == 0 || (starts[axis] >= 0 && starts[axis] < x.shape[axis] &&
                                      last >= 0 && last < x.shape[axis]),
                 kOutOfRange, "slice from {} to {} of axis {} of {}", starts[axis], last, axis,
                 describe(x.shape));
    offset += starts[axis] * strides[axis];
    strides[axis] *= steps[axis];
  }
  Tensor<T> result{std::move(shape), {}};
  result.data.resize(sizeOf(result.shape));
  if (!result.data.empty())
    copyStrided(x.data.data() + offset, strides, result.data.data(), result.shape);
  return result;
}

template <typename T> Tensor<T> broadcast(const Tensor<T> &x, Shape shape) {
  DYAD_REQUIRE(x.shape.size() <= shape.size(), kShapeMismatch, "{} cannot be broadcast to {}",
               describe(x.shape), describe(shape));
  const std::size_t missing = shape.size() - x.shape.size();
  const List from = stepsOf(x.shape);
  List steps(shape.size(), 0);
  for (std::size_t axis = 0; axis < x.shape.size(); ++axis) {
    DYAD_REQUIRE(x.shape[axis] == 1 || x.shape[axis] == shape[missing + axis], kShapeMismatch,
                 "{} cannot be broadcast to {}", describe(x.shape), describe(shape));
    if (x.shape[axis] != 1)
      steps[missing + axis] = from[axis];
  }
  Tensor<T> result{std::move(shape), {}};
  result.data.resize(sizeOf(result.shape));
  copyStrided(x.data.data(), steps, result.data.data(), result.shape);
  return result;
}

template <typename T> Tensor<T> gather(const Tensor<T> &x, std::int64_t axis, const List &indices) {
  requireAxis(x.shape, axis);
  const std::int64_t extent = x.shape[axis];
  const std::int64_t outer = sizeOf(Shape(x.shape.begin(), x.shape.begin() + axis));
  const std::int64_t inner = sizeOf(Shape(x.shape.begin() + axis + 1, x.shape.end()));
  Tensor<T> result{x.shape, {}};
  result.shape[axis] = static_cast<std::int64_t>(indices.size());
  result.data.resize(sizeOf(result.shape));
  T *into = result.data.data();
  for (std::int64_t index : indices)
    DYAD_REQUIRE(index >= 0 && index < extent, kOutOfRange, "index {} of axis {} of {}", index,
                 axis, describe(x.shape));
  for (std::int64_t i = 0; i < outer; ++i)
    for (std::int64_t index : indices)
      into = std::copy_n(x.data.data() + (i * extent + index) * inner, inner, into);
  return result;
}

template <typename T> Tensor<T> take(const Tensor<T> &x, const List &indices, Shape shape) {
  DYAD_REQUIRE(sizeOf(shape) == static_cast<std::int64_t>(indices.size()), kShapeMismatch,
               "{} positions for a result of {}", indices.size(), describe(shape));
  Tensor<T> result{std::move(shape), {}};
  result.data.reserve(indices.size());
  for (std::int64_t index : indices) {
    DYAD_REQUIRE(index >= 0 && index < static_cast<std::int64_t>(x.data.size()), kOutOfRange,
                 "position {} of {}", index, describe(x.shape));
    result.data.push_back(x.data[index]);
  }
  return result;
}

template <typename T>
Tensor<T> pad(const Tensor<T> &x, const List &low, const List &high, const List &interior,
              T value) {
  requireEntries(x.shape, low);
  requireEntries(x.shape, high);
  requireEntries(x.shape, interior);
  Tensor<T> result;
  for (std::size_t axis = 0; axis < x.shape.size(); ++axis) {
    DYAD_REQUIRE(low[axis] >= 0 && high[axis] >= 0 && interior[axis] >= 0, kOutOfRange,
                 "negative padding of axis {}", axis);
    const std::int64_t gaps = std::max<std::int64_t>(x.shape[axis] - 1, 0) * interior[axis];
    result.shape.push_back(low[axis] + x.shape[axis] + gaps + high[axis]);
  }
  List steps = stepsOf(result.shape);
  std::int64_t offset = 0;
  for (std::size_t axis = 0; axis < steps.size(); ++axis) {
    offset += low[axis] * steps[axis];
    steps[axis] *= interior[axis] + 1;
  }
  result.data.assign(sizeOf(result.shape), value);
  if (!x.data.empty())
    scatterStrided(x.data.data(), x.shape, result.data.data() + offset, steps);
  return result;
}

#define DYAD_INSTANTIATE(T)                                                                        \
  template Tensor<T> reshape(Tensor<T>, Shape);                                                    \
  template Tensor<T> transpose(const Tensor<T> &, const List &);                                   \
  template Tensor<T> concat(const std::vector<const Tensor<T> *> &, std::int64_t);                 \
  template Tensor<T> slice(const Tensor<T> &, const List &, const List &, Shape);                  \
  template Tensor<T> broadcast(const Tensor<T> &, Shape);                                          \
  template Tensor<T> gather(const Tensor<T> &, std::int64_t, const List &);                        \
  template Tensor<T> take(const Tensor<T> &, const List &, Shape);                                 \
  template Tensor<T> pad(const Tensor<T> &, const List &, const List &, const List &, T);
DYAD_INSTANTIATE(float)
DYAD_INSTANTIATE(std::int64_t)
DYAD_INSTANTIATE(Wide)
DYAD_INSTANTIATE(std::uint64_t)
#undef DYAD_INSTANTIATE

} // namespace dyad::clear
