// SPDX-License-Identifier: Apache-2.0
// Tensors whose values are known while importing, and arithmetic on them: what shape computations
// in a model need, and what can be done to weights before they become symbols.
#pragma once

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace dyad::onnx {

/// Why a node, a tensor or an option cannot be imported: what was found and what to do. Thrown by
/// whatever a builder calls and turned into a diagnostic at the node (graph_importer.cpp); it never
/// leaves the importer.
class Refusal : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// All floating-point types of ONNX are read as f32, all integer types as i64.
enum class Kind { kFloat, kInteger, kBool };

using Shape = std::vector<int64_t>;

/// Row-major values: `floats` for kFloat, `integers` for the other kinds (kBool: 0 or 1).
struct Tensor {
  Kind kind = Kind::kFloat;
  Shape shape;
  std::vector<float> floats;
  std::vector<int64_t> integers;
  int storedType = 0; // of the file (TensorProto), 0 where it was computed

  int64_t size() const;
};

/// More elements than this in one tensor are refused: no model has them, a damaged file may.
inline constexpr int64_t kMaxElements = int64_t{1} << 31;

/// Product of the dimensions. Refuses negative ones and more than kMaxElements elements.
int64_t elementCount(llvm::ArrayRef<int64_t> shape);
/// Row-major strides.
Shape stridesOf(llvm::ArrayRef<int64_t> shape);
/// "1x64x56x56", "scalar" for rank zero.
std::string shapeText(llvm::ArrayRef<int64_t> shape);
/// "float", "integer", "bool".
const char *kindName(Kind kind);
/// The shape that two operands are broadcast to; refuses shapes that do not fit.
Shape broadcastShape(llvm::ArrayRef<int64_t> lhs, llvm::ArrayRef<int64_t> rhs);

Tensor scalarFloat(float value);
Tensor integerVector(llvm::ArrayRef<int64_t> values);

/// Element `i` (counted row-major over `shape`, index vector `x`) is the element of `input` at
/// `offset + sum x[k] * strides[k]`: transposes, slices and broadcasts alike.
Tensor strided(const Tensor &input, Shape shape, int64_t offset, llvm::ArrayRef<int64_t> strides);
/// Element `i` is element `indices[i]` of the flattened input; indices are in range.
Tensor take(const Tensor &input, Shape shape, llvm::ArrayRef<int64_t> indices);
Tensor transpose(const Tensor &input, llvm::ArrayRef<int64_t> permutation);
/// `shape` is one that input broadcasts to.
Tensor broadcast(const Tensor &input, const Shape &shape);
Tensor reshape(const Tensor &input, Shape shape);
/// All of one kind, equal but for `axis`; at least one.
Tensor concat(llvm::ArrayRef<const Tensor *> inputs, int64_t axis);
/// As nn.pad; entries are non-negative.
Tensor pad(const Tensor &input, llvm::ArrayRef<int64_t> low, llvm::ArrayRef<int64_t> high,
           llvm::ArrayRef<int64_t> interior, double value);

/// Elementwise functions with broadcasting; the result has kind `kind`.
Tensor mapFloats(const Tensor &input, const std::function<float(float)> &function);
Tensor mapIntegers(const Tensor &input, Kind kind, const std::function<int64_t(int64_t)> &function);
Tensor zipFloats(const Tensor &lhs, const Tensor &rhs,
                 const std::function<float(float, float)> &function);
Tensor zipIntegers(const Tensor &lhs, const Tensor &rhs, Kind kind,
                   const std::function<int64_t(int64_t, int64_t)> &function);

/// Folds `function` over the axes, which stay with size one; `start` is the value of an empty sum.
/// Floats are summed in double precision.
Tensor reduceFloats(const Tensor &input, llvm::ArrayRef<int64_t> axes, double start,
                    const std::function<double(double, double)> &function);
Tensor reduceIntegers(const Tensor &input, llvm::ArrayRef<int64_t> axes, int64_t start,
                      const std::function<int64_t(int64_t, int64_t)> &function);

} // namespace dyad::onnx
