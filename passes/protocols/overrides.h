// SPDX-License-Identifier: Apache-2.0
// What a configuration (--config) fixes of a node's protocols: `protocol`, `packed`, `fused` and
// `radix`.
// Each pass that decides one of them reads the file and says where it had no use for an entry;
// scales and widths of the same file are the business of passes/numbers.
#pragma once

#include "mlir/IR/BuiltinOps.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace dyad {

struct NodeProtocols {
  std::optional<std::string> protocol; ///< "ot" or "he"
  std::optional<bool> packed;          ///< replies of a layer by RLWE
  std::optional<bool> fused;           ///< requantisation with the ReLU behind it
  std::optional<uint64_t> radix;       ///< levels that comparisons save
};

class Overrides {
public:
  /// The entries of a file, none for no path. Values that no key may have are errors on `module`,
  /// as is a file that cannot be read.
  static llvm::FailureOr<Overrides> read(mlir::ModuleOp module, llvm::StringRef path);

  /// What is fixed for the node of an operation. Looking counts as having a use for it.
  std::optional<std::string> protocol(mlir::Operation *op);
  std::optional<bool> packed(mlir::Operation *op);
  std::optional<bool> fused(mlir::Operation *op);
  std::optional<uint64_t> radix(mlir::Operation *op);

  /// Errors on `module` for the entries of this key that no operation had a use for.
  mlir::LogicalResult reportUnused(mlir::ModuleOp module, llvm::StringRef key) const;

private:
  template <typename Value>
  std::optional<Value> find(mlir::Operation *op, std::optional<Value> NodeProtocols::*member);

  std::map<std::string, NodeProtocols> nodes_;
  std::set<std::string> used_; ///< names of nodes
};

} // namespace dyad
