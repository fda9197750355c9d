// SPDX-License-Identifier: Apache-2.0
// A forest is evaluated in four steps: a private matrix with one 1 in each column chooses the
// features, signs of differences with the thresholds are the decisions, a matrix counts the
// decisions that agree with a leaf's path, and the leaf where all agree is chosen.
#include "frontends/onnx/forest.h"

#include "frontends/onnx/classical.h"
#include "ir/nn/nn.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

namespace dyad::onnx {

void setMode(Split &split, llvm::StringRef mode) {
  bool isExchanged = mode == "BRANCH_GT" || mode == "BRANCH_GTE" || mode == "BRANCH_NEQ";
  if (mode == "BRANCH_LEQ" || mode == "BRANCH_GT")
    split.comparison = Comparison::kAtMost;
  else if (mode == "BRANCH_LT" || mode == "BRANCH_GTE")
    split.comparison = Comparison::kBelow;
  else if (mode == "BRANCH_EQ" || mode == "BRANCH_NEQ")
    split.comparison = Comparison::kEqual;
  else
    throw Refusal(fmt::format("nodes of mode '{}' are not supported; BRANCH_LEQ, LT, GTE, GT, EQ "
                              "and NEQ are",
                              mode.str()));
  if (std::isnan(split.threshold))
    throw Refusal("the threshold of a node is NaN; the model is damaged");
  if (isExchanged)
    std::swap(split.ifTrue, split.ifFalse);
  if (std::isinf(split.threshold)) {
    const bool isTrue = split.comparison != Comparison::kEqual && split.threshold > 0;
    (isTrue ? split.ifFalse : split.ifTrue) = isTrue ? split.ifTrue : split.ifFalse;
    split.threshold = 0;
  }
}

namespace {

constexpr size_t kKinds = 3; // of Comparison

/// The decisions from the root to a leaf: splits of the tree, and whether they are true.
struct Path {
  std::vector<std::pair<int64_t, bool>> steps;
  const Leaf *leaf = nullptr;
};

/// The paths of a tree. Refuses nodes that are reached twice or do not exist.
std::vector<Path> pathsOf(const Tree &tree) {
  std::vector<Path> paths;
  std::vector<std::pair<int64_t, Path>> open{{tree.root, {}}};
  const size_t most = tree.splits.size() + 1;
  while (!open.empty()) {
    auto [at, path] = std::move(open.back());
    open.pop_back();
    if (at < 0) {
      if (static_cast<size_t>(~at) >= tree.leaves.size() || paths.size() >= most)
        throw Refusal("the nodes of a tree do not form one; the model is damaged");
      path.leaf = &tree.leaves[static_cast<size_t>(~at)];
      paths.push_back(std::move(path));
      continue;
    }
    if (static_cast<size_t>(at) >= tree.splits.size() || path.steps.size() > tree.splits.size())
      throw Refusal("the nodes of a tree do not form one; the model is damaged");
    const Split &split = tree.splits[static_cast<size_t>(at)];
    Path other = path;
    path.steps.emplace_back(at, true);
    other.steps.emplace_back(at, false);
    if (split.ifTrue != split.ifFalse)
      open.emplace_back(split.ifFalse, std::move(other));
    else
      path.steps.pop_back(); // nothing is decided
    open.emplace_back(split.ifTrue, std::move(path));
  }
  return paths;
}

/// What is public of a forest: its trees are padded to these sizes.
struct Sizes {
  std::array<int64_t, kKinds> splits{}; ///< of a tree, for each comparison
  int64_t leaves = 1;
  int64_t depth = 0;
  bool isComplete = false; ///< all leaves at one depth, so that paths are public

  int64_t nodes() const { return splits[0] + splits[1] + splits[2]; }
};

class Evaluator {
public:
  Evaluator(Node &node, const Value &x, const Forest &forest)
      : node_(node), x_(x), forest_(forest), rows_(x.shape()[0]), features_(x.shape()[1]),
        trees_(static_cast<int64_t>(forest.trees.size())) {
    for (const Tree &tree : forest.trees)
      paths_.push_back(pathsOf(tree));
    chooseSizes();
  }

