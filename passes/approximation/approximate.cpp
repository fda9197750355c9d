// SPDX-License-Identifier: Apache-2.0
// See approximate.h. Domains, degrees and numbers of segments are all tried; the widths of each are
// shortened one bit at a time, where it saves most, as long as the error allows.
#include "passes/approximation/approximate.h"

#include "passes/approximation/fit.h"
#include "runtime/net/error.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <random>
#include <vector>

namespace dyad::approximation {
namespace {

constexpr double kBitsPerCot = 0.211;
constexpr unsigned kMostIndexBits = 8;

unsigned ceilLog2(std::int64_t x) {
  return x <= 1 ? 0 : static_cast<unsigned>(std::bit_width(static_cast<std::uint64_t>(x - 1)));
}

/// Values of the function at inputs to measure at.
struct Samples {
  std::vector<std::int64_t> x;
  std::vector<double> y; ///< in output units
};

/// All inputs from `low` to `high` if there are at most `most`, else so many: one of each stretch
/// at a random place, the ends, and both sides of each 2^-9-th (segments begin there).
template <typename F>
void addSamples(Samples &samples, const F &f, const Request &request, std::int64_t low,
                std::int64_t high, std::size_t most) {
  if (low > high)
    return;
  const auto add = [&](std::int64_t x) {
    samples.x.push_back(x);
    samples.y.push_back(
        std::ldexp(f(std::ldexp(static_cast<double>(x), -static_cast<int>(request.inputScale))),
                   static_cast<int>(request.outputScale)));
  };
  const auto count = static_cast<std::uint64_t>(high - low) + 1;
  if (count <= most) {
    for (std::int64_t x = low; x <= high; ++x)
      add(x);
    return;
  }
  std::mt19937_64 random(count);
  const double stretch = static_cast<double>(count) / static_cast<double>(most);
  for (std::size_t i = 0; i < most; ++i)
    add(low + static_cast<std::int64_t>(stretch * (static_cast<double>(i) +
                                                   static_cast<double>(random() >> 11) * 0x1p-53)));
  const std::int64_t step = std::int64_t{1}
                            << std::max(0, static_cast<int>(std::bit_width(count)) - 10);
  for (std::int64_t at = low / step * step; at <= high; at += step)
    for (const std::int64_t x : {at - 1, at})
      if (x >= low && x <= high)
        add(x);
  add(high);
}

/// Samples of a domain and, fewer, of the inputs beside it.
template <typename F>
Samples sampled(const F &f, const Request &request, std::int64_t first, std::int64_t last,
                std::size_t most) {
  Samples samples;
  addSamples(samples, f, request, std::max(first, request.low), std::min(last, request.high), most);
  addSamples(samples, f, request, request.low, std::min(first - 1, request.high), most / 16);
  addSamples(samples, f, request, std::max(last + 1, request.low), request.high, most / 16);
  return samples;
}

/// Errors at the samples; with `above`, the inputs at which they are larger than `limit`.
template <typename Evaluate>
ErrorBounds errorOf(const Samples &samples, const Evaluate &evaluate, double limit,
                    std::vector<std::int64_t> *above) {
  ErrorBounds error;
  for (std::size_t i = 0; i < samples.x.size(); ++i) {
    const double off = std::abs(static_cast<double>(evaluate(samples.x[i])) - samples.y[i]);
    error.maxUlp = std::max(error.maxUlp, off);
    error.meanUlp += off;
    if (off > limit && above != nullptr)
      above->push_back(samples.x[i]);
  }
  error.meanUlp /= static_cast<double>(std::max<std::size_t>(1, samples.x.size()));
  return error;
}

template <typename Evaluate>
bool isWithin(const Samples &samples, const Evaluate &evaluate, double limit) {
  for (std::size_t i = 0; i < samples.x.size(); ++i)
    if (!(std::abs(static_cast<double>(evaluate(samples.x[i])) - samples.y[i]) <= limit))
      return false;
  return true;
}

/// All samples that an error bound is stated for.
template <typename F>
Samples manySamples(const F &f, const Request &request, std::int64_t first, std::int64_t last) {
  const std::size_t most = std::size_t{1} << (request.effort == Effort::kFirst ? 13 : 20);
  const bool all = static_cast<std::uint64_t>(request.high - request.low) < most;
  return all ? sampled(f, request, request.low, request.high, most)
             : sampled(f, request, first, last, most / 4);
}

/// A domain to try, and the function with the limits that hold outside of it.
struct Domain {
  SmoothFunction function;
  std::int64_t low = 0;
  unsigned bits = 0;
  Outside outside = Outside::kNever;
};

/// Whether the part is its limit, but for the error allowed, from `from` to `to` (integers).
bool saturated(const SmoothFunction &function, double limit, std::int64_t from, std::int64_t to,
               const Request &request) {
  if (std::isnan(limit))
    return false;
  const double unit = std::ldexp(1.0, static_cast<int>(request.outputScale));
  const double rounded = std::round(limit * unit);
  constexpr int kPoints = 256;
  for (int i = 0; i <= kPoints; ++i) {
    const double x =
        static_cast<double>(from) +
        (static_cast<double>(to) - static_cast<double>(from)) * i * i / (kPoints * kPoints);
    const double y = function.part(std::ldexp(x, -static_cast<int>(request.inputScale))) * unit;
    if (!(std::abs(y - rounded) <= request.maxUlp))
      return false;
  }
  return true;
}

/// The input nearest to 0 from which on the part is at its limit, for the sides of sign +1 or -1;
/// `end` if it is not.
std::int64_t saturationPoint(const SmoothFunction &function, double limit, std::int64_t end,
                             const Request &request) {
  if (!saturated(function, limit, end, end, request))
    return end;
  std::int64_t inside = 0;
  std::int64_t outside = end;
  while (std::abs(outside - inside) > 1) {
    const std::int64_t middle = inside + (outside - inside) / 2;
    (saturated(function, limit, middle, end, request) ? outside : inside) = middle;
  }
  return outside;
}

/// Without symmetry: where a function's inputs have one sign, or it has none.
SmoothFunction plain(const SmoothFunction &function) {
  SmoothFunction result = function;
  result.part = [function](double x) { return function(x); };
  result.symmetry = Symmetry::kNone;
  result.hasRelu = false;
  result.centre = 0;
  result.limitBelow += function.centre;
  result.limitAbove = function.hasRelu ? kNoLimit : function.limitAbove + function.centre;
  return result;
}

void addCentred(const SmoothFunction &function, const Request &request,
                std::vector<Domain> &domains) {
  const std::int64_t reach = std::max(-request.low, request.high + 1);
  const unsigned cover = std::min(std::max(ceilLog2(reach) + 1, 5U), request.inputBits);
  domains.push_back({function, -(std::int64_t{1} << (cover - 1)), cover, Outside::kNever});
  if (std::isnan(function.limitBelow) || std::isnan(function.limitAbove))
    return;
  const std::int64_t up = saturationPoint(function, function.limitAbove, request.high, request);
  const std::int64_t down = saturationPoint(function, function.limitBelow, request.low, request);
  const unsigned bits = ceilLog2(std::max(up, 1 - down)) + 1;
  if (bits < cover)
    domains.push_back({function, -(std::int64_t{1} << (bits - 1)), bits,
                       function.limitBelow == function.limitAbove ? Outside::kOne : Outside::kTwo});
}

/// Two sides of a domain that is not centred are told apart by the sign of x - low.
bool sidesFit(const Domain &domain, const Request &request) {
  return domain.outside != Outside::kTwo ||
         (domain.bits + 1 < request.inputBits &&
          request.high - domain.low < std::int64_t{1} << (request.inputBits - 1));
}

/// Domains that end where the range or the saturation does.
void addOneSided(SmoothFunction function, const Request &request, std::vector<Domain> &domains) {
  const std::int64_t up = saturationPoint(function, function.limitAbove, request.high, request);
  const std::int64_t down = saturationPoint(function, function.limitBelow, request.low, request);
  const auto add = [&](std::int64_t first, std::int64_t last, bool anchoredAtLast) {
    const unsigned bits = std::max(ceilLog2(last - first + 1), 4U);
    if (bits >= request.inputBits)
      return;
    Domain domain{function, anchoredAtLast ? last + 1 - (std::int64_t{1} << bits) : first, bits,
                  Outside::kNever};
    const bool leavesBelow = request.low < domain.low;
    const bool leavesAbove = request.high >= domain.low + (std::int64_t{1} << bits);
    if (leavesBelow && leavesAbove && function.limitBelow != function.limitAbove)
      domain.outside = Outside::kTwo;
    else if (leavesBelow || leavesAbove)
      domain.outside = Outside::kOne;
    if (domain.outside == Outside::kOne)
      (leavesBelow ? domain.function.limitAbove : domain.function.limitBelow) =
          leavesBelow ? function.limitBelow : function.limitAbove;
    if (sidesFit(domain, request))
      domains.push_back(domain);
  };
  const bool startsSaturated = down > request.low;
  const bool endsSaturated = up < request.high;
  add(request.low, request.high, false);
  add(request.low, request.high, true);
  if (startsSaturated || endsSaturated) {
    const std::int64_t first = startsSaturated ? down : request.low;
    const std::int64_t last = endsSaturated ? up : request.high;
    if (first < last) {
      add(first, last, false);
      add(first, last, true);
    }
  }
}

std::vector<Domain> domainsFor(const SmoothFunction &function, const Request &request) {
  std::vector<Domain> domains;
  if (function.hasRelu && request.outputScale < request.inputScale) {
    // max(x, 0) would have to be rounded: it becomes part of the polynomials.
    addCentred(plain(function), request, domains);
    addOneSided(plain(function), request, domains);
    return domains;
  }
  const bool oneSign = request.low >= 0 || request.high <= 0;
  // A table of all numbers has no use for symmetry, and a fold is off by up to a quarter of an
  // input unit, times the second derivative's share: too much for results much finer than inputs.
  if (function.symmetry != Symmetry::kNone) {
    addCentred(plain(function), request, domains);
    if (request.outputScale < request.inputScale + 4)
      std::erase_if(domains, [](const Domain &domain) { return domain.bits > kMostIndexBits; });
  }
  if (!oneSign || function.hasRelu)
    addCentred(function, request, domains);
  if (function.symmetry == Symmetry::kNone && !function.hasRelu)
    addOneSided(function, request, domains);
  else if (oneSign)
    addOneSided(plain(function), request, domains);
  if (function.symmetry == Symmetry::kNone && function.hasRelu && function.limitAbove == 0 &&
      saturated(function, 0, 0, request.high, request)) {
    // Nothing but relu from 0 on.
    const std::int64_t down = saturationPoint(function, function.limitBelow, request.low, request);
    const unsigned bits = std::max(ceilLog2(-down), 4U);
    const Domain domain{function, -(std::int64_t{1} << bits), bits,
                        bits + 1 == request.inputBits ? Outside::kOne : Outside::kTwo};
    if (bits < request.inputBits && sidesFit(domain, request))
      domains.push_back(domain);
  }
  return domains;
}

struct Found {
  std::optional<PiecewisePolynomial> polynomial;
  double weight = std::numeric_limits<double>::infinity();
};

class Search {
public:
  /// `hard` are inputs at which earlier polynomials failed.
  Search(const SmoothFunction &function, const Request &request,
         const std::vector<std::int64_t> &hard)
      : function_(function), request_(request), maxUlp_(request.maxUlp), hard_(hard) {}

