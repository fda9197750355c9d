// SPDX-License-Identifier: Apache-2.0
// Arithmetic of bounds.h. Doubles hold integers below 2^53 and sums of them exactly; beyond, and
// for the factors of forms, bounds go outwards by more than rounding can take away.
#include "passes/analysis/bounds.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace mlir;

namespace dyad {
namespace {

// Entries of a form's matrix, and multiplications to get one: what a form may cost.
constexpr int64_t kMostEntries = 1 << 17;
constexpr int64_t kMostWork = 1 << 23;
constexpr size_t kMostTerms = 3;
// A form whose intervals are so many times as wide as what is known otherwise is given up.
constexpr double kLoose = 2;

// 0 * infinity is 0 here: an unknown finite number times zero.
double times(double a, double b) { return a == 0 || b == 0 ? 0 : a * b; }

FloatRange withZero(const FloatRange &a) { return hull(a, {0, 0}); }

double width(const std::vector<FloatRange> &ranges) {
  double all = 0;
  for (const FloatRange &range : ranges)
    all += range.high - range.low;
  return all;
}

// What is added to the terms.
const std::vector<FloatRange> &restOf(const Bounds &a) { return a.terms.empty() ? a.each : a.rest; }

void spread(Bounds &a, int64_t axis, size_t channels) {
  a.axis = axis;
  a.each.assign(channels, a.each.front());
  if (!a.terms.empty())
    a.rest.assign(channels, a.rest.front());
  for (AffineTerm &term : a.terms)
    term.factors.assign(channels, term.factors.front());
}

// Multiplies channel c of all terms by factors(c).
template <typename F> void scaleTerms(Bounds &a, const F &factorOf) {
  for (AffineTerm &term : a.terms) {
    const size_t channels = a.each.size();
    if (!term.matrix) {
      for (size_t c = 0; c < channels; ++c)
        term.factors[c] *= factorOf(c);
      continue;
    }
    auto matrix = std::make_shared<std::vector<double>>(*term.matrix);
    std::vector<double> factors(channels);
    for (size_t c = 0; c < channels; ++c)
      factors[c] = factorOf(c);
    for (size_t i = 0; i < matrix->size(); ++i)
      (*matrix)[i] *= factors[i % channels];
    term.matrix = std::move(matrix);
  }
}

// Adds sign * b to a, of the same base; false if one says nothing about the other's channels.
bool merge(AffineTerm &a, const AffineTerm &b, double sign, size_t channels) {
  if (!a.matrix && !b.matrix) {
    for (size_t c = 0; c < channels; ++c)
      a.factors[c] += sign * b.factors[c];
    return true;
  }
  auto isSquare = [&](const AffineTerm &term) {
    return !term.matrix || term.matrix->size() == channels * channels;
  };
  if (a.matrix && b.matrix ? a.matrix->size() != b.matrix->size() : !isSquare(a) || !isSquare(b))
    return false;
  auto matrix = a.matrix ? std::make_shared<std::vector<double>>(*a.matrix)
                         : std::make_shared<std::vector<double>>(channels * channels, 0.0);
  if (!a.matrix)
    for (size_t c = 0; c < channels; ++c)
      (*matrix)[c * channels + c] = a.factors[c];
  if (b.matrix)
    for (size_t i = 0; i < matrix->size(); ++i)
      (*matrix)[i] += sign * (*b.matrix)[i];
  else
    for (size_t c = 0; c < channels; ++c)
      (*matrix)[c * channels + c] += sign * b.factors[c];
  a.matrix = std::move(matrix);
  a.factors.clear();
  return true;
}

bool isZero(const AffineTerm &term) {
  return llvm::all_of(term.matrix ? *term.matrix : term.factors,
                      [](double factor) { return factor == 0; });
}

bool isFinite(const Bounds &a) {
  return llvm::all_of(a.rest, [](const FloatRange &range) { return range.isFinite(); }) &&
         llvm::all_of(a.terms, [](const AffineTerm &term) {
           return llvm::all_of(term.matrix ? *term.matrix : term.factors,
                               [](double factor) { return std::isfinite(factor); });
         });
}

} // namespace

bool FloatRange::isFinite() const { return std::isfinite(low) && std::isfinite(high); }
double FloatRange::magnitude() const { return std::max(std::abs(low), std::abs(high)); }

FloatRange hull(const FloatRange &a, const FloatRange &b) {
  return {std::min(a.low, b.low), std::max(a.high, b.high)};
}
FloatRange intersection(const FloatRange &a, const FloatRange &b) {
  return {std::max(a.low, b.low), std::min(a.high, b.high)};
}
FloatRange sum(const FloatRange &a, const FloatRange &b) {
  return {a.low + b.low, a.high + b.high};
}
FloatRange product(const FloatRange &a, const FloatRange &b) {
  auto [low, high] = std::minmax(
      {times(a.low, b.low), times(a.low, b.high), times(a.high, b.low), times(a.high, b.high)});
  return {low, high};
}
FloatRange scaled(const FloatRange &a, double factor) { return product(a, {factor, factor}); }

ChannelShape channelShape(ArrayRef<int64_t> shape, int64_t axis) {
  auto product = [](ArrayRef<int64_t> sizes) {
    return std::accumulate(sizes.begin(), sizes.end(), int64_t{1}, std::multiplies<>());
  };
  if (axis < 0)
    return {product(shape), 1, 1};
  const auto at = static_cast<size_t>(axis);
  return {product(shape.take_front(at)), shape[at], product(shape.drop_front(at + 1))};
}

int64_t usualChannelAxis(ArrayRef<int64_t> shape) {
  return shape.size() == 4 ? 1 : static_cast<int64_t>(shape.size()) - 1;
}

LinearShape convolutionShape(ArrayRef<int64_t> weight, ArrayRef<int64_t> strides,
                             ArrayRef<int64_t> pads, int64_t groups) {
  LinearShape shape;
  shape.outputs = weight[0];
  shape.inputs = weight[1];
  shape.taps = weight[2] * weight[3];
  shape.groups = groups;
  shape.mayMiss = llvm::any_of(pads, [](int64_t pad) { return pad != 0; });
  shape.keepsPlaces = llvm::all_of(strides, [](int64_t stride) { return stride == 1; });
  return shape;
}

LinearShape matrixShape(ArrayRef<int64_t> weight, bool isRight) {
  LinearShape shape;
  shape.transposed = isRight;
  shape.outputs = isRight ? weight.back() : weight[weight.size() - 2];
  shape.inputs = isRight ? weight[weight.size() - 2] : weight.back();
  shape.matrices = channelShape(weight.drop_back(2), -1).outer;
  shape.keepsPlaces = weight.size() == 2;
  return shape;
}

void Bounds::dropForm() {
  terms.clear();
  rest.clear();
  formWidth = 0;
}

FloatRange Bounds::hull() const {
  FloatRange all = each.front();
  for (const FloatRange &range : each)
    all = dyad::hull(all, range);
  return all;
}

bool Bounds::isConstant() const {
  return llvm::all_of(each,
                      [](const FloatRange &range) { return range.isPoint() && range.isFinite(); });
}

const Bounds &BoundsMap::at(Value value) const {
  static const Bounds unknown;
  auto found = bounds_.find(value);
  return found == bounds_.end() ? unknown : found->second;
}

void BoundsMap::set(Value value, Bounds bounds, const FloatRange &limit) {
  if (static_cast<int64_t>(bounds.each.size()) > Bounds::kMostChannels || bounds.each.empty())
    bounds = Bounds::of(bounds.each.empty() ? FloatRange() : bounds.hull());
  for (FloatRange &range : bounds.each) {
    if (std::isnan(range.low) || std::isnan(range.high))
      range = FloatRange();
    if (numbers_ == Numbers::kIntegers)
      range = {std::ceil(range.low), std::floor(range.high)};
    FloatRange both = intersection(range, limit);
    range = both.low <= both.high ? both : limit;
  }
  const bool isLoose = bounds.formWidth > kLoose * width(bounds.each);
  if (bounds.terms.empty() || isLoose || !isFinite(bounds)) {
    bounds.dropForm();
    if (!bounds.isConstant() && bounds.hull().isFinite()) {
      bounds.terms = {{value, nullptr, std::vector<double>(bounds.each.size(), 1.0)}};
      bounds.rest.assign(bounds.each.size(), FloatRange{0, 0});
    }
  }
  bounds_[value] = std::move(bounds);
}

template <typename T>
Bounds BoundsMap::ofConstant(ArrayRef<int64_t> shape, const std::vector<T> &values) {
  if (values.empty())
    return Bounds();
  // The one axis along which values can differ, or that of channels.
  int64_t axis = usualChannelAxis(shape);
  if (llvm::count_if(shape, [](int64_t size) { return size > 1; }) == 1)
    axis = std::distance(shape.begin(), llvm::find_if(shape, [](int64_t s) { return s > 1; }));
  const ChannelShape at = channelShape(shape, axis);
  if (at.channels > Bounds::kMostChannels) {
    auto [low, high] = std::minmax_element(values.begin(), values.end());
    return Bounds::of({static_cast<double>(*low), static_cast<double>(*high)});
  }
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Bounds result;
  result.axis = axis;
  result.each.assign(static_cast<size_t>(at.channels), FloatRange{kInfinity, -kInfinity});
  const T *value = values.data();
  for (int64_t o = 0; o < at.outer; ++o)
    for (FloatRange &range : result.each)
      for (int64_t i = 0; i < at.inner; ++i, ++value)
        range = dyad::hull(range, {static_cast<double>(*value), static_cast<double>(*value)});
  return result;
}

void BoundsMap::align(Bounds &a, Bounds &b) {
  if (a.axis == b.axis)
    return;
  if (a.axis < 0)
    return spread(a, b.axis, b.each.size());
  if (b.axis >= 0)
    b = Bounds::of(b.hull());
  spread(b, a.axis, a.each.size());
}

FloatRange BoundsMap::widened(const FloatRange &range, double magnitude) const {
  constexpr double kExact = 0x1p52, kOfDoubles = 1e-11, kOfFloats = 1e-5;
  const bool isInteger = numbers_ == Numbers::kIntegers;
  if (!std::isfinite(magnitude) || (isInteger && magnitude < kExact))
    return range;
  const double slack = (isInteger ? kOfDoubles : kOfFloats) * magnitude;
  return {range.low - slack, range.high + slack};
}

void BoundsMap::useForm(Bounds &bounds) const {
  if (bounds.terms.empty())
    return;
  constexpr double kSlack = 1e-11;
  const size_t channels = bounds.each.size();
  std::vector<FloatRange> ranges = bounds.rest;
  std::vector<double> magnitudes(channels);
  for (size_t c = 0; c < channels; ++c)
    magnitudes[c] = ranges[c].magnitude();
  for (const AffineTerm &term : bounds.terms) {
    const Bounds &base = at(term.base);
    auto add = [&](size_t c, double factor, const FloatRange &x) {
      ranges[c] = dyad::sum(ranges[c], dyad::scaled(x, factor));
      magnitudes[c] += times(std::abs(factor), x.magnitude());
    };
    if (!term.matrix) {
      for (size_t c = 0; c < channels; ++c)
        add(c, term.factors[c], base.at(c));
      continue;
    }
    for (size_t j = 0; j * channels < term.matrix->size(); ++j)
      for (size_t c = 0; c < channels; ++c)
        add(c, (*term.matrix)[j * channels + c], base.at(j));
  }
  for (size_t c = 0; c < channels; ++c) {
    const double slack = kSlack * magnitudes[c];
    ranges[c] = widened({ranges[c].low - slack, ranges[c].high + slack},
                        numbers_ == Numbers::kFloats ? magnitudes[c] : 0);
    const FloatRange both = intersection(bounds.each[c], ranges[c]);
    if (both.low > both.high)
      continue;
    bounds.usedForm |= both.low > bounds.each[c].low || both.high < bounds.each[c].high;
    bounds.each[c] = both;
  }
  bounds.formWidth = width(ranges);
}

Bounds BoundsMap::sum(const Bounds &first, const Bounds &second, double sign) const {
  Bounds a = first;
  Bounds b = second;
  align(a, b);
  const size_t channels = a.each.size();
  Bounds result;
  result.axis = a.axis;
  result.each.resize(channels);
  for (size_t c = 0; c < channels; ++c)
    result.each[c] = widened(dyad::sum(a.each[c], dyad::scaled(b.each[c], sign)),
                             a.each[c].magnitude() + b.each[c].magnitude());
  if (a.terms.empty() && b.terms.empty())
    return result;
  auto hasBase = [](const Bounds &bounds, Value base) {
    return llvm::any_of(bounds.terms, [&](const AffineTerm &t) { return t.base == base; });
  };
  size_t others = 0;
  for (const AffineTerm &term : b.terms)
    others += hasBase(a, term.base) ? 0 : 1;
  if (a.terms.size() + others > kMostTerms)
    b.dropForm();
  bool merged = false;
  result.terms = a.terms;
  result.rest.resize(channels);
  for (size_t c = 0; c < channels; ++c) {
    const FloatRange &more = restOf(b)[c];
    result.rest[c] = widened(dyad::sum(restOf(a)[c], dyad::scaled(more, sign)),
                             a.each[c].magnitude() + b.each[c].magnitude());
  }
  for (const AffineTerm &term : b.terms) {
    auto known =
        llvm::find_if(result.terms, [&](const AffineTerm &t) { return t.base == term.base; });
    if (known == result.terms.end()) {
      AffineTerm other = term;
      if (sign != 1) {
        Bounds only;
        only.each = b.each;
        only.terms = {other};
        scaleTerms(only, [&](size_t) { return sign; });
        other = only.terms.front();
      }
      result.terms.push_back(std::move(other));
    } else if (merge(*known, term, sign, channels)) {
      merged = true;
    } else {
      result.dropForm();
      return result;
    }
  }
  llvm::erase_if(result.terms, isZero);
  if (merged && result.terms.empty()) {
    for (size_t c = 0; c < channels; ++c)
      if (FloatRange both = intersection(result.each[c], result.rest[c]); both.low <= both.high)
        result.each[c] = both;
    result.dropForm();
  } else if (merged) {
    useForm(result);
  }
  return result;
}

Bounds BoundsMap::product(const Bounds &first, const Bounds &second) const {
  Bounds a = first;
  Bounds b = second;
  if (a.isConstant())
    std::swap(a, b);
  align(a, b);
  for (size_t c = 0; c < a.each.size(); ++c) {
    FloatRange each = dyad::product(a.each[c], b.each[c]);
    a.each[c] = widened(each, each.magnitude());
  }
  if (!b.isConstant() || a.terms.empty()) {
    a.dropForm();
    return a;
  }
  scaleTerms(a, [&](size_t c) { return b.each[c].low; });
  for (size_t c = 0; c < a.rest.size(); ++c)
    a.rest[c] = widened(dyad::scaled(a.rest[c], b.each[c].low), a.each[c].magnitude());
  a.formWidth = 0;
  return a;
}

Bounds BoundsMap::scaled(const Bounds &a, double factor, const FloatRange &error) const {
  Bounds result = a;
  auto changed = [&](const FloatRange &range) {
    const FloatRange all = dyad::sum(dyad::scaled(range, factor), error);
    return widened(all, all.magnitude());
  };
  for (FloatRange &range : result.each)
    range = changed(range);
  for (FloatRange &range : result.rest)
    range = changed(range);
  scaleTerms(result, [&](size_t) { return factor; });
  result.formWidth *= std::abs(factor);
  return result;
}

Bounds BoundsMap::rectified(const Bounds &a, double slope) const {
  Bounds result = a;
  auto value = [&](double x) { return x >= 0 ? x : slope * x; };
  std::vector<double> factors(a.each.size());
  for (size_t c = 0; c < a.each.size(); ++c) {
    const FloatRange &x = a.each[c];
    FloatRange y = dyad::hull({value(x.low), value(x.low)}, {value(x.high), value(x.high)});
    const bool turns = x.low < 0 && x.high > 0;
    result.each[c] = turns ? withZero(y) : y;
    if (a.terms.empty())
      continue;
    // Between the chord and its parallel through the bend.
    const double chord = turns        ? (value(x.high) - value(x.low)) / (x.high - x.low)
                         : x.low >= 0 ? 1
                                      : slope;
    factors[c] = chord;
    result.rest[c] = dyad::scaled(a.rest[c], chord);
    if (turns) {
      const double above = value(x.high) - chord * x.high;
      result.rest[c] = widened(dyad::sum(result.rest[c], withZero({above, above})), x.magnitude());
      const double slack = 1e-11 * x.magnitude();
      result.rest[c] = {result.rest[c].low - slack, result.rest[c].high + slack};
    }
  }
  scaleTerms(result, [&](size_t c) { return factors[c]; });
  result.formWidth = 0;
  return result;
}

template <typename T>
std::vector<FloatRange> BoundsMap::sums(const std::vector<FloatRange> &inputs,
                                        const LinearShape &shape, const T *weights) const {
  const auto outputs = static_cast<size_t>(shape.outputs);
  const auto columns = static_cast<size_t>(shape.inputs);
  const auto taps = static_cast<size_t>(shape.taps);
  std::vector<FloatRange> result(outputs, FloatRange{0, 0});
  std::vector<double> magnitudes(outputs, 0);
  const bool isFinite =
      llvm::all_of(inputs, [](const FloatRange &range) { return range.isFinite(); });
  auto add = [&](size_t c, const FloatRange &x, double positive, double negative) {
    if (isFinite) {
      result[c].low += positive * x.low + negative * x.high;
      result[c].high += positive * x.high + negative * x.low;
      magnitudes[c] += (positive - negative) * x.magnitude();
      return;
    }
    const FloatRange all =
        dyad::sum(dyad::scaled(x, positive), dyad::scaled(x, negative)); // 0 * infinity is 0
    result[c] = dyad::sum(result[c], all);
    magnitudes[c] += times(positive - negative, x.magnitude());
  };
  auto inputOf = [&](size_t i) -> const FloatRange & { return inputs[inputs.size() == 1 ? 0 : i]; };
  if (shape.transposed) {
    for (size_t i = 0; i < columns; ++i)
      for (size_t c = 0; c < outputs; ++c) {
        const auto weight = static_cast<double>(weights[i * outputs + c]);
        add(c, inputOf(i), std::max(weight, 0.0), std::min(weight, 0.0));
      }
  } else {
    const size_t perGroup = outputs / static_cast<size_t>(shape.groups);
    const T *weight = weights;
    for (size_t c = 0; c < outputs; ++c)
      for (size_t i = 0; i < columns; ++i) {
        double positive = 0;
        double negative = 0;
        for (size_t t = 0; t < taps; ++t, ++weight) {
          positive += static_cast<double>(std::max<T>(*weight, 0));
          negative += static_cast<double>(std::min<T>(*weight, 0));
        }
        add(c, inputOf(c / perGroup * columns + i), positive, negative);
      }
  }
  for (size_t c = 0; c < outputs; ++c)
    result[c] = widened(result[c], magnitudes[c]);
  return result;
}

template <typename T>
bool BoundsMap::compose(const Bounds &input, int64_t from, const LinearShape &shape,
                        const std::vector<T> &weights, Bounds &result) const {
  if (!composes_ || input.terms.empty() || !shape.keepsPlaces || shape.matrices != 1 ||
      shape.taps != 1 || shape.groups != 1 || shape.mayMiss ||
      (input.axis >= 0 && input.axis != from))
    return false;
  const auto inputs = static_cast<size_t>(shape.inputs);
  const auto outputs = static_cast<size_t>(shape.outputs);
  for (const AffineTerm &term : input.terms) {
    const size_t rows = term.matrix ? term.matrix->size() / inputs : inputs;
    if (rows * outputs > kMostEntries ||
        (term.matrix && rows * outputs * inputs > static_cast<size_t>(kMostWork)))
      return false;
  }
  auto weight = [&](size_t i, size_t c) {
    return static_cast<double>(shape.transposed ? weights[i * outputs + c]
                                                : weights[c * inputs + i]);
  };
  bool isNew = input.terms.size() > 1;
  std::vector<double> row(outputs);
  for (const AffineTerm &term : input.terms) {
    const size_t rows = term.matrix ? term.matrix->size() / inputs : inputs;
    auto matrix = std::make_shared<std::vector<double>>(rows * outputs, 0.0);
    for (size_t i = 0; i < inputs; ++i) {
      for (size_t c = 0; c < outputs; ++c)
        row[c] = weight(i, c);
      auto add = [&](size_t j, double factor) {
        double *to = matrix->data() + j * outputs;
        for (size_t c = 0; factor != 0 && c < outputs; ++c)
          to[c] += factor * row[c];
      };
      if (!term.matrix)
        add(i, term.factors[term.factors.size() == 1 ? 0 : i]);
      for (size_t j = 0; term.matrix && j < rows; ++j)
        add(j, (*term.matrix)[j * inputs + i]);
    }
    isNew |= term.matrix != nullptr;
    result.terms.push_back({term.base, std::move(matrix), {}});
  }
  result.rest = sums(input.rest, shape, weights.data());
  isNew |= llvm::any_of(input.rest, [](const FloatRange &r) { return r.low != r.high; });
  return isNew;
}

template <typename T>
Bounds BoundsMap::linear(const Bounds &input, int64_t from, int64_t to, const LinearShape &shape,
                         const std::vector<T> &weights) const {
  std::vector<FloatRange> inputs =
      input.axis == from ? input.each : std::vector<FloatRange>{input.hull()};
  if (shape.mayMiss)
    for (FloatRange &range : inputs)
      range = withZero(range);
  Bounds result;
  result.axis = to;
  const size_t size = weights.size() / static_cast<size_t>(std::max<int64_t>(shape.matrices, 1));
  for (int64_t matrix = 0; matrix < shape.matrices; ++matrix) {
    std::vector<FloatRange> each =
        sums(inputs, shape, weights.data() + static_cast<size_t>(matrix) * size);
    if (matrix == 0)
      result.each = std::move(each);
    else
      for (size_t c = 0; c < each.size(); ++c)
        result.each[c] = dyad::hull(result.each[c], each[c]);
  }
  if (result.each.empty())
    return Bounds::of({0, 0});
  if (compose(input, from, shape, weights, result))
    useForm(result);
  return result;
}

Bounds BoundsMap::reduced(const Bounds &a, ArrayRef<int64_t> shape, ArrayRef<int64_t> axes) const {
  int64_t terms = 1;
  for (int64_t axis : axes)
    terms *= shape[static_cast<size_t>(axis)];
  Bounds result = a;
  result.dropForm();
  if (a.axis >= 0 && llvm::is_contained(axes, a.axis)) {
    terms /= std::max<int64_t>(shape[static_cast<size_t>(a.axis)], 1);
    FloatRange all{0, 0};
    for (const FloatRange &range : a.each)
      all = dyad::sum(all, range);
    result = Bounds::of(all);
  }
  for (FloatRange &range : result.each) {
    range = dyad::scaled(range, static_cast<double>(terms));
    range = widened(range, range.magnitude());
  }
  return result;
}

template Bounds BoundsMap::ofConstant(ArrayRef<int64_t>, const std::vector<float> &);
template Bounds BoundsMap::ofConstant(ArrayRef<int64_t>, const std::vector<int64_t> &);
template Bounds BoundsMap::linear(const Bounds &, int64_t, int64_t, const LinearShape &,
                                  const std::vector<float> &) const;
template Bounds BoundsMap::linear(const Bounds &, int64_t, int64_t, const LinearShape &,
                                  const std::vector<int64_t> &) const;

} // namespace dyad
