// SPDX-License-Identifier: Apache-2.0
// Lowering of products. Operands are brought to the result's width first, since the products wrap
// in the ring and only the final value must fit; the cost formulas decide whose bits are the
// choices.
#include "ir/mpc/operands.h"
#include "passes/protocols/lowering.h"
#include "runtime/he/he_cost.h"

using namespace mlir;

namespace dyad {
namespace {

// A product some bits wider costs less than the extension of its result would.
constexpr unsigned kMaxExtraBits = 2;

fx::Owner ownerOf(Value value) { return fx::fixedType(value).getOwner(); }

// A factor of which each number counts for many elements: those of an index of one axis, once the
// tensor is before x count x after.
struct RepeatedFactor {
  Value numbers; // `count` of them
  int64_t before = 1, count = 1, after = 1;
};
std::optional<RepeatedFactor> repeatedFactor(Value factor) {
  auto broadcast = factor.getDefiningOp<fx::BroadcastOp>();
  if (!broadcast)
    return std::nullopt;
  ArrayRef<int64_t> to = cast<RankedTensorType>(factor.getType()).getShape();
  ArrayRef<int64_t> from = cast<RankedTensorType>(broadcast.getInput().getType()).getShape();
  RepeatedFactor result{broadcast.getInput()};
  for (size_t axis = 0; axis < to.size(); ++axis) {
    const size_t missing = to.size() - from.size();
    const int64_t own = axis < missing ? 1 : from[axis - missing];
    if (own == 1 && to[axis] != 1)
      (result.count == 1 ? result.before : result.after) *= to[axis];
    else if (own != 1 && result.after != 1)
      return std::nullopt; // numbers along axes that are no neighbours
    else
      result.count *= own;
  }
  return result;
}

} // namespace

unsigned Lowering::comparedWidth(Value value, unsigned shift) const {
  unsigned width = 0;
  for (Operation *user : value.getUsers()) {
    if (auto truncate = dyn_cast<fx::TruncateOp>(user)) {
      width = std::max(width, comparedWidth(truncate.getResult(),
                                            shift + static_cast<unsigned>(truncate.getShift())));
    } else if (isa<fx::AssumeOp, fx::ReshapeOp, fx::TransposeOp, fx::SliceOp, fx::GatherOp>(user)) {
      width = std::max(width, comparedWidth(user->getResult(0), shift));
    } else if (isa<fx::MaxPool2DOp, fx::ReduceMaxOp>(user)) {
      IntegerRange all = range(value);
      width = std::max(width, hull(all, difference(all, all)).signedBits() + shift);
    }
  }
  return width;
}

unsigned Lowering::productWidth(Value product) const {
  unsigned width =
      ringWithSlack(product, std::max(fx::fixedType(product).getWidth(), bits(product)));
  unsigned wanted = comparedWidth(product, 0);
  return wanted <= std::min(width + kMaxExtraBits, 64U) ? std::max(width, wanted) : width;
}

LogicalResult Lowering::lowerMul(fx::MulOp op) {
  Value result = op.getResult();
  unsigned width = productWidth(result);
  Value lhs = op.getLhs();
  Value rhs = op.getRhs();
  if (isShared(lhs) && isShared(rhs)) {
    Value left = ring(lhs, width);
    define(result, create<mpc::MulSharedOp>(left.getType(), left, ring(rhs, width)));
    return success();
  }
  if (!isShared(lhs) && !isShared(rhs)) {
    // The client's number times the server's: either one can be the factor.
    mpc::MulPrivateOp best;
    for (auto [shared, factor] : {std::pair(lhs, rhs), std::pair(rhs, lhs)}) {
      Value shares = ring(shared, width);
      auto candidate = create<mpc::MulPrivateOp>(shares.getType(), shares, factor);
      if (best && times_.seconds(best) <= times_.seconds(candidate)) {
        candidate.erase();
        continue;
      }
      if (best)
        best.erase();
      best = candidate;
    }
    define(result, best.getResult());
    return success();
  }
  Value factor = isShared(lhs) ? rhs : lhs;
  Value shares = ring(isShared(lhs) ? lhs : rhs, width);
  if (ownerOf(factor) == fx::Owner::kPublic) {
    define(result, create<mpc::MulPublicOp>(shares.getType(), shares, factor));
    return success();
  }
  if (ownerOf(factor) == fx::Owner::kServer)
    if (auto repeated = repeatedFactor(factor); repeated && repeated->before * repeated->after > 1)
      return lowerChannelFactors(result, shares, repeated->numbers, repeated->before,
                                 repeated->count, repeated->after);
  define(result, create<mpc::MulPrivateOp>(shares.getType(), shares, factor));
  return success();
}

// Channels are the groups of a matrix product with matrices of one number: its bits are chosen once
// for all elements of the channel, or it multiplies them in one ciphertext.
LogicalResult Lowering::lowerChannelFactors(Value result, Value shares, Value numbers,
                                            int64_t before, int64_t channels, int64_t after) {
  auto shaped = [](Value value, ArrayRef<int64_t> shape) {
    return RankedTensorType::get(shape, cast<RankedTensorType>(value.getType()).getElementType());
  };
  auto reshaped = [&](Value value, ArrayRef<int64_t> shape) -> Value {
    RankedTensorType type = shaped(value, shape);
    return type == value.getType() ? value : create<mpc::ReshapeOp>(type, value).getResult();
  };
  const auto original = cast<RankedTensorType>(shares.getType());
  const int64_t elements = before * after;
  if (before > 1) {
    shares = reshaped(shares, {before, channels, after});
    shares = create<mpc::TransposeOp>(shaped(shares, {channels, before, after}), shares,
                                      ArrayRef<int64_t>{1, 0, 2});
  }
  shares = reshaped(shares, {channels, 1, elements});
  Value factors = create<fx::ReshapeOp>(shaped(numbers, {channels, 1, 1}), numbers);
  auto protocol =
      mpc::LinearProtocolAttr::get(builder_.getContext(), mpc::LinearProtocol::kOtServerChooses);
  auto product = create<mpc::MatMulOp>(shares.getType(), factors, shares, protocol);
  if (failed(chooseLinearProtocol(product)))
    return failure();
  Value back = product.getResult();
  if (before > 1) {
    back = reshaped(back, {channels, before, after});
    back = create<mpc::TransposeOp>(shaped(back, {before, channels, after}), back,
                                    ArrayRef<int64_t>{1, 0, 2});
  }
  define(result, reshaped(back, original.getShape()));
  return success();
}

LogicalResult Lowering::chooseLinearProtocol(Operation *op) {
  auto seconds = [&](mpc::LinearProtocol protocol) {
    op->setAttr("protocol", mpc::LinearProtocolAttr::get(builder_.getContext(), protocol));
    return times_.seconds(op);
  };
  double server = seconds(mpc::LinearProtocol::kOtServerChooses);
  double client = seconds(mpc::LinearProtocol::kOtClientChooses);
  if (server <= client)
    seconds(mpc::LinearProtocol::kOtServerChooses);
  LinearChoice choice = linear_;
  std::optional<std::string> fixed = overrides_.protocol(op);
  if (fixed)
    choice = *fixed == "he" ? LinearChoice::kHe : LinearChoice::kOt;
  if (choice == LinearChoice::kOt)
    return success();
  std::optional<he::LinearPlan> plan = he::planFor(mpc::heSpecOf(op));
  if (!plan && fixed)
    return op->emitError(
        "no RLWE parameters are exact for its widths; its protocol can only be ot");
  if (!plan)
    return success();
  Attribute byOt = op->getAttr("protocol");
  double encrypted = seconds(mpc::LinearProtocol::kHe);
  const he::KeyNeed need = plan->keys();
  if (!keys_.contains(need.set))
    encrypted += times_.keys({&need, 1});
  if (choice == LinearChoice::kHe || encrypted < std::min(server, client))
    keys_.insert(plan->set);
  else
    op->setAttr("protocol", byOt);
  return success();
}

LogicalResult Lowering::lowerConv(fx::Conv2DOp op) {
  bool isPublic = ownerOf(op.getWeight()) == fx::Owner::kPublic;
  if (!isPublic && ownerOf(op.getWeight()) != fx::Owner::kServer)
    return op.emitError("convolution of shared values needs weights that the server knows, not ")
           << fx::stringifyOwner(ownerOf(op.getWeight())) << " ones";
  Value result = op.getResult();
  unsigned width = productWidth(result);
  Value input = ring(op.getInput(), width);
  Value bias = op.getBias();
  bool biasInside = bias && !isPublic && ownerOf(bias) == fx::Owner::kServer;
  Value sum;
  if (isPublic) {
    sum = create<mpc::Conv2DPublicOp>(arith(result, width), input, op.getWeight(),
                                      op.getStridesAttr(), op.getPadsAttr(), op.getDilationsAttr(),
                                      op.getGroupsAttr());
  } else {
    auto protocol =
        mpc::LinearProtocolAttr::get(builder_.getContext(), mpc::LinearProtocol::kOtServerChooses);
    auto conv = create<mpc::Conv2DOp>(
        arith(result, width), input, op.getWeight(), biasInside ? bias : Value(),
        op.getStridesAttr(), op.getPadsAttr(), op.getDilationsAttr(), op.getGroupsAttr(), protocol);
    if (failed(chooseLinearProtocol(conv)))
      return failure();
    sum = conv.getResult();
  }
  if (bias && !biasInside) {
    auto element = mpc::ArithType::get(builder_.getContext(), width);
    int64_t channels = cast<RankedTensorType>(bias.getType()).getDimSize(0);
    Value column = create<mpc::ReshapeOp>(RankedTensorType::get({1, channels, 1, 1}, element),
                                          ring(bias, width));
    Value everywhere = create<mpc::BroadcastOp>(sum.getType(), column);
    sum = create<mpc::AddOp>(sum.getType(), sum, everywhere);
  }
  define(result, sum);
  return success();
}

mpc::MatMulBitOp Lowering::productOfBits(fx::MatMulOp op, unsigned width) {
  auto rank = [](Value value) { return cast<RankedTensorType>(value.getType()).getRank(); };
  Value source = op.getLhs();
  while (Operation *moved = source.getDefiningOp()) {
    if (!isa<fx::ReshapeOp, fx::AssumeOp, fx::ResizeOp>(moved))
      break;
    source = moved->getOperand(0);
  }
  auto found = bits_.find(source);
  if (found == bits_.end() || rank(op.getLhs()) != 2 || rank(op.getRhs()) != 2)
    return nullptr;
  auto [bit, isComplement] = found->second;
  auto shape = cast<RankedTensorType>(op.getLhs().getType()).getShape();
  if (cast<RankedTensorType>(bit.getType()).getShape() != shape)
    bit = create<mpc::ReshapeOp>(
        RankedTensorType::get(shape, mpc::BoolType::get(builder_.getContext())), bit);
  return create<mpc::MatMulBitOp>(arith(op.getResult(), width), bit, op.getRhs(), isComplement);
}

LogicalResult Lowering::lowerMatMul(fx::MatMulOp op) {
  Value result = op.getResult();
  unsigned width = productWidth(result);
  Value lhs = op.getLhs();
  Value rhs = op.getRhs();
  bool leftPrivate = ownerOf(lhs) == fx::Owner::kServer;
  bool rightPrivate = ownerOf(rhs) == fx::Owner::kServer;
  if (rightPrivate && linear_ != LinearChoice::kHe && !overrides_.protocol(op))
    if (auto product = productOfBits(op, width)) {
      define(result, product);
      return success();
    }
  if (leftPrivate || rightPrivate) {
    auto protocol =
        mpc::LinearProtocolAttr::get(builder_.getContext(), mpc::LinearProtocol::kOtServerChooses);
    auto product = create<mpc::MatMulOp>(arith(result, width), leftPrivate ? lhs : ring(lhs, width),
                                         leftPrivate ? ring(rhs, width) : rhs, protocol);
    if (failed(chooseLinearProtocol(product)))
      return failure();
    define(result, product.getResult());
    return success();
  }
  bool leftPublic = ownerOf(lhs) == fx::Owner::kPublic;
  if (leftPublic || ownerOf(rhs) == fx::Owner::kPublic)
    define(result,
           create<mpc::MatMulPublicOp>(arith(result, width), leftPublic ? lhs : ring(lhs, width),
                                       leftPublic ? ring(rhs, width) : rhs));
  else
    define(result,
           create<mpc::MatMulSharedOp>(arith(result, width), ring(lhs, width), ring(rhs, width)));
  return success();
}

} // namespace dyad
