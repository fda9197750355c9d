// SPDX-License-Identifier: Apache-2.0
// See fit.h. A segment is fitted on X, the integer offset from its middle: in real numbers first,
// then the highest coefficient is rounded (both ways), the next one fitted again, and so on; the
// constant is the middle of what remains.
#include "passes/approximation/fit.h"

#include "runtime/net/error.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numbers>
#include <vector>

namespace dyad::approximation {
namespace {

/// One segment as a function of X, in units of 2^-outputScale.
class Segment {
public:
  Segment(const SmoothFunction &function, const Layout &layout, unsigned index)
      : function_(function), layout_(layout), symmetric_(function.symmetry != Symmetry::kNone) {
    const unsigned offsetBits = layout.domainBits - layout.indexBits - (symmetric_ ? 1 : 0);
    if (offsetBits == 0) {
      // A segment of one number; folded ones differ by one unit, so that both are looked at.
      middle_ = (symmetric_ ? 0 : layout.low) + static_cast<std::int64_t>(index);
      return;
    }
    half_ = std::int64_t{1} << (offsetBits - 1);
    middle_ = (symmetric_ ? 0 : layout.low) + half_ * (2 * static_cast<std::int64_t>(index) + 1);
  }
  double half() const { return static_cast<double>(half_); }
  std::int64_t halfLength() const { return half_; }

  /// At any real X.
  double at(double x) const {
    const double unit = std::ldexp(1.0, -static_cast<int>(layout_.inputScale));
    return std::ldexp(function_.part((static_cast<double>(middle_) + x) * unit),
                      static_cast<int>(layout_.outputScale));
  }
  /// What multiplies the quadratic coefficient at X. Of a symmetric function |x| is the middle plus
  /// X or minus X, the square X^2 + X in both cases: X^2 on average.
  double square(double x) const { return symmetric_ ? x * x : x * x + x; }

