// SPDX-License-Identifier: Apache-2.0
// The pass delay-truncations: of two linear operations in a row only the second one's result is
// rounded, where its wider ring takes less time than the truncation between them.
#include "passes/numbers/passes.h"

#include "ir/structure.h"
#include "passes/analysis/integer_ranges.h"
#include "passes/cost/linear_seconds.h"
#include "passes/numbers/requantize.h"

#include "mlir/IR/Builders.h"

#include <algorithm>

using namespace mlir;

namespace dyad {
#define GEN_PASS_DEF_DELAYTRUNCATIONS
#include "passes/numbers/passes.h.inc"

namespace {

constexpr unsigned kMaxWidth = 62;
constexpr int64_t kMaxLost = 60;
// Flows that others share and bytes that widths elsewhere follow are not seen here.
constexpr double kMargin = 0.8;
constexpr int kMaxRounds = 4; // each takes every other one of a row of linear operations

ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}
clear::Shape clearShape(Value value) { return shapeOf(value).vec(); }
fx::Owner ownerOf(Value value) { return fx::fixedType(value).getOwner(); }
bool isKnown(Value value) {
  return ownerOf(value) == fx::Owner::kServer || ownerOf(value) == fx::Owner::kPublic;
}

// From a rounded product through a linear operation with known numbers to the rounding of its
// result; every value in between is read once.
struct Chain {
  fx::RequantizeOp first;
  SmallVector<Operation *> moves; ///< of elements, before the product
  Operation *product = nullptr;
  unsigned operand = 0;
  SmallVector<Operation *> behind; ///< moves, known addends and assumptions up to `second`
  fx::RequantizeOp second;

  Value known() const { return product->getOperand(1 - operand); }
  int64_t lost() { return lostBits(first); }
};

// What made a number that is rounded, through what is local: the operation that would have to be
// as wide as the second one.
Operation *producerOf(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (isa<fx::MatMulOp, fx::Conv2DOp, fx::MulOp>(op))
      return op;
    if (isa<fx::AddOp>(op) && isKnown(op->getOperand(1)))
      value = op->getOperand(0);
    else if (isa<fx::AddOp>(op) && isKnown(op->getOperand(0)))
      value = op->getOperand(1);
    else if (isa<fx::AssumeOp>(op) || isMove(op))
      value = op->getOperand(0);
    else
      return nullptr;
  }
  return nullptr;
}

std::optional<Chain> chainFrom(fx::RequantizeOp first) {
  Value value = first.getResult();
  fx::FixedType type = fx::fixedType(first.getInput());
  if (lostBits(first) <= 0 || type.getOwner() != fx::Owner::kShared || !type.getIsSigned() ||
      producerOf(first.getInput()) == nullptr)
    return std::nullopt;
  Chain chain{first, {}, nullptr, 0, {}, {}};
  while (value.hasOneUse()) {
    OpOperand &use = *value.use_begin();
    Operation *user = use.getOwner();
    if (chain.product == nullptr) {
      if (isMove(user)) {
        chain.moves.push_back(user);
      } else if (isa<fx::MatMulOp, fx::Conv2DOp, fx::MulOp>(user) && use.getOperandNumber() < 2) {
        chain.product = user;
        chain.operand = use.getOperandNumber();
        if (!isKnown(chain.known()) || (isa<fx::Conv2DOp>(user) && chain.operand != 0))
          return std::nullopt;
      } else {
        return std::nullopt;
      }
    } else if (auto second = dyn_cast<fx::RequantizeOp>(user)) {
      if (lostBits(second) <= 0 || lostBits(second) + chain.lost() > kMaxLost)
        return std::nullopt;
      chain.second = second;
      return chain;
    } else if (isMove(user) || isa<fx::AssumeOp>(user) ||
               (isa<fx::AddOp>(user) && isKnown(user->getOperand(1 - use.getOperandNumber())))) {
      chain.behind.push_back(user);
    } else {
      return std::nullopt;
    }
    value = user->getResult(0);
  }
  return std::nullopt;
}

