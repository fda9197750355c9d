// SPDX-License-Identifier: Apache-2.0
#include "runtime/tensor/sharing.h"

#include "runtime/ot/bit_stream.h"
#include "runtime/protocols/clear_reference.h"
#include "runtime/tensor/ring_tensor.h"

namespace dyad {

Share share(const Session &session, const Plain &x, unsigned bits) {
  requireWidth(bits);
  const Owner holder = x.owner == Owner::kPublic ? Owner::kServer : x.owner;
  if (knows(session, holder))
    return {x.shape, bits, ringOf(x, bits)};
  return {x.shape, bits, Ring(static_cast<std::size_t>(clear::sizeOf(x.shape)))};
}

Task<Plain> reveal(Session &session, Share x, Owner receiver, bool isSigned) {
  requireWidth(x.bits);
  const bool receives = knows(session, receiver);
  const bool sends = !receives || receiver == Owner::kPublic;
  const std::size_t bytes = (x.values.size() * x.bits + 7) / 8;
  if (sends) {
    BitWriter writer(session.flows().sendBuffer(bytes));
    writer.put(x.values.data(), x.values.size(), x.bits);
    writer.flush();
  }
  const std::span<const std::uint8_t> received =
      co_await session.flows().tick(receives ? bytes : 0);
  Plain result{std::move(x.shape), receiver, {}};
  if (!receives)
    co_return result;
  Ring other(x.values.size());
  BitReader(received).get(other.data(), other.size(), x.bits);
  for (const std::uint64_t value : added(std::move(other), x.values, x.bits)) {
    DYAD_REQUIRE(isSigned || x.bits < 64 || value >> 63 == 0, kOutOfRange,
                 "an unsigned result of 64 bits");
    result.values.push_back(isSigned ? functionality::toSigned(value, x.bits)
                                     : static_cast<std::int64_t>(value));
  }
  co_return result;
}

} // namespace dyad
