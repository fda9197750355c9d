// SPDX-License-Identifier: Apache-2.0
// What a generated program says about itself: interface, weights without their values, nodes, and
// the correlated OTs of one sample. Constant data only, so that a program of any size compiles at
// once.
#pragma once

#include "runtime/ot/stock_cost.h"
#include "runtime/tensor/owner.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <stdexcept>
#include <string_view>

namespace dyad {

/// A tensor's shape that can stand in constant data: `{1, 3, 32, 32}`, or `{}` for a scalar.
class StaticShape {
public:
  static constexpr std::size_t kMaxRank = 12;

  constexpr StaticShape() = default;
  constexpr StaticShape(std::initializer_list<std::int64_t> sizes) {
    if (sizes.size() > kMaxRank)
      throw std::length_error("shape of too many axes"); // a compile-time error in constant data
    for (const std::int64_t size : sizes)
      sizes_[rank_++] = size;
  }

  constexpr std::span<const std::int64_t> sizes() const { return {sizes_.data(), rank_}; }
  constexpr std::size_t elements() const {
    std::size_t product = 1;
    for (const std::int64_t size : sizes())
      product *= static_cast<std::size_t>(size);
    return product;
  }

private:
  std::array<std::int64_t, kMaxRank> sizes_{};
  std::size_t rank_ = 0;
};

/// An input: its owner reads numbers x, refuses those outside [low, high] and NaN, and hands the
/// program x * 2^fraction, rounded to the nearest integer, halves away from zero.
struct InputInfo {
  std::string_view name;
  StaticShape shape;
  Owner owner = Owner::kClient;
  unsigned bits = 0;
  bool isSigned = true;
  int fraction = 0;
  double low = 0;
  double high = 0;
};

/// An output: integers x, written as floats x / 2^fraction, or as int64 where `integer` (arg-max).
/// Integers may be indices of classes: x is written as labels[x] then, and shown as names[x].
struct OutputInfo {
  std::string_view name;
  StaticShape shape;
  Owner receiver = Owner::kClient;
  unsigned bits = 0;
  bool isSigned = true;
  int fraction = 0;
  bool integer = false;
  std::span<const std::int64_t> labels = {};
  std::span<const std::string_view> names = {};
};

/// A weight: integers of `bits` bits, stored in I8, I16, I32 or I64 (`storageBits`), sign extended.
/// With `storageBits` of 0 its values stand in the program's text (public ones); a weights file may
/// hold it all the same, and nobody reads it there.
struct WeightInfo {
  std::string_view name;
  StaticShape shape;
  unsigned bits = 0;
  bool isSigned = true;
  unsigned storageBits = 0;
  Owner owner = Owner::kServer;

  constexpr bool inFile() const { return storageBits != 0; }
};

/// A state: shares of integers modulo 2^bits that both parties keep from one step to the next, for
/// as long as a connection lasts. Before the first step it is `initial`, zeros if that is empty.
struct StateInfo {
  std::string_view name;
  StaticShape shape;
  unsigned bits = 0;
  std::span<const std::int64_t> initial = {};
};

/// A node as Session::beginNode names it, in the order of execution.
struct NodeInfo {
  std::string_view name;
  std::string_view op;
};

struct ProgramInfo {
  std::string_view model;       ///< for people: the model's file name without folders
  std::string_view dyadVersion; ///< of the compiler that wrote the program
  std::string_view hash;        ///< SHA-256 of the public program text, 64 hex digits
  std::span<const InputInfo> inputs = {};
  std::span<const OutputInfo> outputs = {};
  std::span<const StateInfo> states = {};
  std::span<const WeightInfo> weights = {};
  std::span<const NodeInfo> nodes = {};
  std::uint64_t serverCots = 0;        ///< correlated OTs of one step with the server as sender
  std::uint64_t clientCots = 0;        ///< the same with the client as sender
  std::uint64_t prepareServerCots = 0; ///< of `prepare`, once a session
  std::uint64_t prepareClientCots = 0;
  StockOptions stock = {}; ///< how both parties make them, as the compiler counted
};

namespace generated {

/// Defined by each generated source, of the two-party program and of the reference alike.
const ProgramInfo &programInfo();

} // namespace generated

} // namespace dyad
