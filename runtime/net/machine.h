// SPDX-License-Identifier: Apache-2.0
// What computing costs on a machine: the constants of the time model, measured by `dyad calibrate`.
// Integers, so that whoever decides by them decides alike on every machine. No crypto.
#pragma once

#include <cstdint>
#include <span>

namespace dyad {

/// Picoseconds of one core for each unit of work; where both parties work at once, of one of them.
/// The defaults are those of an EPYC of the Zen 5 generation with AVX-512.
struct MachineProfile {
  // Sessions and messages.
  std::uint64_t setup = 16'500'000'000; ///< base OTs of both directions and the random keys
  std::uint64_t flow = 12'500'000;      ///< one message's hand-over between threads and kernel
  std::uint64_t byte = 1'900;           ///< a byte made, sent, received and used
  std::uint64_t operation = 30'000'000; ///< what an operation takes however small it is

  // Correlated OTs: making them.
  std::uint64_t softSpokenCot = 27'000;
  std::uint64_t silentCot = 9'000; ///< an output of a round, when it is taken
  std::uint64_t silentLeaf = 450;  ///< an output of a round, when the sender makes its message

  // Correlated OTs: using them.
  std::uint64_t comparisonCot = 3'400; ///< comparisons, truncations, extensions, maxima
  std::uint64_t productCot = 6'000;    ///< products, multiplexers, conversions of bits
  std::uint64_t functionCot = 3'200;   ///< look-ups and products of functions and of rows

  // Layers by RLWE, of a coefficient modulo one prime (runtime/he/plan.h).
  std::uint64_t heLayer = 65;           ///< a layer of a number-theoretic transform
  std::uint64_t heProduct = 500;        ///< both halves of a product, accumulated
  std::uint64_t heSpread = 250;         ///< a weight polynomial spread over the ring
  std::uint64_t heInput = 10'000;       ///< a ciphertext encrypted and received
  std::uint64_t heOutput = 22'000;      ///< a reply made and opened
  std::uint64_t heAutomorphism = 2'700; ///< beside its transforms
  std::uint64_t heKey = 19'000;         ///< a public or Galois key made and received

  // Integers in the clear.
  std::uint64_t clearProduct = 30; ///< a product of the server's own share, accumulated

  bool operator==(const MachineProfile &) const = default;
};

struct MachineField {
  const char *key; ///< in files, and in modules
  std::uint64_t MachineProfile::*member;
};

/// All of them, in the order in which files list them.
std::span<const MachineField> machineFields();

/// Most that a field may be: ten seconds.
inline constexpr std::uint64_t kMaxPicoseconds = 10'000'000'000'000;

} // namespace dyad
