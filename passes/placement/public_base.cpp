// SPDX-License-Identifier: Apache-2.0
// Alignment of two graphs by their readers of weights: the longest common subsequence, in which
// equal names and values count more. Values never say where a weight belongs, only whether it is
// what the public model has in that place.
#include "passes/placement/public_base.h"

#include "ir/structure.h"
#include "ir/weights.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <numeric>
#include <set>

using namespace mlir;

namespace dyad {

namespace {

// Fewer different values are what anybody's tensor may have: zeros, ones, small integers.
constexpr std::size_t kTelling = 16;
// Cells of the alignment's table; larger models are aligned by names only.
constexpr std::size_t kMaxCells = 100'000'000;

struct Content {
  std::vector<int64_t> shape;
  std::vector<float> values;
  bool isFinite = false; ///< and present
  bool isTelling = false;

  bool sameBits(const Content &other) const {
    return isFinite && other.isFinite && values.size() == other.values.size() &&
           std::memcmp(values.data(), other.values.data(), values.size() * sizeof(float)) == 0;
  }
  bool equals(const Content &other) const { return shape == other.shape && sameBits(other); }
};

Content contentOf(nn::WeightOp weight) {
  auto type = dyn_cast<RankedTensorType>(weight.getType());
  Content content;
  if (!type || !type.getElementType().isF32() || !weight.getValueAttr())
    return content;
  content.shape.assign(type.getShape().begin(), type.getShape().end());
  content.values = floatValues(weight.getValueAttr());
  content.isFinite = llvm::all_of(content.values, [](float x) { return std::isfinite(x); });
  std::set<std::uint32_t> different;
  for (float value : content.values) {
    different.insert(std::bit_cast<std::uint32_t>(value));
    if (different.size() >= kTelling)
      break;
  }
  content.isTelling = different.size() >= kTelling;
  return content;
}

// An operand that is a weight, perhaps moved or repeated on its way.
struct Site {
  Operation *op = nullptr;
  nn::WeightOp weight;
  const Content *content = nullptr;
  llvm::hash_code signature = 0;
  Value input; ///< the first operand that is computed
};

// The readers of weights of one module, in program order.
class Sites {
public:
  explicit Sites(ModuleOp module) {
    llvm::DenseMap<Attribute, nn::WeightOp> symbols;
    for (auto weight : module.getOps<nn::WeightOp>())
      symbols[weight.getSymNameAttr()] = weight;
    module.walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (op->getName().getDialectNamespace() == "nn" && !isStructureOfConstant(op))
        visit(op, symbols);
    });
  }

  std::vector<Site> list;
  llvm::StringMap<std::size_t> first; ///< by the weight's name, its first site

private:
  static nn::ConstantOp constantBehind(Value value) {
    Operation *op = value.getDefiningOp();
    while (op != nullptr && isStructure(op) && op->getNumOperands() == 1)
      op = op->getOperand(0).getDefiningOp();
    return dyn_cast_or_null<nn::ConstantOp>(op);
  }

  static bool isStructureOfConstant(Operation *op) {
    return isStructure(op) && op->getNumOperands() == 1 && constantBehind(op->getOperand(0));
  }

  void visit(Operation *op, const llvm::DenseMap<Attribute, nn::WeightOp> &symbols) {
    Value input;
    for (Value operand : op->getOperands())
      if (!input && !constantBehind(operand))
        input = operand;
    for (OpOperand &operand : op->getOpOperands()) {
      nn::ConstantOp constant = constantBehind(operand.get());
      nn::WeightOp weight = constant ? symbols.lookup(constant.getWeightAttr().getAttr()) : nullptr;
      if (!weight)
        continue;
      auto [known, isNew] = contents_.try_emplace(weight.getSymName());
      if (isNew)
        known->second = std::make_unique<Content>(contentOf(weight));
      if (known->second->values.empty())
        continue;
      first.try_emplace(weight.getSymName(), list.size());
      // Not the extents of what is computed: a base may see other inputs.
      const Content &content = *known->second;
      list.push_back(
          {op, weight, &content,
           llvm::hash_combine(op->getName().getStringRef(), operand.getOperandNumber(),
                              llvm::hash_combine_range(content.shape.begin(), content.shape.end())),
           input});
    }
  }

