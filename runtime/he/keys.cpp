// SPDX-License-Identifier: Apache-2.0
// See keys.h.
#include "runtime/he/keys.h"

#include "runtime/he/sampler.h"
#include "runtime/he/scheme.h"
#include "runtime/ot/bit_stream.h"

#include <cstring>
#include <memory>

namespace dyad::he {

const KeyHalf &Keys::of(unsigned set) const {
  const auto at = halves_.find(set);
  DYAD_REQUIRE(at != halves_.end(), kOutOfRange,
               "the session has no keys for RLWE parameter set {}: its set-up has to make them",
               set);
  return at->second;
}

Task<void> setup(Session &session, std::vector<unsigned> sets) {
  if (sets.empty())
    co_return;
  if (!session.heKeys())
    session.setHeKeys(std::make_shared<Keys>());
  Keys &keys = *session.heKeys();
  if (!session.isServer()) {
    for (const unsigned id : sets) {
      const RingContext &ring = RingContext::of(parameterSet(id));
      KeyHalf half;
      half.secret = ring.fromSigned(ternary(session.prg(), ring.degree()));
      ring.forward(half.secret);
      const std::span<std::uint8_t> message =
          session.flows().sendBuffer(keyCost({&id, 1}).ticks[0].toServer);
      const Block seed = session.prg().block();
      std::memcpy(message.data(), &seed, sizeof(seed));
      Prg stream(seed);
      BitWriter writer(message.subspan(sizeof(seed)));
      encrypt(ring, half.secret, {}, 1, stream, session.prg(), writer);
      writer.flush();
      keys.add(id, std::move(half));
    }
    co_await session.flows().tick();
    co_return;
  }
  std::span<const std::uint8_t> message =
      co_await session.flows().tick(keyCost(sets).ticks[0].toServer);
  for (const unsigned id : sets) {
    const RingContext &ring = RingContext::of(parameterSet(id));
    const std::size_t size = keyCost({&id, 1}).ticks[0].toServer;
    Block seed;
    std::memcpy(&seed, message.data(), sizeof(seed));
    Prg stream(seed);
    BitReader reader(message.subspan(sizeof(seed), size - sizeof(seed)));
    Ciphertext zero = receive(ring, stream, reader);
    keys.add(id, {{}, std::move(zero.c0), std::move(zero.c1)});
    message = message.subspan(size);
  }
}

} // namespace dyad::he