// Seconds of a linear operation whose result has `ring` bits.
double productSeconds(const LinearSeconds &seconds, Operation *op, unsigned ring) {
  Value lhs = op->getOperand(0);
  Value rhs = op->getOperand(1);
  const bool leftKnown = isKnown(lhs);
  if (!leftKnown && !isKnown(rhs))
    return isa<fx::MatMulOp>(op)
               ? seconds.shared(clearShape(lhs), clearShape(rhs), ring)
               : seconds.sharedProduct(cast<RankedTensorType>(lhs.getType()).getNumElements(),
                                       ring);
  Value known = leftKnown ? lhs : rhs;
  if (ownerOf(known) == fx::Owner::kPublic)
    return 0;
  const LinearBits bits{ring, {.bits = fx::fixedType(known).getWidth(), .isSigned = true}};
  if (auto conv = dyn_cast<fx::Conv2DOp>(op)) {
    const auto window =
        clear::ConvWindow::of(conv.getStrides(), conv.getPads(), conv.getDilations(),
                              static_cast<int64_t>(conv.getGroups()));
    return seconds.conv(clearShape(lhs), clearShape(rhs), window, bits);
  }
  if (isa<fx::MatMulOp>(op))
    return seconds.matmul(clearShape(lhs), clearShape(rhs), leftKnown, bits);
  return seconds.product(cast<RankedTensorType>(lhs.getType()).getNumElements(), bits);
}

int64_t elements(Value value) { return cast<RankedTensorType>(value.getType()).getNumElements(); }

bool isFaster(Chain &chain, const LinearSeconds &seconds) {
  const unsigned before = fx::fixedType(chain.first.getInput()).getWidth();
  const unsigned behind = fx::fixedType(chain.second.getInput()).getWidth();
  const auto lost = static_cast<unsigned>(chain.lost());
  const auto rest = static_cast<unsigned>(lostBits(chain.second));
  const unsigned wide = behind + lost;
  if (wide + 1 > kMaxWidth)
    return false;
  Operation *made = producerOf(chain.first.getInput());
  const int64_t n = elements(chain.first.getResult());
  const int64_t m = elements(chain.second.getResult());
  const double apart = productSeconds(seconds, made, before) +
                       seconds.rescale(n, before, lost, std::max(behind, before - lost)) +
                       productSeconds(seconds, chain.product, behind) +
                       seconds.truncation(m, behind, rest);
  const double once = productSeconds(seconds, made, std::max(wide, before)) +
                      productSeconds(seconds, chain.product, wide) +
                      seconds.truncation(m, wide, lost + rest);
  return once < kMargin * apart;
}

// The chain once more without its first rounding, beside the old one.
struct Delayed {
  Chain chain;
  SmallVector<Operation *> made; ///< in program order; the last one is the rounding

  fx::RequantizeOp rounding() const { return cast<fx::RequantizeOp>(made.back()); }
};

class Rebuild {
public:
  explicit Rebuild(Chain chain)
      : delayed_{std::move(chain), {}}, builder_(delayed_.chain.second),
        lost_(delayed_.chain.lost()) {}

