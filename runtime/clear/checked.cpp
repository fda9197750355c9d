// SPDX-License-Identifier: Apache-2.0
#include "runtime/clear/checked.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace dyad::clear {

unsigned bitsOf(Wide value, bool isSigned) {
  const Wide magnitude = value < 0 ? ~value : value;
  const auto above = static_cast<std::uint64_t>(magnitude >> 64);
  const unsigned bits =
      above != 0
          ? 128 - static_cast<unsigned>(std::countl_zero(above))
          : 64 - static_cast<unsigned>(std::countl_zero(static_cast<std::uint64_t>(magnitude)));
  return isSigned ? bits + 1 : std::max(bits, 1u);
}

void check(std::string_view node, std::string_view op, const Tensor<std::int64_t> &x,
           Format format) {
  DYAD_REQUIRE(format.bits >= 1 && format.bits <= (format.isSigned ? 64u : 63u), kOutOfRange,
               "node '{}' ({}): a format of {} bits", node, op, format.bits);
  if (x.data.empty())
    return;
  const auto [lowest, highest] = std::minmax_element(x.data.begin(), x.data.end());
  const unsigned below = bitsOf(*lowest, format.isSigned);
  const unsigned above = bitsOf(*highest, format.isSigned);
  const bool negative = !format.isSigned && *lowest < 0;
  if (!negative && below <= format.bits && above <= format.bits)
    return;
  if (negative)
    fail(ErrorCode::kOutOfRange,
         "node '{}' ({}): value {} is negative, its format has {} unsigned bits", node, op, *lowest,
         format.bits);
  fail(ErrorCode::kOutOfRange,
       "node '{}' ({}): value {} needs {} bits, its format has {}; use a larger width", node, op,
       below > above ? *lowest : *highest, std::max(below, above), format.bits);
}

void assume(std::string_view node, const Tensor<std::int64_t> &x, std::int64_t low,
            std::int64_t high, std::string_view kind) {
  for (std::int64_t value : x.data)
    DYAD_REQUIRE(low <= value && value <= high, kOutOfRange,
                 "node '{}': value {} is outside its {} range [{}, {}]", node, value, kind, low,
                 high);
}

Tensor<std::int64_t> quantize(std::string_view name, const Tensor<float> &x, double low,
                              double high, int fraction) {
  Tensor<std::int64_t> result{x.shape, {}};
  result.data.reserve(x.data.size());
  for (float value : x.data) {
    DYAD_REQUIRE(value >= low && value <= high, kOutOfRange,
                 "input '{}': {} is outside its range [{}, {}]", name, value, low, high);
    const double scaled = std::round(std::ldexp(static_cast<double>(value), fraction));
    DYAD_REQUIRE(std::abs(scaled) < 0x1p63, kOutOfRange,
                 "input '{}': {} with {} fraction bits does not fit 64 bits", name, value,
                 fraction);
    result.data.push_back(static_cast<std::int64_t>(scaled));
  }
  return result;
}

Tensor<float> dequantize(const Tensor<std::int64_t> &x, int fraction) {
  Tensor<float> result{x.shape, {}};
  result.data.reserve(x.data.size());
  for (std::int64_t value : x.data)
    result.data.push_back(static_cast<float>(std::ldexp(static_cast<double>(value), -fraction)));
  return result;
}

} // namespace dyad::clear
