// SPDX-License-Identifier: Apache-2.0
#include "passes/placement/head_groups.h"

#include "ir/nn/nn.h"
#include "ir/structure.h"
#include "passes/graph/constants.h"

#include "llvm/ADT/SetVector.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

using namespace mlir;

namespace dyad {

namespace {

using Matrix = Eigen::MatrixXd;

ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

struct Attention {
  nn::MatMulOp scores;
  nn::MatMulOp mixture;
};

// Why a block is left alone, to be said with its node.
struct Refused {
  Operation *op;
  std::string why;
};

class Finder {
public:
  explicit Finder(ModuleOp module) : weights_(module) { find(module); }

  const SmallVector<Attention> &blocks() const { return blocks_; }
  std::vector<Refused> &refused() { return refused_; }

  // The groups of a block, or a refusal.
  void group(const Attention &block, int64_t size, std::vector<HeadGroups> &groups) {
    nn::MatMulOp scores = block.scores;
    nn::MatMulOp mixture = block.mixture;
    ArrayRef<int64_t> queries = shapeOf(scores.getLhs());
    const auto rank = static_cast<int64_t>(queries.size());
    const int64_t heads = queries[rank - 3];
    if (shapeOf(scores.getRhs())[rank - 3] != heads || shapeOf(mixture.getRhs())[rank - 3] != heads)
      return refuse(scores, "its heads of queries, keys and values do not match");
    if (heads % size != 0)
      return refuse(scores, fmt::format("it has {} heads, of which no groups of {} can be made; "
                                        "give --merge-heads a divisor",
                                        heads, size));
    std::optional<std::vector<Matrix>> q = projection(scores, scores.getLhs(), heads, "queries");
    std::optional<std::vector<Matrix>> k = projection(scores, scores.getRhs(), heads, "keys");
    if (!q || !k)
      return;
    groups.push_back({nodeName(scores).str(), nodeName(mixture).str(),
                      orderOf(similarities(*q, *k), size), size, rank, queries.back(),
                      shapeOf(mixture.getRhs()).back()});
  }

private:
  void refuse(Operation *op, std::string why) { refused_.push_back({op, std::move(why)}); }

  void find(ModuleOp module) {
    module.walk([&](nn::SoftmaxOp softmax) {
      const auto rank = static_cast<int64_t>(shapeOf(softmax.getResult()).size());
      if ((rank != 3 && rank != 4) || softmax.getAxis() != rank - 1 || softmax.getLog() ||
          !softmax.getResult().hasOneUse())
        return;
      auto mixture = dyn_cast<nn::MatMulOp>(*softmax.getResult().user_begin());
      if (!mixture || mixture.getLhs() != softmax.getResult() ||
          weights_.isConstant(mixture.getRhs()) ||
          static_cast<int64_t>(shapeOf(mixture.getRhs()).size()) != rank)
        return;
      SmallVector<Value> addends;
      nn::MatMulOp scores = scoresBefore(softmax.getInput(), addends);
      if (!scores)
        return;
      for (Value addend : addends)
        if (tellsHeadsApart(addend, rank))
          return refuse(scores, "a number of its own is added to each head's scores, or multiplied "
                                "with them; such heads cannot be summed");
      blocks_.push_back({scores, mixture});
    });
  }

  // The product of two computed values behind scales and masks, which `others` gets.
  nn::MatMulOp scoresBefore(Value value, SmallVector<Value> &others) const {
    Operation *op = value.getDefiningOp();
    if (auto product = dyn_cast_or_null<nn::MatMulOp>(op)) {
      const bool isComputed =
          !weights_.isConstant(product.getLhs()) && !weights_.isConstant(product.getRhs());
      return isComputed && shapeOf(product.getLhs()).size() == shapeOf(value).size() &&
                     shapeOf(product.getRhs()).size() == shapeOf(value).size()
                 ? product
                 : nn::MatMulOp();
    }
    if (op == nullptr || !isa<nn::AddOp, nn::SubOp, nn::MulOp, nn::DivOp>(op))
      return {};
    for (unsigned i = 0; i < 2; ++i) {
      const size_t mark = others.size();
      others.push_back(op->getOperand(1 - i));
      if (nn::MatMulOp found = scoresBefore(op->getOperand(i), others))
        return found;
      others.resize(mark);
    }
    return {};
  }

  static bool tellsHeadsApart(Value value, int64_t rank) {
    auto broadcast = value.getDefiningOp<nn::BroadcastOp>();
    ArrayRef<int64_t> shape = shapeOf(broadcast ? broadcast.getInput() : value);
    const auto axis = static_cast<int64_t>(shape.size()) - rank + (rank - 3);
    return axis >= 0 && shape[axis] != 1;
  }