  llvm::StringMap<std::unique_ptr<Content>> contents_;
};

constexpr std::ptrdiff_t kNone = -1;

// For each site of `model` the one of `base` in the same place, or kNone.
std::vector<std::ptrdiff_t> align(const std::vector<Site> &model, const std::vector<Site> &base) {
  std::vector<std::ptrdiff_t> partner(model.size(), kNone);
  const std::size_t n = model.size(), m = base.size();
  if (n == 0 || m == 0 || n > kMaxCells / m)
    return partner;
  constexpr std::uint32_t kPlace = 4, kName = 2, kValue = 1;
  auto score = [&](std::size_t i, std::size_t j) -> std::uint32_t {
    if (model[i].signature != base[j].signature)
      return 0;
    return kPlace +
           (nn::WeightOp(model[i].weight).getSymName() == nn::WeightOp(base[j].weight).getSymName()
                ? kName
                : 0) +
           (model[i].content->equals(*base[j].content) ? kValue : 0);
  };
  // best[i][j]: of what follows i and j.
  std::vector<std::uint32_t> best((n + 1) * (m + 1), 0);
  auto at = [&](std::size_t i, std::size_t j) -> std::uint32_t & { return best[i * (m + 1) + j]; };
  for (std::size_t i = n; i-- > 0;)
    for (std::size_t j = m; j-- > 0;) {
      const std::uint32_t one = score(i, j);
      at(i, j) = std::max({at(i + 1, j), at(i, j + 1), one == 0 ? 0 : one + at(i + 1, j + 1)});
    }
  for (std::size_t i = 0, j = 0; i < n && j < m;) {
    const std::uint32_t one = score(i, j);
    if (one != 0 && at(i, j) == one + at(i + 1, j + 1))
      partner[i++] = static_cast<std::ptrdiff_t>(j++);
    else if (at(i, j) == at(i + 1, j))
      ++i;
    else
      ++j;
  }
  return partner;
}

// A tensor as [before][along][after] of one axis.
struct Along {
  Along(const std::vector<int64_t> &shape, std::size_t axis)
      : before(extent(shape, 0, axis)), size(static_cast<std::size_t>(shape[axis])),
        after(extent(shape, axis + 1, shape.size())) {}
  static std::size_t extent(const std::vector<int64_t> &shape, std::size_t from, std::size_t to) {
    std::size_t product = 1;
    for (std::size_t i = from; i < to; ++i)
      product *= static_cast<std::size_t>(shape[i]);
    return product;
  }
  std::size_t before, size, after;
};

// Whether `part` stands in `whole` from `offset` on along an axis.
bool standsAt(const Content &whole, const Content &part, std::size_t axis, std::size_t offset) {
  const Along w(whole.shape, axis), p(part.shape, axis);
  if (w.before != p.before || w.after != p.after || offset + p.size > w.size)
    return false;
  for (std::size_t b = 0; b < w.before; ++b)
    if (std::memcmp(&whole.values[(b * w.size + offset) * w.after],
                    &part.values[b * p.size * p.after], p.size * p.after * sizeof(float)) != 0)
      return false;
  return true;
}

bool differOnlyAlong(const std::vector<int64_t> &a, const std::vector<int64_t> &b,
                     std::size_t axis) {
  if (a.size() != b.size())
    return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (i != axis && a[i] != b[i])
      return false;
  return true;
}

bool isPartOf(const Content &part, const Content &whole) {
  for (std::size_t axis = 0; axis < part.shape.size(); ++axis) {
    if (!differOnlyAlong(part.shape, whole.shape, axis))
      continue;
    for (int64_t offset = 0; offset + part.shape[axis] <= whole.shape[axis]; ++offset)
      if (standsAt(whole, part, axis, static_cast<std::size_t>(offset)))
        return true;
  }
  return false;
}

