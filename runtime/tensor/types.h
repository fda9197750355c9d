// SPDX-License-Identifier: Apache-2.0
// The values of a two-party program at one party: shares of ring elements, shares of bits, and
// values in the clear that both or only one party knows. Row-major, as everywhere.
#pragma once

#include "runtime/clear/checked.h"
#include "runtime/clear/shape.h"
#include "runtime/ot/session.h"
#include "runtime/tensor/owner.h"

#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

namespace dyad {

using clear::ConvWindow;
using clear::Format;
using clear::PoolWindow;
using clear::Shape;

/// This party's summand of integers modulo 2^bits.
struct Share {
  Shape shape;
  unsigned bits = 0;
  Ring values;
};

/// This party's summand, modulo 2, of bits.
struct BitShare {
  Shape shape;
  BitVec bits;
};

/// Integers in the clear. `values` is empty at a party that does not know them.
struct Plain {
  Shape shape;
  Owner owner = Owner::kPublic;
  std::vector<std::int64_t> values;
};

/// Whether this party knows values of that owner.
inline bool knows(const Session &session, Owner owner) {
  return owner == Owner::kPublic || (owner == Owner::kServer) == session.isServer();
}

/// For the kernels of runtime/clear.
inline clear::Tensor<std::int64_t> tensorOf(const Plain &x) { return {x.shape, x.values}; }

/// Address of an operand that was made for this call: it lives until the call's full expression
/// ends.
template <typename T> const T *addressOf(const T &operand) { return &operand; }

/// A value computed in the clear by the party or parties that know it; `kernel` returns a
/// clear::Tensor<int64_t> of `shape` and runs only there:
/// `auto y = known(session, x.owner, {4, 2}, [&] { return clear::transpose(tensorOf(x), {1, 0});
/// })`
template <typename Kernel>
Plain known(Session &session, Owner owner, Shape shape, Kernel &&kernel) {
  Plain result{std::move(shape), owner, {}};
  if (!knows(session, owner))
    return result;
  const auto begin = std::chrono::steady_clock::now();
  clear::Tensor<std::int64_t> tensor = std::forward<Kernel>(kernel)();
  session.addClearSeconds(
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  DYAD_REQUIRE(tensor.shape == result.shape, kShapeMismatch, "a value of {} instead of {}",
               clear::describe(tensor.shape), clear::describe(result.shape));
  result.values = std::move(tensor.data);
  return result;
}

} // namespace dyad
