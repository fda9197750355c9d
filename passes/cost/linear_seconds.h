// SPDX-License-Identifier: Apache-2.0
// Seconds of products and truncations before there are protocols. Where widths are not chosen
// either they are typical ones, public and the same for all weights, so that only shapes and the
// link decide what graph passes make of them.
#pragma once

#include "passes/cost/time_model.h"
#include "runtime/clear/checked.h"
#include "runtime/clear/shape.h"

namespace dyad {

/// Of a product: bits of its ring, and the weights' format.
struct LinearBits {
  unsigned ring = 30;
  clear::Format weight = {.bits = 13, .isSigned = true};
};

class LinearSeconds {
public:
  /// On a link, by the constants of a machine's file ("": the built-in ones). What cannot be read
  /// is a diagnostic at `op`.
  static llvm::FailureOr<LinearSeconds> onLink(mlir::Operation *op, llvm::StringRef network,
                                               llvm::StringRef machine);
  explicit LinearSeconds(TimeModel times) : times_(std::move(times)) {}

  /// The cheapest of OT and RLWE, computing included; operands on shares.
  double matmul(const clear::Shape &lhs, const clear::Shape &rhs, bool serverIsLeft,
                const LinearBits &bits = {}) const;
  double conv(const clear::Shape &input, const clear::Shape &weight,
              const clear::ConvWindow &window, const LinearBits &bits = {}) const;
  /// An elementwise product of `n` values with the server's factors.
  double product(std::int64_t n, const LinearBits &bits = {}) const;
  /// Products of two shared operands.
  double shared(const clear::Shape &lhs, const clear::Shape &rhs, unsigned ring) const;
  double sharedProduct(std::int64_t n, unsigned ring) const;
  /// A truncation of `n` products and the extension for the next one.
  double rescale(std::int64_t n) const;
  /// The same of numbers in a ring of `width` bits, and to one of `to` bits.
  double rescale(std::int64_t n, unsigned width, unsigned shift, unsigned to) const;
  double truncation(std::int64_t n, unsigned width, unsigned shift) const;

private:
  TimeModel times_;
};

} // namespace dyad