  // The public matrix that queries or keys are made with, cut by head: [inputs, size] each.
  std::optional<std::vector<Matrix>> projection(Operation *scores, Value value, int64_t heads,
                                                StringRef what) {
    llvm::SmallSetVector<Operation *, 8> seen;
    llvm::SmallSetVector<Operation *, 2> products;
    const bool isWhole = collect(value, seen, products);
    const std::string help = fmt::format(
        "; merge the heads of the public model first (--emit onnx), and fine-tune that");
    if (!isWhole || products.size() != 1) {
      refuse(scores, fmt::format("its {} are not made by one product with weights, by which heads "
                                 "could be compared{}",
                                 what.str(), help));
      return std::nullopt;
    }
    auto product = cast<nn::MatMulOp>(products.front());
    const Constant matrix = *weights_.constantOf(product.getRhs());
    if (!matrix.isPublic) {
      refuse(scores, fmt::format("which heads are alike would be told by '{}', which is private, "
                                 "and show in the program; "
                                 "make it public (--public-weights), or{}",
                                 matrix.name, StringRef(help).drop_front().str()));
      return std::nullopt;
    }
    const int64_t size =
        what == "keys" ? shapeOf(value)[shapeOf(value).size() - 2] : shapeOf(value).back();
    const int64_t columns = matrix.shape.size() == 2 ? matrix.shape[1] : 0;
    const int64_t own = columns / std::max<int64_t>(size, 1);
    // Keys may be shared by heads, queries not: else the axis is one of samples or windows.
    if (columns % size != 0 || own == 0 || heads % own != 0 || (what != "keys" && own != heads)) {
      refuse(scores, fmt::format("'{}' has {} columns, which are not {} heads of {}{}", matrix.name,
                                 columns, heads, size, help));
      return std::nullopt;
    }
    using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const Eigen::Map<const Rows> all(matrix.values.data(), matrix.shape[0], columns);
    std::vector<Matrix> parts;
    for (int64_t head = 0; head < heads; ++head) // several read one where keys are shared
      parts.emplace_back(all.middleCols(head / (heads / own) * size, size));
    return parts;
  }

  // The nearest products with weights on all ways back; false where one ends elsewhere.
  bool collect(Value value, llvm::SmallSetVector<Operation *, 8> &seen,
               llvm::SmallSetVector<Operation *, 2> &products) const {
    Operation *op = value.getDefiningOp();
    if (op == nullptr || isa<nn::InputOp, nn::StateOp>(op))
      return false;
    if (isa<nn::ConstantOp>(op) || !seen.insert(op))
      return true;
    if (auto product = dyn_cast<nn::MatMulOp>(op)) {
      products.insert(op);
      return weights_.isConstant(product.getRhs()) && !weights_.isConstant(product.getLhs());
    }
    return llvm::all_of(op->getOperands(),
                        [&](Value operand) { return collect(operand, seen, products); });
  }

  // <A_i, A_j> = sum over (Q_i^T Q_j) o (K_i^T K_j), without A, which is as large as the model is
  // wide.
  static Matrix similarities(const std::vector<Matrix> &q, const std::vector<Matrix> &k) {
    const auto heads = static_cast<Eigen::Index>(q.size());
    Matrix forms(heads, heads);
    for (Eigen::Index i = 0; i < heads; ++i)
      for (Eigen::Index j = 0; j <= i; ++j) {
        const auto a = static_cast<size_t>(i);
        const auto b = static_cast<size_t>(j);
        forms(i, j) = forms(j, i) =
            (q[a].transpose() * q[b]).cwiseProduct(k[a].transpose() * k[b]).sum();
      }
    const Eigen::VectorXd norms = forms.diagonal().cwiseSqrt().cwiseMax(1e-300);
    return norms.cwiseInverse().asDiagonal() * forms * norms.cwiseInverse().asDiagonal();
  }

  static std::vector<int64_t> orderOf(const Matrix &alike, int64_t size) {
    std::vector<int64_t> rest(static_cast<size_t>(alike.rows()));
    for (size_t i = 0; i < rest.size(); ++i)
      rest[i] = static_cast<int64_t>(i);
    std::vector<int64_t> order;
    while (!rest.empty()) {
      std::vector<int64_t> group;
      // The head that is most alike to those chosen; of a new group, with its best partner.
      auto score = [&](int64_t head) {
        double sum = group.empty() ? -2 : 0;
        for (int64_t other : group.empty() ? rest : group)
          if (other != head)
            sum = group.empty() ? std::max(sum, alike(head, other)) : sum + alike(head, other);
        return sum;
      };
      while (static_cast<int64_t>(group.size()) < size) {
        auto best = std::max_element(rest.begin(), rest.end(),
                                     [&](int64_t a, int64_t b) { return score(a) < score(b); });
        group.push_back(*best);
        rest.erase(best);
      }
      std::sort(group.begin(), group.end());
      order.insert(order.end(), group.begin(), group.end());
    }
    return order;
  }

  Weights weights_;
  SmallVector<Attention> blocks_;
  std::vector<Refused> refused_;
};

} // namespace

FailureOr<std::vector<HeadGroups>> groupHeads(ModuleOp module, int64_t size) {
  Finder finder(module);
  std::vector<HeadGroups> groups;
  for (const Attention &block : finder.blocks())
    finder.group(block, size, groups);
  if (finder.blocks().empty() && finder.refused().empty())
    return module.emitError("--merge-heads: the model has no attention, which is a softmax along "
                            "the last axis between two products of computed values");
  for (const Refused &refused : finder.refused())
    emitError(refused.op->getLoc())
        << "node '" << nodeName(refused.op) << "': --merge-heads: " << refused.why;
  if (!finder.refused().empty())
    return failure();
  return groups;
}

} // namespace dyad
