// SPDX-License-Identifier: Apache-2.0
// The pass calibrate-ranges: the float network on samples, the extremes of each value, and
// assumptions with head-room behind the operations that compute new magnitudes.
#include "passes/numbers/passes.h"

#include "ir/nn/functions.h"
#include "ir/state.h"
#include "ir/weights.h"

#include "ir/eval/nn_interpreter.h"
#include "passes/analysis/float_ranges.h"
#include "passes/numbers/magnitudes.h"
#include "passes/numbers/precision.h"
#include "passes/numbers/scale_groups.h"
#include "passes/numbers/synthetic_samples.h"
#include "passes/numbers/tie_steps.h"
#include "runtime/clear/normalize.h"

#include <cmath>
#include <fmt/format.h>

using namespace mlir;

namespace dyad {
#define GEN_PASS_DEF_CALIBRATERANGES
#include "passes/numbers/passes.h.inc"

namespace {

// Operations whose results may be larger than their operands. Means, maxima, ReLU and moves of
// elements are proved from their operands' assumptions.
bool computesMagnitudes(Operation *op) {
  if (auto reduce = dyn_cast<nn::ReduceOp>(op))
    return !reduce.staysWithinInput();
  return isa<nn::Conv2DOp, nn::MatMulOp, nn::AddOp, nn::SubOp, nn::MulOp, nn::DivOp, nn::PReluOp,
             nn::BatchNormOp, nn::NormalizeOp>(op);
}

// Whether a function of the value has no result at zero: then head-room is a factor there too.
bool mustBePositive(Value value) {
  return llvm::any_of(value.getUsers(), [value](Operation *user) {
    if (auto function = dyn_cast<nn::FunctionOp>(user))
      return nn::functionDomain(function.getKind(), function.getParameter().convertToDouble())
          .excludesZero;
    if (auto quotient = dyn_cast<nn::DivOp>(user); quotient && quotient.getRhs() == value)
      return true;
    return (isStructure(user) || isa<nn::AssumeOp>(user)) && mustBePositive(user->getResult(0));
  });
}

bool isFloat(Value value) {
  auto tensor = dyn_cast<RankedTensorType>(value.getType());
  return tensor && tensor.getElementType().isF32();
}

struct CalibrateRanges : impl::CalibrateRangesBase<CalibrateRanges> {
  using CalibrateRangesBase::CalibrateRangesBase;
  CalibrateRanges(CalibrateRangesOptions options, std::shared_ptr<const Samples> loaded)
      : CalibrateRangesBase(std::move(options)), loaded_(std::move(loaded)) {}

  std::pair<double, double> rangeOfInput(nn::InputOp input) {
    if (input.getLow() && input.getHigh())
      return {input.getLow()->convertToDouble(), input.getHigh()->convertToDouble()};
    return {-defaultRange, defaultRange};
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    std::vector<nn::InputOp> inputs;
    module.walk([&](nn::InputOp input) { inputs.push_back(input); });
    for (nn::InputOp input : inputs)
      if (!isFloat(input.getResult())) {
        input.emitError("input '")
            << input.getName() << "' is not of floats; fix its value with --set";
        return signalPassFailure();
      }
    if (failed(loadOnce(module, *samples, loaded_)))
      return signalPassFailure();
    bool isDrawn = !loaded_;
    if (isDrawn) {
      // All kinds of inputs, several times where the network is small.
      constexpr double kWorkInAll = 3e9;
      double rounds = kWorkInAll / workOf(module) / kSyntheticKinds;
      auto count = kSyntheticKinds * static_cast<size_t>(std::clamp(rounds, 1.0, 4.0));
      loaded_ = std::make_shared<const Samples>(drawSamples(module, defaultRange, count));
    }
    double bits = headroomBits(isDrawn);
    if (isDrawn)
      warn(inputs, bits);
    if (percentile < 0 || percentile > 100) {
      module.emitError("percentile should be 0 to 100");
      return signalPassFailure();
    }
    llvm::DenseMap<Value, FloatRange> seen;
    std::map<std::string, FloatRange> seenStates;
    if (failed(measure(inputs, seen, seenStates)))
      return signalPassFailure();
    boundStates(seenStates, bits);
    llvm::DenseMap<Value, FloatRange> usual = usualOf(seen);
    for (auto function : module.getOps<func::FuncOp>())
      if (!function.isExternal()) {
        tieSteps(function.getBody().front(), seen);
        tieSteps(function.getBody().front(), usual);
      }
    insertAssumptions(seen, usual, isDrawn, bits);
    boundVariances(bits);
  }

  double headroomBits(bool isDrawn) const {
    if (headroom >= 0)
      return headroom;
    if (isDrawn)
      return syntheticHeadroom;
    return headroomFor(loaded_->count);
  }

