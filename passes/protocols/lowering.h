// SPDX-License-Identifier: Apache-2.0
// State of the lowering to mpc: which shares of each fx value exist, in which rings, and how an
// operand is brought into the ring that an operation needs.
#pragma once

#include "ir/fx/owner.h"
#include "ir/mpc/mpc.h"
#include "passes/analysis/integer_ranges.h"
#include "passes/cost/time_model.h"
#include "passes/protocols/overrides.h"
#include "runtime/functions/scalar_function.h"

#include "mlir/IR/Builders.h"

#include <map>
#include <optional>
#include <set>
#include <vector>

namespace dyad {

/// Protocols that linear layers may have.
enum class LinearChoice { kAuto, kOt, kHe };

/// Lowers one function in place. A shared fx value x is held in a ring of any width in which it
/// fits, read as signed (or as unsigned where it is never negative): often narrower than its type,
/// since a truncation leaves fewer bits and many values are never used wider.
class Lowering {
public:
  Lowering(mlir::func::FuncOp function, bool strict, const TimeModel &times, LinearChoice linear,
           Overrides &overrides)
      : function_(function), ranges_(function, strict), times_(times), linear_(linear),
        overrides_(overrides), builder_(function) {}

  /// Diagnostics name the node; the function is half-lowered then.
  llvm::LogicalResult run();

private:
  // Operations, by family; each registers the shares of its result.
  llvm::LogicalResult lower(mlir::Operation *op);
  void lowerReveal(fx::RevealOp op);
  void lowerStructure(mlir::Operation *op);
  void lowerSum(mlir::Operation *op);
  void lowerNeg(fx::NegOp op);
  void lowerShiftLeft(fx::ShiftLeftOp op);
  void lowerTruncate(mlir::Operation *op, mlir::Value input, unsigned shift, fx::Rounding rounding);
  void lowerDivide(fx::DivideOp op);
  void lowerReduceSum(mlir::Operation *op);
  void lowerRelu(fx::ReluOp op);
  /// Shares of the ReLU of a value in the ring of its bits, made once.
  mlir::Value reluOf(mlir::Value value);
  void lowerAbs(fx::AbsOp op);
  void lowerMinMax(mlir::Operation *op, bool isMax);
  void lowerClip(fx::ClipOp op);
  void lowerStep(fx::StepOp op);
  /// Ring in which the consumers of a bit want it.
  unsigned wantedWidth(mlir::Value bit) const;
  /// The product of bits with the server's matrix by one OT a bit; null where the operand is no
  /// matrix of bits.
  mpc::MatMulBitOp productOfBits(fx::MatMulOp op, unsigned width);
  void lowerFunction(fx::FunctionOp op);
  void lowerRows(fx::RowsOp op);
  void lowerPRelu(fx::PReluOp op);
  void lowerMaximum(mlir::Operation *op);
  void lowerReduceMin(fx::ReduceMinOp op);
  void lowerArgMax(fx::ArgMaxOp op);
  llvm::LogicalResult lowerMul(fx::MulOp op);
  /// Shares before x channels x after times one of the server's numbers for each channel.
  llvm::LogicalResult lowerChannelFactors(mlir::Value result, mlir::Value shares,
                                          mlir::Value numbers, int64_t before, int64_t channels,
                                          int64_t after);
  llvm::LogicalResult lowerConv(fx::Conv2DOp op);
  llvm::LogicalResult lowerMatMul(fx::MatMulOp op);
  llvm::LogicalResult chooseLinearProtocol(mlir::Operation *op);
  /// Ring of a product: its type's, or a little wider where its differences are compared later, so
  /// that nothing has to be extended then.
  unsigned productWidth(mlir::Value product) const;
  /// Ring that a value needs so that after `shift` bits of truncation so far and those to come its
  /// maxima can be taken; 0 if none are.
  unsigned comparedWidth(mlir::Value value, unsigned shift) const;
  /// The widest ring in which products and functions of the value are computed, directly or behind
  /// what is local; 0 if there are none.
  unsigned consumerRing(mlir::Value value) const;
  /// The ring for a product that is truncated and then goes into another one: with a bit to spare
  /// the truncation can end in a wide ring for no more flows, or be extended without a comparison.
  unsigned ringWithSlack(mlir::Value product, unsigned width) const;

  // Values.
  bool isShared(mlir::Value value) const {
    return fx::fixedType(value).getOwner() == fx::Owner::kShared;
  }
  IntegerRange range(mlir::Value value) const { return ranges_.at(value); }
  /// Bits of a signed ring that holds the value: the ring to read its sign in.
  unsigned bits(mlir::Value value) const { return range(value).signedBits(); }
  /// Ring in which the value's shares were made; for a value that somebody knows, the bits it
  /// needs.
  unsigned nativeWidth(mlir::Value value) const;
  /// Shares modulo 2^width: narrowing is free, widening is an extension.
  mlir::Value ring(mlir::Value value, unsigned width);
  void define(mlir::Value value, mlir::Value shares);

  // Building.
  mlir::Type arith(mlir::Value shapedLike, unsigned width) const;
  mlir::Value narrow(mlir::Value shares, unsigned width);
  mlir::Value extend(mlir::Value shares, unsigned width, const IntegerRange &range);
  mlir::Value msb(mlir::Value shares);
  template <typename Op, typename... Args> Op create(Args &&...args) {
    return builder_.create<Op>(location_, std::forward<Args>(args)...);
  }

  struct Shares {
    unsigned native = 0;
    llvm::SmallVector<std::pair<unsigned, mlir::Value>, 2> byWidth;
  };

  mlir::func::FuncOp function_;
  IntegerRanges ranges_;
  const TimeModel &times_;
  LinearChoice linear_;
  Overrides &overrides_;
  std::set<unsigned> keys_; ///< RLWE parameter sets that layers so far use
  mlir::OpBuilder builder_;
  mlir::Location location_ = mlir::UnknownLoc::get(function_.getContext());
  llvm::DenseMap<mlir::Value, Shares> shares_;
  mutable llvm::DenseMap<mlir::Value, unsigned> consumerRings_;
  /// Functions with wider results, by numbers, range and ring.
  std::map<std::vector<int64_t>, std::optional<ScalarFunction>> wideFunctions_;
  /// Comparisons that others can use: ReLUs by operand, and the maximum or minimum that came first
  /// of two operands.
  llvm::DenseMap<mlir::Value, mlir::Value> relus_;
  llvm::DenseMap<std::pair<const void *, const void *>, mlir::Value> extrema_;
  /// Shares of the bits that fx.step values stand for, and whether of their complements.
  llvm::DenseMap<mlir::Value, std::pair<mlir::Value, bool>> bits_;
};

/// Width of a value's ring.
unsigned ringWidth(mlir::Value shares);
/// The strongest fact that holds for values of the range in a signed ring of `width` bits.
mpc::Knowledge knowledgeOf(const IntegerRange &range, unsigned width);

} // namespace dyad
