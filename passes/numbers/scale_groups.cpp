// SPDX-License-Identifier: Apache-2.0
#include "passes/numbers/scale_groups.h"

#include "ir/state.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace dyad {
namespace {

bool isFloat(Value value) {
  auto tensor = dyn_cast<RankedTensorType>(value.getType());
  return tensor && tensor.getElementType().isF32();
}

// Whether the result keeps the scale of its operands. Sums over many elements do not: they are
// much larger than their terms, and rescaling them is cheap because few are left.
bool keepsScale(Operation *op) {
  if (isStructure(op))
    return true;
  if (auto reduce = dyn_cast<nn::ReduceOp>(op))
    return reduce.staysWithinInput();
  return isa<nn::AssumeOp, nn::AddOp, nn::SubOp, nn::MinOp, nn::MaxOp, nn::NegOp, nn::AbsOp,
             nn::ReluOp, nn::SignedReluOp, nn::ClipOp, nn::MaxPool2DOp, nn::AveragePool2DOp>(op);
}

bool choosesNumbers(Operation *op) {
  return op->getName().getDialectNamespace() == "nn" && !isStructure(op) &&
         !isa<nn::AssumeOp, nn::ConstantOp, nn::WeightOp, nn::InputOp, nn::OutputOp, nn::StateOp,
              nn::SetStateOp>(op);
}

} // namespace

NodeKeys::NodeKeys(func::FuncOp function) {
  llvm::StringMap<unsigned> counts;
  function.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (choosesNumbers(op))
      index_[op] = counts[nodeName(op)]++;
  });
}

int64_t integerBits(double magnitude) {
  if (magnitude <= 0 || !std::isfinite(magnitude))
    return 0;
  int exponent = 0;
  std::frexp(magnitude, &exponent);
  return exponent;
}

int64_t ScaleRule::chosen(int64_t integerBits) const {
  constexpr int64_t kSmallest = -16, kLargest = 24, kKept = 16;
  return std::clamp(significantBits - integerBits, std::min(kSmallest, kKept - integerBits),
                    std::max(kLargest, kKept - integerBits));
}

Value ScaleGroups::find(Value value) {
  Value root = value;
  for (auto up = parent_.find(root); up != parent_.end(); up = parent_.find(root))
    root = up->second;
  // Shorten the way for the next one.
  while (value != root) {
    Value next = parent_[value];
    parent_[value] = root;
    value = next;
  }
  return root;
}

void ScaleGroups::unite(Value a, Value b) {
  a = find(a);
  b = find(b);
  if (a != b)
    parent_[b] = a;
}

