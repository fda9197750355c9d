// SPDX-License-Identifier: Apache-2.0
// The pass factors-behind-relu: private factors of channels before a ReLU leave their magnitudes to
// the linear operations behind it. What stays is a sign, which takes one bit of an element's ring,
// no truncation, and no flow of its own.
#include "passes/numbers/passes.h"

#include "ir/eval/nn_interpreter.h"
#include "ir/weights.h"
#include "passes/graph/constants.h"
#include "passes/numbers/channels.h"
#include "passes/numbers/config.h"
#include "passes/numbers/precision.h"
#include "passes/numbers/synthetic_samples.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace dyad {
#define GEN_PASS_DEF_FACTORSBEHINDRELU
#include "passes/numbers/passes.h.inc"

namespace {

using Vector = std::vector<double>;

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

// relu(g x + b), with a number of g and of b for each channel.
struct Candidate {
  nn::ReluOp relu;
  nn::AddOp sum; // null where there is no b
  nn::MulOp product;
  Value input;
  size_t axis = 0;
  std::string name; // of the weight g
  Vector g, b;
};

std::optional<Candidate> candidateOf(nn::ReluOp relu, const Weights &weights) {
  Candidate result;
  result.relu = relu;
  Value before = relu.getInput();
  std::optional<Constant> offset;
  if (auto sum = before.getDefiningOp<nn::AddOp>(); sum && before.hasOneUse()) {
    auto parts = splitConstant(sum, weights);
    if (!parts)
      return std::nullopt;
    result.sum = sum;
    before = parts->other;
    offset = std::move(parts->constant);
  }
  result.product = before.getDefiningOp<nn::MulOp>();
  if (!result.product || !before.hasOneUse())
    return std::nullopt;
  auto parts = splitConstant(result.product, weights);
  // A public factor is local already.
  if (!parts || parts->constant.isPublic)
    return std::nullopt;
  result.input = parts->other;
  result.name = parts->constant.name;
  ArrayRef<int64_t> shape = typeOf(relu.getInput()).getShape();
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    auto factor = parts->constant.along(shape, static_cast<int64_t>(axis));
    auto added = offset ? offset->along(shape, static_cast<int64_t>(axis)) : std::nullopt;
    // One number for all is one for each channel: of the axis that channels usually have.
    if (!factor || (offset && !added) || (parts->constant.isScalar() && !offset && axis != 1))
      continue;
    result.axis = axis;
    result.g = std::move(*factor);
    result.b = added ? std::move(*added) : Vector(result.g.size(), 0.0);
    return result;
  }
  return std::nullopt;
}

// The linear operations that read a value through what hands a constant of each channel on as it
// is; false where others read it.
bool linearReaders(Value value, const Weights &weights, llvm::SetVector<Operation *> &readers) {
  for (Operation *user : value.getUsers()) {
    if (auto conv = dyn_cast<nn::Conv2DOp>(user)) {
      // Zeros around it are no constant.
      if (llvm::any_of(conv.getPads(), [](int64_t pad) { return pad != 0; }) ||
          (conv.getBias() && !weights.isConstant(conv.getBias())))
        return false;
      readers.insert(user);
      continue;
    }
    if (isa<nn::MatMulOp>(user)) {
      readers.insert(user);
      continue;
    }
    bool isHanded = isa<nn::ReshapeOp, nn::TransposeOp, nn::SliceOp, nn::GatherOp, nn::BroadcastOp,
                        nn::ConcatOp, nn::MaxPool2DOp>(user);
    if (auto pool = dyn_cast<nn::AveragePool2DOp>(user))
      isHanded = llvm::all_of(pool.getPads(), [](int64_t pad) { return pad == 0; }) &&
                 llvm::all_of(pool.getCeilPads(), [](int64_t pad) { return pad == 0; });
    if (auto reduce = dyn_cast<nn::ReduceOp>(user))
      isHanded = reduce.staysWithinInput();
    if (!isHanded || !linearReaders(user->getResult(0), weights, readers))
      return false;
  }
  return !value.use_empty();
}

