// SPDX-License-Identifier: Apache-2.0
#include "runtime/tensor/pointwise.h"

#include "runtime/functions/exponential.h"
#include "runtime/functions/normalized.h"
#include "runtime/functions/piecewise.h"
#include "runtime/protocols/comparison.h"
#include "runtime/protocols/nonlinear.h"
#include "runtime/protocols/selection.h"
#include "runtime/protocols/truncation.h"
#include "runtime/tensor/ring_tensor.h"

namespace dyad {

Task<Share> extend(Session &session, Share x, unsigned bits, SignFact fact, bool isUnsigned,
                   Radix radix) {
  const bool nonNegative = fact == SignFact::kNonNegative || fact == SignFact::kSmall;
  if (isUnsigned && !nonNegative)
    x.values = co_await extendUnsigned(session, std::move(x.values), x.bits, bits, radix);
  else
    x.values = co_await extendSigned(session, std::move(x.values), x.bits, bits,
                                     isUnsigned ? SignFact::kNonNegative : fact, radix);
  x.bits = bits;
  co_return x;
}

Task<Share> truncateReduce(Session &session, Share x, unsigned shift, Rounding rounding,
                           Radix radix) {
  x.values = co_await truncateReduce(session, std::move(x.values), x.bits, shift, rounding, radix);
  x.bits -= shift;
  co_return x;
}

Task<Share> truncateRelu(Session &session, Share x, unsigned shift, Rounding rounding,
                         unsigned resultBits, Radix radix) {
  x.values = co_await truncateRelu(session, std::move(x.values), x.bits, shift, rounding,
                                   resultBits, radix);
  x.bits = resultBits;
  co_return x;
}

Task<Share> truncate(Session &session, Share x, unsigned shift, Rounding rounding, SignFact fact,
                     Radix radix) {
  x.values = co_await truncate(session, std::move(x.values), x.bits, shift, fact, rounding, radix);
  co_return x;
}

Task<Share> divide(Session &session, Share x, std::uint64_t divisor, Rounding rounding,
                   Radix radix) {
  x.values = co_await divide(session, std::move(x.values), x.bits, divisor, rounding, radix);
  co_return x;
}

Task<BitShare> msb(Session &session, Share x, Radix radix) {
  BitVec bits = co_await msb(session, std::move(x.values), x.bits, radix);
  co_return BitShare{std::move(x.shape), std::move(bits)};
}

Task<Share> bitToArith(Session &session, BitShare bit, unsigned bits, bool whereZero) {
  BitVec selector = whereZero ? notBits(session, std::move(bit.bits)) : std::move(bit.bits);
  Ring values = co_await bitToRing(session, std::move(selector), bits);
  co_return Share{std::move(bit.shape), bits, std::move(values)};
}

Task<Share> mux(Session &session, BitShare bit, Share x, bool whereZero) {
  requireSame(bit.shape, x.shape);
  BitVec selector = whereZero ? notBits(session, std::move(bit.bits)) : std::move(bit.bits);
  x.values = co_await multiplex(session, std::move(selector), std::move(x.values), x.bits);
  co_return x;
}

Task<Share> function(Session &session, Share x, ScalarFunction f, Radix radix) {
  DYAD_REQUIRE(x.bits == inputBits(f), kOutOfRange, "shares modulo 2^{} for a function of {} bits",
               x.bits, inputBits(f));
  x.bits = outputBits(f);
  if (auto *p = std::get_if<PiecewisePolynomial>(&f))
    x.values = co_await piecewise(session, std::move(*p), std::move(x.values), radix);
  else if (auto *e = std::get_if<ExponentialFunction>(&f))
    x.values = co_await exponential(session, std::move(*e), std::move(x.values), radix);
  else
    x.values = co_await normalized(session, std::get<NormalizedFunction>(std::move(f)),
                                   std::move(x.values), radix);
  co_return x;
}

Task<Share> relu(Session &session, Share x, Radix radix) {
  x.values = co_await relu(session, std::move(x.values), x.bits, radix);
  co_return x;
}

Task<Share> clip(Session &session, Share x, std::int64_t low, std::int64_t high, Radix radix) {
  DYAD_REQUIRE(low <= high, kOutOfRange, "clipping to [{}, {}]", low, high);
  const std::uint64_t mask = ringMask(x.bits);
  x.values = co_await clip(session, std::move(x.values), static_cast<std::uint64_t>(low) & mask,
                           static_cast<std::uint64_t>(high) & mask, x.bits, radix);
  co_return x;
}

} // namespace dyad
