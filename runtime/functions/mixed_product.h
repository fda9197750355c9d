// SPDX-License-Identifier: Apache-2.0
// Products of shared numbers of different widths, exact in a ring as wide as the caller wants: one
// by one, and rows times a common factor. The maths is in docs/protocols/functions.md.
#pragma once

#include "runtime/functions/resize.h"

namespace dyad {

// Functionality  fresh shares of x * y modulo 2^width.
// Cost           fCost(...) for each f: bytes, ticks and COTs, exactly.
// Security       semi-honest, in the COT-hybrid model; shapes, widths and facts are public.
// Errors         kOutOfRange, kShapeMismatch before a byte is sent.
// Source         Rathee et al., SIRNN (S&P 2021), 3.4, with the wide factor in the result's ring
//                and the narrow one as choices, see the docs.

/// narrow * wide, where `narrow` is the unsigned reading of shares modulo 2^narrowBits whose wrap
/// is at hand, and `wide` is shared modulo 2^width. With narrowBits >= width the wrap is not looked
/// at. narrowProductCost. Two flows.
Task<Ring> narrowProduct(Session &session, Ring narrow, BitVec wrap, unsigned narrowBits, Ring wide,
                         unsigned width);
/// The same with one narrow factor for each row of `wide` (rows x columns): choices count once a
/// row. narrowRowProductCost.
Task<Ring> narrowRowProduct(Session &session, Ring narrow, BitVec wrap, unsigned narrowBits,
                            Ring wide, unsigned width);

/// x * y, both shared. x chooses: let it be the narrower one. mixedProductCost.
Task<Ring> mixedProduct(Session &session, Ring x, NumberFormat xFormat, Ring y,
                        NumberFormat yFormat, unsigned width, Radix radix = {});
/// x * y where `owner` knows x (the other party's x is ignored) and y is shared.
/// mixedProductKnownCost.
Task<Ring> mixedProductKnown(Session &session, Ring x, ChoiceFormat xFormat, Ring y,
                             NumberFormat yFormat, unsigned width, Role owner, Radix radix = {});
/// x * x. mixedSquareCost: one product of x's shares, one selection.
Task<Ring> mixedSquare(Session &session, Ring x, NumberFormat format, unsigned width,
                       Radix radix = {});
/// Row r of y (rows x columns) times factor[r]. rowProductCost.
Task<Ring> rowProduct(Session &session, Ring factor, NumberFormat factorFormat, Ring y,
                      NumberFormat yFormat, unsigned width, Radix radix = {});

} // namespace dyad