  void tryDomain(const Domain &domain) {
    samples_ = sampled(function_, request_, domain.low,
                       domain.low + (std::int64_t{1} << domain.bits) - 1, 4096);
    for (const std::int64_t x : hard_)
      addSamples(samples_, function_, request_, x, x, 1);
    Layout layout;
    layout.inputBits = request_.inputBits;
    layout.inputScale = request_.inputScale;
    layout.outputBits = request_.outputBits;
    layout.outputScale = request_.outputScale;
    layout.low = domain.low;
    layout.domainBits = domain.bits;
    layout.outside = domain.outside;
    const unsigned fold = domain.function.symmetry == Symmetry::kNone ? 0 : 1;
    for (unsigned degree = 0; degree <= 2; ++degree) {
      unsigned tried = 0;
      const unsigned offset = degree == 0 ? 0 : 2; // the fewest bits of an offset
      for (unsigned k = 1; k <= kMostIndexBits && k + fold + offset <= domain.bits && tried < 2;
           ++k) {
        layout.indexBits = k;
        layout.degree = degree;
        if (domain.bits - k - fold > 30 || isDone())
          continue;
        const RealFit real = fitReal(domain.function, layout);
        const double slack = maxUlp_ - 0.5 - real.error;
        if (!(slack > 0))
          continue;
        ++tried;
        tryWidths(domain.function, layout, real, std::min(slack, maxUlp_));
      }
    }
  }
  const std::optional<PiecewisePolynomial> &best() const { return best_.polynomial; }

private:
  bool isDone() const { return request_.effort == Effort::kFirst && best_.polynomial.has_value(); }

