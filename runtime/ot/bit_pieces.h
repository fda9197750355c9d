// SPDX-License-Identifier: Apache-2.0
// A long message that is one bit stream (bit_stream.h), made and read by all threads, piece by
// piece while it travels. Its bits are those of one BitWriter that writes everything.
#pragma once

#include "runtime/net/flow_scheduler.h"
#include "runtime/ot/bit_stream.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace dyad {

/// Writes into the message of the current tick; nothing else may be sent until finish().
class BitPieceWriter {
public:
  /// Puts the elements [begin, end) and no bit more or less.
  using Write = std::function<void(std::uint64_t begin, std::uint64_t end, BitWriter &writer)>;

  explicit BitPieceWriter(FlowScheduler &flows) : flows_(flows) {}
  /// Appends `count` elements of `bitsEach` bits. `write` is called for `grain` elements at a time,
  /// in any order and on any thread.
  void append(std::uint64_t count, std::uint64_t bitsEach, std::uint64_t grain, const Write &write);
  /// Pads the last byte.
  void finish();

private:
  // Bits of two pieces that share a byte, or none.
  struct Edge {
    std::uint64_t at = 0;
    std::uint8_t bits = 0;
  };
  FlowScheduler &flows_;
  std::vector<Edge> edges_;
  std::uint8_t carry_ = 0; ///< the first `phase_` bits of the byte that is not sent yet
  unsigned phase_ = 0;
};

class BitPieceReader {
public:
  /// Gets the elements [begin, end).
  using Read = std::function<void(std::uint64_t begin, std::uint64_t end, BitReader &reader)>;

  explicit BitPieceReader(FlowScheduler::PieceReader pieces) : pieces_(pieces) {}
  /// Reads the next `count` elements, like append().
  void read(std::uint64_t count, std::uint64_t bitsEach, std::uint64_t grain, const Read &read);

private:
  FlowScheduler::PieceReader pieces_;
  std::vector<std::uint8_t> joined_;
  std::uint8_t carry_ = 0; ///< the byte of which `phase_` bits are read
  unsigned phase_ = 0;
};

} // namespace dyad
