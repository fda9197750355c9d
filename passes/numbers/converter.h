// SPDX-License-Identifier: Apache-2.0
// The conversion of one nn function to fx: which integers an operation's result can be, which type
// that asks for, and how each operation reads on integers.
#pragma once

#include "ir/fx/owner.h"
#include "passes/analysis/float_ranges.h"
#include "passes/analysis/integer_ranges.h"
#include "passes/numbers/config.h"
#include "passes/numbers/quantiser.h"
#include "passes/numbers/scale_groups.h"
#include "runtime/functions/row_operation.h"
#include "runtime/functions/scalar_function.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <map>
#include <set>

namespace dyad {

/// Functions that were fitted, by all that a fit depends on. Recurrent steps ask for the same again
/// and again, as does a search.
struct FittedFunctions {
  std::map<std::string, std::optional<ScalarFunction>> scalars;
  std::map<std::string, std::optional<RowFunction>> rows;
};

/// The command's choices; absent means automatic.
struct NumberChoices {
  std::optional<int64_t> bitwidth;    ///< of every value but weights
  std::optional<int64_t> weightScale; ///< fraction bits of weights
  int64_t weightBits = 11;            ///< significant bits of weights, where scales are chosen
  bool areChecked = false;            ///< check-ranges follows, on samples: it says all it finds
  bool isTrial = false;               ///< only results count, not costs
  double bitsPerFlow = 0;             ///< what a flow is worth on the link, if that counts
};

class Converter {
public:
  Converter(mlir::func::FuncOp function, const mlir::SymbolTable &symbols, ScaleGroups &scales,
            const NodeKeys &keys, Quantiser &quantiser, const NumbersConfig &config,
            const NumberChoices &choices, FittedFunctions &fitted);

  /// Adds the fx operations, each before the nn operation it stands for; those stay. All problems
  /// are diagnostics; false if there was one.
  bool run();

  /// The numbers that were chosen, in the form that a configuration file has.
  const NumbersConfig &chosen() const { return chosen_; }
  /// Diagnostics for what the configuration says of nodes that choose no such number.
  bool reportUnusedEntries();

private:
  /// An fx value and the integers it can be. `settled`: it has its group's fraction already.
  struct Number {
    mlir::Value value;
    IntegerRange range;
    bool settled = true;
  };
  /// A range, the type's width for it, and whether an fx.assume has to say so.
  struct Format {
    IntegerRange range;
    unsigned width = 0;
    unsigned needed = 0; ///< what the range asks for, where the width is fixed
    std::optional<IntegerRange> assumed;
    fx::RangeKind kind = fx::RangeKind::kCalibrated;
  };
  enum class Stage { kResult, kAccumulator };

  void convert(mlir::Operation *op);
  void convertInput(nn::InputOp op);
  void convertOutput(nn::OutputOp op);
  void convertState(nn::StateOp op);
  void convertSetState(nn::SetStateOp op);
  void convertStructure(mlir::Operation *op);
  void convertAssume(nn::AssumeOp op);
  void convertSum(mlir::Operation *op);
  void convertExtremum(mlir::Operation *op);
  void convertProduct(nn::MulOp op);
  void convertSign(mlir::Operation *op);
  void convertSignedRelu(nn::SignedReluOp op);
  void convertClip(nn::ClipOp op);
  void convertStep(nn::StepOp op);
  void convertSlope(mlir::Operation *op);
  void convertConvolution(nn::Conv2DOp op);
  void convertMatMul(nn::MatMulOp op);
  /// What scale-channels did stays visible on the fx operation.
  void copyChannelShifts(mlir::Operation *op, mlir::Value value);
  void convertMaxPool(nn::MaxPool2DOp op);
  void convertAveragePool(nn::AveragePool2DOp op);
  void convertReduce(nn::ReduceOp op);
  void convertArgMax(nn::ArgMaxOp op);
  void convertRound(nn::RoundOp op);
  void convertFunction(nn::FunctionOp op);
  void convertSoftmax(nn::SoftmaxOp op);
  void convertNormalize(nn::NormalizeOp op);
  void convertQuotient(nn::DivOp op);
  /// Matrix whose rows are the elements that differ in `axes` only, and back, into the shape of the
  /// result of `op`.
  mlir::Value toRows(mlir::Operation *op, mlir::Value value, llvm::ArrayRef<int64_t> axes);
  mlir::Value fromRows(mlir::Operation *op, mlir::Value rows, llvm::ArrayRef<int64_t> axes);
  /// Whether functions of rows exist for such numbers; a diagnostic if not.
  bool isForRows(mlir::Operation *op, llvm::StringRef name, fx::FixedType from, int64_t fraction,
                 unsigned width);
  /// A function of rows whose error is at most the given one, in units of the last place.
  using FitRows = llvm::function_ref<std::optional<RowFunction>(double)>;
  /// What `fit` finds from `wanted` on, or found before for the same key; null, after a diagnostic,
  /// where that is nothing.
  const RowFunction *fittedRows(mlir::Operation *op, llvm::StringRef name, const std::string &key,
                                double wanted, const FitRows &fit);
  /// The result of `op` by the function, at `fraction`, in the format's width.
  void finishRows(mlir::Operation *op, llvm::StringRef name, const RowFunction &f, mlir::Value rows,
                  mlir::Value divisor, llvm::ArrayRef<int64_t> axes, int64_t fraction,
                  Format format);
  /// The function of a number, at `fraction` in `width` bits. Nothing, after a diagnostic, where no
  /// polynomial is good enough.
  std::optional<Number> approximated(mlir::Operation *op, nn::FunctionKind kind, double parameter,
                                     const Number &input, int64_t fraction, unsigned width);

