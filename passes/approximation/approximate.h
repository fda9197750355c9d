// SPDX-License-Identifier: Apache-2.0
// From a smooth function, the integers it is applied to and the precision asked for to the cheapest
// piecewise polynomial: segments, degree, widths and coefficients. See docs/protocols/functions.md.
#pragma once

#include "passes/approximation/function.h"
#include "runtime/functions/piecewise_polynomial.h"

#include <cstdint>
#include <functional>
#include <optional>

namespace dyad::approximation {

/// How long to look for something cheaper than what is precise enough.
enum class Effort : std::uint8_t {
  kFirst,     ///< anything, measured at fewer inputs: a trial
  kFirstForm, ///< the first normalised form, at its best: one result serves many numbers
  kCheapest
};

struct Request {
  unsigned inputBits = 16; ///< ring of the input
  unsigned inputScale = 12;
  std::int64_t low = 0; ///< the inputs that occur, both included; proved or assumed by the program
  std::int64_t high = 0;
  unsigned outputBits = 16;
  unsigned outputScale = 12;
  double maxUlp = 1;      ///< largest error wanted, in units of the output's last place
  double bitsPerFlow = 2; ///< what a flow counts, in bits an element, when costs are compared
  Effort effort = Effort::kCheapest;
  Radix radix;
};

/// Errors in units of the output's last place.
struct ErrorBounds {
  double maxUlp = 0;
  double meanUlp = 0;
};

/// Errors over [request.low, request.high]: of all inputs if there are at most 2^20; else of 2^18
/// between `first` and `last`, where the function is interesting, and of 2^15 others.
ErrorBounds measureError(const std::function<double(double)> &f,
                         const std::function<std::int64_t(std::int64_t)> &evaluate,
                         const Request &request, std::int64_t first, std::int64_t last);

struct Approximation {
  PiecewisePolynomial polynomial;
  ErrorBounds error;
};

/// The cheapest polynomial whose error is at most request.maxUlp; nothing if none of at most 256
/// segments is: the range is too wide for the precision, or the function is not smooth.
std::optional<Approximation> approximate(const SmoothFunction &function, const Request &request);

/// Bits an element, correlated OTs of the silent extension included.
double bitsPerElement(const Cost &costOf64);

} // namespace dyad::approximation
