// SPDX-License-Identifier: Apache-2.0
// See fit.h.
#include "runtime/calibrate/fit.h"

#include <algorithm>
#include <cmath>

namespace dyad {

MachineProfile fitted(const std::vector<Measurement> &measurements,
                      const std::vector<std::uint64_t MachineProfile::*> &fields,
                      MachineProfile start) {
  // shares[i][j]: of measurement i, the part that constant j accounts for as it is; rest[i]: what
  // constants that stay account for.
  const std::size_t count = fields.size();
  std::vector<std::vector<double>> shares;
  std::vector<double> rest;
  std::vector<double> overall;
  MachineProfile fixed = start;
  for (auto field : fields)
    fixed.*field = 0;
  for (const Measurement &measured : measurements) {
    if (!(measured.seconds > 0))
      continue;
    rest.push_back(measured.predicted(fixed) / measured.seconds);
    std::vector<double> row;
    double sum = 0;
    for (auto field : fields) {
      MachineProfile one = fixed;
      one.*field = start.*field;
      row.push_back(measured.predicted(one) / measured.seconds - rest.back());
      sum += row.back();
    }
    if (sum > 0)
      overall.push_back(std::max(0.0, 1 - rest.back()) / sum);
    shares.push_back(std::move(row));
  }
  if (overall.empty())
    return start;
  std::nth_element(overall.begin(),
                   overall.begin() + static_cast<std::ptrdiff_t>(overall.size() / 2),
                   overall.end());
  const double scale = std::max(overall[overall.size() / 2], 1e-3);

  // Coordinate descent on a convex function of few unknowns.
  constexpr unsigned kRounds = 2000;
  constexpr double kDraw = 0.02; // weight of the overall factor against one measurement
  constexpr double kLeast = 0.1; // of the overall factor
  std::vector<double> factors(count, scale);
  for (unsigned round = 0; round < kRounds; ++round)
    for (std::size_t j = 0; j < count; ++j) {
      double numerator = kDraw / scale;
      double denominator = kDraw / (scale * scale);
      for (std::size_t i = 0; i < shares.size(); ++i) {
        double others = rest[i];
        for (std::size_t k = 0; k < count; ++k)
          if (k != j)
            others += shares[i][k] * factors[k];
        numerator += shares[i][j] * (1 - others);
        denominator += shares[i][j] * shares[i][j];
      }
      factors[j] = std::max(numerator / denominator, kLeast * scale);
    }
  MachineProfile result = start;
  for (std::size_t j = 0; j < count; ++j)
    result.*fields[j] =
        std::min(kMaxPicoseconds, static_cast<std::uint64_t>(std::llround(
                                      static_cast<double>(start.*fields[j]) * factors[j])));
  return result;
}

} // namespace dyad
