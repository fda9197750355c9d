// SPDX-License-Identifier: Apache-2.0
// Costs of a session's setup and of filling its stock of correlated OTs, exactly. No crypto.
#pragma once

#include "runtime/net/cost.h"

#include <cstdint>

namespace dyad {

struct SoftSpokenParameters {
  /// Columns that share a tree: 1, 2, 4 or 8. Larger: less traffic (128 / k - 1 bits a COT), more
  /// AES (2^k / k blocks a COT). 1 is IKNP.
  unsigned k = 4;
};

/// kOutOfRange for any other k.
void requireValid(SoftSpokenParameters parameters);

/// COTs come in multiples of this.
inline constexpr std::uint64_t kExtensionBlock = 1024;
/// At most so many in one tick, so that neither party holds a huge message.
inline constexpr std::uint64_t kExtensionChunk = std::uint64_t{1} << 20;

/// Base OTs and trees of both directions.
Cost setupCost(SoftSpokenParameters parameters = {});
/// Extension by so many COTs, by who sends them; each rounded up to kExtensionBlock.
Cost stockCost(std::uint64_t serverCots, std::uint64_t clientCots,
               SoftSpokenParameters parameters = {});

} // namespace dyad
