// SPDX-License-Identifier: Apache-2.0
// Products by correlated OT: of private by private, private by shared and shared by shared numbers,
// and matrix products with one private operand. The maths is in docs/protocols/multiplication.md.
#pragma once

#include "runtime/net/task.h"
#include "runtime/ot/session.h"
#include "runtime/protocols/multiplication_cost.h"
#include "runtime/protocols/ring.h"

namespace dyad {

// Functionality  fresh shares of the product modulo 2^width, 1 <= width <= 64. Exact.
// Cost           fCost(...) for each f: bytes, ticks and COTs, exactly; payload goes one way in
//                tiles of kMaxTileBytes, which makes several ticks but still two flows.
// Security       semi-honest, in the COT-hybrid model; shapes and widths are public.
// Errors         kOutOfRange, kShapeMismatch before a byte is sent.
// Source         Gilboa (CRYPTO 1999); Demmler et al., ABY (NDSS 2015); Rathee et al., SIRNN (S&P
//                2021), 3.4; the signed top bit is our own, see the docs.

/// left x right, where the chooser holds `left` (integers of `format`, as ring elements or
/// sign-extended) and the other party holds `right` (modulo 2^width); each passes its own operand
/// as `mine`. Choosing bits costs per element of `left`, payload per product: let the party with
/// the narrower or the smaller operand choose (transpose both operands to exchange the sides).
Task<Ring> privateMatrixProduct(Session &session, MatrixShape shape, Ring mine, ChoiceFormat format,
                                unsigned width, Role chooser);

/// left x right where `owner` knows `left` and `right` is shared; the other party's `left` is
/// ignored. The owner chooses: privateMatrixProductCost(shape, format, width, owner).
Task<Ring> matrixProductKnownLeft(Session &session, MatrixShape shape, Ring left, Ring right,
                                  ChoiceFormat format, unsigned width, Role owner);

/// Element by element: chooser's number times the other party's; privateProductCost.
Task<Ring> privateProduct(Session &session, Ring mine, ChoiceFormat format, unsigned width,
                          Role chooser);
/// Element by element: x known to `owner` times shared y; privateProductCost with the owner as the
/// chooser. The other party's x is ignored.
Task<Ring> productKnownFactor(Session &session, Ring x, Ring y, ChoiceFormat format, unsigned width,
                              Role owner);
/// Element by element, both shared modulo 2^width. productCost.
Task<Ring> product(Session &session, Ring x, Ring y, unsigned width);
/// x * x of shared x. squareCost: about half of product.
Task<Ring> square(Session &session, Ring x, unsigned width);

/// The local part of a product: left x right of one party's own operands.
Ring localMatrixProduct(const MatrixShape &shape, RingSpan left, RingSpan right, unsigned width);

} // namespace dyad
