// SPDX-License-Identifier: Apache-2.0
// Which heads of attention blocks are alike, by public weights alone.
#pragma once

#include "ir/head_groups.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/LogicalResult.h"

namespace dyad {

/// Groups of `size` heads for every attention block (a softmax between two products of computed
/// values, of rank 3 or 4 with the heads before rows and columns).
///
/// Two heads are alike as their score forms A = W_Q W_K^T are: by the cosine <A, B> / (|A| |B|) of
/// the Frobenius product, which takes no samples. Groups are made greedily, from the most alike
/// pair on. The grouping shows in the program, so the projections of queries and keys have to be
/// public; where one is not, where `size` does not divide the number of heads, or where an operand
/// tells heads apart, there is a diagnostic with the node's name, all of them in one go. A model
/// without attention is one too.
llvm::FailureOr<std::vector<HeadGroups>> groupHeads(mlir::ModuleOp module, int64_t size);

} // namespace dyad
