// SPDX-License-Identifier: Apache-2.0
// See mixed_product.h. Of (u0 + u1 - w 2^m) y the first two terms are products of private numbers
// with shared ones, the last one selects y by a bit.
#include "runtime/functions/mixed_product.h"

#include "runtime/protocols/multiplication.h"
#include "runtime/protocols/selection.h"

#include <utility>

namespace dyad {
namespace {

std::size_t columnsOf(std::size_t rows, std::size_t size) {
  DYAD_REQUIRE(rows == 0 ? size == 0 : size % rows == 0, kShapeMismatch,
               "{} numbers do not split into {} rows", size, rows);
  return rows == 0 ? 1 : size / rows;
}

BitVec repeated(const BitVec &bits, std::size_t times) {
  if (times == 1)
    return bits;
  BitVec result(bits.size() * times);
  for (std::size_t i = 0; i < result.size(); ++i)
    result.set(i, bits[i / times]);
  return result;
}

Ring repeated(const Ring &x, std::size_t times) {
  Ring result;
  result.reserve(x.size() * times);
  for (const std::uint64_t value : x)
    result.insert(result.end(), times, value);
  return result;
}

} // namespace

Task<Ring> narrowRowProduct(Session &session, Ring narrow, BitVec wrap, unsigned narrowBits,
                            Ring wide, unsigned width) {
  const std::size_t columns = columnsOf(narrow.size(), wide.size());
  const MatrixShape shape{narrow.size(), 1, 1, columns};
  const ChoiceFormat format{narrowBits, false};
  Ring result = repeated(narrow, columns);
  for (std::size_t i = 0; i < wide.size(); ++i)
    result[i] = result[i] * wide[i] & ringMask(width);

  // Each party chooses with its narrow share while the other one offers its wide share.
  const bool server = session.isServer();
  std::vector<Task<Ring>> parts;
  parts.push_back(
      privateMatrixProduct(session, shape, server ? narrow : wide, format, width, Role::kServer));
  parts.push_back(
      privateMatrixProduct(session, shape, server ? wide : narrow, format, width, Role::kClient));
  if (narrowBits < width) {
    requireSameSize(wrap.size(), narrow.size());
    parts.push_back(multiplex(session, repeated(wrap, columns), reduced(wide, width - narrowBits),
                              width - narrowBits));
  }
  const std::vector<Ring> found = co_await whenAll(std::move(parts));
  result = added(std::move(result), found[0], width);
  result = added(std::move(result), found[1], width);
  if (narrowBits < width)
    result = subtracted(std::move(result), scaled(found[2], std::uint64_t{1} << narrowBits, width),
                        width);
  co_return result;
}

Task<Ring> narrowProduct(Session &session, Ring narrow, BitVec wrap, unsigned narrowBits, Ring wide,
                         unsigned width) {
  requireSameSize(narrow.size(), wide.size());
  return narrowRowProduct(session, std::move(narrow), std::move(wrap), narrowBits, std::move(wide),
                          width);
}

Task<Ring> rowProduct(Session &session, Ring factor, NumberFormat factorFormat, Ring y,
                      NumberFormat yFormat, unsigned width, Radix radix) {
  requireWidth(width);
  requireWidth(factorFormat.bits);
  requireWidth(yFormat.bits);
  columnsOf(factor.size(), y.size()); // before a byte is sent
  const auto widened = [](Session &s, Ring share, NumberFormat format, unsigned to,
                          Radix r) -> Task<Ring> {
    if (format.bits >= to)
      co_return reduced(std::move(share), to);
    co_return co_await extendNumber(s, std::move(share), format, to, r);
  };
  const auto wrapped = [](Session &s, Ring share, NumberFormat format, unsigned to,
                          Radix r) -> Task<WrappedNumber> {
    if (format.bits >= to)
      co_return WrappedNumber{reduced(std::move(share), to), {}, 0};
    co_return co_await withWrap(s, std::move(share), format, r);
  };
  auto [wide, number] =
      co_await whenAll(widened(session, std::move(y), yFormat, width, radix),
                       wrapped(session, std::move(factor), factorFormat, width, radix));
  Ring correction = scaled(wide, number.offset, width);
  Ring result = co_await narrowRowProduct(session, std::move(number.share), std::move(number.wrap),
                                          factorFormat.bits, std::move(wide), width);
  co_return subtracted(std::move(result), correction, width);
}

Task<Ring> mixedProduct(Session &session, Ring x, NumberFormat xFormat, Ring y,
                        NumberFormat yFormat, unsigned width, Radix radix) {
  requireSameSize(x.size(), y.size());
  return rowProduct(session, std::move(x), xFormat, std::move(y), yFormat, width, radix);
}

Task<Ring> mixedSquare(Session &session, Ring x, NumberFormat format, unsigned width, Radix radix) {
  requireWidth(width, 2);
  const std::size_t n = x.size();
  const unsigned bits = format.bits;
  const WrappedNumber number = co_await withWrap(session, std::move(x), format, radix);
  // u = u0 + u1 - w M: u^2 = u0^2 + u1^2 + 2 u0 u1 - 2 M w (u0 + u1) + M^2 w, M = 2^bits.
  std::vector<Task<Ring>> parts;
  Ring own = session.isServer() ? reduced(number.share, width - 1) : number.share;
  parts.push_back(privateProduct(session, std::move(own), {bits, false}, width - 1, Role::kClient));
  if (width > bits)
    parts.push_back(bitToRing(session, number.wrap, width - bits));
  if (width > bits + 1)
    parts.push_back(
        multiplex(session, number.wrap, reduced(number.share, width - 1 - bits), width - 1 - bits));
  const std::vector<Ring> found = co_await whenAll(std::move(parts));
  // (u - o)^2 = u^2 - 2 o u + o^2, o the offset.
  Ring result(n);
  const std::uint64_t constant =
      session.isServer() ? number.offset * number.offset : std::uint64_t{0};
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint64_t u = number.share[i];
    std::uint64_t sum = u * u + 2 * found[0][i] - 2 * number.offset * u + constant;
    if (width > bits) {
      const std::uint64_t modulus = std::uint64_t{1} << bits;
      sum += found[1][i] * modulus * (modulus + 2 * number.offset);
      if (width > bits + 1)
        sum -= 2 * modulus * found[2][i];
    }
    result[i] = sum & ringMask(width);
  }
  co_return result;
}

Task<Ring> mixedProductKnown(Session &session, Ring x, ChoiceFormat xFormat, Ring y,
                             NumberFormat yFormat, unsigned width, Role owner, Radix radix) {
  Ring wide = yFormat.bits >= width
                  ? reduced(std::move(y), width)
                  : co_await extendNumber(session, std::move(y), yFormat, width, radix);
  co_return co_await productKnownFactor(session, std::move(x), std::move(wide), xFormat, width,
                                        owner);
}

} // namespace dyad
