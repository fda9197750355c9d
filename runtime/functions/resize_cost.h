// SPDX-License-Identifier: Apache-2.0
// Costs of changes of width and of mixed-width products (resize.h, mixed_product.h): bytes, ticks
// and correlated OTs, exactly.
#pragma once

#include "runtime/net/cost.h"
#include "runtime/protocols/multiplication_cost.h"
#include "runtime/protocols/radix.h"
#include "runtime/protocols/truncation_cost.h"

#include <cstdint>

namespace dyad {

Cost truncateExtendCost(std::uint64_t n, unsigned width, unsigned shift, unsigned resultBits,
                        SignFact fact, Radix radix = {});
Cost divideTowardZeroCost(std::uint64_t n, unsigned width, unsigned shift, SignFact fact,
                          Radix radix = {});

/// Shares modulo 2^bits of a number, and what is known of it. Unsigned: kUnknown, kNonNegative (top
/// bit 0) or kNegative (top bit 1).
struct NumberFormat {
  unsigned bits = 0;
  bool isSigned = false;
  SignFact fact = SignFact::kUnknown;
};
/// wrapBit: the wrap of a number's shares, offset if signed, as a bit.
Cost wrapBitCost(std::uint64_t n, NumberFormat format, Radix radix = {});
/// Extension of a number in any format.
Cost extendNumberCost(std::uint64_t n, NumberFormat format, unsigned to, Radix radix = {});

/// 2 (payload + narrowBits) + 2 (1 + width - narrowBits) bits, two flows.
Cost narrowProductCost(std::uint64_t n, unsigned narrowBits, unsigned width);
Cost narrowRowProductCost(std::uint64_t rows, std::uint64_t columns, unsigned narrowBits,
                          unsigned width);
Cost mixedProductCost(std::uint64_t n, NumberFormat x, NumberFormat y, unsigned width,
                      Radix radix = {});
Cost mixedProductKnownCost(std::uint64_t n, ChoiceFormat x, NumberFormat y, unsigned width,
                           Role owner, Radix radix = {});
Cost mixedSquareCost(std::uint64_t n, NumberFormat x, unsigned width, Radix radix = {});
Cost rowProductCost(std::uint64_t rows, std::uint64_t columns, NumberFormat factor, NumberFormat y,
                    unsigned width, Radix radix = {});

} // namespace dyad
