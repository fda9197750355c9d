// SPDX-License-Identifier: Apache-2.0
// How a convolution or matrix product is cut into ring elements: strides become channels (phases),
// the result becomes tiles, channels and filters share a polynomial, products share a reply.
// Decided from shape and declared widths alone, by bytes and time, the same at compiler and
// parties.
#pragma once

#include "runtime/he/parameters.h"
#include "runtime/net/machine.h"

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <vector>

namespace dyad::he {

/// A convolution of images that the client holds (its share modulo 2^bits) with the server's
/// weights. A matrix product is one of 1x1 kernels: its rows are positions.
struct LinearSpec {
  std::uint64_t groups = 1;
  std::uint64_t images = 1;
  std::uint64_t channels = 0; ///< of a group
  std::uint64_t filters = 0;  ///< of a group
  std::array<std::uint64_t, 2> input{1, 1};
  std::array<std::uint64_t, 2> kernel{1, 1};
  std::array<std::uint64_t, 2> output{1, 1};
  std::array<std::uint64_t, 2> strides{1, 1};
  std::array<std::uint64_t, 2> pads{}; ///< at the top and at the left
  std::array<std::uint64_t, 2> dilations{1, 1};
  unsigned bits = 0; ///< of the ring, 1 to 50
  unsigned weightBits = 0;
  bool weightSigned = true;
  bool packed = false; ///< replies may be packed: the session has Galois keys

  auto operator<=>(const LinearSpec &) const = default;
  bool empty() const {
    return groups * images * channels * filters * output[0] * output[1] * kernel[0] * kernel[1] ==
           0;
  }
};

/// Along one axis: the tap k of the kernel reads phase phaseOf[k] of the input at offset[k]. Phase
/// p at index i is the input at i * stride + phases[p] - pad.
struct PhaseAxis {
  std::vector<std::uint64_t> phases;
  std::vector<std::size_t> phaseOf;
  std::vector<std::uint64_t> offset;
  std::uint64_t extent = 1; ///< taps of the kernel between phases, 1 + the largest offset
};
PhaseAxis phaseAxis(std::uint64_t kernel, std::uint64_t stride, std::uint64_t dilation);

/// What a layer's set-up has to provide: a parameter set and, for packed replies, Galois keys. Bit
/// k of `steps` asks for that of X -> X^(degree / 2^k + 1).
struct KeyNeed {
  unsigned set = 0;
  unsigned steps = 0;
  KeyNeed(unsigned set = 0, unsigned steps = 0) : set(set), steps(steps) {}
  bool operator==(const KeyNeed &) const = default;
};

struct LinearPlan {
  unsigned set = 0;
  Budget budget;
  std::uint64_t phases = 1;                  ///< of both axes together
  std::uint64_t channelsAtOnce = 1;          ///< phase channels in a ciphertext
  std::uint64_t filtersAtOnce = 1;           ///< filters in a product
  unsigned packing = 0;                      ///< 2^packing products in a reply; channels are fast
  std::array<std::uint64_t, 2> tile{1, 1};   ///< of the result
  std::array<std::uint64_t, 2> window{1, 1}; ///< of a phase of the input: tile + extent - 1
  /// Rows and columns of the window that are not encoded: padding after the input, for which the
  /// padding before the next row or channel stands in (docs/protocols/rlwe.md, "Encoding").
  std::array<std::uint64_t, 2> shared{};
  std::array<std::uint64_t, 2> tiles{1, 1};
  std::uint64_t inputs = 1;  ///< ciphertexts of a tile
  std::uint64_t outputs = 1; ///< products of a tile, each summed over its inputs

  /// Places of an image from one row to the next, and from one channel to the next.
  std::uint64_t pitch() const { return window[1] - shared[1]; }
  std::uint64_t plane() const { return (window[0] - shared[0]) * pitch(); }
  /// Places after the last channel that the last results read as padding.
  std::uint64_t overhang() const { return shared[0] * pitch() + shared[1]; }
  /// Coefficients that a product takes.
  std::uint64_t size() const {
    return filtersAtOnce * block() + overhang() * (packing != 0 ? channelsAtOnce : 1);
  }
  /// Coefficients from one filter of a product to the next.
  std::uint64_t block() const { return plane() * channelsAtOnce; }
  /// Coefficient of the first result of a product: see docs/protocols/rlwe.md, "Encoding".
  std::uint64_t origin() const;
  /// Whether uploads leave out what no result depends on: see docs/protocols/rlwe.md, "Encoding".
  bool truncated() const { return filtersAtOnce == 1; }
  KeyNeed keys() const;
  /// Replies of a tile, and how many products are in all but the last.
  std::uint64_t replies() const { return ((outputs - 1) >> packing) + 1; }
  std::uint64_t productsPerReply() const { return std::uint64_t{1} << packing; }
  /// Tiles of all images and groups.
  std::uint64_t positions(const LinearSpec &spec) const {
    return spec.groups * spec.images * tiles[0] * tiles[1];
  }
  std::uint64_t products(const LinearSpec &spec) const {
    return positions(spec) * inputs * outputs;
  }
  std::uint64_t automorphisms(const LinearSpec &spec) const {
    return positions(spec) * (outputs - replies());
  }
  /// Coefficients of ciphertext `input` that are sent, and the bytes that they take.
  std::uint64_t sentCoefficients(const LinearSpec &spec, std::uint64_t input) const;
  std::uint64_t inputBytes(const LinearSpec &spec, std::uint64_t input) const;
  /// Bytes of a reply with so many results.
  std::uint64_t outputBytes(const LinearSpec &spec, std::uint64_t results) const;
  std::uint64_t uploadBytes(const LinearSpec &spec) const;
  std::uint64_t replyBytes(const LinearSpec &spec) const;
  /// Computing of one core at both parties together, about.
  std::uint64_t picoseconds(const LinearSpec &spec, const MachineProfile &machine) const;
  /// What the search goes by: bytes, and computing as bytes.
  std::uint64_t price(const LinearSpec &spec) const;
};

/// `shared` of a plan whose tile, window and number of tiles are set: the padding of an axis that
/// stands at both ends of one tile.
std::array<std::uint64_t, 2> sharedPadding(const LinearSpec &spec, const LinearPlan &plan);

/// The best plan, or nothing where no parameter set is exact for these widths or nothing is to be
/// computed.
std::optional<LinearPlan> planFor(const LinearSpec &spec);

} // namespace dyad::he
