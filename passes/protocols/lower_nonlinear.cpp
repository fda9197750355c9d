// SPDX-License-Identifier: Apache-2.0
// Lowering of comparisons and of what is made of them. Signs are read in the narrowest ring that
// holds what is compared; selected values are computed in the result's ring.
#include "passes/protocols/lowering.h"
#include "passes/protocols/radix_choice.h"
#include "runtime/functions/row_operation.h"
#include "runtime/functions/scalar_function.h"
#include "runtime/net/error.h"

using namespace mlir;

namespace dyad {

Value Lowering::reluOf(Value value) {
  Value &known = relus_[value];
  if (!known) {
    Value shares = ring(value, bits(value));
    known = range(value).nonNegative() ? shares : create<mpc::ReluOp>(shares.getType(), shares);
  }
  return known;
}

namespace {

// The ReLU of a value, if there is one.
fx::ReluOp reluOnUsersOf(Value value) {
  for (Operation *user : value.getUsers())
    if (auto relu = dyn_cast<fx::ReluOp>(user))
      return relu;
  return {};
}

} // namespace

void Lowering::lowerRelu(fx::ReluOp op) {
  Value input = op.getInput();
  // relu(-x) = relu(x) - x, modulo any ring that holds it: one comparison for both.
  if (auto negated = input.getDefiningOp<fx::NegOp>();
      negated && isShared(negated.getInput()) && reluOnUsersOf(negated.getInput())) {
    Value x = negated.getInput();
    const unsigned width = bits(x);
    if (range(op.getResult()).fits(width)) {
      Value positive = reluOf(x);
      Value shares = ring(x, width);
      define(op.getResult(), create<mpc::SubOp>(shares.getType(), positive, shares));
      return;
    }
  }
  define(op.getResult(), reluOf(input));
}

namespace {

// The same function in a wider ring: its last step is a truncation into any. Where the sum before
// it filled its ring it gets a bit more, so that its sign fact makes the wider result cheap; that
// the results are what they were, for all inputs of the range that have one, is tried: the range as
// the lowering knows it may go beyond what the function was made for.
std::optional<ScalarFunction> withOutputBits(const ScalarFunction &f, unsigned width,
                                             const IntegerRange &inputs) {
  constexpr __int128 kMostInputs = 1 << 20;
  constexpr unsigned kMostSumBits = 60;
  const auto *piecewise = std::get_if<PiecewisePolynomial>(&f);
  if (piecewise == nullptr || inputs.high - inputs.low >= kMostInputs)
    return std::nullopt;
  PiecewisePolynomial wide = *piecewise;
  wide.outputBits = width;
  if (wide.sumFact == SignFact::kUnknown) {
    wide.sumBits = piecewise->outputBits + wide.drop + 1;
    wide.sumFact = SignFact::kSmall;
  }
  if (wide.sumBits > kMostSumBits)
    return std::nullopt;
  auto valueAt = [](const PiecewisePolynomial &p, int64_t x) -> std::optional<int64_t> {
    try {
      return evaluate(p, x);
    } catch (const Error &) {
      return std::nullopt;
    }
  };
  for (auto x = static_cast<int64_t>(inputs.low); x <= static_cast<int64_t>(inputs.high); ++x)
    if (valueAt(wide, x) != valueAt(*piecewise, x))
      return std::nullopt;
  return wide;
}

} // namespace

void Lowering::lowerFunction(fx::FunctionOp op) {
  const ScalarFunction f = functionFrom(op.getNumbers());
  Value input = ring(op.getInput(), inputBits(f));
  auto narrow = create<mpc::FunctionOp>(arith(op.getResult(), outputBits(f)), input,
                                        op.getFunction(), op.getNumbers());
  unsigned wanted = consumerRing(op.getResult());
  std::optional<ScalarFunction> wider;
  if (wanted > outputBits(f)) {
    const IntegerRange inputs = range(op.getInput());
    std::vector<int64_t> key(op.getNumbers().begin(), op.getNumbers().end());
    for (__int128 number : {inputs.low, inputs.high, static_cast<__int128>(wanted)})
      key.push_back(static_cast<int64_t>(number));
    auto [known, isNew] = wideFunctions_.try_emplace(std::move(key));
    if (isNew)
      known->second = withOutputBits(f, wanted, inputs);
    wider = known->second;
  }
  if (wider) {
    auto wide = create<mpc::FunctionOp>(arith(op.getResult(), wanted), input, op.getFunction(),
                                        numbersOf(*wider));
    Operation *grown = extend(narrow.getResult(), wanted, range(op.getResult())).getDefiningOp();
    bool staysNarrow =
        chooseRadix(narrow, times_) + chooseRadix(grown, times_) <= chooseRadix(wide, times_);
    grown->erase();
    define(op.getResult(), staysNarrow ? narrow.getResult() : wide.getResult());
    (staysNarrow ? wide : narrow)->erase();
    return;
  }
  define(op.getResult(), narrow);
}

void Lowering::lowerRows(fx::RowsOp op) {
  const RowFunction f = rowFunctionFrom(op.getNumbers());
  const Value divisor = op.getDivisor();
  define(op.getResult(), create<mpc::RowsOp>(arith(op.getResult(), outputBits(f)),
                                             ring(op.getInput(), inputBits(f)),
                                             divisor ? ring(divisor, divisorBits(f)) : Value(),
                                             op.getFunction(), op.getNumbers()));
}

void Lowering::lowerAbs(fx::AbsOp op) {
  Value input = op.getInput();
  unsigned width = bits(op.getResult());
  if (reluOnUsersOf(input) && width <= bits(input)) {
    // |x| = 2 relu(x) - x, and somebody wants the ReLU.
    Value positive = reluOf(input);
    Value twice =
        create<mpc::ShiftLeftOp>(positive.getType(), positive, builder_.getI64IntegerAttr(1));
    Value magnitude = create<mpc::SubOp>(positive.getType(), twice, ring(input, bits(input)));
    define(op.getResult(), narrow(magnitude, width));
    return;
  }
  Value bit = msb(ring(input, bits(input)));
  // x - 2x where x is negative; modulo 2^width, so that the doubled value need not fit.
  Value x = ring(input, std::max(width, bits(input)));
  x = narrow(x, width);
  Value twice = create<mpc::ShiftLeftOp>(x.getType(), x, builder_.getI64IntegerAttr(1)).getResult();
  Value selected = create<mpc::MuxOp>(x.getType(), bit, twice, /*where_zero=*/false);
  define(op.getResult(), create<mpc::SubOp>(x.getType(), x, selected));
}

void Lowering::lowerMinMax(Operation *op, bool isMax) {
  Value a = op->getOperand(0);
  Value b = op->getOperand(1);
  unsigned width = bits(op->getResult(0));
  unsigned compared = difference(range(a), range(b)).signedBits();
  unsigned wide = std::max(width, compared);
  Value wideA = ring(a, wide);
  Value wideB = ring(b, wide);
  // The smaller and the larger of two numbers add up to their sum, modulo any ring: one comparison.
  const std::pair key = std::minmax(a.getAsOpaquePointer(), b.getAsOpaquePointer());
  if (Value other = extrema_.lookup({key.first, key.second}); other && ringWidth(other) >= width) {
    Value sum = create<mpc::AddOp>(arith(wideA, width), narrow(wideA, width), narrow(wideB, width));
    define(op->getResult(0), create<mpc::SubOp>(sum.getType(), sum, narrow(other, width)));
    return;
  }
  Value gap = create<mpc::SubOp>(wideA.getType(), wideA, wideB);
  Value bit = msb(narrow(gap, compared));
  // b, and the gap on top of it where a is the one.
  Value base = narrow(wideB, width);
  Value selected = create<mpc::MuxOp>(base.getType(), bit, narrow(gap, width), isMax);
  Value extremum = create<mpc::AddOp>(base.getType(), base, selected);
  extrema_[{key.first, key.second}] = extremum;
  define(op->getResult(0), extremum);
}

void Lowering::lowerClip(fx::ClipOp op) {
  Value input = op.getInput();
  auto low = static_cast<int64_t>(op.getLow());
  auto high = static_cast<int64_t>(op.getHigh());
  IntegerRange all = hull(range(input), {low, high});
  all = hull(all, difference(range(input), {low, low}));
  all = hull(all, difference(range(input), {high, high}));
  Value shares = ring(input, all.signedBits());
  define(op.getResult(), create<mpc::ClipOp>(shares.getType(), shares, op.getLow(), op.getHigh()));
}

unsigned Lowering::wantedWidth(Value bit) const {
  unsigned width = 2; // so that it reads as a signed number too
  for (Operation *user : bit.getUsers()) {
    if (isa<fx::ReshapeOp, fx::TransposeOp, fx::BroadcastOp, fx::GatherOp, fx::TakeOp, fx::SliceOp,
            fx::ConcatOp, fx::AssumeOp, fx::ResizeOp>(user))
      width = std::max(width, wantedWidth(user->getResult(0)));
    else if (isa<fx::AddOp, fx::SubOp>(user))
      width = std::max({width, wantedWidth(user->getResult(0)), bits(user->getResult(0))});
    else if (isa<fx::MatMulOp, fx::Conv2DOp, fx::MulOp>(user))
      width = std::max(width, productWidth(user->getResult(0)));
  }
  return width;
}

void Lowering::lowerStep(fx::StepOp op) {
  Value input = op.getInput();
  unsigned width = bits(input);
  bool isStrict = op.getStrict();
  // x > 0 where -x is negative; x >= 0 where x is not.
  if (isStrict)
    width = std::max(width, difference({0, 0}, range(input)).signedBits());
  Value shares = ring(input, width);
  if (isStrict)
    shares = create<mpc::NegOp>(shares.getType(), shares);
  Value bit = msb(shares);
  bits_[op.getResult()] = {bit, !isStrict};
  define(op.getResult(), create<mpc::BitToArithOp>(
                             arith(op.getResult(), wantedWidth(op.getResult())), bit, !isStrict));
}

void Lowering::lowerPRelu(fx::PReluOp op) {
  Value input = op.getInput();
  Value slope = op.getSlope();
  auto fraction = static_cast<unsigned>(std::max(fx::fixedType(slope).getFraction(), 0));
  unsigned width = std::max(bits(op.getResult()), 1U);
  auto times = [&](Value shares, Value factor) -> Value {
    fx::Owner owner = fx::fixedType(factor).getOwner();
    if (owner == fx::Owner::kPublic)
      return create<mpc::MulPublicOp>(shares.getType(), shares, factor);
    if (owner != fx::Owner::kShared)
      return create<mpc::MulPrivateOp>(shares.getType(), shares, factor);
    return create<mpc::MulSharedOp>(shares.getType(), shares, ring(factor, width));
  };
  auto shifted = [&](Value shares) -> Value {
    auto attribute = builder_.getI64IntegerAttr(fraction);
    return create<mpc::ShiftLeftOp>(arith(shares, width), shares, attribute);
  };
  // x * 2^fraction modulo 2^width needs no more than this of x.
  unsigned below = width > fraction ? width - fraction : 1;
  IntegerRange x = range(input);
  IntegerRange negative{std::max<__int128>(-x.high, 0), std::max<__int128>(-x.low, 0)};
  unsigned compared = bits(input);
  if (negative.fits(compared)) {
    // p = relu(x) and n = p - x are not negative, so that both grow cheaply: p * 2^f - n * slope.
    Value signedX = ring(input, compared);
    Value p = create<mpc::ReluOp>(signedX.getType(), signedX);
    Value n = create<mpc::SubOp>(p.getType(), p, signedX);
    auto grown = [&](Value part, const IntegerRange &partRange, unsigned target) {
      return ringWidth(part) < target ? extend(part, target, partRange) : narrow(part, target);
    };
    Value high = shifted(grown(p, {0, std::max<__int128>(x.high, 0)}, below));
    Value low = times(grown(n, negative, width), slope);
    define(op.getResult(), create<mpc::SubOp>(high.getType(), high, low));
    return;
  }
  Value bit = msb(ring(input, compared));
  Value high = shifted(ring(input, below));
  Value low = times(ring(input, width), slope);
  Value gap = create<mpc::SubOp>(low.getType(), low, high);
  Value selected = create<mpc::MuxOp>(gap.getType(), bit, gap, /*where_zero=*/false);
  define(op.getResult(), create<mpc::AddOp>(high.getType(), high, selected));
}

void Lowering::lowerMaximum(Operation *op) {
  Value input = op->getOperand(0);
  IntegerRange all = range(input);
  unsigned width = hull(all, difference(all, all)).signedBits();
  Value shares = ring(input, width);
  OperationState state(location_, isa<fx::ReduceMaxOp>(op) ? "mpc.reduce_max" : "mpc.max_pool2d",
                       shares, arith(op->getResult(0), width), op->getAttrs());
  define(op->getResult(0), builder_.create(state)->getResult(0));
}

void Lowering::lowerReduceMin(fx::ReduceMinOp op) {
  Value input = op.getInput();
  IntegerRange all = range(input);
  IntegerRange negated = difference({0, 0}, all);
  unsigned width = hull(hull(all, negated), difference(all, all)).signedBits();
  Value shares = ring(input, width);
  Value flipped = create<mpc::NegOp>(shares.getType(), shares);
  Value largest = create<mpc::ReduceMaxOp>(arith(op.getResult(), width), flipped, op.getAxes());
  define(op.getResult(), create<mpc::NegOp>(largest.getType(), largest));
}

void Lowering::lowerArgMax(fx::ArgMaxOp op) {
  IntegerRange all = range(op.getInput());
  Value shares = ring(op.getInput(), difference(all, all).signedBits());
  // The protocol's result has the index's bits; where it is known to be smaller than them all it
  // reads as unsigned.
  auto size = cast<RankedTensorType>(op.getInput().getType()).getDimSize(op.getAxis());
  unsigned width =
      std::max(1U, llvm::Log2_64_Ceil(static_cast<uint64_t>(std::max<int64_t>(size, 1))));
  define(op.getResult(),
         create<mpc::ArgMaxOp>(arith(op.getResult(), width), shares, op.getAxis(), op.getLast()));
}

} // namespace dyad