  Value run() {
    Value reached = sizes_.isComplete ? leavesOfComplete() : leavesByPaths();
    return aggregated(reached);
  }

private:
  // A complete tree has 2^depth leaves, but public paths, which cost nothing; private paths cost
  // what a product with a matrix of leaves times nodes does. A comparison of an input counts about
  // ten times a term of that matrix.
  void chooseSizes() {
    bool isUniform = true;
    std::optional<Comparison> first;
    for (size_t t = 0; t < paths_.size(); ++t) {
      std::array<int64_t, kKinds> splits{};
      for (const Split &split : forest_.trees[t].splits) {
        ++splits[static_cast<size_t>(split.comparison)];
        isUniform &= first.value_or(split.comparison) == split.comparison;
        first = split.comparison;
        if (split.feature < 0 || split.feature >= features_)
          throw Refusal(fmt::format("a node compares feature {} of {}; the model was exported for "
                                    "another input shape",
                                    split.feature, features_));
      }
      for (size_t kind = 0; kind < kKinds; ++kind)
        sizes_.splits[kind] = std::max(sizes_.splits[kind], splits[kind]);
      sizes_.leaves = std::max(sizes_.leaves, static_cast<int64_t>(paths_[t].size()));
      for (const Path &path : paths_[t])
        sizes_.depth = std::max(sizes_.depth, static_cast<int64_t>(path.steps.size()));
    }
    if (sizes_.nodes() == 0)
      sizes_.splits[0] = 1;
    sizes_.depth = std::max<int64_t>(sizes_.depth, 1);
    constexpr int64_t kMostDepth = 16, kTermsOfComparison = 10;
    if (!isUniform || sizes_.depth > kMostDepth)
      return;
    const int64_t complete = int64_t{1} << sizes_.depth;
    const int64_t saved = (complete - sizes_.leaves) * kTermsOfComparison;
    if (saved > sizes_.leaves * sizes_.nodes())
      return;
    sizes_.isComplete = true;
    sizes_.leaves = complete;
    for (int64_t &count : sizes_.splits)
      count = count > 0 ? complete - 1 : 0;
  }

  /// Decisions of all nodes [rows, trees, nodes] by splits at places of their tree.
  struct Choice {
    std::vector<float> features; ///< [features, trees * nodes], negated
    std::vector<float> thresholds;
  };

  Value decisions(const std::array<Choice, kKinds> &choices) {
    static constexpr const char *kNames[] = {"at_most", "below", "equal"};
    std::vector<Value> parts;
    for (size_t kind = 0; kind < kKinds; ++kind) {
      const int64_t count = sizes_.splits[kind];
      if (count == 0)
        continue;
      const std::string name = kNames[kind];
      Value matrix = privateTensor(node_, (name + ".features").c_str(), {features_, trees_ * count},
                                   choices[kind].features);
      Value limits = privateVector(node_, (name + ".thresholds").c_str(), choices[kind].thresholds);
      Value chosen = matmul(node_, x_, matrix);
      Value gap = binary(node_, Binary::kAdd, chosen, limits);
      const auto comparison = static_cast<Comparison>(kind);
      Value bits = comparison == Comparison::kEqual
                       ? isZero(node_, gap)
                       : step(node_, gap, comparison == Comparison::kBelow);
      parts.push_back(reshape(node_, bits, {rows_, trees_, count}));
    }
    return concat(node_, parts, 2);
  }

  std::array<Choice, kKinds> emptyChoices() const {
    std::array<Choice, kKinds> choices;
    for (size_t kind = 0; kind < kKinds; ++kind) {
      const auto columns = static_cast<size_t>(trees_ * sizes_.splits[kind]);
      choices[kind].features.assign(static_cast<size_t>(features_) * columns, 0);
      choices[kind].thresholds.assign(columns, 0);
    }
    return choices;
  }

  void place(std::array<Choice, kKinds> &choices, int64_t tree, int64_t at,
             const Split &split) const {
    const auto kind = static_cast<size_t>(split.comparison);
    const int64_t columns = trees_ * sizes_.splits[kind];
    const int64_t column = tree * sizes_.splits[kind] + at;
    choices[kind].features[static_cast<size_t>(split.feature * columns + column)] = -1;
    choices[kind].thresholds[static_cast<size_t>(column)] = split.threshold;
  }

