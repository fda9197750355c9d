// SPDX-License-Identifier: Apache-2.0
// RLWE encryption of vectors modulo 2^l: symmetric with a seeded uniform half, products with
// plaintext polynomials outside (linear_layer.h), replies that hide how they were made and are
// switched to a small modulus. The maths and the error budget are in docs/protocols/rlwe.md.
#pragma once

#include "runtime/crypto/prg.h"
#include "runtime/he/keys.h"
#include "runtime/he/parameters.h"
#include "runtime/he/ring.h"
#include "runtime/ot/bit_stream.h"

#include <cstdint>
#include <span>

namespace dyad::he {

/// c0 + c1 s = round(q m / 2^l) + noise modulo q. As transforms.
struct Ciphertext {
  Polynomial c0, c1;
};

/// Writes c0 = -a s + e + round(q m / 2^bits), as a transform, a being drawn from the public
/// `stream`. Missing coefficients of the message are zero. degree * modulusBits bits.
void encrypt(const RingContext &ring, const Polynomial &secret,
             std::span<const std::uint64_t> message, unsigned bits, Prg &stream, Prg &noise,
             BitWriter &writer);

/// The same for the coefficients `sent` only, by value, in that order; the message is theirs.
/// sent.size() * modulusBits bits.
void encryptPart(const RingContext &ring, const Polynomial &secret,
                 std::span<const std::uint64_t> message, std::span<const std::uint32_t> sent,
                 unsigned bits, Prg &stream, Prg &noise, BitWriter &writer);

/// The other end of encrypt. Words that no encryption sends (not below their prime) are reduced.
Ciphertext receive(const RingContext &ring, Prg &stream, BitReader &reader);

/// The other end of encryptPart: the other coefficients of c0 are zero, which is what no result may
/// depend on.
Ciphertext receivePart(const RingContext &ring, std::span<const std::uint32_t> sent, Prg &stream,
                       BitReader &reader);

/// Adds a fresh encryption (public0 u, public1 u) of zero, u ternary, e1 being added by reply.
void addZero(const RingContext &ring, const KeyHalf &keys, Prg &prg, Ciphertext &ciphertext);

/// Makes a reply of a product that addZero went over, coefficients by value, not as transforms:
/// adds e1 and the flooding, switches to 2^(bits + g), masks the coefficients `used` with this
/// party's shares, which it returns, and writes all of c1 and the used ones of c0. degree * (bits +
/// g) + used.size() * (bits + kKeptBits) bits.
std::vector<std::uint64_t> reply(const RingContext &ring, Ciphertext product,
                                 std::span<const std::uint32_t> used, unsigned bits,
                                 const Budget &budget, Prg &prg, BitWriter &writer);

/// The other end: c0 + c1 s modulo 2^(bits + g) at the used coefficients, that is 2^g times the
/// message (its share) plus the noise.
std::vector<std::uint64_t> openReply(const RingContext &ring, const Polynomial &secret,
                                     std::span<const std::uint32_t> used, unsigned bits,
                                     const Budget &budget, BitReader &reader);
/// Rounds that to the message.
inline std::uint64_t decode(std::uint64_t opened, unsigned bits, const Budget &budget) {
  const std::uint64_t half = std::uint64_t{1} << (budget.extraBits - 1);
  return ((opened + half) >> budget.extraBits) & (~std::uint64_t{0} >> (64 - bits));
}

} // namespace dyad::he
