// SPDX-License-Identifier: Apache-2.0
// Support vector machines: the kernel of the input with each private support vector, and products
// with private coefficients. Classifiers vote one against one, as libsvm does; probabilities are
// coupled as Wu, Lin and Weng (JMLR 2004, second approach), by a fixed number of sweeps.
#include "frontends/onnx/classical.h"

#include "ir/nn/nn.h"

#include <numeric>

namespace dyad::onnx {

namespace {

using Values = std::vector<Value>;
using nn::FunctionKind;

struct KernelParameters {
  float gamma = 0;
  float coefficient = 0;
  float degree = 0;
};

Value plus(Node &node, const Value &x, float number, const char *what) {
  return number == 0 ? x : binary(node, Binary::kAdd, x, publicNumber(node, number, what));
}
Value times(Node &node, const Value &x, float number, const char *what) {
  return number == 1 ? x : binary(node, Binary::kMul, x, publicNumber(node, number, what));
}

Value power(Node &node, const Value &x, float exponent) {
  if (exponent == 1)
    return x;
  Value square = binary(node, Binary::kMul, x, x);
  if (exponent == 2)
    return square;
  if (exponent == 3)
    return binary(node, Binary::kMul, square, x);
  return function(node, FunctionKind::kPower, x, exponent);
}

/// [rows, vectors] of the kernel of each row of x with each support vector.
Value kernel(Node &node, const Value &x, std::vector<float> vectors) {
  std::string type = node.text("kernel_type", "LINEAR");
  std::vector<float> given = node.reals("kernel_params").value_or(std::vector<float>());
  given.resize(3, 0);
  const KernelParameters parameters{given[0], given[1], given[2]};
  const int64_t features = x.shape()[1];
  if (features == 0 || vectors.size() % static_cast<size_t>(features) != 0)
    throw Refusal(fmt::format("{} numbers of support vectors are no rows of {} features; the model "
                              "is damaged",
                              vectors.size(), features));
  const int64_t count = static_cast<int64_t>(vectors.size()) / features;
  std::vector<float> squares(static_cast<size_t>(count));
  for (size_t i = 0; i < vectors.size(); ++i)
    squares[i / static_cast<size_t>(features)] += vectors[i] * vectors[i];
  // What stands before the products goes into the vectors: gamma, or -2 gamma of a distance.
  const bool isDistance = type == "RBF";
  const float factor = isDistance         ? 2 * parameters.gamma
                       : type == "LINEAR" ? 1.0F
                                          : parameters.gamma;
  for (float &value : vectors)
    value *= factor;
  Value matrix = privateTensor(node, "support_vectors", {count, features}, std::move(vectors));
  Value products = matmul(node, x, transpose(node, matrix, {1, 0}));
  if (type == "LINEAR")
    return products;
  if (type == "POLY")
    return power(node, plus(node, products, parameters.coefficient, "coef0"), parameters.degree);
  if (type == "SIGMOID")
    return function(node, FunctionKind::kTanh,
                    plus(node, products, parameters.coefficient, "coef0"));
  if (!isDistance)
    throw Refusal(fmt::format("kernel_type '{}' is not supported; LINEAR, POLY, RBF and SIGMOID "
                              "are",
                              type));
  // exp(-gamma |x - v|^2), with the squares of x, v and their product apart.
  for (float &square : squares)
    square *= parameters.gamma;
  Value own = times(node, reduce(node, Reduction::kSum, binary(node, Binary::kMul, x, x), {1}),
                    parameters.gamma, "gamma");
  Value inner = binary(node, Binary::kSub, products,
                       privateVector(node, "support_vectors.squares", std::move(squares)));
  return function(node, FunctionKind::kExp, binary(node, Binary::kSub, inner, own));
}

// Products with coefficients of support vectors, or (without vectors) with the features.
Values buildRegressor(Node &node) {
  Value x = featureRows(node);
  std::vector<float> coefficients = requiredReals(node, "coefficients");
  std::vector<float> rho = requiredReals(node, "rho");
  const bool isKernel = node.integer("n_supports", 0) > 0;
  Value terms = isKernel ? kernel(node, x, requiredReals(node, "support_vectors")) : x;
  if (static_cast<int64_t>(coefficients.size()) != terms.shape()[1])
    throw Refusal(fmt::format("there are {} coefficients for {} terms; the model is damaged",
                              coefficients.size(), terms.shape()[1]));
  Value sum =
      matmul(node, terms, privateTensor(node, "coefficients", {terms.shape()[1], 1}, coefficients));
  Value result = binary(node, Binary::kAdd, sum, privateVector(node, "rho", {rho.front()}));
  if (node.integer("one_class", 0) == 0)
    return {transformed(node, result, node.text("post_transform", "NONE"))};
  // 1 of what belongs to the class, -1 of what does not.
  Value bit = step(node, result, /*isStrict=*/true);
  return {plus(node, times(node, bit, 2, "two"), -1, "one")};
}

/// Which pairs of classes there are, and the coefficients and votes of each.
struct Pairs {
  int64_t classes = 0;
  int64_t count = 0;
  std::vector<float> coefficients; ///< [vectors, pairs]
  std::vector<float> votes;        ///< [pairs, classes]: 1 for the first class, -1 for the second
  std::vector<float> offsets;      ///< of votes: what the second class has of lost votes
  std::vector<std::pair<int64_t, int64_t>> of;
};

Pairs pairsOf(const Shape &perClass, const std::vector<float> &coefficients) {
  Pairs pairs;
  pairs.classes = static_cast<int64_t>(perClass.size());
  pairs.count = pairs.classes * (pairs.classes - 1) / 2;
  const int64_t vectors = std::accumulate(perClass.begin(), perClass.end(), int64_t{0});
  if (static_cast<int64_t>(coefficients.size()) != vectors * (pairs.classes - 1))
    throw Refusal(fmt::format("there are {} coefficients for {} support vectors of {} classes; the "
                              "model is damaged",
                              coefficients.size(), vectors, pairs.classes));
  Shape first(perClass.size(), 0);
  for (size_t i = 1; i < perClass.size(); ++i)
    first[i] = first[i - 1] + perClass[i - 1];
  pairs.coefficients.assign(static_cast<size_t>(vectors * pairs.count), 0);
  pairs.votes.assign(static_cast<size_t>(pairs.count * pairs.classes), 0);
  pairs.offsets.assign(perClass.size(), 0);
  for (int64_t i = 0; i < pairs.classes; ++i)
    for (int64_t j = i + 1; j < pairs.classes; ++j) {
      const auto pair = static_cast<int64_t>(pairs.of.size());
      auto copy = [&](int64_t of, int64_t row) {
        for (int64_t s = first[of]; s < first[of] + perClass[of]; ++s)
          pairs.coefficients[static_cast<size_t>(s * pairs.count + pair)] =
              coefficients[static_cast<size_t>(row * vectors + s)];
      };
      copy(i, j - 1);
      copy(j, i);
      pairs.votes[static_cast<size_t>(pair * pairs.classes + i)] = 1;
      pairs.votes[static_cast<size_t>(pair * pairs.classes + j)] = -1;
      pairs.offsets[static_cast<size_t>(j)] += 1;
      pairs.of.emplace_back(i, j);
    }
  return pairs;
}

/// Probabilities of classes from those of the first class of each pair: the p of sum 1 that makes
/// sum over i, j of (r_ji p_i - r_ij p_j)^2 least. Damped Jacobi sweeps, normalised each time, come
/// nearer to it than the bound (0.005 / classes) at which libsvm stops.
Value coupled(Node &node, const Value &first, const Pairs &pairs) {
  constexpr int kSweeps = 5;
  constexpr float kDamping = 0.75;
  const int64_t rows = first.shape()[0];
  const int64_t classes = pairs.classes;
  // r_ij in a matrix, with r_ji = 1 - r_ij and zeros on the diagonal.
  Value zero =
      publicTensor(node, "zero", {rows, 1}, std::vector<float>(static_cast<size_t>(rows), 0));
  Value all = concat(node, {first, minusFrom(node, 1, first), zero}, 1);
  Shape to(static_cast<size_t>(classes * classes), 2 * pairs.count);
  for (size_t pair = 0; pair < pairs.of.size(); ++pair) {
    auto [i, j] = pairs.of[pair];
    to[static_cast<size_t>(i * classes + j)] = static_cast<int64_t>(pair);
    to[static_cast<size_t>(j * classes + i)] = pairs.count + static_cast<int64_t>(pair);
  }
  Value r = reshape(node, gather(node, all, 1, to), {rows, classes, classes});
  Value diagonal = reduce(node, Reduction::kSum, binary(node, Binary::kMul, r, r), {1});
  diagonal = reshape(node, diagonal, {rows, classes, 1});
  Value inverse = function(node, FunctionKind::kReciprocal, diagonal);
  Value cross = binary(node, Binary::kMul, r, transpose(node, r, {0, 2, 1}));
  Value p = publicTensor(
      node, "even", {rows, classes, 1},
      std::vector<float>(static_cast<size_t>(rows * classes), 1.0F / static_cast<float>(classes)));
  // p + damping * (level - gradient) / diagonal with level = p Q p and gradient = Q p, put so that
  // nothing but the level, which is known to be below one, is a small difference of larger numbers.
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    Value flow = matmul(node, cross, p);
    auto weighted = [&](const Value &x) {
      return reduce(node, Reduction::kSum, binary(node, Binary::kMul, p, x), {1});
    };
    Value level = binary(node, Binary::kSub, weighted(binary(node, Binary::kMul, diagonal, p)),
                         weighted(flow));
    if (level.computed)
      level = node.emit<nn::AssumeOp>(level.computed.getType(), level.computed, llvm::APFloat(-1.0),
                                      llvm::APFloat(1.0), "declared");
    Value fixed = binary(node, Binary::kMul, binary(node, Binary::kAdd, flow, level), inverse);
    Value next = binary(node, Binary::kAdd, times(node, p, 1 - kDamping, "rest"),
                        times(node, fixed, kDamping, "damping"));
    Value sum = reduce(node, Reduction::kSum, next, {1}); // near one
    p = binary(node, Binary::kMul, next, function(node, FunctionKind::kReciprocal, sum));
  }
  return reshape(node, p, {rows, classes});
}

// Scores of a classifier without support vectors: products with the features.
Values buildLinearMachine(Node &node, const Value &x, std::shared_ptr<const Labels> labels) {
  std::vector<float> coefficients = requiredReals(node, "coefficients");
  std::vector<float> rho = requiredReals(node, "rho");
  const int64_t features = std::max<int64_t>(x.shape()[1], 1);
  const int64_t classes = static_cast<int64_t>(coefficients.size()) / features;
  if (classes * features != static_cast<int64_t>(coefficients.size()))
    throw Refusal(fmt::format("{} coefficients are no rows of {} features; the model is damaged",
                              coefficients.size(), features));
  if (classes == 2)
    throw Refusal("two classes without support vectors are not supported; export a "
                  "LinearClassifier");
  Value matrix = privateTensor(node, "coefficients", {classes, features}, std::move(coefficients));
  Value scores = binary(node, Binary::kAdd, matmul(node, x, transpose(node, matrix, {1, 0})),
                        privateVector(node, "rho", {rho.front()}));
  return {indexOfLargest(node, scores, std::move(labels)),
          transformed(node, scores, node.text("post_transform", "NONE"))};
}

Values buildClassifier(Node &node) {
  Value x = featureRows(node);
  auto labels = classLabels(node, "classlabels_ints", "classlabels_strings");
  const Shape perClass = node.integers("vectors_per_class").value_or(Shape{});
  if (perClass.empty())
    return buildLinearMachine(node, x, labels);
  const Pairs pairs = pairsOf(perClass, requiredReals(node, "coefficients"));
  if (pairs.classes < 2)
    throw Refusal("there are fewer than two classes; the model is damaged");
  std::vector<float> rho = requiredReals(node, "rho");
  if (static_cast<int64_t>(rho.size()) != pairs.count)
    throw Refusal(fmt::format("there are {} values of rho for {} pairs of classes; the model is "
                              "damaged",
                              rho.size(), pairs.count));
  Value terms = kernel(node, x, requiredReals(node, "support_vectors"));
  const int64_t vectors = terms.shape()[1];
  if (vectors * pairs.count != static_cast<int64_t>(pairs.coefficients.size()))
    throw Refusal("vectors_per_class does not fit the support vectors; the model is damaged");
  Value sums = matmul(
      node, terms, privateTensor(node, "coefficients", {vectors, pairs.count}, pairs.coefficients));
  Value scores = binary(node, Binary::kAdd, sums, privateVector(node, "rho", std::move(rho)));

  Value wins = step(node, scores, /*isStrict=*/true);
  Value votes =
      matmul(node, wins, publicTensor(node, "votes", {pairs.count, pairs.classes}, pairs.votes));
  votes =
      binary(node, Binary::kAdd, votes, publicTensor(node, "lost", {pairs.classes}, pairs.offsets));
  Value label = indexOfLargest(node, votes, labels);

  const std::string transform = node.text("post_transform", "NONE");
  std::vector<float> a = node.reals("prob_a").value_or(std::vector<float>());
  std::vector<float> b = node.reals("prob_b").value_or(std::vector<float>());
  if (!a.empty()) {
    if (static_cast<int64_t>(a.size()) != pairs.count || a.size() != b.size())
      throw Refusal(fmt::format("there are {} and {} values of prob_a and prob_b for {} pairs of "
                                "classes; the model is damaged",
                                a.size(), b.size(), pairs.count));
    // Platt: 1 / (1 + exp(a s + b)).
    for (std::vector<float> *list : {&a, &b})
      for (float &value : *list)
        value = -value;
    Value line = binary(node, Binary::kAdd,
                        binary(node, Binary::kMul, scores, privateVector(node, "prob_a", a)),
                        privateVector(node, "prob_b", b));
    Value first = function(node, FunctionKind::kSigmoid, line);
    Value probabilities = pairs.classes == 2 ? concat(node, {first, minusFrom(node, 1, first)}, 1)
                                             : coupled(node, first, pairs);
    return {label, transformed(node, probabilities, transform)};
  }
  if (pairs.classes > 2)
    return {label, transformed(node, scores, transform)};
  // One score, written for both classes as ONNX Runtime does.
  Value other = transform == "NONE" || transform == "LOGISTIC" ? unary(node, Unary::kNeg, scores)
                                                               : minusFrom(node, 1, scores);
  return {label, transformed(node, concat(node, {other, scores}, 1),
                             transform == "LOGISTIC" ? transform : "NONE")};
}

} // namespace

void addSupportVectors(std::vector<Operator> &table) {
  const char *ml = "ai.onnx.ml";
  table.insert(table.end(), {
                                {ml, "SVMClassifier", 1, kNewest, buildClassifier, nullptr,
                                 "gamma, coef0 and degree are public"},
                                {ml, "SVMRegressor", 1, kNewest, buildRegressor, nullptr,
                                 "gamma, coef0 and degree are public"},
                            });
}

} // namespace dyad::onnx
