// SPDX-License-Identifier: Apache-2.0
// From shared bits to ring elements: conversion, product of two private bits, and selection of
// shared values by a shared bit (the multiplexer). The maths is in docs/protocols/selection.md.
#pragma once

#include "runtime/net/task.h"
#include "runtime/ot/session.h"
#include "runtime/protocols/ring.h"
#include "runtime/protocols/selection_cost.h"

#include <vector>

namespace dyad {

// Functionality  shares in, fresh shares out, n elements each, modulo 2^width, 1 <= width <= 64.
// Cost           fCost(...) for each f: bytes, ticks and COTs, exactly. Two ticks each.
// Security       semi-honest, in the COT-hybrid model.
// Errors         kOutOfRange, kShapeMismatch before a byte is sent.
// Source         Huang et al., Cheetah (USENIX Security 2022), multiplexer and COT; the k-bit
//                conversion is our own, see the docs.

/// The bit as a ring element. The lowest bit of each share is the share of the bit.
Task<Ring> bitToRing(Session &session, BitVec share, unsigned width);

/// Server's bit times client's bit, as shares modulo 2^width.
Task<Ring> productOfBits(Session &session, BitVec mine, unsigned width);

/// Values with a width of their own that one bit selects together.
struct SelectedValue {
  Ring share;
  unsigned width = 0;
};

/// bit ? value : 0, for each of `values`.
Task<std::vector<Ring>> multiplex(Session &session, BitVec bit, std::vector<SelectedValue> values);
Task<Ring> multiplex(Session &session, BitVec bit, Ring value, unsigned width);
/// The same where `owner` knows the values (the other party passes empty shares, or zeros): half
/// the cost.
Task<Ring> multiplexKnownValue(Session &session, BitVec bit, Ring value, unsigned width,
                               Role owner);
/// The same where `owner` knows the bit and the other party passes an empty vector.
Task<Ring> multiplexKnownBit(Session &session, BitVec bit, Ring value, unsigned width, Role owner);
/// bit ? a : b.
Task<Ring> select(Session &session, BitVec bit, Ring a, Ring b, unsigned width);

} // namespace dyad
