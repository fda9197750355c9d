// SPDX-License-Identifier: Apache-2.0
// The pass, and the lowering's bookkeeping of shares and rings; operations are in lower_local.cpp,
// lower_nonlinear.cpp and lower_products.cpp.
#include "passes/protocols/lowering.h"
#include "passes/protocols/passes.h"
#include "runtime/net/error.h"

#include "llvm/ADT/TypeSwitch.h"

#include <limits>

using namespace mlir;

namespace dyad {
#define GEN_PASS_DEF_LOWERTOMPC
#include "passes/protocols/passes.h.inc"

unsigned ringWidth(Value shares) {
  return cast<mpc::ArithType>(cast<RankedTensorType>(shares.getType()).getElementType()).getWidth();
}

mpc::Knowledge knowledgeOf(const IntegerRange &range, unsigned width) {
  if (range.nonNegative() && range.fits(width))
    return mpc::Knowledge::kNonNegative;
  if (width >= 2 && range.fits(width - 1))
    return mpc::Knowledge::kBounded;
  return mpc::Knowledge::kGeneral;
}

Type Lowering::arith(Value shapedLike, unsigned width) const {
  return RankedTensorType::get(cast<RankedTensorType>(shapedLike.getType()).getShape(),
                               mpc::ArithType::get(builder_.getContext(), width));
}

Value Lowering::narrow(Value shares, unsigned width) {
  if (ringWidth(shares) == width)
    return shares;
  return create<mpc::NarrowOp>(arith(shares, width), shares);
}

Value Lowering::extend(Value shares, unsigned width, const IntegerRange &range) {
  unsigned from = ringWidth(shares);
  if (from == width)
    return shares;
  // A value that is never negative may fill its ring; then its top bit is no sign.
  bool isUnsigned = !range.fits(from);
  return create<mpc::ExtendOp>(arith(shares, width), shares, knowledgeOf(range, from), isUnsigned);
}

Value Lowering::msb(Value shares) {
  auto type = RankedTensorType::get(cast<RankedTensorType>(shares.getType()).getShape(),
                                    mpc::BoolType::get(builder_.getContext()));
  return create<mpc::MsbOp>(type, shares);
}

unsigned Lowering::nativeWidth(Value value) const {
  auto found = shares_.find(value);
  return isShared(value) && found != shares_.end() ? found->second.native : bits(value);
}

void Lowering::define(Value value, Value shares) {
  shares_[value] = {ringWidth(shares), {{ringWidth(shares), shares}}};
}

Value Lowering::ring(Value value, unsigned width) {
  Shares &known = shares_[value];
  Value wider;
  Value narrower;
  for (auto [have, shares] : known.byWidth) {
    if (have == width)
      return shares;
    if (have > width && (!wider || have < ringWidth(wider)))
      wider = shares;
    if (have < width && (!narrower || have > ringWidth(narrower)))
      narrower = shares;
  }
  Value result;
  if (!isShared(value))
    result = create<mpc::ShareOp>(arith(value, width), value);
  else if (wider)
    result = narrow(wider, width);
  else
    result = extend(narrower, width, range(value));
  known.byWidth.push_back({width, result});
  return result;
}

LogicalResult Lowering::run() {
  // From the end, so that no question is passed on through a whole network.
  for (Operation &op : llvm::reverse(function_.getBody().front()))
    if (op.getName().getDialectNamespace() == "fx")
      for (Value result : op.getResults())
        (void)consumerRing(result);
  SmallVector<Operation *> lowered;
  bool failed = false;
  for (Operation &op : llvm::make_early_inc_range(function_.getBody().front())) {
    if (op.getName().getDialectNamespace() != "fx")
      continue;
    builder_.setInsertionPoint(&op);
    location_ = op.getLoc();
    if (auto set = dyn_cast<fx::SetStateOp>(op)) {
      unsigned width = fx::fixedType(set.getValue()).getWidth();
      create<mpc::SetStateOp>(set.getName(), ring(set.getValue(), width));
      lowered.push_back(&op);
      continue;
    }
    if (op.getNumResults() != 1 || !(isa<fx::RevealOp>(op) || isShared(op.getResult(0))))
      continue;
    if (lower(&op).failed()) {
      failed = true;
      // Something to go on with, so that all problems are found in one run.
      auto fixed = fx::fixedType(op.getResult(0));
      define(op.getResult(0),
             builder_
                 .create<UnrealizedConversionCastOp>(
                     location_, arith(op.getResult(0), fixed.getWidth()), op.getResult(0))
                 .getResult(0));
    }
    lowered.push_back(&op);
  }
  if (failed)
    return failure();
  for (Operation *op : llvm::reverse(lowered))
    op->erase();
  // Shares that turned out not to be needed.
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(function_.getBody().front())))
    if (op.getName().getDialectNamespace() == "mpc" && op.use_empty() && isPure(&op))
      op.erase();
  return success();
}

