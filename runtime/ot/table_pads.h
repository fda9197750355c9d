// SPDX-License-Identifier: Apache-2.0
// The pads behind 1-of-N OTs (table.h, functions/lookup.h): m correlated OTs are combined to one
// string, from which the sender makes a pad for each entry and the receiver the pad of its choice.
// Instance i uses COTs first + s * count + i for its choice bits s; its hash number is its first's.
#pragma once

#include "runtime/ot/bit_vec.h"
#include "runtime/ot/ot_cost.h"
#include "runtime/ot/session.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace dyad {

/// Error kOutOfRange unless the table has 1 to 8 choice bits and entries of 1 to 64 bits.
void requireTable(const BitTable &table);

/// The sender's side of `count` 1-of-2^choiceBits OTs. Takes count * choiceBits COTs.
class TableSender {
public:
  TableSender(Session &session, std::uint64_t count, unsigned choiceBits);

  /// Reads the receiver's corrections: choiceBits planes of ceil(count / 8) bytes.
  void correct(const std::uint8_t *planes);
  /// Pads of entry v for instances at, ..., at + count - 1, one block each. Before correct(): the
  /// pads of those whose random choice is v.
  void pads(std::size_t v, std::uint64_t at, std::uint64_t count, Block *out) const;

private:
  CotStock &stock_;
  SentCots cots_;
  std::vector<Block> combined_;
  std::vector<Block> multiples_ = {Block{}};
};

/// The receiver's side.
class TableReceiver {
public:
  TableReceiver(Session &session, std::uint64_t count, unsigned choiceBits);

  /// Writes choice plane s, masked by the random choices.
  void writeChoice(unsigned s, BitVec plane, std::span<std::uint8_t> into) const;
  /// Pads of the choices of instances at, ..., at + count - 1.
  void pads(std::uint64_t at, std::uint64_t count, Block *out) const;

private:
  CotStock &stock_;
  ReceivedCots cots_;
  std::vector<Block> combined_;
};

} // namespace dyad
