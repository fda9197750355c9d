// SPDX-License-Identifier: Apache-2.0
// Where the elements of a layer stand in its polynomials (docs/protocols/rlwe.md, "Encoding").
#pragma once

#include "runtime/he/plan.h"
#include "runtime/ot/bit_stream.h"

#include <cstdint>
#include <span>
#include <vector>

namespace dyad::he {

/// Which tile of which image and group.
struct Position {
  std::uint64_t group = 0, image = 0, row = 0, column = 0;
};

class Encoding {
public:
  Encoding(const LinearSpec &spec, const LinearPlan &plan);

  /// Tiles of one group, in the order in which they are sent.
  std::vector<Position> positionsOf(std::uint64_t group) const;

  /// Message polynomial of ciphertext `input` of a position, from the client's values: what is
  /// missing is zero.
  std::vector<std::uint64_t> image(std::span<const std::uint64_t> values, const Position &position,
                                   std::uint64_t input) const;
  /// Coefficients of ciphertext `input` that are sent, in this order, where uploads are truncated.
  std::vector<std::uint32_t> sent(std::uint64_t input) const;

  /// Weight polynomial that takes input `input` to output `output`: calls set(coefficient, weight)
  /// for those that may not be zero.
  template <typename Set>
  void kernel(std::span<const std::int64_t> weights, std::uint64_t group, std::uint64_t input,
              std::uint64_t output, Set &&set) const {
    const std::uint64_t firstFilter = output * plan_.filtersAtOnce;
    const std::uint64_t filters = std::min(plan_.filtersAtOnce, spec_.filters - firstFilter);
    const std::uint64_t firstChannel = input * plan_.channelsAtOnce;
    const std::uint64_t channels = std::min(plan_.channelsAtOnce, channels_ - firstChannel);
    const std::uint64_t taps = spec_.kernel[0] * spec_.kernel[1];
    for (std::uint64_t m = 0; m < filters; ++m)
      for (std::uint64_t v = 0; v < channels; ++v) {
        const std::uint64_t channel = (firstChannel + v) / plan_.phases;
        const std::int64_t *const from =
            weights.data() +
            ((group * spec_.filters + firstFilter + m) * spec_.channels + channel) * taps;
        const std::uint64_t at = m * plan_.block() + origin_ - channelAt(v);
        for (const Tap &tap : taps_[(firstChannel + v) % plan_.phases])
          set(at - tap.back, from[tap.index]);
      }
  }
  /// Coefficients of weight polynomials beyond this are zero.
  std::uint64_t kernelSize() const {
    return (plan_.filtersAtOnce - 1) * plan_.block() + origin_ + 1;
  }
  /// Whether weight polynomials have powers of X^plane only: kernels of one tap, slow channels.
  bool sparse() const { return rows_.extent == 1 && columns_.extent == 1 && plan_.packing == 0; }
  /// Whether all weight polynomials are numbers: one channel, one filter, one tap.
  bool scalar() const { return sparse() && plan_.channelsAtOnce == 1 && plan_.filtersAtOnce == 1; }

  /// Coefficients of a reply that hold results, and where those stand in the layer's result
  /// (images x all filters x output).
  struct Results {
    std::vector<std::uint32_t> coefficients;
    std::vector<std::uint64_t> elements;
  };
  Results results(const Position &position, std::uint64_t reply) const;

private:
  struct Tap {
    std::uint64_t index; ///< in the kernel
    std::uint64_t back;  ///< coefficients before that of the first tap
  };

  /// Where the first coefficient of a channel stands in an image.
  std::uint64_t channelAt(std::uint64_t v) const {
    return plan_.packing != 0 ? plan_.channelsAtOnce - 1 - v : v * plan_.plane();
  }

  const LinearSpec &spec_;
  const LinearPlan &plan_;
  PhaseAxis rows_, columns_;
  std::uint64_t channels_ = 0; ///< of a group, phases counted as channels
  std::uint64_t origin_ = 0;
  std::uint64_t step_ = 1;             ///< from one place of the image to the next
  std::vector<std::vector<Tap>> taps_; ///< of each phase
};

} // namespace dyad::he