  Delayed run() {
    Chain &chain = delayed_.chain;
    Value value = chain.first.getInput();
    for (Operation *move : chain.moves)
      value = moved(move, value);
    // What is assumed of the product holds here too; else it may be larger, since what was rounded
    // away has weights of its own.
    const bool isAssumed = !chain.behind.empty() && isa<fx::AssumeOp>(chain.behind.front());
    const unsigned width = fx::fixedType(chain.second.getInput()).getWidth() +
                           static_cast<unsigned>(lost_) + (isAssumed ? 0 : 1);
    // The number before it is computed as wide (widen-accumulators): nothing is extended.
    if (fx::fixedType(value).getWidth() < width)
      value = made(builder_.create<fx::ResizeOp>(
          chain.first.getLoc(), typed(value, fx::fixedType(value).withWidth(width)), value));
    Operation *product = builder_.clone(*chain.product);
    product->setOperand(chain.operand, value);
    if (auto conv = dyn_cast<fx::Conv2DOp>(product); conv && conv.getBias())
      product->setOperand(2, shifted(conv.getBias()));
    retype(product, width);
    value = made(product);
    for (Operation *op : chain.behind) {
      if (auto assume = dyn_cast<fx::AssumeOp>(op)) {
        const int64_t unit = int64_t{1} << lost_; // of at most kMaxWidth bits together
        value = made(builder_.create<fx::AssumeOp>(
            op->getLoc(), value.getType(), value, static_cast<int64_t>(assume.getLow()) * unit,
            static_cast<int64_t>(assume.getHigh()) * unit, assume.getKind()));
      } else if (isStructure(op)) {
        value = moved(op, value);
      } else {
        const unsigned known = isKnown(op->getOperand(0)) ? 0 : 1;
        Value addend = shifted(op->getOperand(known));
        Operation *sum = builder_.clone(*op);
        sum->setOperand(known, addend);
        sum->setOperand(1 - known, value);
        retype(sum, width);
        value = made(sum);
      }
    }
    made(builder_.create<fx::RequantizeOp>(chain.second.getLoc(),
                                           chain.second.getResult().getType(), value));
    return std::move(delayed_);
  }

private:
  static RankedTensorType typed(Value like, fx::FixedType type) {
    return RankedTensorType::get(shapeOf(like), type);
  }
  Value made(Operation *op) {
    delayed_.made.push_back(op);
    return op->getResult(0);
  }
  Value moved(Operation *op, Value value) {
    return made(cloneStructure(builder_, op, "fx", value,
                               cast<RankedTensorType>(value.getType()).getElementType()));
  }
  Value shifted(Value known) {
    fx::FixedType type = fx::fixedType(known);
    auto longer = fx::FixedType::get(type.getContext(), type.getIsSigned(),
                                     std::min(type.getWidth() + static_cast<unsigned>(lost_), 64U),
                                     type.getFraction() + static_cast<int>(lost_), type.getOwner());
    return made(builder_.create<fx::ShiftLeftOp>(known.getLoc(), typed(known, longer), known,
                                                 static_cast<uint64_t>(lost_)));
  }
  void retype(Operation *op, unsigned width) const {
    fx::FixedType type = fx::fixedType(op->getResult(0));
    op->getResult(0).setType(
        typed(op->getResult(0),
              fx::FixedType::get(type.getContext(), true, width,
                                 type.getFraction() + static_cast<int>(lost_), type.getOwner())));
  }

  Delayed delayed_;
  OpBuilder builder_;
  int64_t lost_;
};

bool isAssumed(Value value) {
  return !value.use_empty() &&
         llvm::all_of(value.getUsers(), [](Operation *user) { return isa<fx::AssumeOp>(user); });
}

// Whether every new number fits its type, or the program says what it relies on.
bool hasRoom(const Delayed &delayed, const IntegerRanges &ranges) {
  return llvm::all_of(delayed.made, [&](Operation *op) {
    Value result = op->getResult(0);
    return ranges.computed(result).fits(fx::fixedType(result).getWidth()) || isAssumed(result);
  });
}

struct DelayTruncations : impl::DelayTruncationsBase<DelayTruncations> {
  using DelayTruncationsBase::DelayTruncationsBase;

  void runOnOperation() override {
    FailureOr<LinearSeconds> seconds =
        LinearSeconds::onLink(getOperation(), network.getValue(), machine.getValue());
    if (failed(seconds))
      return signalPassFailure();
    refused_.clear();
    for (int round = 0; round < kMaxRounds; ++round)
      if (!delaySome(*seconds))
        return;
  }

private:
  bool delaySome(const LinearSeconds &seconds) {
    SmallVector<Chain> chains;
    llvm::DenseSet<Operation *> taken;
    getOperation().walk([&](fx::RequantizeOp op) {
      std::optional<Chain> chain = chainFrom(op);
      if (!chain || taken.contains(op) || refused_.contains(op) || !isFaster(*chain, seconds))
        return;
      taken.insert(chain->second);
      chains.push_back(*chain);
    });
    if (chains.empty())
      return false;
    SmallVector<Delayed> all;
    for (Chain &chain : chains)
      all.push_back(Rebuild(chain).run());
    const IntegerRanges ranges(getOperation(), /*strict=*/false);
    for (Delayed &delayed : all) {
      const bool isKept = hasRoom(delayed, ranges);
      Chain &chain = delayed.chain;
      SmallVector<Operation *> dead = delayed.made;
      if (isKept) {
        chain.second.getResult().replaceAllUsesWith(delayed.rounding().getResult());
        dead.assign({chain.first});
        dead.append(chain.moves);
        dead.push_back(chain.product);
        dead.append(chain.behind);
        dead.push_back(chain.second);
      } else {
        refused_.insert(chain.first);
      }
      for (Operation *op : llvm::reverse(dead))
        op->erase();
    }
    return true;
  }

  llvm::DenseSet<Operation *> refused_; ///< no room
};

} // namespace
} // namespace dyad
