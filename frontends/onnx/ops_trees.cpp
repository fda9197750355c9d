// SPDX-License-Identifier: Apache-2.0
// Builders of tree ensembles: reads the lists of nodes that ONNX keeps them in, and gives scores
// the form that ONNX Runtime gives them. forest.h evaluates them.
#include "frontends/onnx/classical.h"
#include "frontends/onnx/forest.h"

#include "ir/nn/nn.h"

#include <map>
#include <set>

namespace dyad::onnx {

namespace {

using Values = std::vector<Value>;

Shape requiredIntegers(const Node &node, const std::string &name, size_t count) {
  Shape values = node.integers(name).value_or(Shape{});
  if (values.size() != count)
    throw Refusal(fmt::format("attribute '{}' has {} entries where {} are expected; the model is "
                              "damaged",
                              name, values.size(), count));
  return values;
}

Aggregate aggregateNamed(const std::string &name) {
  for (auto [known, aggregate] : {std::pair("SUM", Aggregate::kSum),
                                  {"AVERAGE", Aggregate::kAverage},
                                  {"MIN", Aggregate::kMin},
                                  {"MAX", Aggregate::kMax}})
    if (name == known)
      return aggregate;
  throw Refusal(fmt::format("aggregate_function '{}' is not one; the model is damaged", name));
}

/// Trees of TreeEnsembleClassifier and TreeEnsembleRegressor; weights are lists that begin with
/// `prefix`.
Forest forestOf(const Node &node, const std::string &prefix) {
  const Shape trees = node.integers("nodes_treeids").value_or(Shape{});
  const size_t count = trees.size();
  const Shape ids = requiredIntegers(node, "nodes_nodeids", count);
  const Shape features = requiredIntegers(node, "nodes_featureids", count);
  const Shape ifTrue = requiredIntegers(node, "nodes_truenodeids", count);
  const Shape ifFalse = requiredIntegers(node, "nodes_falsenodeids", count);
  const std::vector<std::string> modes = node.texts("nodes_modes");
  std::vector<float> thresholds = realsOrTensor(node, "nodes_values");
  if (modes.size() != count || thresholds.size() != count)
    throw Refusal(fmt::format("there are {} modes and {} values for {} nodes; the model is damaged",
                              modes.size(), thresholds.size(), count));
  Forest forest;
  std::map<int64_t, size_t> treeOf;
  std::map<std::pair<int64_t, int64_t>, int64_t> places; // of nodes, as Split::ifTrue
  for (size_t i = 0; i < count; ++i) {
    auto [at, isNew] = treeOf.try_emplace(trees[i], forest.trees.size());
    if (isNew)
      forest.trees.emplace_back();
    Tree &tree = forest.trees[at->second];
    const bool isLeaf = modes[i] == "LEAF";
    const auto place = isLeaf ? ~static_cast<int64_t>(tree.leaves.size())
                              : static_cast<int64_t>(tree.splits.size());
    if (isLeaf)
      tree.leaves.emplace_back();
    else
      tree.splits.emplace_back();
    if (!places.try_emplace({trees[i], ids[i]}, place).second)
      throw Refusal(
          fmt::format("tree {} has two nodes {}; the model is damaged", trees[i], ids[i]));
    if (isNew) // the first node of a tree
      tree.root = place;
  }
  auto find = [&](int64_t tree, int64_t id) {
    auto found = places.find({tree, id});
    if (found == places.end())
      throw Refusal(fmt::format("tree {} has no node {}; the model is damaged", tree, id));
    return found->second;
  };
  for (size_t i = 0; i < count; ++i) {
    if (modes[i] == "LEAF")
      continue;
    Split &split =
        forest.trees[treeOf[trees[i]]].splits[static_cast<size_t>(find(trees[i], ids[i]))];
    split = {features[i], thresholds[i], Comparison::kAtMost, find(trees[i], ifTrue[i]),
             find(trees[i], ifFalse[i])};
    setMode(split, modes[i]);
  }
  const Shape targets = node.integers(prefix + "_ids").value_or(Shape{});
  const Shape leafTrees = requiredIntegers(node, prefix + "_treeids", targets.size());
  const Shape leafIds = requiredIntegers(node, prefix + "_nodeids", targets.size());
  const std::vector<float> weights = realsOrTensor(node, prefix + "_weights");
  if (weights.size() != targets.size())
    throw Refusal(fmt::format("there are {} weights for {} targets of leaves; the model is damaged",
                              weights.size(), targets.size()));
  for (size_t i = 0; i < targets.size(); ++i) {
    const int64_t place = find(leafTrees[i], leafIds[i]);
    if (place >= 0)
      throw Refusal(fmt::format("node {} of tree {} has a weight and is no leaf; the model is "
                                "damaged",
                                leafIds[i], leafTrees[i]));
    Tree &tree = forest.trees[treeOf[leafTrees[i]]];
    tree.leaves[static_cast<size_t>(~place)].weights.emplace_back(targets[i], weights[i]);
  }
  return forest;
}

Value withBase(Node &node, const Value &scores, const std::vector<float> &base) {
  return base.empty() ? scores
                      : binary(node, Binary::kAdd, scores, privateVector(node, "base", base));
}

Values buildRegressor(Node &node) {
  Forest forest = forestOf(node, "target");
  forest.targets = node.integer("n_targets", 1);
  forest.aggregate = aggregateNamed(node.text("aggregate_function", "SUM"));
  std::vector<float> base = realsOrTensor(node, "base_values");
  if (!base.empty() && base.size() != 1 && static_cast<int64_t>(base.size()) != forest.targets)
    throw Refusal(fmt::format("there are {} base values for {} targets; the model is damaged",
                              base.size(), forest.targets));
  Value scores = withBase(node, evaluate(node, featureRows(node), std::move(forest)), base);
  return {transformed(node, scores, node.text("post_transform", "NONE"))};
}

// Two classes of one score each way, as ONNX Runtime has them: with weights of one class only, the
// score says how likely the second class is (weights that are all positive), or votes by its sign.
Values binaryClasses(Node &node, const Value &scores, bool isPositive, bool hasTwoScores,
                     std::vector<float> base, const std::shared_ptr<const Labels> &labels) {
  const std::string transform = node.text("post_transform", "NONE");
  const int64_t rows = scores.shape()[0];
  auto number = [&](float value, const char *what) {
    return publicTensor(node, what, {rows, 1},
                        std::vector<float>(static_cast<size_t>(rows), value));
  };
  Value score = withBase(node, scores, base);
  const float limit = isPositive ? 0.5F : 0.0F;
  Value label = indexOfLargest(node, concat(node, {number(limit, "limit"), score}, 1), labels);
  if (hasTwoScores)
    return {label, transformed(node, concat(node, {number(0, "zero"), score}, 1), transform)};
  if (transform == "LOGISTIC" || !isPositive) {
    Value both = concat(node, {unary(node, Unary::kNeg, score), score}, 1);
    return {label, transformed(node, both, transform == "LOGISTIC" ? transform : "NONE")};
  }
  return {label, concat(node, {minusFrom(node, 1, score), score}, 1)};
}

Values buildClassifier(Node &node) {
  auto labels = classLabels(node, "classlabels_int64s", "classlabels_strings");
  if (!labels)
    throw Refusal("there are no class labels; the model is damaged");
  const auto classes = static_cast<int64_t>(labels->size());
  Forest forest = forestOf(node, "class");
  forest.targets = classes;
  std::vector<float> base = realsOrTensor(node, "base_values");
  if (base.size() > 1 && static_cast<int64_t>(base.size()) != classes)
    throw Refusal(fmt::format("there are {} base values for {} classes; the model is damaged",
                              base.size(), classes));
  std::set<int64_t> used;
  bool isPositive = true;
  for (Tree &tree : forest.trees)
    for (Leaf &leaf : tree.leaves)
      for (auto [target, weight] : leaf.weights) {
        used.insert(target);
        isPositive &= weight >= 0;
      }
  Value x = featureRows(node);
  const std::string transform = node.text("post_transform", "NONE");
  if (classes == 2 && used.size() == 1) {
    const bool isSecond = *used.begin() == 1;
    if (base.size() == 2)
      throw Refusal("two base values for weights of one class are not supported; add them to the "
                    "leaves of one tree");
    for (Tree &tree : forest.trees)
      for (Leaf &leaf : tree.leaves)
        for (auto &[target, weight] : leaf.weights)
          target = 0;
    forest.targets = 1;
    Value score = evaluate(node, x, std::move(forest));
    return binaryClasses(node, score, isPositive, isSecond, isSecond ? std::vector<float>() : base,
                         labels);
  }
  Value scores = evaluate(node, x, std::move(forest));
  if (classes != 2) {
    if (classes > 2 && base.size() == 1)
      throw Refusal("one base value for several classes is not supported; give one for each");
    scores = withBase(node, scores, base);
    return {indexOfLargest(node, scores, labels), transformed(node, scores, transform)};
  }
  // Scores for both: the sign of the second decides.
  if (!base.empty())
    throw Refusal("base values for two classes that both have weights are not supported; add them "
                  "to the leaves of one tree");
  const int64_t rows = scores.shape()[0];
  Value zero =
      publicTensor(node, "zero", {rows, 1}, std::vector<float>(static_cast<size_t>(rows), 0.0F));
  Value second = gather(node, scores, 1, {1});
  return {indexOfLargest(node, concat(node, {zero, second}, 1), labels),
          transformed(node, scores, transform)};
}

// TreeEnsemble of ai.onnx.ml 5: nodes of all trees in one list, leaves in another.
Values buildEnsemble(Node &node) {
  static constexpr const char *kModes[] = {"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE",
                                           "BRANCH_GT",  "BRANCH_EQ", "BRANCH_NEQ"};
  static constexpr const char *kTransforms[] = {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO"};
  static constexpr Aggregate kAggregates[] = {Aggregate::kAverage, Aggregate::kSum, Aggregate::kMin,
                                              Aggregate::kMax};
  auto known = [&](int64_t number, size_t count, const char *what) {
    if (number < 0 || number >= static_cast<int64_t>(count))
      throw Refusal(fmt::format("{} {} is not supported", what, number));
    return static_cast<size_t>(number);
  };
  const Shape features = node.integers("nodes_featureids").value_or(Shape{});
  const size_t count = features.size();
  const Shape ifTrue = requiredIntegers(node, "nodes_truenodeids", count);
  const Shape ifFalse = requiredIntegers(node, "nodes_falsenodeids", count);
  const Shape trueLeaves = requiredIntegers(node, "nodes_trueleafs", count);
  const Shape falseLeaves = requiredIntegers(node, "nodes_falseleafs", count);
  const Shape targets = node.integers("leaf_targetids").value_or(Shape{});
  auto tensor = [&](const char *name, size_t size) {
    std::optional<Tensor> value = node.tensor(name);
    if (!value || static_cast<size_t>(value->size()) != size)
      throw Refusal(
          fmt::format("tensor '{}' has not {} entries; the model is damaged", name, size));
    return *value;
  };
  const Tensor thresholds = tensor("nodes_splits", count);
  const Tensor modes = tensor("nodes_modes", count);
  const Tensor weights = tensor("leaf_weights", targets.size());
  Forest forest;
  forest.targets = node.integer("n_targets", 1);
  forest.aggregate = kAggregates[known(node.integer("aggregate_function", 1),
                                       std::size(kAggregates), "aggregate_function")];
  for (int64_t root : node.integers("tree_roots").value_or(Shape{})) {
    Tree tree;
    std::map<int64_t, int64_t> places;
    std::map<int64_t, int64_t> leaves;
    Shape open{root};
    auto child = [&](int64_t at, bool isLeaf) -> int64_t {
      if (at < 0 || static_cast<size_t>(at) >= (isLeaf ? targets.size() : count))
        throw Refusal(
            fmt::format("there is no {} {}; the model is damaged", isLeaf ? "leaf" : "node", at));
      if (isLeaf) {
        auto [place, isNew] = leaves.try_emplace(at, ~static_cast<int64_t>(tree.leaves.size()));
        if (isNew)
          tree.leaves.push_back(
              {{{targets[static_cast<size_t>(at)], weights.floats[static_cast<size_t>(at)]}}});
        return place->second;
      }
      auto [place, isNew] = places.try_emplace(at, static_cast<int64_t>(tree.splits.size()));
      if (isNew) {
        tree.splits.emplace_back();
        open.push_back(at);
      }
      return place->second;
    };
    open.clear();
    tree.root = child(root, false);
    while (!open.empty()) {
      const auto at = static_cast<size_t>(open.back());
      open.pop_back();
      Split split{features[at], thresholds.floats[at], Comparison::kAtMost,
                  child(ifTrue[at], trueLeaves[at] != 0), child(ifFalse[at], falseLeaves[at] != 0)};
      setMode(split, kModes[known(modes.integers[at], std::size(kModes), "node mode")]);
      tree.splits[static_cast<size_t>(places[static_cast<int64_t>(at)])] = split;
    }
    forest.trees.push_back(std::move(tree));
  }
  const char *transform = kTransforms[known(node.integer("post_transform", 0),
                                            std::size(kTransforms), "post_transform")];
  return {transformed(node, evaluate(node, featureRows(node), std::move(forest)), transform)};
}

} // namespace

void addTrees(std::vector<Operator> &table) {
  const char *ml = "ai.onnx.ml";
  const char *limits = "no missing values (NaN); numbers of trees, nodes and leaves are public";
  table.insert(table.end(),
               {
                   {ml, "TreeEnsembleClassifier", 1, kNewest, buildClassifier, nullptr, limits},
                   {ml, "TreeEnsembleRegressor", 1, kNewest, buildRegressor, nullptr, limits},
                   {ml, "TreeEnsemble", 5, kNewest, buildEnsemble, nullptr, limits},
               });
}

} // namespace dyad::onnx
