// SPDX-License-Identifier: Apache-2.0
// Which weights of a model stand in a public one, and where: the two graphs are aligned by what
// reads weights, so that an equal tensor of another layer is no match (docs/known_operands.md).
#pragma once

#include "ir/nn/nn.h"

#include "mlir/IR/BuiltinOps.h"

#include <memory>
#include <string>
#include <vector>

namespace dyad {

/// A public model as nn, after the same graph passes as the model that it is compared with.
struct PublicBase {
  std::string file; ///< for messages
  mlir::OwningOpRef<mlir::ModuleOp> module;
  bool isMatched = false; ///< some weight was found in it
};
using PublicBases = std::vector<std::shared_ptr<PublicBase>>;

/// Reads textual nn modules, whose values stand in the text: how dyad-opt names bases. A file that
/// cannot be read is a diagnostic.
llvm::FailureOr<PublicBases> readPublicBases(mlir::ModuleOp module,
                                             llvm::ArrayRef<std::string> files);

/// A weight of the model and the one of the public base in the same place.
struct WeightMatch {
  nn::WeightOp weight;
  nn::WeightOp base; ///< null where the weight is put together of several or cut out of one
  bool isEqual = false;
  std::string how; ///< "name", "position" or "parts"
};

/// Float weights that have a partner in `base`, each once, in the order of their first use. Equal
/// are bits; a tensor with a NaN or an infinity equals nothing.
///
/// - By name: the same name, shape and values.
/// - By position: what reads the two has the same place in both graphs, or is another reader of the
///   same value (projections that an exporter ordered otherwise). Tensors of few different
///   values (zeros, ones) only beside a neighbour that tells more.
/// - By parts: between two such places, a weight that is the transpose, the reshaped form, a
///   part or the concatenation of weights that have no place of their own.
///
/// A partner of the same shape and other values is in the list with `isEqual` false.
std::vector<WeightMatch> matchWeights(mlir::ModuleOp model, mlir::ModuleOp base);

} // namespace dyad
