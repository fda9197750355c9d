// SPDX-License-Identifier: Apache-2.0
// Differences below the tolerance are rounding of whoever merged an update into the weight: 2^-20
// of the tensor's largest weight, finer than any scale that weights are given.
#include "passes/placement/updated_layer.h"

#include "passes/placement/low_rank.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace mlir;

namespace dyad {

namespace {

constexpr double kTolerance = 0x1p-20;
constexpr int64_t kMaxRank = 128;

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

clear::Shape shapeOf(Value value) {
  ArrayRef<int64_t> shape = typeOf(value).getShape();
  return {shape.begin(), shape.end()};
}

double largest(const std::vector<double> &values) {
  double most = 0;
  for (double value : values)
    most = std::max(most, std::abs(value));
  return most;
}

bool areFinite(const std::vector<double> &values) {
  return llvm::all_of(values, [](double value) { return std::isfinite(value); });
}

clear::ConvWindow windowOf(nn::Conv2DOp conv) {
  return clear::ConvWindow::of(conv.getStrides(), conv.getPads(), conv.getDilations(),
                               conv.getGroups());
}

int64_t sizeOf(ArrayRef<int64_t> sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), int64_t{1}, std::multiplies<>());
}

} // namespace

std::optional<UpdatedLayer> UpdatedLayer::of(Operation *op, const Weights &weights,
                                             const Constant &base) {
  UpdatedLayer layer(op);
  layer.last_ = op;
  Value weight;
  if (auto conv = dyn_cast<nn::Conv2DOp>(op)) {
    if (conv.getGroups() != 1)
      return std::nullopt;
    layer.isConv_ = true;
    layer.input_ = conv.getInput();
    weight = conv.getWeight();
    layer.inputAxis_ = layer.outputAxis_ = 1;
    if (conv.getBias()) {
      layer.bias_ = weights.constantOf(conv.getBias());
      if (!layer.bias_)
        return std::nullopt;
    }
  } else if (auto matmul = dyn_cast<nn::MatMulOp>(op)) {
    layer.isLeft_ = weights.isConstant(matmul.getLhs());
    layer.input_ = layer.isLeft_ ? matmul.getRhs() : matmul.getLhs();
    weight = layer.isLeft_ ? matmul.getLhs() : matmul.getRhs();
    const int64_t rank = typeOf(layer.input_).getRank();
    layer.inputAxis_ = layer.outputAxis_ = rank - (layer.isLeft_ ? 2 : 1);
    if (typeOf(weight).getRank() != 2 || (layer.isLeft_ && rank != 2))
      return std::nullopt;
  } else {
    return std::nullopt;
  }
  std::optional<Constant> constant = weights.constantOf(weight);
  if (!constant || weights.isConstant(layer.input_) || constant->isPublic ||
      constant->shape != shapeOf(weight) || constant->shape != base.shape ||
      !areFinite(constant->values) || !areFinite(base.values) || largest(base.values) == 0)
    return std::nullopt;
  layer.weight_ = std::move(*constant);
  layer.recipe_ = weights.symbolOf(weight).str();
  layer.base_ = base;
  const clear::Shape &shape = layer.weight_.shape;
  const bool outputsFirst = layer.isConv_ || layer.isLeft_;
  layer.outputs_ = shape[outputsFirst ? 0 : 1];
  layer.inputs_ = shape[outputsFirst ? 1 : 0];
  layer.window_ = layer.isConv_ ? shape[2] * shape[3] : 1;
  layer.tolerance_ =
      kTolerance * std::max(largest(layer.weight_.values), largest(layer.base_.values));

  // The bias of a matrix product is a sum behind it, and stays before what is added here.
  Value result = op->getResult(0);
  auto sum = !layer.isConv_ && result.hasOneUse() ? dyn_cast<nn::AddOp>(*result.user_begin())
                                                  : nn::AddOp();
  if (sum) {
    std::optional<Constant> constant =
        weights.constantOf(sum.getLhs() == result ? sum.getRhs() : sum.getLhs());
    auto values =
        constant ? constant->along(typeOf(result).getShape(), layer.outputAxis_) : std::nullopt;
    if (values) {
      layer.bias_ = Constant{{layer.outputs_}, *values, constant->name, constant->isPublic};
      layer.last_ = sum;
    }
  }
  return layer;
}

//===--- costs
//----------------------------------------------------------------------------------===//

clear::Shape UpdatedLayer::weightShape(int64_t outputs, int64_t inputs, bool hasWindow) const {
  if (isConv_)
    return {outputs, inputs, hasWindow ? weight_.shape[2] : 1, hasWindow ? weight_.shape[3] : 1};
  return isLeft_ ? clear::Shape{outputs, inputs} : clear::Shape{inputs, outputs};
}

