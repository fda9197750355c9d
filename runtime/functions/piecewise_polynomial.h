// SPDX-License-Identifier: Apache-2.0
// A function of one fixed-point variable as plain integers: segments of equal width with a
// polynomial of degree 0 to 2 each. What the compiler puts into a program; the protocol
// (piecewise.h) and the evaluation in the clear give the same bits.
#pragma once

#include "runtime/functions/digits_cost.h"
#include "runtime/net/cost.h"
#include "runtime/protocols/radix.h"
#include "runtime/protocols/truncation_cost.h"

#include <cstdint>
#include <vector>

namespace dyad {

enum class Symmetry : std::uint8_t {
  kNone,
  kEven, ///< f(-x) = f(x), up to the additive parts (relu, constants of a segment)
  kOdd,  ///< f(-x) = -f(x)
};

enum class Outside : std::uint8_t {
  kNever, ///< inputs are in the domain: a fact that the program's ranges prove
  kOne,   ///< one value on both sides (or one side is never left)
  kTwo,   ///< `below` and `above`; if not centred, x - low must fit inputBits signed bits
};

/// A coefficient of the segments: base + table[segment], the table's values below 2^bits, counted
/// 2^shift in the sum.
struct PiecewiseCoefficient {
  unsigned bits = 0;
  unsigned shift = 0;
  std::int64_t base = 0;
  std::vector<std::uint64_t> table;
  bool operator==(const PiecewiseCoefficient &) const = default;
};

/// Inside the domain, with R = 2^offsetBits() and the numbers below,
///
///   X = (x - low mod R) - R/2 (0 if R = 1), from the middle of x's segment, and Q = round((X^2 +
///   X) / 2^squareDrop) i = floor((x - low) / R), the segment; of a symmetric function that of |x|
///   (of -1-x for x < 0) S = c0[i] 2^constantShift + c1[i] X 2^linear.shift + c2[i] Q
///   2^quadratic.shift
///
/// where for x < 0 kEven changes the sign of the middle term, kOdd that of the two others: X
/// changes its sign with x (but for half a unit), Q does not. Outside S = below * 2^drop or above *
/// 2^drop; with Outside::kOne `above` on both sides. The result is
///
///   y = round((S + sumOffset) / 2^drop) + (hasRelu ? max(x, 0) * 2^reluShift : 0)   modulo
///   2^outputBits.
struct PiecewisePolynomial {
  unsigned inputBits = 0; ///< ring of x, 2 to 64; x is read as signed
  std::int64_t low = 0;   ///< the domain is [low, low + 2^domainBits); symmetric: -2^(domainBits-1)
  unsigned domainBits = 0; ///< at most inputBits
  Symmetry symmetry = Symmetry::kNone;
  Outside outside = Outside::kNever;
  std::int64_t below = 0;
  std::int64_t above = 0;

  unsigned indexBits = 0; ///< 1 to 8
  unsigned degree = 0;    ///< 0 to 2; with segments of one number 0
  unsigned sumBits = 0;   ///< S is computed modulo 2^sumBits, at most 62 bits
  unsigned drop = 0;
  std::int64_t sumOffset = 0;
  /// Of S + sumOffset + 2^(drop-1); matters if outputBits > sumBits - drop.
  SignFact sumFact = SignFact::kUnknown;
  unsigned squareDrop = 0;
  unsigned constantShift = 0;
  std::vector<std::int64_t> constants; ///< signed, modulo 2^(sumBits - constantShift)
  PiecewiseCoefficient linear;         ///< degree >= 1
  PiecewiseCoefficient quadratic;      ///< degree 2

  bool hasRelu = false; ///< needs a centred domain, or one that ends at 0 with above = 0
  unsigned reluShift = 0;
  unsigned outputBits = 0;

  bool isCentred() const { return low == -(std::int64_t{1} << (domainBits - 1)); }
  bool isSymmetric() const { return symmetry != Symmetry::kNone; }
  unsigned segments() const { return 1U << indexBits; }
  /// r: bits of the offset within a segment.
  unsigned offsetBits() const { return domainBits - indexBits - (isSymmetric() ? 1 : 0); }
  bool operator==(const PiecewisePolynomial &) const = default;
};

/// Error kOutOfRange, naming what is wrong, unless the numbers fit each other.
void requireValid(const PiecewisePolynomial &p);

/// y(x), the signed reading of outputBits bits. Error kOutOfRange for x outside the domain with
/// Outside::kNever. What `reference` runs.
std::int64_t evaluate(const PiecewisePolynomial &p, std::int64_t x);
/// S of segment i at X = offset (of |x|, as it were: `negative` changes signs as the symmetry
/// says), without modulus: for those who choose widths.
std::int64_t segmentSum(const PiecewisePolynomial &p, unsigned segment, std::int64_t offset,
                        bool negative);

/// What protocol and formula share: which carries are wanted, and the rings of the parts. Numbers
/// of carries are positions in `positions`, -1 where not wanted.
struct PiecewisePlan {
  explicit PiecewisePlan(const PiecewisePolynomial &p);

  bool centred = false;  ///< low = -2^(domainBits-1): carries are of x itself, else of x - low
  bool outside = false;  ///< whether inputs may lie outside
  unsigned ring = 0;     ///< domainBits where nothing lies outside, else inputBits
  unsigned highBits = 0; ///< above the domain
  std::vector<unsigned> positions; ///< of carries; the first one is offsetBits, if that is not 0
  int domainAt = -1;               ///< into the domain's top bit (centred), or out of the domain
  int signAt = -1;                 ///< into the top bit of the ring
  bool needsFold = false;
  unsigned carryBits = 0;     ///< ring of the offset's carry as a number; 0: none
  unsigned linearBits = 0;    ///< ring of the linear product; 0: none
  unsigned quadraticBits = 0; ///< ring of the quadratic product; 0: none
  unsigned squareBits = 0;    ///< ring of X^2 + X
  LookupShape table;
};

/// piecewise of n elements.
Cost piecewiseCost(std::uint64_t n, const PiecewisePolynomial &p, Radix radix = {});

} // namespace dyad