bool isConcatenation(const Content &whole, const std::vector<const Content *> &parts) {
  for (std::size_t axis = 0; axis < whole.shape.size(); ++axis) {
    int64_t offset = 0;
    for (bool found = true; found && offset < whole.shape[axis];) {
      found = false;
      for (const Content *part : parts)
        if (part->isTelling && differOnlyAlong(part->shape, whole.shape, axis) &&
            standsAt(whole, *part, axis, static_cast<std::size_t>(offset))) {
          offset += part->shape[axis];
          found = true;
          break;
        }
    }
    if (offset == whole.shape[axis])
      return true;
  }
  return false;
}

Content transposed(const Content &matrix) {
  Content result = matrix;
  const auto rows = static_cast<std::size_t>(matrix.shape[0]);
  const auto columns = static_cast<std::size_t>(matrix.shape[1]);
  result.shape = {matrix.shape[1], matrix.shape[0]};
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j)
      result.values[j * rows + i] = matrix.values[i * columns + j];
  return result;
}

class Matcher {
public:
  Matcher(ModuleOp model, ModuleOp base)
      : model_(model), base_(base), partner_(align(model_.list, base_.list)) {
    taken_.resize(base_.list.size(), false);
    for (std::ptrdiff_t j : partner_)
      if (j != kNone)
        taken_[static_cast<std::size_t>(j)] = true;
  }

  std::vector<WeightMatch> run() {
    for (std::size_t i = 0; i < model_.list.size(); ++i)
      if (nn::WeightOp weight = model_.list[i].weight; done_.insert(weight.getSymName()).second)
        matchAll(weight);
    return std::move(found_);
  }

private:
  // All places of one weight; one that is equal is enough.
  void matchAll(nn::WeightOp weight) {
    nn::WeightOp other;
    for (std::size_t i = 0; i < model_.list.size(); ++i) {
      const Site &site = model_.list[i];
      if (site.weight != weight || !site.content->isFinite)
        continue;
      if (auto named = base_.first.find(weight.getSymName()); named != base_.first.end()) {
        const Site &same = base_.list[named->second];
        if (site.content->equals(*same.content))
          return add(weight, same.weight, "name");
      }
      if (nn::WeightOp equal = equalInPlace(i))
        return add(weight, equal, "position");
      if (site.content->isTelling && isMadeOfParts(i))
        return add(weight, {}, "parts");
      if (!other)
        other = otherInPlace(i);
    }
    if (other)
      found_.push_back({weight, other, false, "position"});
  }

  void add(nn::WeightOp weight, nn::WeightOp base, const char *how) {
    found_.push_back({weight, base, true, how});
  }

  bool isEqualAt(std::ptrdiff_t i) const {
    if (i < 0 || i >= static_cast<std::ptrdiff_t>(partner_.size()))
      return false;
    const std::ptrdiff_t j = partner_[static_cast<std::size_t>(i)];
    return j != kNone && model_.list[static_cast<std::size_t>(i)].content->equals(
                             *base_.list[static_cast<std::size_t>(j)].content);
  }
  bool tellsPlace(std::ptrdiff_t i) const {
    return isEqualAt(i) && model_.list[static_cast<std::size_t>(i)].content->isTelling;
  }

  // Another weight of the same operation, or the next one before or behind, is the public one of
  // that place and no other.
  bool isAnchored(std::size_t i) const {
    const auto at = static_cast<std::ptrdiff_t>(i);
    for (std::ptrdiff_t step : {-1, 1})
      for (std::ptrdiff_t k = at + step;; k += step) {
        if (tellsPlace(k) && partner_[static_cast<std::size_t>(k)] == partner_[i] + (k - at))
          return true;
        if (k < 0 || k >= static_cast<std::ptrdiff_t>(partner_.size()) ||
            model_.list[static_cast<std::size_t>(k)].op != model_.list[i].op)
          break;
      }
    return false;
  }

