// SPDX-License-Identifier: Apache-2.0
// Additively correlated OT: the sender holds delta, the receiver a bit b, and both leave with
// shares of b * delta. Whole batches at once (sendCots), or in tiles for large products
// (CotSendBatch).
#pragma once

#include "runtime/net/task.h"
#include "runtime/ot/ot_cost.h"
#include "runtime/ot/session.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dyad {

// Functionality  for each value of each COT: sender gets -v, receiver v + b * delta mod 2^bits, v
//                uniform. One bit b for all values of a COT.
// Shapes         deltas and results: one Ring for each field of each group, in that order, of
//                group.count * field.length values (row-major: COT, then position).
//                choices: one bit for each COT of all groups, in order.
// Cost           cotsCost(sender, groups).
// Security       semi-honest; counts and widths are public.
// Errors         kShapeMismatch, kOutOfRange (width not 1 to 64, stock empty) before a byte is
// sent. Source         Huang et al., Cheetah (USENIX Security 2022), on precomputed COTs (Beaver
// 1995).
Task<std::vector<Ring>> sendCots(Session &session, std::vector<CotGroup> groups,
                                 std::vector<Ring> deltas);
Task<std::vector<Ring>> receiveCots(Session &session, std::vector<CotGroup> groups, BitVec choices);
/// One value of the same width for each COT.
Task<Ring> sendCots(Session &session, Ring deltas, unsigned bits);
Task<Ring> receiveCots(Session &session, BitVec choices, unsigned bits);

/// Chosen 1-of-2 OT of `bits`-bit messages; otsCost(sender, n, bits). Shapes: n each.
Task<void> sendOts(Session &session, Ring zeros, Ring ones, unsigned bits);
Task<Ring> receiveOts(Session &session, BitVec choices, unsigned bits);

/// The sender's half of n COTs after the receiver's choices have come: for protocols that produce
/// pads and payload tile by tile. `open` is one tick that receives bitBytes(n); pads are local.
class CotSendBatch {
public:
  static Task<CotSendBatch> open(Session &session, std::uint64_t n);
  std::uint64_t size() const { return q_.size(); }
  /// For COTs first, ..., first + count - 1, `blocks` blocks (16 bytes) each of the receiver's pad
  /// for choice 0 and for choice 1. A COT's pads are made once only. out: count * blocks blocks.
  void pads(std::uint64_t first, std::uint64_t count, std::size_t blocks, Block *zero,
            Block *one) const;

private:
  const CotHash *hash_ = nullptr;
  Block delta_;
  std::uint64_t first_ = 0;
  BlockBuffer q_;
};

/// The receiver's half. `open` is one tick that sends the choices.
class CotReceiveBatch {
public:
  static Task<CotReceiveBatch> open(Session &session, BitVec choices);
  std::uint64_t size() const { return cots_.t.size(); }
  /// The pad for the choice made, as above.
  void pads(std::uint64_t first, std::uint64_t count, std::size_t blocks, Block *chosen) const;

private:
  const CotHash *hash_ = nullptr;
  ReceivedCots cots_;
};

} // namespace dyad