  double weightOf(const PiecewisePolynomial &p) const {
    const Cost cost = piecewiseCost(64, p, request_.radix);
    return bitsPerElement(cost) + request_.bitsPerFlow * cost.flows();
  }

  Found attempt(const SmoothFunction &function, const Layout &layout, double noWorseThan) const {
    Found found;
    std::optional<PiecewisePolynomial> p = fit(function, layout);
    if (!p)
      return found;
    const double weight = weightOf(*p);
    if (weight >= noWorseThan)
      return found;
    if (!isWithin(samples_, [&](std::int64_t x) { return evaluate(*p, x); }, maxUlp_))
      return found;
    found.weight = weight;
    found.polynomial = std::move(p);
    return found;
  }

  void tryWidths(const SmoothFunction &function, Layout layout, const RealFit &real, double slack) {
    const int out = static_cast<int>(layout.outputScale);
    const int in = static_cast<int>(layout.inputScale);
    const int offset = static_cast<int>(layout.domainBits - layout.indexBits -
                                        (function.symmetry == Symmetry::kNone ? 0 : 1));
    const int half = offset - 1 - in; // log2 of the largest |X| as a real number
    const int extra = static_cast<int>(std::ceil(-std::log2(slack / 8)));
    const auto scale = [](int bits, int most) {
      return static_cast<unsigned>(std::clamp(bits, 0, most));
    };
    layout.guardBits = scale(extra - 1, 12);
    layout.linearScale = scale(out + half - 1 + extra, 40);
    layout.quadraticScale = scale(out + 2 * half - 1 + extra, 40);
    const double curvature = std::max(real.curvature, 1e-9);
    const int square = out - 1 + static_cast<int>(std::ceil(std::log2(curvature))) + extra;
    const std::vector<unsigned> squareScales =
        layout.degree == 2 ? std::vector{scale(square, 2 * in), 2 * layout.inputScale}
                           : std::vector{0U};
    for (const unsigned squareScale : squareScales) {
      layout.squareScale = squareScale;
      shorten(function, layout);
    }
  }

