// SPDX-License-Identifier: Apache-2.0
// Carries of a sum of shares at several positions from one tree, and what follows from them: the
// digits of a shared number and the position of its leading one.
#pragma once

#include "runtime/functions/digits_cost.h"
#include "runtime/net/task.h"
#include "runtime/ot/session.h"
#include "runtime/protocols/ring.h"

#include <vector>

namespace dyad {

// Functionality  shares of n values in, fresh shares out; exact for every input.
// Cost           fCost(...) for each f: bytes, ticks and COTs, exactly.
// Security       semi-honest, in the OT-hybrid model; n and the widths are public.
// Errors         kOutOfRange before a byte is sent.
// Source         Rathee et al., SIRNN (S&P 2021), 3.5 and appendix; the prefix network (Sklansky
//                1960) and the one-hot form are our choice, see docs/protocols/functions.md.

/// What blocks of bits say about the carry: [a + b >= 2^bits] and [a + b = 2^bits - 1] where a and
/// b are the parties' bits of the block. Block 0 has no equality.
struct CarryBlocks {
  std::vector<BitVec> carry;
  std::vector<BitVec> equal;
};
/// Comparisons of the blocks [positions[j-1], positions[j]), with positions[-1] = 0, side by side.
Task<CarryBlocks> carryBlocks(Session &session, Ring share, std::vector<unsigned> positions,
                              Radix radix = {});
/// Carries out of all the low blocks. prefixCost.
Task<std::vector<BitVec>> prefixCarries(Session &session, CarryBlocks blocks);
/// [(x0 mod 2^p) + (x1 mod 2^p) >= 2^p] for each p of `positions`, which ascend strictly from 1.
/// The two above, one after the other. carriesCost.
Task<std::vector<BitVec>> carries(Session &session, Ring share, std::vector<unsigned> positions,
                                  Radix radix = {});

/// Of the bits from `from` to `width`: [a + b = 0] and then [a + b = 2^(width-from) - 1], modulo
/// 2^(width-from), 2 n bits. With the carry c into them, they are zero in the sum iff c ? the
/// second : the first. equalCost(2 n, width - from).
Task<BitVec> sumIsZeroOrOnes(Session &session, Ring share, unsigned from, unsigned width,
                             Radix radix = {});

/// Digits of floor(x / 2^from) of the unsigned reading, the lowest first: shares modulo
/// 2^digitWidths(width - from, digitBits)[j]. With from = 0 the lowest digit's shares are the
/// input's own. digitsCost.
Task<std::vector<Ring>> digits(Session &session, Ring share, unsigned width, unsigned digitBits,
                               unsigned from = 0, Radix radix = {});

/// The highest bit that is set, one-hot: plane k is shared [2^(k+from) <= x < 2^(k+from+1)]; all
/// zero if x < 2^from. leadingOneCost.
Task<std::vector<BitVec>> leadingOne(Session &session, Ring share, unsigned width,
                                     unsigned from = 0, Radix radix = {});

} // namespace dyad