LogicalResult Lowering::lower(Operation *op) {
  if (isStructure(op)) {
    lowerStructure(op);
    return success();
  }
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](fx::RevealOp reveal) { return lowerReveal(reveal), success(); })
      .Case([&](fx::StateOp state) {
        unsigned width = fx::fixedType(state.getResult()).getWidth();
        define(state.getResult(),
               create<mpc::StateOp>(arith(state.getResult(), width), state.getNameAttr(),
                                    state.getInitialAttr()));
        return success();
      })
      .Case([&](fx::AssumeOp assume) {
        define(op->getResult(0), ring(assume.getInput(), nativeWidth(assume.getInput())));
        return success();
      })
      .Case([&](fx::ResizeOp resize) {
        // Rings follow values, not types; a narrower type asks for nothing but less width.
        unsigned native = nativeWidth(resize.getInput());
        unsigned width = fx::fixedType(resize.getResult()).getWidth();
        bool fits = range(resize.getResult()).fits(width);
        define(resize.getResult(),
               ring(resize.getInput(), fits ? std::min(native, width) : native));
        return success();
      })
      .Case<fx::AddOp, fx::SubOp>([&](auto) { return lowerSum(op), success(); })
      .Case([&](fx::NegOp neg) { return lowerNeg(neg), success(); })
      .Case([&](fx::ShiftLeftOp shift) { return lowerShiftLeft(shift), success(); })
      .Case([&](fx::TruncateOp truncate) {
        return lowerTruncate(op, truncate.getInput(), truncate.getShift(), truncate.getRounding()),
               success();
      })
      .Case([&](fx::DivideOp divide) { return lowerDivide(divide), success(); })
      .Case<fx::ReduceSumOp, fx::SumPool2DOp>([&](auto) { return lowerReduceSum(op), success(); })
      .Case([&](fx::ReluOp relu) { return lowerRelu(relu), success(); })
      .Case([&](fx::AbsOp abs) { return lowerAbs(abs), success(); })
      .Case([&](fx::MinOp) { return lowerMinMax(op, false), success(); })
      .Case([&](fx::MaxOp) { return lowerMinMax(op, true), success(); })
      .Case([&](fx::StepOp step) { return lowerStep(step), success(); })
      .Case([&](fx::ClipOp clip) { return lowerClip(clip), success(); })
      .Case([&](fx::FunctionOp function) { return lowerFunction(function), success(); })
      .Case([&](fx::RowsOp rows) { return lowerRows(rows), success(); })
      .Case([&](fx::PReluOp prelu) { return lowerPRelu(prelu), success(); })
      .Case<fx::MaxPool2DOp, fx::ReduceMaxOp>([&](auto) { return lowerMaximum(op), success(); })
      .Case([&](fx::ReduceMinOp reduce) { return lowerReduceMin(reduce), success(); })
      .Case([&](fx::ArgMaxOp argMax) { return lowerArgMax(argMax), success(); })
      .Case([&](fx::MulOp mul) { return lowerMul(mul); })
      .Case([&](fx::Conv2DOp conv) { return lowerConv(conv); })
      .Case([&](fx::MatMulOp matmul) { return lowerMatMul(matmul); })
      .Default([&](Operation *other) {
        return other->emitError("no protocol computes ")
               << other->getName().getStringRef() << " on shared values";
      });
}

namespace {

// How often prices are corrected by the demand that followed from them: mostly once is enough.
constexpr unsigned kRounds = 3;

struct LowerToMpc : impl::LowerToMpcBase<LowerToMpc> {
  using LowerToMpcBase::LowerToMpcBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (failed(readOptions(module)))
      return signalPassFailure();
    // Two extremes of what a COT costs, since a program of many COTs and one of few may both agree
    // with their own prices: the better one is kept.
    const CotDemand guesses[] = {{}, {kManyCots, kManyCots}};
    CotDemand best;
    double bestSeconds = std::numeric_limits<double>::infinity();
    for (CotDemand demand : guesses)
      for (unsigned round = 0; round < kRounds; ++round) {
        OwningOpRef<ModuleOp> trial = module.clone();
        if (failed(lower(*trial, demand)))
          return signalPassFailure();
        double seconds = programSeconds(*trial);
        if (seconds < bestSeconds)
          bestSeconds = seconds, best = demand;
        CotDemand next = demandOf(*trial);
        if (next == demand)
          break;
        demand = next;
      }
    if (failed(lower(module, best)) || failed(overrides_.reportUnused(module, "protocol")))
      signalPassFailure();
  }

private:
  static constexpr std::uint64_t kManyCots = 100'000'000;

  LogicalResult readOptions(ModuleOp module) {
    if (linear != "auto" && linear != "ot" && linear != "he")
      return module.emitError("linear=") << linear << " should be auto, ot or he";
    choice_ = linear == "ot"   ? LinearChoice::kOt
              : linear == "he" ? LinearChoice::kHe
                               : LinearChoice::kAuto;
    FailureOr<mpc::Target> target =
        mpc::readTarget(module, network.getValue(), machine.getValue(), ot.getValue());
    if (failed(target))
      return failure();
    target_ = *target;
    FailureOr<Overrides> overrides = Overrides::read(module, config);
    if (failed(overrides))
      return failure();
    overrides_ = *overrides;
    return success();
  }

  LogicalResult lower(ModuleOp module, const CotDemand &demand) {
    mpc::setTarget(module, target_);
    const TimeModel times(target_, demand);
    for (auto function : module.getOps<func::FuncOp>())
      if (!function.isExternal() &&
          Lowering(function, strictRanges, times, choice_, overrides_).run().failed())
        return failure();
    return success();
  }

  mpc::Target target_;
  LinearChoice choice_ = LinearChoice::kAuto;
  Overrides overrides_;
};

} // namespace
} // namespace dyad
