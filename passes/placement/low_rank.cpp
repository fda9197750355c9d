// SPDX-License-Identifier: Apache-2.0
#include "passes/placement/low_rank.h"

#include <Eigen/Dense>

#include <algorithm>
#include <cmath>
#include <random>

namespace dyad {

namespace {

using Matrix = Eigen::MatrixXd;
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

std::vector<double> rowMajor(const Matrix &matrix) {
  const RowMajor copy = matrix;
  return {copy.data(), copy.data() + copy.size()};
}

} // namespace

std::optional<LowRankFactors> factorize(std::int64_t rows, std::int64_t columns,
                                        std::span<const double> values, double tolerance,
                                        std::int64_t maxRank) {
  const Matrix whole = Eigen::Map<const RowMajor>(values.data(), rows, columns);
  if (whole.size() == 0 || whole.cwiseAbs().maxCoeff() <= tolerance)
    return LowRankFactors{};
  constexpr std::int64_t kMore = 8; // columns of the projection beyond the rank
  const std::int64_t width = std::min({maxRank + kMore, rows, columns});
  if (maxRank < 1)
    return std::nullopt;

  std::mt19937_64 random(1);
  const Matrix projection = Matrix::NullaryExpr(columns, width, [&] {
    return static_cast<double>(random() >> 11) * 0x1p-52 - 1; // -1 to 1, on every machine
  });
  const Matrix range = Eigen::HouseholderQR<Matrix>(whole * projection).householderQ() *
                       Matrix::Identity(rows, width);
  const Matrix within = range.transpose() * whole;
  const Eigen::BDCSVD<Matrix> svd(within, Eigen::ComputeThinU | Eigen::ComputeThinV);

  Matrix rest = whole;
  for (std::int64_t rank = 1; rank <= std::min(maxRank, width); ++rank) {
    const std::int64_t last = rank - 1;
    rest -= (range * svd.matrixU().col(last)) * svd.singularValues()(last) *
            svd.matrixV().col(last).transpose();
    if (rest.cwiseAbs().maxCoeff() > tolerance)
      continue;
    const Matrix roots = svd.singularValues().head(rank).cwiseSqrt().asDiagonal();
    return LowRankFactors{rank, rowMajor(range * svd.matrixU().leftCols(rank) * roots),
                          rowMajor(roots * svd.matrixV().leftCols(rank).transpose())};
  }
  return std::nullopt;
}

} // namespace dyad