  // Every tree as a complete one: node n decides between 2n + 1 (true) and 2n + 2. What stands
  // above the end of a path that is shorter decides between equal leaves.
  Value leavesOfComplete() {
    auto choices = emptyChoices();
    holders_.assign(static_cast<size_t>(trees_ * sizes_.leaves), nullptr);
    for (int64_t t = 0; t < trees_; ++t) {
      const Tree &tree = forest_.trees[static_cast<size_t>(t)];
      for (const Path &path : paths_[static_cast<size_t>(t)]) {
        int64_t at = 0;
        for (auto [split, isTrue] : path.steps) {
          place(choices, t, at, tree.splits[static_cast<size_t>(split)]);
          at = 2 * at + (isTrue ? 1 : 2);
        }
        const int64_t below = sizes_.depth - static_cast<int64_t>(path.steps.size());
        int64_t first = at;
        for (int64_t level = 0; level < below; ++level)
          first = 2 * first + 1;
        first -= sizes_.leaves - 1;
        for (int64_t leaf = first; leaf < first + (int64_t{1} << below); ++leaf)
          holders_[static_cast<size_t>(t * sizes_.leaves + leaf)] = path.leaf;
      }
    }
    const int64_t nodes = sizes_.leaves - 1;
    Value bits = decisions(choices);
    // Decisions and their complements: how many of them agree with each leaf's path.
    Value both = concat(node_, {bits, minusFrom(node_, 1, bits)}, 2);
    std::vector<float> agreeing(static_cast<size_t>(2 * nodes * sizes_.leaves), 0);
    for (int64_t leaf = 0; leaf < sizes_.leaves; ++leaf)
      for (int64_t at = nodes + leaf; at > 0; at = (at - 1) / 2) {
        const bool isTrue = at % 2 == 1;
        const int64_t decision = (at - 1) / 2 + (isTrue ? 0 : nodes);
        agreeing[static_cast<size_t>(decision * sizes_.leaves + leaf)] = 1;
      }
    Value count = matmul(
        node_, both, publicTensor(node_, "paths", {2 * nodes, sizes_.leaves}, std::move(agreeing)));
    Value missing = binary(node_, Binary::kSub, count,
                           publicNumber(node_, static_cast<float>(sizes_.depth), "depth"));
    return step(node_, missing, /*isStrict=*/false);
  }

  // Trees of any form: paths are a private matrix for each tree. A leaf is reached where as many
  // decisions are true as its path has true ones, less none that should be false.
  Value leavesByPaths() {
    auto choices = emptyChoices();
    holders_.assign(static_cast<size_t>(trees_ * sizes_.leaves), nullptr);
    const int64_t nodes = sizes_.nodes();
    std::vector<float> paths(static_cast<size_t>(trees_ * sizes_.leaves * nodes), 0);
    std::vector<float> missing(static_cast<size_t>(trees_ * sizes_.leaves), -1); // never reached
    std::array<int64_t, kKinds> first{0, sizes_.splits[0], sizes_.splits[0] + sizes_.splits[1]};
    for (int64_t t = 0; t < trees_; ++t) {
      const Tree &tree = forest_.trees[static_cast<size_t>(t)];
      std::vector<int64_t> places;
      std::array<int64_t, kKinds> used{};
      for (const Split &split : tree.splits) {
        const auto kind = static_cast<size_t>(split.comparison);
        place(choices, t, used[kind], split);
        places.push_back(first[kind] + used[kind]++);
      }
      const auto &own = paths_[static_cast<size_t>(t)];
      for (size_t leaf = 0; leaf < own.size(); ++leaf) {
        const size_t row = static_cast<size_t>(t * sizes_.leaves) + leaf;
        holders_[row] = own[leaf].leaf;
        missing[row] = 0;
        for (auto [split, isTrue] : own[leaf].steps) {
          const auto at = static_cast<size_t>(places[static_cast<size_t>(split)]);
          paths[row * static_cast<size_t>(nodes) + at] = isTrue ? 1.0F : -1.0F;
          missing[row] -= isTrue ? 1.0F : 0.0F;
        }
      }
    }
    Value bits = reshape(node_, decisions(choices), {rows_, trees_ * nodes, 1, 1});
    const int64_t count = trees_ * sizes_.leaves;
    Value agreeing = grouped(bits, privateTensor(node_, "paths", {count, nodes, 1, 1}, paths),
                             privateVector(node_, "paths.lengths", missing));
    return step(node_, reshape(node_, agreeing, {rows_, trees_, sizes_.leaves}),
                /*isStrict=*/false);
  }

  // A product with a matrix of each tree's own, as a convolution in groups.
  Value grouped(const Value &input, const Value &matrices, const Value &bias) {
    mlir::OpBuilder &b = node_.emitter.builder;
    return node_.emit<nn::Conv2DOp>(
        node_.floatType({rows_, matrices.shape()[0], 1, 1}), node_.operand(input),
        node_.operand(matrices), bias.isPresent() ? node_.operand(bias) : mlir::Value(),
        b.getDenseI64ArrayAttr({1, 1}), b.getDenseI64ArrayAttr({0, 0, 0, 0}),
        b.getDenseI64ArrayAttr({1, 1}), b.getI64IntegerAttr(trees_));
  }

