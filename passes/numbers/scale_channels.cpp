// SPDX-License-Identifier: Apache-2.0
// The pass scale-channels: measures every channel on samples, balances channels against each other,
// and moves the powers of two from one layer's weights into the next one's. Only values of weights
// change.
#include "passes/numbers/passes.h"

#include "ir/eval/nn_interpreter.h"
#include "ir/weights.h"
#include "passes/numbers/channels.h"
#include "passes/numbers/config.h"
#include "passes/numbers/precision.h"
#include "passes/numbers/scale_groups.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace mlir;

namespace dyad {
#define GEN_PASS_DEF_SCALECHANNELS
#include "passes/numbers/passes.h.inc"

namespace {

constexpr double kNothing = -std::numeric_limits<double>::infinity(); // log2 of 0

double logOf(double magnitude) { return magnitude > 0 ? std::log2(magnitude) : kNothing; }

// Magnitudes of what meets in one scale, as powers of two: of a value's channels, or of a weight's
// inputs and outputs. Balanced, each of them is as near to the largest as its neighbours allow.
struct Balance {
  explicit Balance(const Channels &channels)
      : channels_(channels), exponents(channels.count(), 0.0) {}

  struct Entry {
    unsigned output, input;
    double magnitude;
  };

  // The largest weight of each pair of channels.
  void addWeight(const Channels::Weight &weight) {
    nn::WeightOp op = weight.op;
    std::vector<Entry> entries;
    llvm::DenseMap<std::pair<unsigned, unsigned>, size_t> known;
    std::vector<float> values = op.getValue() ? floatValues(*op.getValue()) : std::vector<float>();
    for (size_t e = 0; e < values.size(); ++e) {
      auto [output, input] = weight.classesOf(e);
      std::pair pair(channels_.find(output), channels_.find(input));
      auto [found, isNew] = known.try_emplace(pair, entries.size());
      if (isNew)
        entries.push_back({pair.first, pair.second, 0});
      double &most = entries[found->second].magnitude;
      most = std::max(most, std::abs(static_cast<double>(values[e])));
    }
    for (Entry &entry : entries)
      entry.magnitude = logOf(entry.magnitude);
    weights_.push_back(std::move(entries));
  }

  void addValue(const Channels::Along &along, const std::vector<double> &magnitudes) {
    std::vector<Entry> entries;
    for (size_t i = 0; i < along.classes.size(); ++i)
      entries.push_back({channels_.find(along.classes[i]), Channels::kFixed, logOf(magnitudes[i])});
    values_.push_back(std::move(entries));
  }

  // Each channel moves to where what produces it is as far below its tensor's largest as what reads
  // it is: a larger factor makes the rounding of values and producing weights matter less, that of
  // reading weights more.
  void run() {
    constexpr int kRounds = 40;
    constexpr double kStep = 0.25; // neighbours move at the same time
    constexpr double kMost = 16;
    for (int round = 0; round < kRounds; ++round) {
      produced_.assign(exponents.size(), kNothing);
      read_.assign(exponents.size(), kNothing);
      for (const auto &value : values_)
        collect(value, false);
      for (const auto &weight : weights_)
        collect(weight, true);
      for (size_t i = 0; i < exponents.size(); ++i)
        if (i != Channels::kFixed && std::isfinite(produced_[i]) && std::isfinite(read_[i]))
          exponents[i] =
              std::clamp(exponents[i] + kStep * (read_[i] - produced_[i]), -kMost, kMost);
    }
  }

private:
  void collect(const std::vector<Entry> &entries, bool isWeight) {
    double most = kNothing;
    auto scaled = [&](const Entry &entry) {
      return entry.magnitude + exponents[entry.output] - exponents[entry.input];
    };
    for (const Entry &entry : entries)
      most = std::max(most, scaled(entry));
    if (!std::isfinite(most))
      return;
    for (const Entry &entry : entries) {
      double share = scaled(entry) - most;
      produced_[entry.output] = std::max(produced_[entry.output], share);
      if (isWeight)
        read_[entry.input] = std::max(read_[entry.input], share);
    }
  }

