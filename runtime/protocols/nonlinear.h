// SPDX-License-Identifier: Apache-2.0
// Activations and maxima of shared values: a comparison followed by a multiplexer. Exact where the
// stated differences fit the ring. See docs/protocols/selection.md.
#pragma once

#include "runtime/net/task.h"
#include "runtime/ot/session.h"
#include "runtime/protocols/ring.h"
#include "runtime/protocols/selection_cost.h"

namespace dyad {

// Functionality  shares of n signed values modulo 2^width in, fresh shares out.
// Cost           fCost(...) for each f: bytes, ticks and COTs, exactly; the same radix.
// Errors         kOutOfRange, kShapeMismatch before a byte is sent.

/// max(x, 0).
Task<Ring> relu(Session &session, Ring share, unsigned width, Radix radix = {});
/// |x|; the lowest value maps to itself.
Task<Ring> absolute(Session &session, Ring share, unsigned width, Radix radix = {});
/// min(max(x, low), high) for public low <= high (ring elements); x - low and x - high must fit
/// `width` signed bits.
Task<Ring> clip(Session &session, Ring share, std::uint64_t low, std::uint64_t high, unsigned width,
                Radix radix = {});
/// x >= 0 ? a : b with the results modulo 2^resultWidth. A leaky ReLU of slope k / 2^f is
/// selectBySign(x, x * 2^f, x * k), both products being local for a public k.
Task<Ring> selectBySign(Session &session, Ring x, unsigned width, Ring a, Ring b,
                        unsigned resultWidth, Radix radix = {});

// Maxima: differences of any two compared values must fit `width` signed bits.

/// max(a, b), element by element.
Task<Ring> maximum(Session &session, Ring a, Ring b, unsigned width, Radix radix = {});
Task<Ring> minimum(Session &session, Ring a, Ring b, unsigned width, Radix radix = {});
/// Maximum of each group of `size` consecutive elements: `groups` results of a balanced tree in
/// which all groups advance together. maximumOverCost(groups, size, width).
Task<Ring> maximumOver(Session &session, Ring share, std::size_t size, unsigned width,
                       Radix radix = {});
/// Position of the first maximum of each group, modulo 2^indexWidth(size).
Task<Ring> argmaxOver(Session &session, Ring share, std::size_t size, unsigned width,
                      Radix radix = {});

} // namespace dyad