  /// A number for the sum `op`, with zeros behind it up to `fraction` bits.
  Number lengthened(mlir::Operation *op, const Number &number, int fraction);
  /// The operand as it is, perhaps with more fraction bits than its group's.
  Number raw(mlir::Value value);
  /// The operand at its group's fraction; a requantisation is made once.
  Number settled(mlir::Value value);
  bool isConstant(mlir::Value value) const;
  /// Whether the value has one consumer, so that it may stay unsettled.
  static bool hasOneUser(mlir::Value value);

  NodeNumbers configured(mlir::Operation *op);
  /// The format of the result of `op`, or of an intermediate sum, which the assumption on the
  /// result says nothing about.
  Format format(mlir::Operation *op, IntegerRange proved, int64_t fraction, Stage stage,
                bool isIntermediate = false);
  FixedConstant weight(mlir::Operation *op, mlir::Value value);
  /// What is known of a number by channel.
  Bounds bounds(const Number &number) const;
  /// The same of a constant that `value` is, at `fraction`.
  Bounds constantBounds(mlir::Value value, int64_t fraction) const;
  /// Fraction bits of a weight of `op` where nobody gives them.
  int64_t weightFraction(mlir::Operation *op, mlir::Value value);
  /// The constant that `op` multiplies `other` with: where the product joins a sum that is rounded
  /// next, as fine as that sum, since nothing is gained by more; in the clear, finer.
  FixedConstant factor(mlir::Operation *op, mlir::Value value, mlir::Value other);
  /// Fraction of the other operand of the one sum that reads a product, if that sum is rounded
  /// next.
  std::optional<int64_t> fractionOfPartner(mlir::Value product);
  /// The constant that `op` adds to a value of the given format.
  FixedConstant addend(mlir::Operation *op, mlir::Value value, int64_t fraction,
                       const Format &format);
  std::optional<IntegerRange> assumption(mlir::Value value, int64_t fraction,
                                         fx::RangeKind &kind) const;
  mlir::RankedTensorType type(mlir::Value shapeOf, unsigned width, int64_t fraction,
                              fx::Owner owner) const;
  mlir::Value assumed(mlir::Value value, const IntegerRange &range, fx::RangeKind kind);
  /// The value behind an fx.assume, if the format says so.
  mlir::Value assumed(mlir::Value value, const Format &format);
  /// Remembers the result of `op`, behind an fx.assume if the format says so.
  void finish(mlir::Operation *op, mlir::Value value, const Format &format, bool settled);
  void divide(mlir::Operation *op, mlir::Value sum, IntegerRange range, int64_t divisor);
  void fail(mlir::Operation *op, const std::string &message);
  void consulted(mlir::Operation *op, const char *key, int64_t chosen);

  mlir::func::FuncOp function_;
  const mlir::SymbolTable &symbols_;
  ScaleGroups &scales_;
  const NodeKeys &keys_;
  Quantiser &quantiser_;
  const NumbersConfig &config_;
  const NumberChoices &choices_;
  NumbersConfig chosen_;
  std::set<std::string> used_;
  /// Of every fx value, as soon as its operation stands.
  IntegerRanges ranges_;
  /// Sees each new operation but those whose bounds are known before.
  struct Tracker : mlir::OpBuilder::Listener {
    explicit Tracker(IntegerRanges &ranges) : ranges(ranges) {}
    void notifyOperationInserted(mlir::Operation *op, mlir::OpBuilder::InsertPoint) override;
    IntegerRanges &ranges;
  };
  Tracker tracker_;
  mlir::OpBuilder builder_;
  llvm::DenseMap<mlir::Value, Number> numbers_;
  llvm::DenseMap<mlir::Value, Number> settled_;
  FittedFunctions &fitted_;
  /// By name: the assumption behind each state's read, and the range that it may have.
  std::map<std::string, std::pair<fx::AssumeOp, IntegerRange>> states_;
  bool ok_ = true;
};

} // namespace dyad