double UpdatedLayer::productSeconds(const LinearSeconds &seconds, int64_t inputs,
                                    int64_t outputs) const {
  clear::Shape input = shapeOf(input_);
  const clear::Shape weight = weightShape(outputs, inputs);
  if (isConv_) {
    input[1] = inputs;
    return seconds.conv(input, weight, windowOf(cast<nn::Conv2DOp>(op_)));
  }
  if (isLeft_)
    return seconds.matmul(weight, {inputs, input[1]}, true);
  return seconds.matmul({sizeOf(ArrayRef<int64_t>(input).drop_back()), inputs}, weight, false);
}

double UpdatedLayer::rankSeconds(const LinearSeconds &seconds, int64_t rank, bool isBehind) const {
  if (!isConv_) {
    const int64_t columns = sizeOf(typeOf(input_).getShape()) / inputs_;
    return productSeconds(seconds, inputs_, rank) + seconds.rescale(rank * columns) +
           productSeconds(seconds, rank, outputs_);
  }
  const clear::ConvWindow window = windowOf(cast<nn::Conv2DOp>(op_));
  const clear::Shape input = shapeOf(input_);
  const clear::Shape output = shapeOf(op_->getResult(0));
  clear::Shape between = isBehind ? input : output;
  between[1] = rank;
  const double rescale = seconds.rescale(clear::sizeOf(between));
  return isBehind ? seconds.conv(input, weightShape(rank, inputs_, false), {}) + rescale +
                        seconds.conv(between, weightShape(outputs_, rank), window)
                  : seconds.conv(input, weightShape(rank, inputs_), window) + rescale +
                        seconds.conv(between, weightShape(outputs_, rank, false), {});
}

std::optional<UpdateSplit> UpdatedLayer::ofRank(const LinearSeconds &seconds, bool isBehind) const {
  const int64_t most = std::min({kMaxRank, inputs_ / 2, outputs_ / 2}); // more is not low
  if (most == 0)
    return std::nullopt;
  const Constant delta = difference();
  // Rows are outputs, with the window where it is behind; columns are inputs, with it otherwise.
  const int64_t rowWindow = isBehind ? window_ : 1, columnWindow = isBehind ? 1 : window_;
  const int64_t rows = outputs_ * rowWindow, columns = inputs_ * columnWindow;
  std::vector<double> matrix(delta.values.size());
  for (int64_t m = 0; m < outputs_; ++m)
    for (int64_t c = 0; c < inputs_; ++c)
      for (int64_t p = 0; p < window_; ++p) {
        const int64_t row = isBehind ? m * window_ + p : m;
        const int64_t column = isBehind ? c : c * window_ + p;
        matrix[static_cast<std::size_t>(row * columns + column)] = delta.values[at(m, c, p)];
      }
  std::optional<LowRankFactors> factors = factorize(rows, columns, matrix, tolerance_, most);
  if (!factors || factors->rank == 0)
    return std::nullopt;

  UpdateSplit split;
  split.kind = isBehind ? UpdateSplit::Kind::kRankBehind : UpdateSplit::Kind::kRank;
  const int64_t rank = split.rank = factors->rank;
  split.seconds = rankSeconds(seconds, rank, isBehind);
  // The first product reads inputs, so its weight is the right factor.
  split.left = {weightShape(rank, inputs_, !isBehind), {}, weight_.name + ".update_a"};
  split.right = {weightShape(outputs_, rank, isBehind), {}, weight_.name + ".update_b"};
  auto transposed = [](const std::vector<double> &values, int64_t height, int64_t width) {
    std::vector<double> result(values.size());
    for (int64_t i = 0; i < height; ++i)
      for (int64_t j = 0; j < width; ++j)
        result[static_cast<std::size_t>(j * height + i)] =
            values[static_cast<std::size_t>(i * width + j)];
    return result;
  };
  if (!isConv_ && !isLeft_) { // inputs first
    split.left.values = transposed(factors->right, rank, columns);
    split.right.values = transposed(factors->left, rows, rank);
    return split;
  }
  split.left.values = std::move(factors->right);
  split.right.values = std::move(factors->left);
  if (isBehind) // [output][position][rank] to [output][rank][position]
    for (int64_t m = 0; m < outputs_; ++m) {
      const auto begin = split.right.values.begin() + m * window_ * rank;
      const std::vector<double> one(begin, begin + window_ * rank);
      std::ranges::copy(transposed(one, window_, rank), begin);
    }
  return split;
}

