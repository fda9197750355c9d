// SPDX-License-Identifier: Apache-2.0
// What an operation on shared tensors does, decided from shapes and widths alone, so that the
// protocol at both parties and its cost formula follow the same plan.
#pragma once

#include "runtime/tensor/tensor_cost.h"

#include <cstdint>
#include <map>
#include <vector>

namespace dyad {

/// A product with the server's operand: groups of matrices, the chooser's at the left.
struct LinearPlan {
  MatrixShape shape;
  ChoiceFormat format;
  Role chooser = Role::kServer;
};

/// Server chooses: weights of a group (filters x inner) by the windows' elements (inner x
/// positions of all images). Client chooses: both transposed.
LinearPlan convPlan(const clear::Shape &input, const clear::Shape &weight,
                    const clear::ConvWindow &window, unsigned bits, clear::Format weightFormat,
                    LinearProtocol protocol, clear::Format clientFormat);

/// Batches of a matrix product folded into as few products as possible: a right matrix for all
/// batches makes them rows of one product, a left one (`columnsFolded`) columns of one.
struct MatmulPlan {
  MatrixShape shape; ///< of lhs by rhs
  bool columnsFolded = false;
};
MatmulPlan matmulPlan(const clear::Shape &lhs, const clear::Shape &rhs);
/// Of the product as it is run: transposed where the chooser's operand is at the right.
LinearPlan linearPlan(const MatrixShape &shape, bool serverIsLeft, unsigned bits,
                      clear::Format serverFormat, LinearProtocol protocol,
                      clear::Format clientFormat);

/// The real elements of a window at one position along an axis: `count` of them from `first` on, a
/// dilation apart.
struct AxisWindow {
  std::int64_t first = 0;
  std::int64_t count = 0;
};

/// Maximum pooling: in one go, or separably along rows and then along columns of windows, where
/// overlapping windows share the first maxima; whichever compares less.
struct PoolPlan {
  std::int64_t planes = 0;
  std::int64_t inputRows = 0;
  std::int64_t inputColumns = 0;
  clear::Shape result;
  std::vector<AxisWindow> rows;    ///< for each row of the result
  std::vector<AxisWindow> columns; ///< for each column of the result
  std::array<std::int64_t, 2> dilations{1, 1};
  bool separable = false;
  std::vector<std::int64_t> usedRows; ///< rows of the input that are in a window, ascending
};
PoolPlan poolPlan(const clear::Shape &input, const clear::PoolWindow &window);

/// Trees of maxima over groups of different sizes that advance together: `groups` is how many there
/// are of each size.
Cost maximumOfGroupsCost(std::map<std::int64_t, std::uint64_t> groups, unsigned bits, Radix radix);

} // namespace dyad
