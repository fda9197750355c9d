// SPDX-License-Identifier: Apache-2.0
#include "frontends/onnx/public_weights.h"

#include "frontends/onnx/merge_heads.h"
#include "frontends/onnx/model_file.h"
#include "frontends/onnx/tensor_proto.h"

#include "llvm/ADT/StringRef.h"

#include <algorithm>
#include <bit>
#include <filesystem>
#include <fmt/format.h>

namespace dyad::onnx {

namespace {

bool sameValues(const Tensor &a, const Tensor &b) {
  auto sameBits = [](float x, float y) { // and no NaN
    return x == y && std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
  };
  return a.kind == b.kind && a.shape == b.shape && a.integers == b.integers &&
         std::equal(a.floats.begin(), a.floats.end(), b.floats.begin(), b.floats.end(), sameBits);
}

} // namespace

PublicWeights::PublicWeights(const std::vector<std::string> &items, std::string folder)
    : folder_(std::move(folder)) {
  for (const std::string &text : items) {
    Item &item = items_[text];
    item.text = text;
    if (llvm::StringRef(text).ends_with(".onnx")) {
      readModel(text, item.file);
      item.folder = std::filesystem::path(text).parent_path().string();
      for (const auto &tensor : item.file.graph().initializer())
        item.initializers[tensor.name()] = &tensor;
      continue;
    }
    // The pattern refers to its text.
    llvm::Expected<llvm::GlobPattern> pattern =
        llvm::GlobPattern::create(item.text == "all" ? llvm::StringRef("*") : item.text);
    if (!pattern)
      throw Refusal(fmt::format("--public-weights: '{}' is no pattern: {}", text,
                                llvm::toString(pattern.takeError())));
    item.patterns.push_back(std::move(*pattern));
  }
}

bool PublicWeights::contains(const std::string &name, const ::onnx::TensorProto *tensor) {
  if (name == kMergedScale && tensor == nullptr)
    return true;
  bool found = false;
  for (auto &[text, item] : items_) {
    bool matches = false;
    if (auto other = item.initializers.find(name); tensor && other != item.initializers.end())
      matches = sameValues(readTensor(*tensor, folder_), readTensor(*other->second, item.folder));
    for (const llvm::GlobPattern &pattern : item.patterns)
      matches |= pattern.match(name);
    item.isUsed |= matches;
    found |= matches;
  }
  return found;
}

std::vector<std::string> PublicWeights::unused() const {
  std::vector<std::string> texts;
  for (const auto &[text, item] : items_)
    if (!item.isUsed && !item.patterns.empty())
      texts.push_back(text);
  return texts;
}

} // namespace dyad::onnx