struct FactorsBehindRelu : impl::FactorsBehindReluBase<FactorsBehindRelu> {
  using FactorsBehindReluBase::FactorsBehindReluBase;
  FactorsBehindRelu(FactorsBehindReluOptions options, std::shared_ptr<const Samples> loaded)
      : FactorsBehindReluBase(std::move(options)), loaded_(std::move(loaded)) {}

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto functions = module.getOps<func::FuncOp>();
    if (functions.empty())
      return;
    Weights weights(module);
    std::vector<Candidate> candidates;
    Channels::Fresh fresh;
    module.walk([&](nn::ReluOp relu) {
      std::optional<Candidate> one = candidateOf(relu, weights);
      llvm::SetVector<Operation *> readers;
      if (!one || !linearReaders(relu.getResult(), weights, readers))
        return;
      fresh[relu.getResult()] = one->axis;
      candidates.push_back(std::move(*one));
    });
    if (candidates.empty())
      return;
    const Channels channels(*functions.begin(), fresh);
    const std::vector<bool> isFree = freeClasses(channels);
    llvm::erase_if(candidates, [&](Candidate &one) {
      return !llvm::all_of(channels.of(one.relu.getResult())->classes,
                           [&](unsigned channel) { return isFree[channel]; });
    });
    llvm::DenseMap<Value, double> bounds;
    if (candidates.empty())
      return;
    if (failed(measure(candidates, bounds)))
      return signalPassFailure();
    factors_.assign(channels.count(), 1.0);
    rests_.assign(channels.count(), 0.0);
    isMoved_.assign(channels.count(), false);
    for (Candidate &one : candidates)
      rewrite(one, channels.of(one.relu.getResult())->classes, bounds.lookup(one.input), weights);
    for (const Channels::Weight &weight : channels.weights())
      take(weight);
    for (Operation *reader : readers_)
      addRest(reader, weights);
    if (weights.failed())
      signalPassFailure();
  }