  void warn(const std::vector<nn::InputOp> &inputs, double bits) {
    std::string ranges;
    for (nn::InputOp input : inputs) {
      auto [low, high] = rangeOfInput(input);
      ranges += fmt::format("{}'{}' in [{}, {}]", ranges.empty() ? "" : ", ", input.getName().str(),
                            low, high);
    }
    getOperation().emitWarning(fmt::format(
        "no calibration samples: ranges are guessed from drawn inputs ({}) with {} bits of "
        "head-room. Widths may be larger than needed, and real inputs may still exceed them; give "
        "representative inputs with --calibrate FILE.npy, or at least --input-range LO,HI",
        ranges, bits));
  }

  // A little less than a power of two, so that 0 to 1 or 0 to 255 stay below the next one.
  static double marginOf(const FloatRange &range, double bits) {
    constexpr double kShare = 63.0 / 64.0;
    if (range.magnitude() == 0)
      return 0x1p-10; // nothing but zeros seen: room for something
    return (std::exp2(bits) - 1) * kShare * range.magnitude();
  }

  // What bounds a state at any time: what its next value can be whatever it is now, if that is
  // known, else what was seen.
  void boundStates(const std::map<std::string, FloatRange> &seen, double bits) {
    SymbolTable symbols(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      FloatRanges unbounded(function, symbols);
      function.walk([&](nn::StateOp state) {
        if (state.getLow())
          return; // declared
        FloatRange range = seen.at(state.getName().str());
        double margin = marginOf(range, bits);
        FloatRange wider{range.low - margin, range.high + margin};
        auto set = findState<nn::SetStateOp>(*state->getBlock(), state.getName());
        FloatRange always = set ? hull(unbounded.at(set.getValue()), range) : range;
        // A proof that costs no bits is better than an assumption.
        bool isProved =
            always.isFinite() && integerBits(always.magnitude()) <= integerBits(wider.magnitude());
        FloatRange bound = isProved ? always : intersection(always, wider);
        state.setLow(APFloat(bound.low));
        state.setHigh(APFloat(bound.high));
        state.setKind(StringRef(isProved ? "proved" : "calibrated"));
      });
    }
  }

  LogicalResult measure(const std::vector<nn::InputOp> &inputs,
                        llvm::DenseMap<Value, FloatRange> &seen,
                        std::map<std::string, FloatRange> &seenStates) {
    FailureOr<NnInterpreter> program = NnInterpreter::create(getOperation());
    if (failed(program))
      return failure();
    bool finite = true;
    Operation *culprit = nullptr;
    FloatTensors states;
    auto include = [&](const std::string &name, const std::vector<float> &values) {
      if (values.empty())
        return;
      auto [low, high] = std::minmax_element(values.begin(), values.end());
      auto [found, isNew] = seenStates.try_emplace(name, FloatRange{*low, *high});
      if (!isNew)
        found->second = hull(found->second, {*low, *high});
    };
    getOperation().walk([&](nn::StateOp state) {
      std::string name = state.getName().str();
      include(name, state.getInitial() ? floatValues(*state.getInitial()) : std::vector<float>{0});
      if (auto given = loaded_->values.find(name); given != loaded_->values.end())
        include(name, given->second);
    });
    for (size_t sample = 0; sample < loaded_->count; ++sample) {
      FloatTensors tensors;
      for (nn::InputOp input : inputs)
        tensors[input.getName().str()] = clear::Tensor<float>{
            shapeOf(input.getResult()), loaded_->at(input.getName().str(), sample)};
      auto observe = [&](Value value, const clear::Tensor<float> &tensor) {
        Operation *op = value.getDefiningOp();
        includeVariances(value, tensor);
        if (!computesMagnitudes(op) && !isa<nn::InputOp>(op))
          return;
        double low = std::numeric_limits<double>::infinity();
        double high = -low;
        double check = 0; // NaN or infinite if any element is
        for (float x : tensor.data) {
          low = std::min<double>(low, x);
          high = std::max<double>(high, x);
          check += 0 * static_cast<double>(x);
        }
        if (check != 0 && finite) {
          finite = false;
          culprit = op;
        }
        auto [found, isNew] = seen.try_emplace(value, FloatRange{low, high});
        if (!isNew)
          found->second = hull(found->second, {low, high});
        if (percentile < 100 && check == 0)
          includeMagnitudes(value, tensor);
      };
      if (failed(program->run(tensors, observe, &states)))
        return failure();
      for (const auto &[name, value] : states)
        include(name, value.data);
      if (!finite)
        return culprit->emitError("computes NaN or infinity on sample ") << sample;
    }
    return success();
  }

