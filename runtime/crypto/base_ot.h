// SPDX-License-Identifier: Apache-2.0
// Base OTs over ristretto255 and the hash that keys are derived with.
#pragma once

#include "runtime/crypto/block.h"
#include "runtime/crypto/prg.h"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace dyad {

/// BLAKE2b, 32 bytes.
std::array<std::uint8_t, 32> hash256(std::span<const std::uint8_t> bytes);

inline constexpr std::size_t kPointBytes = 32;

/// Random 1-of-2 OTs of 128-bit keys, semi-honest: Chou, Orlandi (LATINCRYPT 2015) with keys bound
/// to both messages and the instance. Two messages: announcement() from the sender (32 bytes), then
/// respond() from the receiver (32 bytes an OT). A message with an invalid point, or the identity,
/// is kProtocol.
class BaseOtSender {
public:
  explicit BaseOtSender(Prg &prg);
  const std::array<std::uint8_t, kPointBytes> &announcement() const { return announcement_; }
  /// Both keys of each OT.
  std::vector<std::array<Block, 2>> finish(std::span<const std::uint8_t> response) const;

private:
  std::array<std::uint8_t, 32> secret_;
  std::array<std::uint8_t, kPointBytes> announcement_;
};

class BaseOtReceiver {
public:
  /// Bit i of `choices` chooses in OT i; 128 OTs.
  BaseOtReceiver(Prg &prg, Block choices, std::span<const std::uint8_t> announcement);
  const std::vector<std::uint8_t> &response() const { return response_; }
  const std::vector<Block> &keys() const { return keys_; }

private:
  std::vector<std::uint8_t> response_;
  std::vector<Block> keys_;
};

} // namespace dyad