  void shorten(const SmoothFunction &function, Layout layout) {
    Found current = attempt(function, layout, std::numeric_limits<double>::infinity());
    while (current.polynomial) {
      keep(current);
      if (isDone())
        return;
      Found next;
      Layout nextLayout = layout;
      for (unsigned Layout::*const width : {&Layout::linearScale, &Layout::quadraticScale,
                                            &Layout::squareScale, &Layout::guardBits}) {
        Layout shorter = layout;
        if (shorter.*width == 0 ||
            (width == &Layout::squareScale && layout.squareScale == 2 * layout.inputScale))
          continue;
        --(shorter.*width);
        Found found = attempt(function, shorter, std::min(current.weight, next.weight));
        if (found.polynomial) {
          next = std::move(found);
          nextLayout = shorter;
        }
      }
      current = std::move(next);
      layout = nextLayout;
    }
  }

  void keep(const Found &found) {
    if (found.weight < best_.weight)
      best_ = found;
  }

  const SmoothFunction &function_;
  const Request &request_;
  double maxUlp_;
  const std::vector<std::int64_t> &hard_;
  Samples samples_; ///< of the domain being tried
  Found best_;
};

} // namespace

double bitsPerElement(const Cost &costOf64) {
  std::uint64_t bytes = 0;
  for (const Tick &tick : costOf64.ticks)
    bytes += tick.toServer + tick.toClient;
  return static_cast<double>(bytes) / 8 +
         kBitsPerCot * static_cast<double>(costOf64.serverCots + costOf64.clientCots) / 64;
}

ErrorBounds measureError(const std::function<double(double)> &f,
                         const std::function<std::int64_t(std::int64_t)> &evaluate,
                         const Request &request, std::int64_t first, std::int64_t last) {
  return errorOf(manySamples(f, request, first, last), evaluate, 0, nullptr);
}

std::optional<Approximation> approximate(const SmoothFunction &function, const Request &request) {
  DYAD_REQUIRE(request.low <= request.high && request.inputBits >= 2 && request.inputBits <= 62,
               kOutOfRange, "no inputs from {} to {} in {} bits", request.low, request.high,
               request.inputBits);
  const std::vector<Domain> domains = domainsFor(function, request);
  // The search looks at few samples; where its result fails among many, it looks next time.
  constexpr int kAttempts = 12;
  constexpr std::size_t kHardInputs = 256;
  std::vector<std::int64_t> hard;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Search search(function, request, hard);
    for (const Domain &domain : domains)
      search.tryDomain(domain);
    if (!search.best())
      return std::nullopt;
    const PiecewisePolynomial &p = *search.best();
    std::vector<std::int64_t> failed;
    const ErrorBounds error = errorOf(
        manySamples(function, request, p.low, p.low + (std::int64_t{1} << p.domainBits) - 1),
        [&](std::int64_t x) { return evaluate(p, x); }, request.maxUlp, &failed);
    if (failed.empty())
      return Approximation{p, error};
    const std::size_t step = failed.size() / kHardInputs + 1;
    for (std::size_t i = 0; i < failed.size(); i += step)
      hard.push_back(failed[i]);
  }
  return std::nullopt;
}

} // namespace dyad::approximation
