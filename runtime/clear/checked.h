// SPDX-License-Identifier: Apache-2.0
// What `reference` adds to the kernels: every value is checked against its format and its declared
// or calibrated range, and an error names the node it happened at.
#pragma once

#include "runtime/clear/wide.h"
#include "runtime/net/error.h"

#include <cstdint>
#include <string_view>
#include <utility>

namespace dyad::clear {

/// Integers of `bits` bits, two's complement if `isSigned`; 1 to 64 bits (unsigned: to 63).
struct Format {
  unsigned bits = 0;
  bool isSigned = true;
};

/// Bits that hold the value: two's complement with its sign bit if `isSigned`, at least 1.
unsigned bitsOf(Wide value, bool isSigned);

/// Refuses (kOutOfRange) a tensor of which an element does not fit the format, naming the node, the
/// value, the bits there are and the bits it needs.
void check(std::string_view node, std::string_view op, const Tensor<std::int64_t> &x,
           Format format);

/// Refuses (kOutOfRange) a tensor of which an element is outside [low, high]. `kind` says where the
/// range comes from: "declared" or "calibrated".
void assume(std::string_view node, const Tensor<std::int64_t> &x, std::int64_t low,
            std::int64_t high, std::string_view kind);

/// Runs a kernel; an error in it names the node too, and its result is checked:
/// `auto y = checked("conv1", "fx.conv2d", {28, true}, [&] { return conv2d(x, w, &b, window); });`
template <typename Kernel>
Tensor<std::int64_t> checked(std::string_view node, std::string_view op, Format format,
                             Kernel &&kernel) {
  Tensor<std::int64_t> result;
  try {
    result = std::forward<Kernel>(kernel)();
  } catch (const Error &error) {
    fail(error.code(), "node '{}' ({}): {}", node, op, error.what());
  }
  check(node, op, result, format);
  return result;
}

/// A program input: refuses (kOutOfRange) NaN and numbers outside [low, high], naming the input;
/// else x * 2^fraction rounded to the nearest integer, halves away from zero.
Tensor<std::int64_t> quantize(std::string_view name, const Tensor<float> &x, double low,
                              double high, int fraction);
/// A program output: x / 2^fraction.
Tensor<float> dequantize(const Tensor<std::int64_t> &x, int fraction);

} // namespace dyad::clear
