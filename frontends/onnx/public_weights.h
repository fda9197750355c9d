// SPDX-License-Identifier: Apache-2.0
// Which initializers of a model are public: those whose names match a pattern, or that stand with
// the same name and values in a public ONNX file, such as the one a model was fine-tuned from.
// Values under other names are found in the graphs (passes/placement/public_base.h).
#pragma once

#include "llvm/Support/GlobPattern.h"

#include <map>
#include <onnx/onnx_pb.h>
#include <string>
#include <vector>

namespace dyad::onnx {

class PublicWeights {
public:
  /// Items of `--public-weights`: paths that end in ".onnx", else patterns with *, ? and [a-z];
  /// "all" is "*". Throws Refusal for a file that cannot be read and for a malformed pattern.
  /// `folder` is the model's, for external data.
  PublicWeights(const std::vector<std::string> &items, std::string folder);

  /// Whether an initializer is public, or the result of a Constant node (null), which only patterns
  /// name.
  bool contains(const std::string &name, const ::onnx::TensorProto *tensor);
  /// Patterns that nothing was found for so far. (What a file has too may be found in its graph.)
  std::vector<std::string> unused() const;

private:
  struct Item {
    std::string text;
    std::vector<llvm::GlobPattern> patterns; ///< none or one
    ::onnx::ModelProto file;                 ///< of the initializers below
    std::map<std::string, const ::onnx::TensorProto *> initializers;
    std::string folder;
    bool isUsed = false;
  };

  std::map<std::string, Item> items_; ///< stay in place: initializers point into their file
  std::string folder_;
};

} // namespace dyad::onnx
