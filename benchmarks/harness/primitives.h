// SPDX-License-Identifier: Apache-2.0
// The primitives that are measured: their operands, their run at a party, their cost and what they
// are to compute, so that every measurement is also a check.
#pragma once

#include "benchmarks/harness/measure.h"

#include <functional>
#include <string>
#include <vector>

namespace dyad::bench {

/// Shares of one party and, where a protocol takes private numbers, the numbers in the clear.
struct Operands {
  std::vector<Ring> shares;
  std::vector<Ring> clear;
};

struct Primitive {
  std::string name;
  unsigned bits = 0; ///< of the ring
  std::string what;
  std::vector<unsigned> operandBits;
  unsigned resultBits = 0;
  /// Elements of the result, or, where `perInput`, of the input, that are close to a given number.
  std::function<std::uint64_t(std::uint64_t)> elements;
  /// Operands in the clear, reduced; `uniform` numbers of operandBits come in.
  std::function<void(std::vector<Ring> &)> limit;
  std::function<std::vector<std::uint64_t>(std::uint64_t)> operandSizes;
  std::function<Cost(std::uint64_t)> cost;
  std::function<Task<Ring>(Session &, Operands)> run;
  std::function<Ring(const std::vector<Ring> &)> expected;
};

/// All of them; names are unique.
const std::vector<Primitive> &primitives();

/// Runs one of them on about `elements` elements; throws an Error (kProtocol) if the result is
/// wrong. Sets `count` to the number of elements.
TwoReports runPrimitive(const Primitive &primitive, std::uint64_t elements,
                        const RunOptions &options, std::uint64_t &count);

} // namespace dyad::bench
