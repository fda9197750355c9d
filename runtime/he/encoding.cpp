// SPDX-License-Identifier: Apache-2.0
// See encoding.h.
#include "runtime/he/encoding.h"

#include <algorithm>

namespace dyad::he {

Encoding::Encoding(const LinearSpec &spec, const LinearPlan &plan)
    : spec_(spec), plan_(plan),
      rows_(phaseAxis(spec.kernel[0], spec.strides[0], spec.dilations[0])),
      columns_(phaseAxis(spec.kernel[1], spec.strides[1], spec.dilations[1])),
      channels_(spec.channels * plan.phases), origin_(plan.origin()),
      step_(plan.packing != 0 ? plan.channelsAtOnce : 1), taps_(plan.phases) {
  for (std::uint64_t i = 0; i < spec.kernel[0]; ++i)
    for (std::uint64_t j = 0; j < spec.kernel[1]; ++j)
      taps_[rows_.phaseOf[i] * columns_.phases.size() + columns_.phaseOf[j]].push_back(
          {i * spec.kernel[1] + j, (rows_.offset[i] * plan.pitch() + columns_.offset[j]) * step_});
}

std::vector<Position> Encoding::positionsOf(std::uint64_t group) const {
  std::vector<Position> positions;
  for (std::uint64_t image = 0; image < spec_.images; ++image)
    for (std::uint64_t row = 0; row < plan_.tiles[0]; ++row)
      for (std::uint64_t column = 0; column < plan_.tiles[1]; ++column)
        positions.push_back({group, image, row * plan_.tile[0], column * plan_.tile[1]});
  return positions;
}

std::vector<std::uint64_t> Encoding::image(std::span<const std::uint64_t> values,
                                           const Position &position, std::uint64_t input) const {
  const std::uint64_t first = input * plan_.channelsAtOnce;
  const std::uint64_t count = std::min(plan_.channelsAtOnce, channels_ - first);
  std::vector<std::uint64_t> message(step_ == 1 ? count * plan_.plane() + plan_.overhang()
                                                : plan_.channelsAtOnce *
                                                      (plan_.plane() + plan_.overhang()));
  for (std::uint64_t v = first; v < first + count; ++v) {
    const std::uint64_t channel = position.group * spec_.channels + v / plan_.phases;
    const std::uint64_t phase = v % plan_.phases;
    const std::uint64_t *const plane =
        values.data() + (position.image * spec_.groups * spec_.channels + channel) *
                            spec_.input[0] * spec_.input[1];
    std::uint64_t *into = message.data() + channelAt(v - first);
    // Indices before and after the input stand for padding.
    const std::uint64_t firstRow =
        position.row * spec_.strides[0] + rows_.phases[phase / columns_.phases.size()];
    const std::uint64_t firstColumn =
        position.column * spec_.strides[1] + columns_.phases[phase % columns_.phases.size()];
    for (std::uint64_t i = 0; i < plan_.window[0] - plan_.shared[0]; ++i) {
      const std::uint64_t row = firstRow + i * spec_.strides[0] - spec_.pads[0];
      for (std::uint64_t j = 0; j < plan_.pitch(); ++j, into += step_) {
        const std::uint64_t column = firstColumn + j * spec_.strides[1] - spec_.pads[1];
        if (row < spec_.input[0] && column < spec_.input[1])
          *into = plane[row * spec_.input[1] + column];
      }
    }
  }
  return message;
}

std::vector<std::uint32_t> Encoding::sent(std::uint64_t input) const {
  const std::uint64_t count =
      std::min(plan_.channelsAtOnce, channels_ - input * plan_.channelsAtOnce);
  std::vector<std::uint32_t> coefficients;
  coefficients.reserve(plan_.sentCoefficients(spec_, input));
  // Slow channels are side by side; fast ones have an overhang each.
  const std::uint64_t overhang = plan_.overhang();
  for (std::uint64_t v = 0; v < count; ++v) {
    const bool last = plan_.packing != 0 || v + 1 == count;
    for (std::uint64_t i = 0; i < plan_.plane() + (last ? overhang : 0); ++i)
      coefficients.push_back(static_cast<std::uint32_t>(channelAt(v) + i * step_));
  }
  return coefficients;
}

Encoding::Results Encoding::results(const Position &position, std::uint64_t reply) const {
  Results results;
  const std::uint64_t rows = std::min(plan_.tile[0], spec_.output[0] - position.row);
  const std::uint64_t columns = std::min(plan_.tile[1], spec_.output[1] - position.column);
  const std::uint64_t filters = plan_.filtersAtOnce << plan_.packing;
  const std::uint64_t end = std::min((reply + 1) * filters, spec_.filters);
  for (std::uint64_t filter = reply * filters; filter < end; ++filter) {
    const std::uint64_t product = filter / plan_.filtersAtOnce % plan_.productsPerReply();
    // Packing brings results to multiples of its step, and then products side by side.
    const std::uint64_t first = filter % plan_.filtersAtOnce * plan_.block() + origin_ -
                                (step_ - 1) + product * (step_ >> plan_.packing);
    const std::uint64_t plane =
        (position.image * spec_.groups + position.group) * spec_.filters + filter;
    for (std::uint64_t i = 0; i < rows; ++i)
      for (std::uint64_t j = 0; j < columns; ++j) {
        results.coefficients.push_back(
            static_cast<std::uint32_t>(first + (i * plan_.pitch() + j) * step_));
        results.elements.push_back((plane * spec_.output[0] + position.row + i) * spec_.output[1] +
                                   position.column + j);
      }
  }
  return results;
}

} // namespace dyad::he
