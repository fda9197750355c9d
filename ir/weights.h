// SPDX-License-Identifier: Apache-2.0
// The values of weight symbols (nn.weight, fx.weight): in memory as resource blobs, which MLIR
// neither hashes nor keeps for ever, and on disk in a safetensors file beside the textual module.
#pragma once

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <string>
#include <vector>

namespace dyad {

/// Values of more elements than this are not printed inline.
inline constexpr int64_t kMaxInlineElements = 64;

/// Of a module: for each weight that is computed as a public one and a private rest, the node, the
/// weight and what the client learns of it.
inline constexpr llvm::StringLiteral kWeightUpdates = "nn.weight_updates";
/// Module attribute: [weight, how] of each weight that a public model has too; how is "name",
/// "position" or "parts".
inline constexpr llvm::StringLiteral kPublicMatches = "nn.public_matches";

/// An attribute that owns a copy of `bytes` (little endian, row major) as a tensor of `storage`,
/// e.g. tensor<2x2xi16> or tensor<10xf32>. `name` is only a hint for debugging.
mlir::ElementsAttr makeWeightValue(mlir::RankedTensorType storage, llvm::ArrayRef<char> bytes,
                                   llvm::StringRef name);
mlir::ElementsAttr makeFloatValue(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<float> values,
                                  mlir::MLIRContext *context, llvm::StringRef name);
/// Integers stored in the smallest of i8, i16, i32, i64 that holds `width` bits.
mlir::ElementsAttr makeIntegerValue(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> values,
                                    unsigned width, mlir::MLIRContext *context,
                                    llvm::StringRef name);

/// Bits of the storage element for a fixed-point width: 8, 16, 32 or 64.
unsigned storageBits(unsigned width);

/// Raw bytes of a value made by one of the above, or written inline in a textual module. Empty when
/// the attribute is of another kind.
std::vector<char> weightBytes(mlir::ElementsAttr value);
std::vector<float> floatValues(mlir::ElementsAttr value);
std::vector<int64_t> integerValues(mlir::ElementsAttr value);

/// Prints and parses `@name : type [= dense<...> : storage]`, shared by nn.weight and fx.weight.
mlir::ParseResult parseWeight(mlir::OpAsmParser &parser, mlir::OperationState &result);
void printWeight(mlir::OpAsmPrinter &printer, mlir::Operation *op);

/// Writes the values of all weight symbols of the module to a safetensors file. A name may hold any
/// character. Fails with a diagnostic on the module when the file cannot be written.
llvm::LogicalResult writeWeights(mlir::ModuleOp module, const std::string &path);

/// Fills in the values of weight symbols that have none from a safetensors file; a missing entry,
/// or one whose type or shape differ, is a diagnostic on the weight.
llvm::LogicalResult readWeights(mlir::ModuleOp module, const std::string &path);

} // namespace dyad