std::optional<UpdateSplit> UpdatedLayer::best(const LinearSeconds &seconds) const {
  std::vector<bool> isOutput(static_cast<std::size_t>(outputs_), false);
  std::vector<bool> isInput(static_cast<std::size_t>(inputs_), false);
  for (int64_t m = 0; m < outputs_; ++m)
    for (int64_t c = 0; c < inputs_; ++c)
      for (int64_t p = 0; p < window_; ++p) {
        const std::size_t i = at(m, c, p);
        if (std::abs(weight_.values[i] - base_.values[i]) > tolerance_)
          isOutput[static_cast<std::size_t>(m)] = isInput[static_cast<std::size_t>(c)] = true;
      }
  auto indices = [](const std::vector<bool> &flags) {
    std::vector<int64_t> list;
    for (std::size_t i = 0; i < flags.size(); ++i)
      if (flags[i])
        list.push_back(static_cast<int64_t>(i));
    return list;
  };
  UpdateSplit split;
  split.indices = indices(isOutput);
  if (split.indices.empty())
    return split;

  std::optional<UpdateSplit> best;
  auto offer = [&](UpdateSplit candidate) {
    if (!best || candidate.seconds < best->seconds)
      best = std::move(candidate);
  };
  if (auto count = static_cast<int64_t>(split.indices.size()); count < outputs_) {
    split.kind = UpdateSplit::Kind::kOutputs;
    split.seconds = productSeconds(seconds, inputs_, count);
    offer(split);
  }
  split.indices = indices(isInput);
  if (auto count = static_cast<int64_t>(split.indices.size()); count < inputs_) {
    split.kind = UpdateSplit::Kind::kInputs;
    split.seconds = productSeconds(seconds, count, outputs_);
    offer(split);
  }
  for (bool isBehind : {false, true})
    if (!isBehind || window_ > 1)
      if (std::optional<UpdateSplit> found = ofRank(seconds, isBehind))
        offer(std::move(*found));
  return best;
}

//===--- rewriting
//------------------------------------------------------------------------------===//

std::size_t UpdatedLayer::at(int64_t output, int64_t input, int64_t position) const {
  if (isConv_ || isLeft_)
    return static_cast<std::size_t>((output * inputs_ + input) * window_ + position);
  return static_cast<std::size_t>(input * outputs_ + output);
}

Constant UpdatedLayer::difference() const {
  Constant delta{weight_.shape, weight_.values, weight_.name + ".update"};
  for (std::size_t i = 0; i < delta.values.size(); ++i)
    delta.values[i] -= base_.values[i];
  return delta;
}

Constant UpdatedLayer::part(const Constant &from, const std::vector<int64_t> *outputs,
                            const std::vector<int64_t> *inputs) const {
  auto all = [](int64_t count) {
    std::vector<int64_t> list(static_cast<std::size_t>(count));
    std::iota(list.begin(), list.end(), 0);
    return list;
  };
  const std::vector<int64_t> ms = outputs != nullptr ? *outputs : all(outputs_);
  const std::vector<int64_t> cs = inputs != nullptr ? *inputs : all(inputs_);
  Constant result{weightShape(static_cast<int64_t>(ms.size()), static_cast<int64_t>(cs.size())),
                  {},
                  from.name,
                  from.isPublic};
  auto add = [&](int64_t m, int64_t c) {
    for (int64_t p = 0; p < window_; ++p)
      result.values.push_back(from.values[at(m, c, p)]);
  };
  if (isConv_ || isLeft_) {
    for (int64_t m : ms)
      for (int64_t c : cs)
        add(m, c);
  } else {
    for (int64_t c : cs)
      for (int64_t m : ms)
        add(m, c);
  }
  return result;
}