  const Channels &channels_;
  std::vector<std::vector<Entry>> values_, weights_;
  std::vector<double> produced_, read_;

public:
  std::vector<double> exponents; ///< of each class's factor, base two
};

struct ScaleChannels : impl::ScaleChannelsBase<ScaleChannels> {
  using ScaleChannelsBase::ScaleChannelsBase;
  ScaleChannels(ScaleChannelsOptions options, std::shared_ptr<const Samples> loaded)
      : ScaleChannelsBase(std::move(options)), loaded_(std::move(loaded)) {}

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto functions = module.getOps<func::FuncOp>();
    if (functions.empty())
      return;
    func::FuncOp function = *functions.begin();
    Channels channels(function);
    std::vector<int> exponents(channels.count(), 0);
    NumbersConfig numbers;
    readNumbersConfig(config, numbers, [](const std::string &) {}); // nn-to-fx says what is wrong
    if (failed(numbers.givesChannelShifts() ? given(function, channels, numbers, exponents)
                                            : measured(channels, exponents)))
      return signalPassFailure();
    apply(function, channels, exponents);
  }

private:
  // The largest magnitude of each channel on a few samples.
  LogicalResult measured(const Channels &channels, std::vector<int> &exponents) {
    ModuleOp module = getOperation();
    if (failed(loadOnce(module, *samples, loaded_)))
      return failure();
    FailureOr<NnInterpreter> program = NnInterpreter::create(module);
    if (failed(program))
      return failure();
    const Samples few = fewSamples(module, loaded_.get());
    std::map<std::string, clear::Shape> shapes;
    bool areFloats = true;
    module.walk([&](nn::InputOp input) {
      shapes[input.getName().str()] = shapeOf(input.getResult());
      areFloats &= cast<RankedTensorType>(input.getType()).getElementType().isF32();
    });
    if (!areFloats)
      return success(); // calibrate-ranges refuses them
    llvm::MapVector<Value, std::vector<double>> magnitudes;
    auto observe = [&](Value value, const clear::Tensor<float> &tensor) {
      const Channels::Along *along = channels.of(value);
      if (along == nullptr)
        return;
      std::vector<double> &most = magnitudes[value];
      most.resize(along->classes.size());
      ArrayRef<int64_t> shape = cast<RankedTensorType>(value.getType()).getShape();
      size_t after = 1;
      for (int64_t size : shape.drop_front(along->axis + 1))
        after *= static_cast<size_t>(size);
      for (size_t i = 0; i < tensor.data.size(); ++i) {
        double &one = most[i / after % most.size()];
        one = std::max(one, std::abs(static_cast<double>(tensor.data[i])));
      }
    };
    FloatTensors states;
    for (size_t sample = 0; sample < few.count; ++sample) {
      FloatTensors inputs;
      for (const auto &[name, shape] : shapes)
        inputs[name] = clear::Tensor<float>{shape, few.at(name, sample)};
      if (failed(program->run(inputs, observe, &states)))
        return failure();
    }
    Balance balance(channels);
    for (const auto &[value, most] : magnitudes)
      balance.addValue(*channels.of(value), most);
    for (const Channels::Weight &weight : channels.weights())
      if (!weight.inputs.empty())
        balance.addWeight(weight);
    balance.run();
    for (size_t i = 0; i < exponents.size(); ++i)
      exponents[i] =
          static_cast<int>(std::lround(balance.exponents[channels.find(static_cast<unsigned>(i))]));
    return success();
  }

  // What the configuration says of each layer.
  LogicalResult given(func::FuncOp function, const Channels &channels, const NumbersConfig &numbers,
                      std::vector<int> &exponents) {
    const NodeKeys keys(function);
    LogicalResult result = success();
    std::vector<int> byClass(exponents.size(), 0);
    std::vector<bool> isSet(exponents.size(), false);
    function.walk([&](Operation *op) {
      if (!isa<nn::Conv2DOp, nn::MatMulOp>(op))
        return;
      const Channels::Along *along = channels.of(op->getResult(0));
      auto shifts = numbers.node(nodeName(op), keys.index(op)).channelShifts;
      if (!shifts || shifts->empty())
        return;
      if (along == nullptr || along->classes.size() != shifts->size()) {
        op->emitError("channel_shifts of the configuration: ")
            << shifts->size() << " of them, for " << (along == nullptr ? 0 : along->classes.size())
            << " channels that can be scaled";
        result = failure();
        return;
      }
      for (size_t i = 0; i < shifts->size(); ++i) {
        const unsigned one = channels.find(along->classes[i]);
        const auto shift = static_cast<int>((*shifts)[i]);
        if ((one == Channels::kFixed && shift != 0) || (isSet[one] && byClass[one] != shift)) {
          op->emitError("channel_shifts of the configuration: channel ")
              << i << " cannot be scaled by 2^" << shift
              << (one == Channels::kFixed ? "; what uses it does not scale with it"
                                          : "; it meets one that has another factor");
          result = failure();
          return;
        }
        byClass[one] = shift;
        isSet[one] = true;
      }
    });
    for (size_t i = 0; i < exponents.size(); ++i)
      exponents[i] = byClass[channels.find(static_cast<unsigned>(i))];
    return result;
  }

  void apply(func::FuncOp function, const Channels &channels, const std::vector<int> &exponents) {
    for (const Channels::Weight &weight : channels.weights()) {
      nn::WeightOp op = weight.op;
      auto touched = [&](const std::vector<unsigned> &classes) {
        return llvm::any_of(classes, [&](unsigned one) { return exponents[one] != 0; });
      };
      if (!op.getValue() || !(touched(weight.outputs) || touched(weight.inputs)))
        continue;
      std::vector<float> values = floatValues(*op.getValue());
      for (size_t e = 0; e < values.size(); ++e) {
        auto [output, input] = weight.classesOf(e);
        values[e] = std::ldexp(values[e], exponents[output] - exponents[input]);
      }
      op.setValueAttr(makeFloatValue(cast<RankedTensorType>(op.getType()).getShape(), values,
                                     &getContext(), op.getSymName()));
    }
    Builder builder(&getContext());
    function.walk([&](Operation *op) {
      const Channels::Along *along =
          isa<nn::Conv2DOp, nn::MatMulOp>(op) ? channels.of(op->getResult(0)) : nullptr;
      if (along == nullptr)
        return;
      std::vector<int64_t> shifts;
      for (unsigned one : along->classes)
        shifts.push_back(exponents[one]);
      if (llvm::any_of(shifts, [](int64_t shift) { return shift != 0; }))
        op->setAttr(kChannelShifts, builder.getDenseI64ArrayAttr(shifts));
    });
  }

  std::shared_ptr<const Samples> loaded_;
};

} // namespace

std::unique_ptr<Pass> createScaleChannels(ScaleChannelsOptions options,
                                          std::shared_ptr<const Samples> samples) {
  return std::make_unique<ScaleChannels>(std::move(options), std::move(samples));
}

} // namespace dyad
