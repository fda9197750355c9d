// SPDX-License-Identifier: Apache-2.0
#include "compiler/driver/optional_passes.h"

#include "runtime/net/error.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"

#include <fmt/format.h>

using llvm::StringRef;

namespace dyad::compiler {

namespace {

constexpr OptionalPass kOptional[] = {
    {"cse", "equal subgraphs are computed once"},
    {"recognize-normalizations", "normalisations exported in steps are one operation"},
    {"softmax-to-logits", "no softmax before an arg-max"},
    {"order-only", "no increasing functions before an arg-max or a sign"},
    {"split-states", "a range for each part of a state"},
    {"exchange-relu-max-pool", "ReLU behind maxima, of fewer elements"},
    {"split-updates", "what fine-tuning changed of a public weight, apart from it"},
    {"merge-factors", "low-rank weights multiplied where that is cheaper"},
    {"means-into-weights", "no division of means that only products read"},
    {"batch-products", "products of independent values with one weight as one"},
    {"factors-behind-relu", "factors before a ReLU in the weights behind it, but for their signs"},
    {"scale-inputs", "features of an input alike in size, so that fewer bits do"},
    {"scale-channels", "channels alike in size, so that fewer bits do"},
    {"drop-saturation", "no bounds of quantised values that samples do not reach"},
    {"function-tables", "tables of functions by the link's latency, not by bits alone"},
    {"drop-needless", "no comparisons whose outcome ranges tell"},
    {"delay-truncations", "one truncation behind two linear operations where that is faster"},
    {"sink-truncations", "truncations behind sums, pools and maxima where that is cheaper"},
    {"widen-accumulators", "products as wide as their sums, which then need no extension"},
    {"fuse-truncate-relu", "requantisation and ReLU in one protocol where flows count"},
    {"prepare-products", "products of masks for steps that wait for each other"},
    {"merge-linear", "one encryption for all products with the same shares"},
    {"pack-replies", "packed replies of RLWE layers"},
    {"choose-radix", "comparisons that save flows for bits"},
    {"share-flows", "independent protocols in the same flows"},
};

// The program would be none, or unchecked.
constexpr StringRef kNecessary[] = {
    "fold-constants",   "fold-batch-norm", "simplify-arithmetic", "eliminate-dead-code",
    "calibrate-ranges", "nn-to-fx",        "infer-ownership",     "insert-truncations",
    "verify-ranges",    "check-ranges",    "lower-to-mpc",
};

} // namespace

llvm::ArrayRef<OptionalPass> optionalPasses() { return kOptional; }

std::set<std::string> parseDisabled(StringRef list) {
  llvm::SmallVector<StringRef> names;
  list.split(names, ',');
  std::set<std::string> disabled;
  for (StringRef name : names) {
    name = name.trim();
    if (llvm::any_of(kOptional, [&](const OptionalPass &pass) { return pass.name == name; })) {
      disabled.insert(name.str());
      continue;
    }
    std::string all;
    for (const OptionalPass &pass : kOptional)
      all += (all.empty() ? "" : ", ") + pass.name.str();
    throw Error(ErrorCode::kUsage,
                fmt::format("{}; what can be left out: {}",
                            llvm::is_contained(kNecessary, name)
                                ? fmt::format("'{}' is necessary", name.str())
                                : fmt::format("no pass is called '{}'", name.str()),
                            all));
  }
  return disabled;
}

} // namespace dyad::compiler
