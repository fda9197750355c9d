// SPDX-License-Identifier: Apache-2.0
#include "compiler/report/decisions.h"

#include "ir/mpc/operands.h"
#include "ir/mpc/target.h"
#include "passes/protocols/radix_choice.h"
#include "runtime/functions/scalar_function.h"
#include "runtime/he/plan.h"

#include "mlir/IR/Builders.h"

#include <fmt/format.h>
#include <optional>
#include <vector>

using namespace mlir;
using Json = nlohmann::ordered_json;

namespace dyad::compiler {
namespace {

struct Option {
  std::string name;
  double seconds = 0;
  std::uint64_t bytes = 0;
};

// An operation of no block.
class Detached {
public:
  explicit Detached(Operation *op) : op_(op) {}
  ~Detached() { op_->destroy(); }
  Detached(const Detached &) = delete;
  Detached &operator=(const Detached &) = delete;
  Operation *operator->() const { return op_; }
  Operation *get() const { return op_; }

private:
  Operation *op_;
};

std::uint64_t bytesOf(Operation *op) { return cast<mpc::CostOpInterface>(op).cost().bytes(); }

Json json(const char *what, const Option &chosen, const std::vector<Option> &others) {
  Json decision = {{"what", what},
                   {"chosen", chosen.name},
                   {"seconds", chosen.seconds},
                   {"bytes", chosen.bytes}};
  const Option *next = nullptr;
  for (const Option &other : others)
    if (next == nullptr || other.seconds < next->seconds)
      next = &other;
  if (next == nullptr)
    return decision;
  decision["next"] = {{"choice", next->name}, {"seconds", next->seconds}, {"bytes", next->bytes}};
  decision["saved_seconds"] = next->seconds - chosen.seconds;
  decision["saved_bytes"] =
      static_cast<std::int64_t>(next->bytes) - static_cast<std::int64_t>(chosen.bytes);
  return decision;
}

// What stands behind a result of an mpc.parallel.
Value sourceOf(Value value) {
  auto parallel = value.getDefiningOp<mpc::ParallelOp>();
  if (!parallel)
    return value;
  return parallel.getBody().front().getTerminator()->getOperand(
      cast<OpResult>(value).getResultNumber());
}

const char *nameOf(mpc::LinearProtocol protocol) {
  switch (protocol) {
  case mpc::LinearProtocol::kOtServerChooses:
    return "OT, weights choose";
  case mpc::LinearProtocol::kOtClientChooses:
    return "OT, shares choose";
  case mpc::LinearProtocol::kHe:
    return "RLWE";
  case mpc::LinearProtocol::kHePacked:
    break;
  }
  return "RLWE, packed replies";
}

std::optional<Json> linearDecision(Operation *op, const TimeModel &times) {
  auto own = op->getAttrOfType<mpc::LinearProtocolAttr>("protocol");
  if (!own)
    return std::nullopt;
  const Option chosen{nameOf(own.getValue()), times.seconds(op), bytesOf(op)};
  std::vector<Option> others;
  for (const mpc::LinearProtocol protocol :
       {mpc::LinearProtocol::kOtServerChooses, mpc::LinearProtocol::kOtClientChooses,
        mpc::LinearProtocol::kHe, mpc::LinearProtocol::kHePacked}) {
    if (protocol == own.getValue())
      continue;
    Detached trial(op->clone());
    trial->setAttr("protocol", mpc::LinearProtocolAttr::get(op->getContext(), protocol));
    if (mpc::isHe(trial.get())) {
      const std::optional<he::LinearPlan> plan = he::planFor(mpc::heSpecOf(trial.get()));
      // None is exact for such widths, or the best one packs nothing.
      if (!plan || (protocol == mpc::LinearProtocol::kHePacked && plan->packing == 0))
        continue;
    }
    others.push_back({nameOf(protocol), times.seconds(trial.get()), bytesOf(trial.get())});
  }
  return json("linear", chosen, others);
}

std::optional<Json> radixDecision(Operation *op, const TimeModel &times) {
  auto own = dyn_cast<mpc::ComparisonOpInterface>(op);
  if (!own)
    return std::nullopt;
  auto option = [&](Operation *at, std::uint64_t radix) {
    const Cost cost = cast<mpc::CostOpInterface>(at).cost();
    return Option{fmt::format("{} level{} saved", radix, radix == 1 ? "" : "s"),
                  times.network(cost), cost.bytes()};
  };
  const Option chosen = option(op, own.getRadix());
  std::vector<Option> others;
  for (std::uint64_t radix = 0; radix <= kMaxRadix; ++radix) {
    Detached trial(op->clone());
    cast<mpc::ComparisonOpInterface>(trial.get()).setRadix(radix);
    Option other = option(trial.get(), radix);
    if (other.bytes != chosen.bytes || other.seconds != chosen.seconds)
      others.push_back(std::move(other));
  }
  if (others.empty())
    return std::nullopt;
  return json("radix", chosen, others);
}

std::string formOf(const PiecewisePolynomial &f) {
  return fmt::format("{} segments of degree {}", f.segments(), f.degree);
}

std::string formOf(const ScalarFunction &f) {
  if (const auto *piecewise = std::get_if<PiecewisePolynomial>(&f))
    return formOf(*piecewise);
  if (const auto *normalized = std::get_if<NormalizedFunction>(&f))
    return fmt::format("{} octaves, {} of a mantissa",
                       normalized->highestLead - normalized->lowestLead + 1,
                       formOf(normalized->mantissa));
  const auto &exponential = std::get<ExponentialFunction>(f);
  return exponential.highBits == 0 ? formOf(exponential.lowPart)
                                   : fmt::format("a digit of {} bits, {} of the rest",
                                                 exponential.highBits, formOf(exponential.lowPart));
}

std::optional<Json> formDecision(Operation *op, const TimeModel &times) {
  auto function = dyn_cast<mpc::FunctionOp>(op);
  if (!function)
    return std::nullopt;
  return json("form", {formOf(functionFrom(function.getNumbers())), times.seconds(op), bytesOf(op)},
              {});
}

// Truncation, ReLU and extension in place of the fused protocol.
Json unfused(mpc::TruncateReluOp op, const TimeModel &times) {
  OpBuilder builder(op.getContext());
  const auto shape = cast<RankedTensorType>(op.getType()).getShape();
  const unsigned ring = mpc::ringBits(op.getResult());
  const unsigned narrow = mpc::ringBits(op.getInput()) - static_cast<unsigned>(op.getShift());
  auto type = [&](unsigned bits) {
    return RankedTensorType::get(shape, mpc::ArithType::get(op.getContext(), bits));
  };
  auto truncate = builder.create<mpc::TruncateReduceOp>(op.getLoc(), type(narrow), op.getInput(),
                                                        op.getShift(), op.getRounding());
  auto relu = builder.create<mpc::ReluOp>(op.getLoc(), type(narrow), truncate.getResult());
  Option apart{"apart", chooseRadix(truncate, times) + chooseRadix(relu, times),
               bytesOf(truncate) + bytesOf(relu)};
  if (ring > narrow) {
    auto extend = builder.create<mpc::ExtendOp>(op.getLoc(), type(ring), relu.getResult(),
                                                mpc::Knowledge::kNonNegative, false);
    apart.seconds += chooseRadix(extend, times);
    apart.bytes += bytesOf(extend);
    extend->destroy();
  }
  relu->destroy();
  truncate->destroy();
  return json("fused", {"fused", times.seconds(op.getOperation()), bytesOf(op)}, {apart});
}

// The fused protocol in place of a ReLU and the truncation that it alone reads.
std::optional<Json> fused(mpc::ReluOp op, const TimeModel &times) {
  Value input = op.getInput();
  bool isOnlyUse = input.hasOneUse();
  for (input = sourceOf(input); auto narrow = input.getDefiningOp<mpc::NarrowOp>();
       input = sourceOf(narrow.getInput()))
    isOnlyUse &= narrow.getInput().hasOneUse();
  auto truncate = input.getDefiningOp<mpc::TruncateReduceOp>();
  if (!truncate || !isOnlyUse || !input.hasOneUse())
    return std::nullopt;
  OpBuilder builder(op.getContext());
  Detached together(builder.create<mpc::TruncateReluOp>(op.getLoc(), op.getResult().getType(),
                                                        truncate.getInput(), truncate.getShift(),
                                                        truncate.getRounding()));
  const double seconds = chooseRadix(together.get(), times);
  const Option chosen{"apart", times.seconds(op.getOperation()) + times.seconds(truncate),
                      bytesOf(op) + bytesOf(truncate)};
  return json("fused", chosen, {{"fused", seconds, bytesOf(together.get())}});
}

} // namespace

Json decisionsOf(Operation *op, const TimeModel &times) {
  Json list = Json::array();
  auto append = [&](std::optional<Json> decision) {
    if (decision)
      list.push_back(std::move(*decision));
  };
  append(linearDecision(op, times));
  append(formDecision(op, times));
  append(radixDecision(op, times));
  if (auto relu = dyn_cast<mpc::TruncateReluOp>(op))
    append(unfused(relu, times));
  else if (auto relu = dyn_cast<mpc::ReluOp>(op))
    append(fused(relu, times));
  return list;
}

Json decisionOfOts(ModuleOp module) {
  const mpc::Target target = mpc::targetOf(module);
  const CotDemand demand = demandOf(module);
  auto option = [&](CotMethod method, const char *name) {
    mpc::Target other = target;
    other.ot = method;
    const TimeModel times(other, demand);
    return Option{name, times.stock(demand, other.stock()),
                  stockCost(demand.server, demand.client, other.stock()).bytes()};
  };
  const Option chosen = option(target.ot, mpc::nameOf(target.ot).c_str());
  std::vector<Option> others;
  for (const auto &[method, name] :
       {std::pair(CotMethod::kSoftSpoken, "softspoken"), {CotMethod::kFerret, "silent"}})
    if (Option other = option(method, name); other.bytes != chosen.bytes)
      others.push_back(other);
  return json("correlated OTs", chosen, others);
}

} // namespace dyad::compiler