  nn::WeightOp equalInPlace(std::size_t i) const {
    const Site &site = model_.list[i];
    if (isEqualAt(static_cast<std::ptrdiff_t>(i)))
      return site.content->isTelling || isAnchored(i)
                 ? base_.list[static_cast<std::size_t>(partner_[i])].weight
                 : nn::WeightOp();
    if (partner_[i] == kNone || !site.content->isTelling)
      return {};
    // Readers of one value stand in any order.
    const Site &place = base_.list[static_cast<std::size_t>(partner_[i])];
    for (const Site &sibling : base_.list)
      if (place.input && sibling.input == place.input && sibling.signature == place.signature &&
          site.content->equals(*sibling.content) && hasSibling(site))
        return sibling.weight;
    return {};
  }

  bool hasSibling(const Site &site) const {
    return llvm::any_of(model_.list, [&](const Site &other) {
      return other.op != site.op && other.input == site.input && other.signature == site.signature;
    });
  }

  // Of weights of the base without a place of their own, between the nearest equal ones.
  bool isMadeOfParts(std::size_t i) const {
    if (partner_[i] != kNone)
      return false;
    std::ptrdiff_t from = 0;
    auto to = static_cast<std::ptrdiff_t>(base_.list.size());
    const auto at = static_cast<std::ptrdiff_t>(i);
    for (std::ptrdiff_t k = at; k-- > 0;)
      if (tellsPlace(k)) {
        from = partner_[static_cast<std::size_t>(k)] + 1;
        break;
      }
    for (std::ptrdiff_t k = at + 1; k < static_cast<std::ptrdiff_t>(partner_.size()); ++k)
      if (tellsPlace(k)) {
        to = partner_[static_cast<std::size_t>(k)];
        break;
      }
    std::vector<const Content *> open;
    for (std::ptrdiff_t j = from; j < to; ++j)
      if (const Site &site = base_.list[static_cast<std::size_t>(j)];
          !taken_[static_cast<std::size_t>(j)] && site.content->isFinite)
        open.push_back(site.content);
    const Content &content = *model_.list[i].content;
    if (isMadeOf(content, open))
      return true;
    return content.shape.size() == 2 && isMadeOf(transposed(content), open);
  }

  static bool isMadeOf(const Content &content, const std::vector<const Content *> &open) {
    return llvm::any_of(open,
                        [&](const Content *one) {
                          return content.sameBits(*one) || isPartOf(content, *one);
                        }) ||
           isConcatenation(content, open);
  }

  nn::WeightOp otherInPlace(std::size_t i) const {
    const Site &site = model_.list[i];
    if (partner_[i] != kNone)
      return base_.list[static_cast<std::size_t>(partner_[i])].weight;
    auto named = base_.first.find(nn::WeightOp(site.weight).getSymName());
    if (named == base_.first.end() ||
        base_.list[named->second].content->shape != site.content->shape)
      return {};
    return base_.list[named->second].weight;
  }

  Sites model_, base_;
  std::vector<std::ptrdiff_t> partner_;
  std::vector<bool> taken_; ///< sites of the base that have a place in the model
  std::set<StringRef> done_;
  std::vector<WeightMatch> found_;
};

} // namespace

FailureOr<PublicBases> readPublicBases(ModuleOp module, ArrayRef<std::string> files) {
  PublicBases bases;
  for (const std::string &file : files) {
    auto base = std::make_shared<PublicBase>();
    base->file = file;
    base->module = parseSourceFile<ModuleOp>(file, module.getContext());
    if (!base->module)
      return module.emitError("cannot read the public model '") << file << "'";
    bases.push_back(std::move(base));
  }
  return bases;
}

std::vector<WeightMatch> matchWeights(ModuleOp model, ModuleOp base) {
  return Matcher(model, base).run();
}

} // namespace dyad
