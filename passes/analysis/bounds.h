// SPDX-License-Identifier: Apache-2.0
// What is known of a tensor's elements, floats or integers alike: an interval for each channel, and
// an affine form over earlier values, by which terms that depend on each other do not add up twice.
// Widths follow from what operations make of these.
#pragma once

#include "mlir/IR/Operation.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/DenseMap.h"

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

namespace dyad {

/// low <= x <= high; infinite where nothing is known.
struct FloatRange {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();

  bool isFinite() const;
  /// Largest magnitude.
  double magnitude() const;
  bool isPoint() const { return low == high; }
};

FloatRange hull(const FloatRange &a, const FloatRange &b);
FloatRange intersection(const FloatRange &a, const FloatRange &b);
FloatRange sum(const FloatRange &a, const FloatRange &b);
FloatRange product(const FloatRange &a, const FloatRange &b);
FloatRange scaled(const FloatRange &a, double factor);

/// A tensor as outer x channels x inner, along one axis.
struct ChannelShape {
  int64_t outer = 1;
  int64_t channels = 1;
  int64_t inner = 1;
};
ChannelShape channelShape(llvm::ArrayRef<int64_t> shape, int64_t axis);

/// The axis along which channels of such a tensor differ most often: 1 of images, else the last;
/// -1 of scalars.
int64_t usualChannelAxis(llvm::ArrayRef<int64_t> shape);

/// Part of an affine form. With `matrix`: sum over j of matrix[j * channels + c] * base[o, j, i] in
/// channel c; without: factors[c] times the element of the base at the same place.
struct AffineTerm {
  mlir::Value base;
  std::shared_ptr<const std::vector<double>> matrix;
  std::vector<double> factors;
};

/// What is known of one value. `each` has one interval for each position along `axis`, or one for
/// all where that is -1. The value is the sum of the terms and of something within `rest`, in every
/// channel; without terms, only its intervals are known.
struct Bounds {
  /// More than these count as one.
  static constexpr int64_t kMostChannels = 1 << 14;

  int64_t axis = -1;
  std::vector<FloatRange> each = {FloatRange()};
  std::vector<AffineTerm> terms;
  std::vector<FloatRange> rest;
  double formWidth = 0; ///< of all channels' intervals by the form alone; 0: not computed
  /// Whether a form narrowed these intervals, or some that they were made of.
  bool usedForm = false;

  static Bounds of(const FloatRange &range) { return {-1, {range}, {}, {}, 0, false}; }
  FloatRange hull() const;
  /// Intervals only.
  void dropForm();
  /// Whether each channel has one value.
  bool isConstant() const;
  /// The interval of channel c, which is that of all channels where there is one.
  const FloatRange &at(size_t c) const { return each[each.size() == 1 ? 0 : c]; }
};

/// The weights of a linear operation: rows of outputs, columns of inputs of its group, and behind
/// them what is summed without telling apart (the kernel's places). `transposed`: inputs first.
struct LinearShape {
  int64_t outputs = 0;
  int64_t inputs = 0; ///< of one group
  int64_t taps = 1;
  int64_t groups = 1;
  bool transposed = false;
  int64_t matrices = 1; ///< one behind the other, each for its own elements
  bool mayMiss = false; ///< padding: some products may be zero
  /// Whether output channels at a place are sums of the input channels at the same place, and so
  /// may be affine in what these are affine in.
  bool keepsPlaces = false;
};

/// Of a convolution whose weight is outputs x inputs x height x width.
LinearShape convolutionShape(llvm::ArrayRef<int64_t> weight, llvm::ArrayRef<int64_t> strides,
                             llvm::ArrayRef<int64_t> pads, int64_t groups);
/// Of a product with a constant matrix, or several, on the right or on the left.
LinearShape matrixShape(llvm::ArrayRef<int64_t> weight, bool isRight);

/// Bounds of the values of a function, and how operations carry them on.
class BoundsMap {
public:
  /// Floats are computed with rounding errors of their own; integers exactly.
  enum class Numbers { kFloats, kIntegers };
  /// Without `composes`, a linear operation's form is not carried through another one, which is
  /// what forms cost time for.
  explicit BoundsMap(Numbers numbers, bool composes = true)
      : numbers_(numbers), composes_(composes) {}

  /// Unknown where nothing was set.
  const Bounds &at(mlir::Value value) const;
  /// Remembers bounds, none of which reach beyond `limit`. A value without a useful form is the
  /// base of later ones.
  void set(mlir::Value value, Bounds bounds, const FloatRange &limit);

  /// A constant's values, by channel.
  template <typename T>
  static Bounds ofConstant(llvm::ArrayRef<int64_t> shape, const std::vector<T> &values);
  /// Behind an operation of ir/structure.h.
  static Bounds moved(mlir::Operation *op, llvm::ArrayRef<const Bounds *> operands,
                      double padValue);
  /// a + sign * b.
  Bounds sum(const Bounds &a, const Bounds &b, double sign) const;
  /// Elementwise product; a form stays where the other factor is constant.
  Bounds product(const Bounds &a, const Bounds &b) const;
  /// factor * a + something within `error`.
  Bounds scaled(const Bounds &a, double factor, const FloatRange &error) const;
  /// x where x >= 0, else slope * x.
  Bounds rectified(const Bounds &a, double slope) const;
  /// A linear operation that sums along the axis `from` of its input; channels of the result lie
  /// along `to`.
  template <typename T>
  Bounds linear(const Bounds &input, int64_t from, int64_t to, const LinearShape &shape,
                const std::vector<T> &weights) const;
  /// Sum (of magnitudes, if so) over `terms` elements along axes of the input, or along all but the
  /// channels.
  Bounds reduced(const Bounds &a, llvm::ArrayRef<int64_t> shape,
                 llvm::ArrayRef<int64_t> axes) const;

  /// The two tensors' bounds with the same number of channels: those of `a`, if it has any.
  static void align(Bounds &a, Bounds &b);

private:
  /// With what rounding can add to sums of such magnitudes.
  FloatRange widened(const FloatRange &range, double magnitude) const;
  /// Narrows the intervals to what the form says.
  void useForm(Bounds &bounds) const;
  /// The form of a linear operation's result, where it costs little; whether its terms are more
  /// than the input itself.
  template <typename T>
  bool compose(const Bounds &input, int64_t from, const LinearShape &shape,
               const std::vector<T> &weights, Bounds &result) const;
  /// Sums of products with intervals, one for each output.
  template <typename T>
  std::vector<FloatRange> sums(const std::vector<FloatRange> &inputs, const LinearShape &shape,
                               const T *weights) const;

  Numbers numbers_;
  bool composes_;
  llvm::DenseMap<mlir::Value, Bounds> bounds_;
};

} // namespace dyad
