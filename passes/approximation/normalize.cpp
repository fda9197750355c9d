// SPDX-License-Identifier: Apache-2.0
// See normalize.h. With x = t 2^e, t from 1 to 2 (or 4), the mantissa's value is kept with as many
// fraction bits as the largest results need, and guard bits; all that are possible are tried.
#include "passes/approximation/normalize.h"

#include "runtime/net/error.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

namespace dyad::approximation {
namespace {

constexpr unsigned kMostGuardBits = 6;
constexpr int kMostBits = 60;

unsigned leadOf(std::int64_t x) {
  return static_cast<unsigned>(std::bit_width(static_cast<std::uint64_t>(x))) - 1;
}

/// The parts that do not depend on guard bits.
NormalizedFunction frameFor(const Request &request, unsigned step) {
  DYAD_REQUIRE(request.low > 0 && request.low <= request.high, kOutOfRange,
               "inputs from {} to {}; a power or logarithm needs positive ones", request.low,
               request.high);
  NormalizedFunction f;
  f.inputBits = request.inputBits;
  f.outputBits = request.outputBits;
  f.lowestLead = leadOf(request.low);
  f.highestLead = leadOf(request.high);
  f.step = step;
  return f;
}

/// Exponent e of group j: its numbers are t 2^e.
int exponentOf(const NormalizedFunction &f, const Request &request, unsigned j) {
  return static_cast<int>(f.highestLead + 1 - f.step) - static_cast<int>(f.step * j) -
         static_cast<int>(request.inputScale);
}

/// Bits of a mantissa that are dropped where numbers are longer than results need.
unsigned dropFor(const NormalizedFunction &f, int scale) {
  constexpr int kSpareBits = 3; // half a unit of the mantissa moves results by 2^-kSpareBits
  return static_cast<unsigned>(
      std::max(0, static_cast<int>(f.highestLead + 1 - f.step) - scale - kSpareBits));
}

/// Fits `part` of t, with `scale` fraction bits, into f.mantissa.
bool fitMantissa(NormalizedFunction &f, const std::function<double(double)> &part, int scale,
                 double maxUlp, const Request &request) {
  // Parabolas on 256 segments of an octave reach no more, as their third derivatives tell.
  constexpr double kFinest = 0x1p-30;
  if (std::ldexp(maxUlp, -scale) < kFinest)
    return false;
  Request inner = request;
  const unsigned top = f.highestLead + 1 - f.mantissaDrop;
  inner.inputBits = top + 1;
  inner.inputScale = top - f.step;
  inner.low = std::int64_t{1} << (top - f.step);
  inner.high = (std::int64_t{1} << top) - 1;
  inner.outputBits = f.sumBits;
  inner.outputScale = static_cast<unsigned>(scale);
  inner.maxUlp = maxUlp;
  // The dropped bits are half a unit on average.
  const double half =
      f.mantissaDrop == 0 ? 0 : std::ldexp(0.5, -static_cast<int>(inner.inputScale));
  const auto found =
      approximate({"mantissa", [&part, half](double t) { return part(t + half); }}, inner);
  if (!found || found->polynomial.outside != Outside::kNever ||
      found->polynomial.domainBits + f.mantissaDrop > f.inputBits)
    return false;
  f.mantissa = found->polynomial;
  return true;
}

/// Ring of sums from 0 to `most`, and what is known of them.
void chooseSum(NormalizedFunction &f, double most) {
  const int bits = static_cast<int>(std::floor(std::log2(most + std::ldexp(1.0, f.drop)))) + 2;
  f.sumBits = static_cast<unsigned>(std::clamp(bits, static_cast<int>(f.drop) + 2, kMostBits));
  f.sumFact = SignFact::kNonNegative;
  if (f.sumBits >= f.outputBits + f.drop) {
    f.sumBits = f.outputBits + f.drop;
    f.sumFact = SignFact::kUnknown;
  }
}

/// Keeps the cheapest function that is precise enough.
class Best {
public:
  Best(
      const Request &request, std::function<double(double)> exact,
      std::function<double(unsigned)> unitOf = [](unsigned) { return 1.0; })
      : request_(request), exact_(std::move(exact)), unitOf_(std::move(unitOf)) {}

