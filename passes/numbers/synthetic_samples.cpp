// SPDX-License-Identifier: Apache-2.0
#include "passes/numbers/synthetic_samples.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace dyad {
namespace {

// A fixed sequence (splitmix64): distributions of the standard library differ between
// implementations.
class Numbers {
public:
  explicit Numbers(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ULL) {}
  double uniform() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
  }

private:
  std::uint64_t state_;
};

// Shape of a pattern: value in [0, 1] at relative positions in [0, 1] along each axis.
struct Wave {
  std::array<double, 4> frequency{};
  double phase = 0;
};

constexpr std::size_t kMaxAxes = 4; // patterns vary along the last ones

} // namespace

std::vector<float> syntheticSample(const std::vector<std::int64_t> &shape, double low, double high,
                                   std::size_t index) {
  std::size_t size = 1;
  for (std::int64_t extent : shape)
    size *= static_cast<std::size_t>(extent);
  std::vector<float> values(size);
  Numbers numbers(index + 1);
  std::size_t kind = index % kSyntheticKinds;
  // Later rounds are of smaller contrast, around a base that is not always the middle.
  double contrast = std::ldexp(1.0, -static_cast<int>(index / kSyntheticKinds));

  std::size_t axes = std::min(shape.size(), kMaxAxes);
  std::array<std::int64_t, kMaxAxes> extent{};
  for (std::size_t axis = 0; axis < axes; ++axis)
    extent[axis] = shape[shape.size() - 1 - axis]; // axis 0 is the last one
  auto positions = [&](std::size_t flat) {
    std::array<double, kMaxAxes> at{};
    for (std::size_t axis = 0; axis < axes; ++axis) {
      auto n = static_cast<std::size_t>(extent[axis]);
      at[axis] = n > 1 ? static_cast<double>(flat % n) / static_cast<double>(n - 1) : 0.5;
      flat /= n;
    }
    return at;
  };
  auto fill = [&](auto &&pattern) {
    double base = kind % 2 == 0 ? low : high;
    for (std::size_t i = 0; i < size; ++i) {
      double x = low + (high - low) * std::clamp<double>(pattern(i), 0, 1);
      values[i] = static_cast<float>(base + (x - base) * contrast);
    }
  };

  std::array<Wave, 3> waves;
  for (Wave &wave : waves) {
    for (double &frequency : wave.frequency)
      frequency = std::floor(numbers.uniform() * 4);
    wave.phase = numbers.uniform();
  }
  std::array<std::array<double, kMaxAxes>, 3> centres{};
  for (auto &centre : centres)
    for (double &coordinate : centre)
      coordinate = numbers.uniform();
  auto blobs = [&](std::size_t i) {
    std::array<double, kMaxAxes> at = positions(i);
    double sum = 0;
    for (const auto &centre : centres) {
      double distance = 0;
      for (std::size_t axis = 0; axis < std::min<std::size_t>(axes, 2); ++axis)
        distance += (at[axis] - centre[axis]) * (at[axis] - centre[axis]);
      sum += std::exp(-distance / 0.03);
    }
    return sum;
  };

  switch (kind) {
  case 0: // all low
    fill([](std::size_t) { return 0.0; });
    break;
  case 1: // all high
    fill([](std::size_t) { return 1.0; });
    break;
  case 2: // all in the middle
    fill([](std::size_t) { return 0.5; });
    break;
  case 3: // ramp along the last axis
    fill([&](std::size_t i) { return positions(i)[0]; });
    break;
  case 4: // ramp along the axis before
    fill([&](std::size_t i) { return positions(i)[axes > 1 ? 1 : 0]; });
    break;
  case 5: // smooth field
    fill([&](std::size_t i) {
      std::array<double, kMaxAxes> at = positions(i);
      double sum = 0;
      for (const Wave &wave : waves) {
        double angle = wave.phase;
        for (std::size_t axis = 0; axis < axes; ++axis)
          angle += wave.frequency[axis] * at[axis];
        sum += std::sin(2 * std::numbers::pi * angle);
      }
      return 0.5 + sum / 3;
    });
    break;
  case 6: // bright blobs
    fill(blobs);
    break;
  case 7: // dark blobs
    fill([&](std::size_t i) { return 1 - blobs(i); });
    break;
  case 8: // edge
    fill([&](std::size_t i) { return positions(i)[axes > 1 ? 1 : 0] < centres[0][0] ? 0.0 : 1.0; });
    break;
  case 9: // sparse
    fill([&](std::size_t) { return numbers.uniform() < 0.05 ? numbers.uniform() : 0.5; });
    break;
  case 10: // low or high
    fill([&](std::size_t) { return numbers.uniform() < 0.5 ? 0.0 : 1.0; });
    break;
  default: // uniform
    fill([&](std::size_t) { return numbers.uniform(); });
    break;
  }
  return values;
}

} // namespace dyad