  void includeMagnitudes(Value value, const clear::Tensor<float> &tensor) {
    std::vector<Magnitudes> &channels = magnitudes_[value];
    const ArrayRef<int64_t> shape = cast<RankedTensorType>(value.getType()).getShape();
    const int64_t axis = usualChannelAxis(shape);
    const ChannelShape along = axis < 0 ? ChannelShape{1, 1, 1} : channelShape(shape, axis);
    channels.resize(static_cast<size_t>(along.channels));
    for (size_t i = 0; i < tensor.data.size(); ++i)
      channels[i / static_cast<size_t>(along.inner) % channels.size()].add(tensor.data[i]);
  }

  // What head-room is counted from: where the elements lie, but for the largest ones of each
  // channel; the channel of the largest counts.
  llvm::DenseMap<Value, FloatRange> usualOf(const llvm::DenseMap<Value, FloatRange> &seen) const {
    llvm::DenseMap<Value, FloatRange> usual = seen;
    for (const auto &[value, channels] : magnitudes_) {
      double most = 0;
      for (const Magnitudes &channel : channels)
        most = std::max(most, channel.percentile(percentile));
      FloatRange &range = usual.find(value)->second;
      if (most > 0)
        range = {std::max(range.low, -most), std::min(range.high, most)};
    }
    return usual;
  }

  void includeVariances(Value value, const clear::Tensor<float> &tensor) {
    for (Operation *user : value.getUsers())
      if (auto norm = dyn_cast<nn::NormalizeOp>(user)) {
        const clear::Moments found = clear::moments(tensor, norm.getAxes().vec(), norm.getCenter());
        auto [low, high] = std::minmax_element(found.variances.begin(), found.variances.end());
        auto [known, isNew] = variances_.try_emplace(norm, FloatRange{*low, *high});
        if (!isNew)
          known->second = hull(known->second, {*low, *high});
      }
  }

  // Head-room is that of a deviation, on both sides.
  void boundVariances(double bits) {
    for (auto &[op, range] : variances_) {
      auto norm = cast<nn::NormalizeOp>(op);
      const double factor = std::exp2(2 * bits);
      constexpr double kNegligible = 1e-3; // beside epsilon
      const bool isNegligible = range.low < kNegligible * norm.getEpsilon().convertToDouble();
      norm.setLeastVariance(APFloat(isNegligible ? 0.0 : range.low / factor));
      norm.setMostVariance(APFloat(std::max(range.high, 0x1p-20) * factor));
    }
  }

  void insertAssumptions(const llvm::DenseMap<Value, FloatRange> &seen,
                         const llvm::DenseMap<Value, FloatRange> &usual, bool isDrawn,
                         double bits) {
    SymbolTable symbols(getOperation());
    FloatRanges ranges(symbols);
    std::vector<Operation *> operations;
    getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) { operations.push_back(op); });
    OpBuilder builder(&getContext());
    for (Operation *op : operations) {
      ranges.visit(op);
      auto found = op->getNumResults() == 1 ? seen.find(op->getResult(0)) : seen.end();
      if (found == seen.end() || found->second.low > found->second.high)
        continue;
      Value value = op->getResult(0);
      auto input = dyn_cast<nn::InputOp>(op);
      bool isKnown = value.hasOneUse() && isa<nn::AssumeOp>(*value.user_begin());
      if ((input && input.getLow()) || isKnown)
        continue; // declared
      FloatRange range = found->second;
      if (input && isDrawn) {
        // Less than a power of two, so that no bit is spent on the bound alone.
        double bound = defaultRange * (1 - 0x1p-12);
        range = {-bound, bound};
      } else {
        const FloatRange most = usual.find(value)->second;
        double margin = marginOf(most, bits);
        double low = range.low > 0 && mustBePositive(value) ? range.low * std::exp2(-bits)
                                                            : most.low - margin;
        range = hull(range, {low, most.high + margin});
      }
      FloatRange proved = ranges.at(value);
      if (!input) {
        // Assuming what is proved would only put an unneeded fact on the list of assumptions.
        if (range.low <= proved.low && range.high >= proved.high)
          continue;
        FloatRange both = intersection(range, proved);
        range = both.low <= both.high ? both : range;
      }
      builder.setInsertionPointAfter(op);
      auto assume = builder.create<nn::AssumeOp>(op->getLoc(), value, APFloat(range.low),
                                                 APFloat(range.high), "calibrated");
      value.replaceAllUsesExcept(assume.getResult(), assume);
      ranges.set(assume.getResult(), range);
    }
  }

private:
  std::shared_ptr<const Samples> loaded_;
  llvm::DenseMap<Operation *, FloatRange> variances_;         ///< seen, of normalisations
  llvm::DenseMap<Value, std::vector<Magnitudes>> magnitudes_; ///< by channel, with a percentile
};

} // namespace

std::unique_ptr<Pass> createCalibrateRanges(CalibrateRangesOptions options,
                                            std::shared_ptr<const Samples> samples) {
  return std::make_unique<CalibrateRanges>(std::move(options), std::move(samples));
}

} // namespace dyad
