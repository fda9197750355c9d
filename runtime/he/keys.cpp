// SPDX-License-Identifier: Apache-2.0
// See keys.h.
#include "runtime/he/keys.h"

#include "runtime/he/packing.h"
#include "runtime/he/sampler.h"
#include "runtime/he/scheme.h"
#include "runtime/ot/bit_stream.h"

#include <cstring>
#include <memory>

namespace dyad::he {

const KeyHalf &Keys::of(const KeyNeed &need) const {
  const auto at = halves_.find(need.set);
  DYAD_REQUIRE(at != halves_.end() && (need.steps & ~at->second.steps) == 0, kOutOfRange,
               "the session has no keys for RLWE parameter set {}{}: its set-up has to make them",
               need.set, need.steps == 0 ? "" : " with packed replies");
  return at->second;
}

namespace {

// P s(X^(degree / 2^step + 1)) hidden by a pair (-a s + e, a) modulo all primes: the first half is
// written, a comes from the stream.
void writeGaloisKey(const RingContext &ring, const Polynomial &secret, unsigned step, Prg &stream,
                    Prg &noise, BitWriter &writer) {
  const std::size_t degree = ring.degree();
  const Polynomial a = uniform(stream, ring, ring.allPrimes());
  Polynomial key = ring.fromSigned(binomial(noise, degree), ring.allPrimes());
  ring.forward(key);
  const std::vector<std::uint32_t> index = automorphismIndex(ring, step);
  std::vector<std::uint64_t> image(degree), half(degree);
  Sum sum(degree);
  for (unsigned i = 0; i < ring.allPrimes(); ++i) {
    const std::uint64_t p = ring.prime(i);
    const std::uint64_t *const s = secret.data() + i * degree;
    std::uint64_t special = 1; // P modulo p
    for (unsigned k = ring.primes(); k < ring.allPrimes(); ++k)
      special = times(special, factorFor(ring.prime(k), p), p);
    ringKernels().gather(s, index.data(), image.data(), degree);
    for (std::size_t j = 0; j < degree; ++j) // -a s + P image
      half[j] = belowModulus(p - a[i * degree + j], p);
    sum.set(key.data() + i * degree).add(half.data(), s).addScaled(image.data(), special);
    sum.into(ring.tables(i), half.data());
    writer.put(half.data(), degree, ring.primeBits(i));
  }
}

GaloisKey readGaloisKey(const RingContext &ring, unsigned step, Prg &stream, BitReader &reader) {
  Polynomial key1 = uniform(stream, ring, ring.allPrimes());
  Polynomial key0(key1.size());
  for (unsigned i = 0; i < ring.allPrimes(); ++i) {
    std::uint64_t *const into = key0.data() + i * ring.degree();
    reader.get(into, ring.degree(), ring.primeBits(i));
    for (std::size_t j = 0; j < ring.degree(); ++j)
      into[j] = belowModulus(into[j], ring.prime(i));
  }
  return makeGaloisKey(ring, step, std::move(key0), std::move(key1));
}

} // namespace

Task<void> setup(Session &session, std::vector<KeyNeed> needs) {
  if (needs.empty())
    co_return;
  if (!session.heKeys())
    session.setHeKeys(std::make_shared<Keys>());
  Keys &keys = *session.heKeys();
  constexpr unsigned kSteps = 32;
  if (!session.isServer()) {
    for (const KeyNeed &need : needs) {
      const RingContext &ring = RingContext::of(parameterSet(need.set));
      KeyHalf half;
      half.steps = need.steps;
      half.secret = ring.fromSigned(ternary(session.prg(), ring.degree()), ring.allPrimes());
      ring.forward(half.secret);
      const std::span<std::uint8_t> message =
          session.flows().sendBuffer(keyCost({&need, 1}).ticks[0].toServer);
      const Block seed = session.prg().block();
      std::memcpy(message.data(), &seed, sizeof(seed));
      Prg stream(seed);
      BitWriter writer(message.subspan(sizeof(seed)));
      encrypt(ring, half.secret, {}, 1, stream, session.prg(), writer);
      for (unsigned step = 0; step < kSteps; ++step)
        if (need.steps >> step & 1)
          writeGaloisKey(ring, half.secret, step, stream, session.prg(), writer);
      writer.flush();
      keys.add(need.set, std::move(half));
    }
    co_await session.flows().tick();
    co_return;
  }
  std::span<const std::uint8_t> message =
      co_await session.flows().tick(keyCost(needs).ticks[0].toServer);
  for (const KeyNeed &need : needs) {
    const RingContext &ring = RingContext::of(parameterSet(need.set));
    const std::size_t size = keyCost({&need, 1}).ticks[0].toServer;
    Block seed;
    std::memcpy(&seed, message.data(), sizeof(seed));
    Prg stream(seed);
    BitReader reader(message.subspan(sizeof(seed), size - sizeof(seed)));
    Ciphertext zero = receive(ring, stream, reader);
    KeyHalf half{{}, std::move(zero.c0), std::move(zero.c1), {}, need.steps};
    for (unsigned step = 0; step < kSteps; ++step)
      if (need.steps >> step & 1)
        half.galois.emplace(step, readGaloisKey(ring, step, stream, reader));
    keys.add(need.set, std::move(half));
    message = message.subspan(size);
  }
}

} // namespace dyad::he