  /// Whether it is better than what was there.
  bool consider(const NormalizedFunction &f) {
    const Cost cost = normalizedCost(64, f, request_.radix);
    const double weight = bitsPerElement(cost) + request_.bitsPerFlow * cost.flows();
    if (weight >= weight_)
      return false;
    const ErrorBounds error =
        measureByOctave(exact_, [&](std::int64_t x) { return evaluate(f, x); }, request_, unitOf_);
    if (error.maxUlp > request_.maxUlp)
      return false;
    weight_ = weight;
    best_ = NormalizedApproximation{f, error};
    return true;
  }
  const std::optional<NormalizedApproximation> &found() const { return best_; }

private:
  const Request &request_;
  std::function<double(double)> exact_;
  std::function<double(unsigned)> unitOf_;
  double weight_ = std::numeric_limits<double>::infinity();
  std::optional<NormalizedApproximation> best_;
};

} // namespace

ErrorBounds measureByOctave(const std::function<double(double)> &f,
                            const std::function<std::int64_t(std::int64_t)> &evaluate,
                            const Request &request, const std::function<double(unsigned)> &unitOf) {
  ErrorBounds error;
  double inputs = 0;
  for (unsigned lead = leadOf(request.low); lead <= leadOf(request.high); ++lead) {
    Request octave = request;
    octave.low = std::max(request.low, std::int64_t{1} << lead);
    octave.high = std::min(request.high, (std::int64_t{2} << lead) - 1);
    const ErrorBounds found = measureError(f, evaluate, octave, octave.low, octave.high);
    const auto count = static_cast<double>(octave.high - octave.low + 1);
    error.maxUlp = std::max(error.maxUlp, found.maxUlp / unitOf(lead));
    error.meanUlp += found.meanUlp / unitOf(lead) * count;
    inputs += count;
  }
  error.meanUlp /= inputs;
  return error;
}

std::optional<NormalizedApproximation> approximatePower(double exponent, const Request &given,
                                                        double relativeFrom) {
  const bool whole = std::round(exponent) == exponent;
  const bool dyadic = std::round(2 * exponent) == 2 * exponent;
  Request request = given;
  const bool hasZero = exponent > 0 && given.low == 0;
  if (hasZero)
    request.low = 1;
  NormalizedFunction f = frameFor(request, !whole && dyadic ? 2 : 1);
  f.acceptsZero = hasZero;
  if (hasZero && f.groups() == 1)
    return std::nullopt;
  // Pairs of octaves: 2^(exponent e) is a power of two for even e, so an odd one leaves a 2 to t.
  const int odd = f.step == 2 ? exponentOf(f, request, 0) & 1 : 0;
  const auto part = [exponent, odd](double t) { return std::pow(std::ldexp(t, odd), exponent); };

  // Results are r 2^(outputScale - scale + exponent e); scale is such that those at the anchor, the
  // largest as a rule, have `guard` bits more than they need.
  const double first = exponent * (exponentOf(f, request, 0) - odd);
  const double last = exponent * (exponentOf(f, request, f.groups() - 1) - odd);
  const double largest = std::max(first, last);
  const double smallest = std::min(first, last);
  // Precision counts from the anchor down.
  const double anchor = std::clamp(std::floor(std::log2(relativeFrom)), smallest, largest);
  Best best(
      request, [exponent](double x) { return std::pow(x, exponent); },
      [&](unsigned lead) {
        const double ofGroup =
            exponent * (exponentOf(f, request, (f.highestLead - lead) / f.step) - odd);
        return std::exp2(std::max(0.0, ofGroup - anchor));
      });
  const double mantissaMost = std::exp2(std::max(exponent * odd, exponent * (f.step + odd)));
  bool improved = true;
  const bool stops = request.effort != Effort::kCheapest;
  const auto goesOn = [&] { return !best.found() || (improved && !stops); };
  for (unsigned guard = 0; guard <= kMostGuardBits && goesOn(); ++guard) {
    const int scale = static_cast<int>(request.outputScale) + static_cast<int>(std::ceil(anchor)) +
                      static_cast<int>(guard);
    if (scale < 1 || scale > 40)
      continue;
    const int drop = static_cast<int>(guard) +
                     (whole || dyadic ? static_cast<int>(std::ceil(anchor - smallest)) : scale + 3);
    if (drop + scale > kMostBits)
      continue;
    f.drop = static_cast<unsigned>(drop);
    f.factors.clear();
    double most = 0;
    for (unsigned j = 0; j < f.groups(); ++j) {
      const double factor =
          std::exp2(static_cast<double>(drop) + static_cast<double>(request.outputScale) - scale +
                    exponent * (exponentOf(f, request, j) - odd));
      f.factors.push_back(static_cast<std::uint64_t>(std::llround(factor)));
      most = std::max(most, factor * std::ldexp(mantissaMost * 1.01, scale));
    }
    if (f.groups() == 1 && f.factors[0] == 1)
      f.factors.clear();
    chooseSum(f, most);
    f.mantissaDrop = dropFor(f, scale);
    improved = false;
    for (const double target : {request.maxUlp, request.maxUlp - 0.5}) {
      const double units = std::ldexp(target, static_cast<int>(guard));
      if (units > 0.5 && !(stops && best.found()) && fitMantissa(f, part, scale, units, request))
        improved |= best.consider(f);
    }
  }
  return best.found();
}

std::optional<NormalizedApproximation> approximateLog(double factor, const Request &request) {
  NormalizedFunction f = frameFor(request, 1);
  const auto part = [factor](double x) { return factor * std::log(x); };
  Best best(request, part);
  bool improved = true;
  for (unsigned guard = 1; guard <= kMostGuardBits && (improved || !best.found()); ++guard) {
    improved = false;
    const unsigned scale = request.outputScale + guard;
    f.drop = guard;
    f.mantissaDrop = dropFor(f, static_cast<int>(scale));
    const double octave = std::ldexp(factor * std::numbers::ln2, static_cast<int>(scale));
    f.termStep = -std::llround(octave);
    f.termBase = std::llround(octave * exponentOf(f, request, 0));
    f.sumBits = request.outputBits + guard;
    f.sumFact = SignFact::kUnknown;
    for (const double target : {request.maxUlp - 0.5, 0.8 * (request.maxUlp - 0.5)}) {
      const double units = std::ldexp(target, static_cast<int>(guard));
      if (units > 0.5 && fitMantissa(f, part, static_cast<int>(scale), units, request))
        improved |= best.consider(f);
    }
  }
  return best.found();
}

} // namespace dyad::approximation