  Value aggregated(const Value &reached) {
    const int64_t targets = forest_.targets;
    const bool isExtremum =
        (forest_.aggregate == Aggregate::kMin || forest_.aggregate == Aggregate::kMax) &&
        trees_ > 1;
    const float scale =
        forest_.aggregate == Aggregate::kAverage ? 1.0F / static_cast<float>(trees_) : 1.0F;
    // Of all trees in one matrix [trees * leaves, targets], or of each in its own [targets,
    // leaves].
    std::vector<float> values(static_cast<size_t>(trees_ * sizes_.leaves * targets), 0);
    for (int64_t t = 0; t < trees_; ++t)
      for (int64_t leaf = 0; leaf < sizes_.leaves; ++leaf) {
        const Leaf *holder = holders_[static_cast<size_t>(t * sizes_.leaves + leaf)];
        if (holder == nullptr)
          continue;
        if (isExtremum && static_cast<int64_t>(holder->weights.size()) != targets)
          throw Refusal("a leaf has not one weight for each target, which aggregates MIN and MAX "
                        "need");
        for (auto [target, weight] : holder->weights) {
          if (target < 0 || target >= targets)
            throw Refusal(fmt::format("a leaf has a weight for target {} of {}; the model is "
                                      "damaged",
                                      target, targets));
          const int64_t at = isExtremum ? (t * targets + target) * sizes_.leaves + leaf
                                        : (t * sizes_.leaves + leaf) * targets + target;
          values[static_cast<size_t>(at)] += weight * scale;
        }
      }
    const int64_t leaves = trees_ * sizes_.leaves;
    if (!isExtremum)
      return bounded(matmul(node_, reshape(node_, reached, {rows_, leaves}),
                            privateTensor(node_, "leaves", {leaves, targets}, std::move(values))),
                     scale);
    Value each = grouped(
        reshape(node_, reached, {rows_, leaves, 1, 1}),
        privateTensor(node_, "leaves", {trees_ * targets, sizes_.leaves, 1, 1}, std::move(values)),
        {});
    each = reshape(node_, each, {rows_, trees_, targets});
    Value most = reduce(
        node_, forest_.aggregate == Aggregate::kMin ? Reduction::kMin : Reduction::kMax, each, {1});
    return reshape(node_, most, {rows_, targets});
  }

  // One leaf of each tree counts, which no interval arithmetic on the sum of all leaves sees.
  // Weights are rounded to eight significant bits or more.
  Value bounded(const Value &sum, float scale) {
    constexpr double kRounding = 0x1p-8;
    double low = 0;
    double high = 0;
    for (int64_t target = 0; target < forest_.targets; ++target) {
      double least = 0;
      double most = 0;
      double largest = 0;
      for (const Tree &tree : forest_.trees) {
        double treeLeast = 0;
        double treeMost = 0;
        for (const Leaf &leaf : tree.leaves)
          for (auto [of, weight] : leaf.weights)
            if (of == target) {
              treeLeast = std::min(treeLeast, static_cast<double>(weight) * scale);
              treeMost = std::max(treeMost, static_cast<double>(weight) * scale);
            }
        least += treeLeast;
        most += treeMost;
        largest = std::max({largest, -treeLeast, treeMost});
      }
      const double rounding = kRounding * largest * static_cast<double>(trees_);
      low = std::min(low, least - rounding);
      high = std::max(high, most + rounding);
    }
    if (!sum.computed || !std::isfinite(low) || !std::isfinite(high))
      return sum;
    return node_.emit<nn::AssumeOp>(sum.computed.getType(), sum.computed, llvm::APFloat(low),
                                    llvm::APFloat(high), "declared");
  }

  Node &node_;
  const Value &x_;
  const Forest &forest_;
  const int64_t rows_;
  const int64_t features_;
  const int64_t trees_;
  std::vector<std::vector<Path>> paths_; ///< of each tree
  Sizes sizes_;
  std::vector<const Leaf *> holders_; ///< of each leaf of the padded trees; null: never reached
};

} // namespace

Value evaluate(Node &node, const Value &x, Forest forest) {
  if (forest.trees.empty())
    throw Refusal("there are no trees; the model is damaged");
  return Evaluator(node, x, forest).run();
}

} // namespace dyad::onnx
