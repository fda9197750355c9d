// SPDX-License-Identifier: Apache-2.0
// See base_ot.h. With S = yG and R = xG + cS: the keys are H(i, S, R, yR) and H(i, S, R, y(R - S)),
// and the receiver knows xS.
#include "runtime/crypto/base_ot.h"

#include "runtime/net/error.h"

#include <cstring>
#include <sodium.h>

namespace dyad {
namespace {

using Point = std::array<std::uint8_t, kPointBytes>;
using Scalar = std::array<std::uint8_t, 32>;
constexpr std::size_t kInstances = 128;

Scalar randomScalar(Prg &prg) {
  std::array<std::uint8_t, 64> wide;
  prg.fill(wide);
  Scalar scalar;
  crypto_core_ristretto255_scalar_reduce(scalar.data(), wide.data());
  return scalar;
}

void requireValid(const Point &point) {
  // The encoding of the identity is zero; libsodium's check lets it pass.
  DYAD_REQUIRE(crypto_core_ristretto255_is_valid_point(point.data()) == 1 &&
                   sodium_is_zero(point.data(), point.size()) == 0,
               kProtocol, "the peer sent an invalid group element in the base OTs");
}

Point scalarTimes(const Scalar &scalar, const Point &point) {
  Point result;
  // Fails only for the identity, whose probability is 2^-252 for valid inputs.
  DYAD_REQUIRE(crypto_scalarmult_ristretto255(result.data(), scalar.data(), point.data()) == 0,
               kProtocol, "a base OT met the identity element");
  return result;
}

Point timesGenerator(const Scalar &scalar) {
  Point result;
  DYAD_REQUIRE(crypto_scalarmult_ristretto255_base(result.data(), scalar.data()) == 0, kProtocol,
               "a base OT met the identity element");
  return result;
}

Block deriveKey(std::uint32_t instance, const Point &announcement, const Point &response,
                const Point &common) {
  std::array<std::uint8_t, 4 + 3 * kPointBytes> input;
  std::memcpy(input.data(), &instance, 4);
  std::memcpy(input.data() + 4, announcement.data(), kPointBytes);
  std::memcpy(input.data() + 4 + kPointBytes, response.data(), kPointBytes);
  std::memcpy(input.data() + 4 + 2 * kPointBytes, common.data(), kPointBytes);
  Block key;
  crypto_generichash(reinterpret_cast<unsigned char *>(&key), sizeof(key), input.data(),
                     input.size(), nullptr, 0);
  return key;
}

} // namespace

std::array<std::uint8_t, 32> hash256(std::span<const std::uint8_t> bytes) {
  std::array<std::uint8_t, 32> digest;
  crypto_generichash(digest.data(), digest.size(), bytes.data(), bytes.size(), nullptr, 0);
  return digest;
}

BaseOtSender::BaseOtSender(Prg &prg)
    : secret_(randomScalar(prg)), announcement_(timesGenerator(secret_)) {}

std::vector<std::array<Block, 2>>
BaseOtSender::finish(std::span<const std::uint8_t> response) const {
  DYAD_REQUIRE(response.size() == kInstances * kPointBytes, kProtocol,
               "base OT response of {} bytes", response.size());
  const Point own = scalarTimes(secret_, announcement_);
  std::vector<std::array<Block, 2>> keys(kInstances);
  for (std::uint32_t i = 0; i < kInstances; ++i) {
    Point point;
    std::memcpy(point.data(), response.data() + i * kPointBytes, kPointBytes);
    requireValid(point);
    const Point zero = scalarTimes(secret_, point);
    Point one;
    crypto_core_ristretto255_sub(one.data(), zero.data(), own.data());
    keys[i] = {deriveKey(i, announcement_, point, zero), deriveKey(i, announcement_, point, one)};
  }
  return keys;
}

BaseOtReceiver::BaseOtReceiver(Prg &prg, Block choices, std::span<const std::uint8_t> announcement)
    : response_(kInstances * kPointBytes), keys_(kInstances) {
  DYAD_REQUIRE(announcement.size() == kPointBytes, kProtocol, "base OT announcement of {} bytes",
               announcement.size());
  Point sender;
  std::memcpy(sender.data(), announcement.data(), kPointBytes);
  requireValid(sender);
  for (std::uint32_t i = 0; i < kInstances; ++i) {
    const Scalar x = randomScalar(prg);
    const Point plain = timesGenerator(x);
    Point shifted;
    crypto_core_ristretto255_add(shifted.data(), plain.data(), sender.data());
    const std::uint64_t choice = (i < 64 ? choices.low >> i : choices.high >> (i - 64)) & 1;
    const auto mask = static_cast<std::uint8_t>(~choice + 1);
    Point point;
    for (std::size_t b = 0; b < kPointBytes; ++b)
      point[b] = static_cast<std::uint8_t>(plain[b] ^ (mask & (plain[b] ^ shifted[b])));
    std::memcpy(response_.data() + i * kPointBytes, point.data(), kPointBytes);
    keys_[i] = deriveKey(i, sender, point, scalarTimes(x, sender));
  }
}

} // namespace dyad