private:
  // Classes of channels that nothing but weights of linear operations, as inputs, has to do with.
  static std::vector<bool> freeClasses(const Channels &channels) {
    std::vector<unsigned> members(channels.count(), 0);
    for (unsigned one = 0; one < channels.count(); ++one)
      ++members[channels.find(one)];
    std::vector<bool> isFree(channels.count());
    for (unsigned one = 0; one < channels.count(); ++one)
      isFree[one] = channels.find(one) == one && members[one] == 1 && one != Channels::kFixed;
    for (const Channels::Weight &weight : channels.weights())
      for (unsigned output : weight.outputs)
        isFree[channels.find(output)] = false;
    return isFree;
  }

  // The largest magnitude of each input, with head-room.
  LogicalResult measure(const std::vector<Candidate> &candidates,
                        llvm::DenseMap<Value, double> &bounds) {
    ModuleOp module = getOperation();
    if (failed(loadOnce(module, *samples, loaded_)))
      return failure();
    constexpr double kDefaultRange = 256; // as calibrate-ranges draws them
    constexpr double kDrawnHeadroom = 2;
    const double bits = headroom >= 0 ? headroom
                        : loaded_     ? headroomFor(loaded_->count)
                                      : kDrawnHeadroom;
    if (!loaded_)
      loaded_ =
          std::make_shared<const Samples>(drawSamples(module, kDefaultRange, kSyntheticKinds));
    FailureOr<NnInterpreter> program = NnInterpreter::create(module);
    if (failed(program))
      return failure();
    std::map<std::string, clear::Shape> shapes;
    bool areFloats = true;
    module.walk([&](nn::InputOp input) {
      auto type = typeOf(input.getResult());
      shapes[input.getName().str()] = type.getShape().vec();
      areFloats &= type.getElementType().isF32();
    });
    if (!areFloats)
      return success(); // calibrate-ranges refuses them
    for (const Candidate &one : candidates)
      bounds[one.input] = 0;
    auto observe = [&](Value value, const clear::Tensor<float> &tensor) {
      auto found = bounds.find(value);
      if (found != bounds.end())
        for (float x : tensor.data)
          found->second = std::max(found->second, std::abs(static_cast<double>(x)));
    };
    FloatTensors states;
    for (size_t sample = 0; sample < loaded_->count; ++sample)
      if (failed(program->run(inputsOf(shapes, *loaded_, sample), observe, &states)))
        return failure();
    // A power of two, as all ranges that both parties know; never nothing.
    constexpr double kLeast = 0x1p-16;
    for (auto &[value, bound] : bounds)
      bound = std::exp2(std::ceil(std::log2(std::max(bound * std::exp2(bits), kLeast))));
    return success();
  }

  // relu(g x + b) = |g| relu(+-(x + b / g)). Where b / g is beyond all that x can be, the sum's
  // sign is known and less does: what is missing of b is a constant behind the ReLU then. That
  // nothing is beyond becomes an assumption, whether an offset is or not.
  void rewrite(Candidate &one, const std::vector<unsigned> &classes, double bound,
               Weights &weights) {
    const size_t count = one.g.size();
    clear::Shape shape(static_cast<size_t>(typeOf(one.input).getRank()) - one.axis, 1);
    shape[0] = static_cast<int64_t>(count);
    Constant offsets{shape, Vector(count), one.name + "_offset", false};
    Constant signs{shape, Vector(count), one.name + "_sign", false};
    for (size_t c = 0; c < count; ++c) {
      const double g = one.g[c];
      const double b = one.b[c];
      const double root = g == 0 ? (b > 0 ? bound : -bound) : b / g;
      offsets.values[c] = std::clamp(root, -bound, bound);
      signs.values[c] = g < 0 ? -1 : 0;
      factors_[classes[c]] = std::abs(g);
      isMoved_[classes[c]] = true;
      const bool isAbove = root > bound; // for all x
      const bool isBelow = root < -bound;
      if (g == 0)
        rests_[classes[c]] = std::max(b, 0.0);
      else if ((isAbove && g > 0) || (isBelow && g < 0))
        rests_[classes[c]] = b - g * offsets.values[c];
    }
    llvm::SetVector<Operation *> readers;
    linearReaders(one.relu.getResult(), weights, readers);
    readers_.insert(readers.begin(), readers.end());

    OpBuilder builder(one.relu);
    Location location = one.sum ? one.sum.getLoc() : one.product.getLoc();
    auto type = typeOf(one.input);
    Value offset = weights.create(builder, location, offsets, type);
    Value sign = weights.create(builder, one.relu.getLoc(), signs, type);
    if (!offset || !sign)
      return;
    // What clipped offsets rely on is refused where it does not hold.
    auto input = builder.create<nn::AssumeOp>(location, one.input, APFloat(-bound), APFloat(bound),
                                              "calibrated");
    input->setAttr(kRequired, builder.getUnitAttr());
    Value sum = builder.create<nn::AddOp>(location, input.getResult(), offset);
    Value result = builder.create<nn::SignedReluOp>(one.relu.getLoc(), type, sum, sign);
    one.relu.getResult().replaceAllUsesWith(result);
    erase(one.relu);
  }

  // Removes what only the operation used, too.
  static void erase(Operation *op) {
    SmallVector<Value> operands(op->getOperands());
    op->erase();
    for (Value operand : operands)
      if (Operation *before = operand.getDefiningOp();
          before != nullptr && before->use_empty() &&
          isa<nn::AddOp, nn::MulOp, nn::BroadcastOp, nn::ConstantOp>(before))
        erase(before);
  }

  // The magnitudes of the inputs' channels; before that, what their constants make of each output.
  // Ones and zeros are factors like others: the program must not tell that they are.
  void take(const Channels::Weight &weight) {
    nn::WeightOp op = weight.op;
    if (!op.getValue() || llvm::none_of(weight.inputs, [&](unsigned one) { return isMoved_[one]; }))
      return;
    std::vector<float> values = floatValues(*op.getValue());
    Vector &rest = restOf_[op.getSymNameAttr()];
    rest.assign(weight.outputs.size(), 0.0);
    for (size_t e = 0; e < values.size(); ++e) {
      const unsigned input = weight.classesOf(e).second;
      rest[e / weight.perOutput % rest.size()] += values[e] * rests_[input];
      values[e] = static_cast<float>(values[e] * factors_[input]);
    }
    op.setValueAttr(makeFloatValue(cast<RankedTensorType>(op.getType()).getShape(), values,
                                   &getContext(), op.getSymName()));
  }

  void addRest(Operation *reader, Weights &weights) {
    auto conv = dyn_cast<nn::Conv2DOp>(reader);
    const bool isRight = conv || weights.isConstant(reader->getOperand(1));
    Value matrix = reader->getOperand(isRight ? 1 : 0);
    auto symbol = StringAttr::get(&getContext(), weights.symbolOf(matrix));
    OpBuilder builder(reader);
    Constant bias{{}, restOf_.lookup(symbol), symbol.str() + "_bias", false};
    if (bias.values.empty())
      return;
    bias.shape = {static_cast<int64_t>(bias.values.size())};
    if (conv) {
      if (conv.getBias()) {
        std::optional<Constant> own = weights.constantOf(conv.getBias());
        for (size_t i = 0; i < bias.values.size(); ++i)
          bias.values[i] += own->values[i];
      }
      if (Value constant = weights.create(builder, reader->getLoc(), bias))
        conv.getBiasMutable().assign(constant);
      return;
    }
    if (!isRight)
      bias.shape.push_back(1);
    builder.setInsertionPointAfter(reader);
    Value product = reader->getResult(0);
    Value constant = weights.create(builder, reader->getLoc(), bias, typeOf(product));
    if (!constant)
      return;
    auto sum = builder.create<nn::AddOp>(reader->getLoc(), product, constant);
    product.replaceAllUsesExcept(sum.getResult(), sum);
  }

  std::shared_ptr<const Samples> loaded_;
  Vector factors_, rests_;    ///< of classes: what is left to linear operations
  std::vector<bool> isMoved_; ///< classes that have a factor, whatever it is
  llvm::SetVector<Operation *> readers_;
  llvm::MapVector<StringAttr, Vector> restOf_; ///< of a weight: a constant of each output
};

} // namespace

std::unique_ptr<Pass> createFactorsBehindRelu(FactorsBehindReluOptions options,
                                              std::shared_ptr<const Samples> samples) {
  return std::make_unique<FactorsBehindRelu>(std::move(options), std::move(samples));
}

} // namespace dyad