  /// Offsets to measure at: all, or enough of them.
  std::vector<double> samples() const {
    constexpr std::int64_t kMost = 48;
    std::vector<double> result;
    if (half_ == 0)
      return symmetric_ ? std::vector{0.0, 1.0} : std::vector{0.0};
    const std::int64_t count = std::min(2 * half_, kMost);
    for (std::int64_t i = 0; i <= count; ++i)
      result.push_back(
          std::round(half() * (2 * static_cast<double>(i) / static_cast<double>(count) - 1)));
    if (!symmetric_)
      result.back() -= 1; // the end belongs to the next segment
    return result;
  }

private:
  const SmoothFunction &function_;
  const Layout &layout_;
  bool symmetric_;
  std::int64_t half_ = 0;
  std::int64_t middle_ = 0;
};

/// Real coefficients a0 + a1 X + a2 square(X) through the Chebyshev nodes of so many points.
struct Real {
  double a1 = 0, a2 = 0;
};

double chebyshevNode(const Segment &segment, int i, int count) {
  return segment.half() * std::cos(std::numbers::pi * (2 * i + 1) / (2 * count));
}

Real interpolate(const Segment &segment, unsigned degree) {
  Real real;
  if (degree == 1) {
    const double a = chebyshevNode(segment, 0, 2);
    const double b = chebyshevNode(segment, 1, 2);
    real.a1 = (segment.at(a) - segment.at(b)) / (a - b);
  }
  if (degree == 2) {
    // Nodes -d, 0, d.
    const double d = chebyshevNode(segment, 0, 3);
    const double up = segment.at(d);
    const double down = segment.at(-d);
    real.a2 = (up + down - 2 * segment.at(0)) / (segment.square(d) + segment.square(-d));
    real.a1 = (up - down - real.a2 * (segment.square(d) - segment.square(-d))) / (2 * d);
  }
  return real;
}

/// The slope that goes best with a given quadratic coefficient.
double slopeFor(const Segment &segment, double a2, unsigned degree) {
  const double d = chebyshevNode(segment, 0, degree == 2 ? 3 : 2);
  const double up = segment.at(d) - a2 * segment.square(d);
  const double down = segment.at(-d) - a2 * segment.square(-d);
  return (up - down) / (2 * d);
}

struct Candidate {
  std::int64_t c0 = 0, c1 = 0, c2 = 0;
  double spread = 0;
};

/// Weights of the integer coefficients in units of the output: c1 X counts 2^-linearShift and so
/// on.
struct Units {
  double constant = 1, linear = 1, quadratic = 1;
  unsigned squareDrop = 0;
};

Units unitsOf(const Layout &layout) {
  Units units;
  const auto power = [](int e) { return std::ldexp(1.0, e); };
  const int out = static_cast<int>(layout.outputScale);
  const int in = static_cast<int>(layout.inputScale);
  units.constant = power(-static_cast<int>(layout.guardBits));
  units.linear = power(out - in - static_cast<int>(layout.linearScale));
  units.quadratic =
      power(out - static_cast<int>(layout.squareScale) - static_cast<int>(layout.quadraticScale));
  units.squareDrop = 2 * layout.inputScale - layout.squareScale;
  return units;
}

double roundedSquare(double x, unsigned drop) {
  return std::floor(std::ldexp(x * x + x, -static_cast<int>(drop)) + (drop == 0 ? 0 : 0.5));
}

Candidate bestRounding(const Segment &segment, const Layout &layout, const Units &units) {
  const std::vector<double> samples = segment.samples();
  std::vector<double> values(samples.size());
  std::vector<double> squares(samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    values[i] = segment.at(samples[i]);
    squares[i] = roundedSquare(samples[i], units.squareDrop);
  }
  const Real real = interpolate(segment, layout.degree);
  // a2 counts per unit of X^2; the integer one per unit of the rounded square.
  const double a2 = std::ldexp(real.a2, static_cast<int>(units.squareDrop)) / units.quadratic;
  Candidate best;
  best.spread = -1;
  for (int up2 = 0; up2 <= (layout.degree == 2 ? 1 : 0); ++up2) {
    const double c2 = layout.degree == 2 ? std::floor(a2) + up2 : 0;
    const double real2 = std::ldexp(c2 * units.quadratic, -static_cast<int>(units.squareDrop));
    const double a1 =
        layout.degree == 0 ? 0 : slopeFor(segment, real2, layout.degree) / units.linear;
    for (int up1 = 0; up1 <= (layout.degree >= 1 ? 1 : 0); ++up1) {
      const double c1 = layout.degree == 0 ? 0 : std::floor(a1) + up1;
      double low = std::numeric_limits<double>::infinity();
      double high = -low;
      for (std::size_t i = 0; i < samples.size(); ++i) {
        const double rest =
            values[i] - c1 * units.linear * samples[i] - c2 * units.quadratic * squares[i];
        low = std::min(low, rest);
        high = std::max(high, rest);
      }
      if (best.spread >= 0 && high - low >= best.spread)
        continue;
      best = {std::llround((low + high) / 2 / units.constant), static_cast<std::int64_t>(c1),
              static_cast<std::int64_t>(c2), high - low};
    }
  }
  return best;
}

unsigned bitsOf(std::uint64_t value) { return static_cast<unsigned>(std::bit_width(value)); }

PiecewiseCoefficient tableOf(const std::vector<std::int64_t> &values) {
  PiecewiseCoefficient c;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  c.base = *low;
  c.bits = bitsOf(static_cast<std::uint64_t>(*high - *low));
  if (c.bits != 0)
    for (const std::int64_t value : values)
      c.table.push_back(static_cast<std::uint64_t>(value - c.base));
  return c;
}

/// Sets the ring of the sum and what is known of it, from the values that it takes.
void chooseSum(PiecewisePolynomial &p) {
  std::int64_t low = std::numeric_limits<std::int64_t>::max();
  std::int64_t high = std::numeric_limits<std::int64_t>::min();
  const std::int64_t half = p.drop == 0 ? 0 : std::int64_t{1} << (p.drop - 1);
  const auto see = [&](std::int64_t sum) {
    low = std::min(low, sum + p.sumOffset + half);
    high = std::max(high, sum + p.sumOffset + half);
  };
  const std::int64_t end = p.offsetBits() == 0 ? 0 : std::int64_t{1} << (p.offsetBits() - 1);
  for (unsigned i = 0; i < p.segments(); ++i)
    for (const bool negative : {false, true}) {
      // Extremes are at the ends or at the vertex; a rounded square moves the latter by less than
      // what a few neighbours and a margin cover.
      std::vector<std::int64_t> offsets{-end, std::max<std::int64_t>(end - 1, 0), 0};
      if (p.degree == 2) {
        const double c2 = std::ldexp(
            static_cast<double>(p.quadratic.base) +
                (p.quadratic.bits == 0 ? 0.0 : static_cast<double>(p.quadratic.table[i])),
            static_cast<int>(p.quadratic.shift) - static_cast<int>(p.squareDrop));
        const double c1 =
            std::ldexp(static_cast<double>(p.linear.base) +
                           (p.linear.bits == 0 ? 0.0 : static_cast<double>(p.linear.table[i])),
                       static_cast<int>(p.linear.shift));
        const double vertex = c2 == 0 ? 0 : -c1 / (2 * c2);
        for (const double at : {vertex, -vertex})
          if (std::abs(at) < static_cast<double>(end) - 2)
            for (int step = -1; step <= 1; ++step)
              offsets.push_back(static_cast<std::int64_t>(at) + step);
      }
      for (const std::int64_t x : offsets)
        see(segmentSum(p, i, x, negative && p.isSymmetric()));
    }
  if (p.degree == 2) { // the rounding of the square, once
    std::int64_t most = std::abs(p.quadratic.base);
    if (p.quadratic.bits != 0)
      most += std::int64_t{1} << p.quadratic.bits;
    if (p.squareDrop == 0)
      most = 0;
    low -= most << p.quadratic.shift;
    high += most << p.quadratic.shift;
  }
  if (p.outside != Outside::kNever)
    for (const std::int64_t value : {p.below, p.above})
      see(value * (std::int64_t{1} << p.drop));
  const unsigned magnitude =
      std::max(bitsOf(static_cast<std::uint64_t>(std::max<std::int64_t>(high, 0))),
               bitsOf(static_cast<std::uint64_t>(-std::min<std::int64_t>(low + 1, 0))));
  p.sumFact = low >= 0 ? SignFact::kNonNegative : high < 0 ? SignFact::kNegative : SignFact::kSmall;
  // A sum of which drop bits or fewer are left still needs a bit to round into.
  p.sumBits = std::max(magnitude + (p.sumFact == SignFact::kSmall ? 2 : 1), p.drop + 2);
  if (p.sumBits >= p.outputBits + p.drop) {
    p.sumBits = p.outputBits + p.drop;
    p.sumFact = SignFact::kUnknown;
  }
}

} // namespace

RealFit fitReal(const SmoothFunction &function, const Layout &layout) {
  RealFit result;
  for (unsigned i = 0; i < 1U << layout.indexBits; ++i) {
    const Segment segment(function, layout, i);
    const Real real = interpolate(segment, layout.degree);
    double low = std::numeric_limits<double>::infinity();
    double high = -low;
    for (const double x : segment.samples()) {
      const double rest = segment.at(x) - real.a1 * x - real.a2 * segment.square(x);
      low = std::min(low, rest);
      high = std::max(high, rest);
    }
    if (!std::isfinite(high - low))
      return {std::numeric_limits<double>::infinity(), 0};
    result.error = std::max(result.error, (high - low) / 2);
    result.curvature = std::max(result.curvature, std::abs(real.a2));
  }
  result.curvature = std::ldexp(result.curvature, 2 * static_cast<int>(layout.inputScale) -
                                                      static_cast<int>(layout.outputScale));
  return result;
}

std::optional<PiecewisePolynomial> fit(const SmoothFunction &function, const Layout &layout) {
  PiecewisePolynomial p;
  p.inputBits = layout.inputBits;
  p.low = layout.low;
  p.domainBits = layout.domainBits;
  p.symmetry = function.symmetry;
  p.outside = layout.outside;
  p.indexBits = layout.indexBits;
  p.degree = layout.degree;
  p.outputBits = layout.outputBits;
  p.hasRelu = function.hasRelu;
  if (layout.outputScale < layout.inputScale && p.hasRelu)
    return std::nullopt;
  p.reluShift = p.hasRelu ? layout.outputScale - layout.inputScale : 0;

  // Fraction bits of the sum: enough for each term.
  const unsigned linearFraction = layout.linearScale + layout.inputScale;
  const unsigned quadraticFraction = layout.quadraticScale + layout.squareScale;
  unsigned fraction = layout.outputScale + layout.guardBits;
  if (layout.degree >= 1)
    fraction = std::max(fraction, linearFraction);
  if (layout.degree == 2)
    fraction = std::max(fraction, quadraticFraction);
  constexpr unsigned kMostBits = 58;
  if (layout.squareScale > 2 * layout.inputScale || fraction > kMostBits)
    return std::nullopt;
  p.drop = fraction - layout.outputScale;
  p.constantShift = p.drop - layout.guardBits;
  const Units units = unitsOf(layout);
  p.squareDrop = layout.degree == 2 ? units.squareDrop : 0;

  std::vector<std::int64_t> linear, quadratic;
  for (unsigned i = 0; i < 1U << layout.indexBits; ++i) {
    const Segment segment(function, layout, i);
    if (!(std::abs(segment.at(0)) < std::ldexp(1.0, static_cast<int>(kMostBits - p.drop))))
      return std::nullopt;
    const Candidate best = bestRounding(segment, layout, units);
    p.constants.push_back(best.c0);
    linear.push_back(best.c1);
    quadratic.push_back(best.c2);
  }
  if (layout.degree >= 1) {
    p.linear = tableOf(linear);
    p.linear.shift = fraction - linearFraction;
  }
  if (layout.degree == 2) {
    p.quadratic = tableOf(quadratic);
    p.quadratic.shift = fraction - quadraticFraction;
  }
  const double unit = std::ldexp(1.0, static_cast<int>(layout.outputScale));
  p.sumOffset = std::llround(std::ldexp(function.centre * unit, static_cast<int>(p.drop)));
  if (layout.outside != Outside::kNever) {
    if (!std::isnan(function.limitBelow))
      p.below = std::llround(function.limitBelow * unit);
    if (!std::isnan(function.limitAbove))
      p.above = std::llround(function.limitAbove * unit);
    if (layout.outside == Outside::kOne && std::isnan(function.limitAbove))
      p.above = p.below;
  }
  chooseSum(p);
  try {
    requireValid(p);
  } catch (const Error &) {
    return std::nullopt; // these widths do not go together
  }
  return p;
}

} // namespace dyad::approximation