// The layer with another weight and bias. Null if a diagnostic was emitted.
Value UpdatedLayer::product(OpBuilder &builder, Value input, const Constant &weight,
                            const Constant *bias, Weights &weights, bool hasStep) const {
  const Location location = op_->getLoc();
  // Steps of a recurrent network share their weights.
  Constant named = weight;
  named.recipe = recipe_ + " as " + weight.name + " " + clear::describe(weight.shape);
  Value constant = weights.create(builder, location, named);
  if (!constant)
    return {};
  const Type element = builder.getF32Type();
  if (isConv_) {
    auto conv = cast<nn::Conv2DOp>(op_);
    const clear::ConvWindow window = hasStep ? windowOf(conv) : clear::ConvWindow{};
    Value biasValue = bias != nullptr ? weights.create(builder, location, *bias) : Value();
    if (bias != nullptr && !biasValue)
      return {};
    auto type =
        RankedTensorType::get(clear::convShape(shapeOf(input), weight.shape, window), element);
    return builder.create<nn::Conv2DOp>(
        location, type, input, constant, biasValue, builder.getDenseI64ArrayAttr(window.strides),
        builder.getDenseI64ArrayAttr(window.pads), builder.getDenseI64ArrayAttr(window.dilations),
        builder.getI64IntegerAttr(1));
  }
  Value lhs = isLeft_ ? constant : input, rhs = isLeft_ ? input : constant;
  auto type = RankedTensorType::get(clear::matmulShape(shapeOf(lhs), shapeOf(rhs)), element);
  Value result = builder.create<nn::MatMulOp>(location, type, lhs, rhs);
  if (bias == nullptr)
    return result;
  Constant placed = *bias;
  if (isLeft_)
    placed.shape.push_back(1);
  Value biasValue = weights.create(builder, last_->getLoc(), placed, type);
  return biasValue ? builder.create<nn::AddOp>(last_->getLoc(), type, result, biasValue).getResult()
                   : Value();
}

Value UpdatedLayer::gather(OpBuilder &builder, Value value, int64_t axis,
                           const std::vector<int64_t> &indices) const {
  clear::Shape shape = shapeOf(value);
  shape[static_cast<std::size_t>(axis)] = static_cast<int64_t>(indices.size());
  return builder.create<nn::GatherOp>(
      op_->getLoc(), RankedTensorType::get(shape, builder.getF32Type()), value,
      builder.getI64IntegerAttr(axis), builder.getDenseI64ArrayAttr(indices));
}

bool UpdatedLayer::apply(const UpdateSplit &split, Weights &weights) {
  OpBuilder builder(last_);
  const Constant *bias = bias_ ? &*bias_ : nullptr;
  Constant base = base_;
  base.name = weight_.name + ".base";
  base.isPublic = true;
  Value result;
  if (split.kind == UpdateSplit::Kind::kOutputs) {
    std::vector<int64_t> others, order(static_cast<std::size_t>(outputs_));
    for (int64_t m = 0; m < outputs_; ++m)
      if (!llvm::is_contained(split.indices, m))
        others.push_back(m);
    int64_t next = 0;
    for (const std::vector<int64_t> &list : {others, split.indices})
      for (int64_t m : list)
        order[static_cast<std::size_t>(m)] = next++;
    auto columns = [&](const Constant &from, const std::vector<int64_t> &list, StringRef name) {
      std::optional<Constant> own;
      if (bias != nullptr) {
        own = Constant{{static_cast<int64_t>(list.size())}, {}, bias->name, bias->isPublic};
        for (int64_t m : list)
          own->values.push_back(bias->values[static_cast<std::size_t>(m)]);
      }
      Constant some = part(from, &list, nullptr);
      some.name = name.str();
      return product(builder, input_, some, own ? &*own : nullptr, weights);
    };
    Value known = columns(base, others, base.name);
    Value hidden = known ? columns(weight_, split.indices, weight_.name + ".update") : Value();
    if (!hidden)
      return false;
    const int64_t axis = outputAxis_;
    Value both =
        builder.create<nn::ConcatOp>(op_->getLoc(), last_->getResult(0).getType(),
                                     ValueRange{known, hidden}, builder.getI64IntegerAttr(axis));
    result = llvm::is_sorted(order) ? both : gather(builder, both, axis, order);
  } else {
    result = product(builder, input_, base, bias, weights);
    Value update;
    if (result && split.kind == UpdateSplit::Kind::kInputs) {
      update = product(builder, gather(builder, input_, inputAxis_, split.indices),
                       part(difference(), nullptr, &split.indices), nullptr, weights);
    } else if (result && split.kind != UpdateSplit::Kind::kEqual) {
      const bool isBehind = split.kind == UpdateSplit::Kind::kRankBehind;
      Value narrow = product(builder, input_, split.left, nullptr, weights, !isBehind);
      update = narrow ? product(builder, narrow, split.right, nullptr, weights, isBehind) : Value();
    }
    if (!result || (!update && split.kind != UpdateSplit::Kind::kEqual))
      return false;
    if (update)
      result =
          builder.create<nn::AddOp>(op_->getLoc(), last_->getResult(0).getType(), result, update);
  }
  last_->getResult(0).replaceAllUsesWith(result);
  if (last_ != op_)
    last_->erase();
  op_->erase();
  return true;
}

} // namespace dyad