ScaleGroups::ScaleGroups(func::FuncOp function, const FloatRanges &ranges,
                         const NumbersConfig &config, const NodeKeys &keys, const ScaleRule &rule) {
  std::vector<Operation *> operations;
  function.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (op->getNumResults() == 1 && isFloat(op->getResult(0)))
      operations.push_back(op);
  });
  auto isConstant = [](Value value) {
    Operation *op = value.getDefiningOp();
    while (op != nullptr && isStructure(op) && op->getNumOperands() == 1)
      op = op->getOperand(0).getDefiningOp();
    return isa_and_nonnull<nn::ConstantOp>(op);
  };
  for (Operation *op : operations)
    if (keepsScale(op) && !isConstant(op->getResult(0)))
      for (Value operand : op->getOperands())
        if (isFloat(operand) && !isConstant(operand))
          unite(operand, op->getResult(0));

  // What a state will be and what it was are one number.
  function.walk([&](nn::SetStateOp set) {
    if (auto state = findState<nn::StateOp>(*set->getBlock(), set.getName());
        state && !isConstant(set.getValue()))
      unite(set.getValue(), state.getResult());
  });

  llvm::DenseMap<Value, Operation *> chosenBy;
  llvm::DenseMap<Value, double> magnitudes;
  std::optional<int64_t> common = config.defaults.scale ? config.defaults.scale : rule.fixed;
  for (Operation *op : operations)
    if (isa<nn::RoundOp, nn::StepOp>(op)) // integers, whatever else shares their scale
      fractions_[find(op->getResult(0))] = 0;
  for (auto &[group, fraction] : fractions_)
    fixed_.insert(group);
  // Members of these groups are sums that are rounded next.
  for (Operation *op : operations)
    if (isa<nn::RoundOp>(op))
      onlyRounded_.insert(find(op->getOperand(0)));
  for (Operation *op : operations)
    for (Operation *user : op->getResult(0).getUsers())
      if (!isa<nn::RoundOp>(user) &&
          (!keepsScale(user) || find(user->getResult(0)) != find(op->getResult(0))))
        onlyRounded_.erase(find(op->getResult(0)));
  for (Operation *op : operations)
    if (isOnlyRounded(op->getResult(0)) && !isa<nn::InputOp>(op))
      fractions_.try_emplace(find(op->getResult(0)), 0);
  for (Operation *op : operations) {
    Value group = find(op->getResult(0));
    double &magnitude = magnitudes[group];
    // Behind an assumption only what it says counts.
    Value result = op->getResult(0);
    if (!result.hasOneUse() || !isa<nn::AssumeOp>(*result.user_begin()))
      magnitude = std::max(magnitude, ranges.at(result).magnitude());
    // Only what the configuration says of this node or input itself; defaults come last.
    std::optional<int64_t> own;
    if (auto input = dyn_cast<nn::InputOp>(op)) {
      if (config.inputs.count(input.getName().str()) != 0)
        own = config.input(input.getName()).scale;
    } else if (auto state = dyn_cast<nn::StateOp>(op)) {
      if (config.inputs.count(state.getName().str()) != 0)
        own = config.input(state.getName()).scale;
    } else if (choosesNumbers(op)) {
      std::string name = nodeName(op).str();
      if (config.nodes.count(NumbersConfig::nodeKey(name, keys.index(op))) != 0 ||
          config.nodes.count(name) != 0)
        own = config.node(name, keys.index(op)).scale;
    }
    if (!own)
      continue;
    auto [known, isNew] = fractions_.try_emplace(group, *own);
    if (isNew) {
      chosenBy[group] = op;
    } else if (known->second != *own) {
      InFlightDiagnostic error = op->emitError("scale ")
                                 << *own << " of the configuration: this value shares its scale "
                                 << "with another one, which has " << known->second
                                 << "; give them the same";
      error.attachNote(chosenBy[group]->getLoc()) << "the other one";
      ok_ = false;
    }
  }
  llvm::DenseSet<Value> chosen;
  for (auto &[group, magnitude] : magnitudes)
    if (fractions_.try_emplace(group, common ? *common : rule.chosen(integerBits(magnitude)))
            .second &&
        !common)
      chosen.insert(group);
  // Functions are fitted to numbers with a point, or none.
  for (Operation *op : operations)
    if (isa<nn::FunctionOp, nn::SoftmaxOp, nn::NormalizeOp, nn::DivOp>(op))
      for (Value value : {op->getOperand(0), op->getOperands().back(), Value(op->getResult(0))})
        if (Value group = find(value); chosen.contains(group))
          fractions_[group] = std::max<int64_t>(fractions_[group], 0);
  // Features that are scaled at the client keep there, where bits cost nothing, those that the
  // largest factor brings above the point.
  constexpr int64_t kMostClearBits = 60;
  for (Operation *op : operations) {
    auto shifts = op->getAttrOfType<DenseI64ArrayAttr>(kChannelShifts);
    if (!shifts || !isa<nn::InputOp>(op))
      continue;
    Value group = find(op->getResult(0));
    Value scaled = op->getResult(0);
    while (find(scaled) == group && scaled.hasOneUse() && scaled.user_begin()->getNumResults() == 1)
      scaled = scaled.user_begin()->getResult(0);
    const int64_t most = *llvm::max_element(shifts.asArrayRef());
    const int64_t fraction = fractions_[find(scaled)];
    fixed_.insert(group);
    if (!chosenBy.contains(group))
      fractions_[group] =
          std::min(fraction + most, kMostClearBits - most - integerBits(magnitudes[group]));
  }
  // A unit near zero has a root of half its fraction bits: squares keep all of theirs.
  constexpr int64_t kMostRootBits = 40;
  for (Operation *op : operations) {
    auto root = dyn_cast<nn::FunctionOp>(op);
    if (!root || root.getKind() != nn::FunctionKind::kSqrt)
      continue;
    Value squares = find(root.getInput());
    if (!chosen.contains(squares) || squares == find(root.getResult()))
      continue;
    int64_t most = kMostRootBits - integerBits(magnitudes[squares]);
    int64_t &fraction = fractions_[squares];
    fraction = std::max(fraction, std::min(most, 2 * fractions_[find(root.getResult())]));
  }
}

std::vector<ScaleGroup> ScaleGroups::groups(func::FuncOp function, const NodeKeys &keys) {
  std::vector<ScaleGroup> groups;
  llvm::DenseMap<Value, size_t> index;
  auto groupOf = [&](Value value) -> ScaleGroup & {
    Value root = find(value);
    auto [at, isNew] = index.try_emplace(root, groups.size());
    if (isNew)
      groups.push_back({{}, {}, {}, fractions_.lookup(root), fixed_.contains(root)});
    groups[at->second].operations.push_back(value.getDefiningOp());
    return groups[at->second];
  };
  function.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (op->getNumResults() != 1 || !isFloat(op->getResult(0)))
      return;
    if (auto input = dyn_cast<nn::InputOp>(op))
      groupOf(op->getResult(0)).inputs.push_back(input.getName().str());
    else if (auto state = dyn_cast<nn::StateOp>(op))
      groupOf(op->getResult(0)).inputs.push_back(state.getName().str());
    else if (keys.choosesScale(op) && !nodeName(op).empty())
      groupOf(op->getResult(0))
          .nodes.push_back(NumbersConfig::nodeKey(nodeName(op), keys.index(op)));
  });
  return groups;
}

int64_t ScaleGroups::fraction(Value value) { return fractions_.lookup(find(value)); }

} // namespace dyad
