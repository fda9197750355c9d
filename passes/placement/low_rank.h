// SPDX-License-Identifier: Apache-2.0
// Low-rank factors of a matrix, by a singular value decomposition. No MLIR.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace dyad {

/// left (rows x rank) times right (rank x columns), row-major. Both have singular values' roots, so
/// that they are alike in size.
struct LowRankFactors {
  std::int64_t rank = 0;
  std::vector<double> left, right;
};

/// The fewest factors whose product differs from `values` (row-major, finite) by at most
/// `tolerance` in every element; nothing if that takes more than `maxRank`. The range is found with
/// a seeded random projection (Halko, Martinsson, Tropp 2011, algorithm 4.1), the rank by the
/// decomposition of what is projected, so that a full matrix is recognised in rows * columns *
/// maxRank steps. Same factors on every call.
std::optional<LowRankFactors> factorize(std::int64_t rows, std::int64_t columns,
                                        std::span<const double> values, double tolerance,
                                        std::int64_t maxRank);

} // namespace dyad
