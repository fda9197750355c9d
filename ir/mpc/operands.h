// SPDX-License-Identifier: Apache-2.0
// Operands of mpc operations in the runtime's terms, for cost formulas and for generated calls
// alike.
#pragma once

#include "ir/mpc/mpc.h"
#include "runtime/tensor/tensor_cost.h"

#include <vector>

namespace dyad::mpc {

clear::Shape shapeOf(mlir::Value value);
std::uint64_t elements(mlir::Value value);
/// Width of the ring that shares are in.
unsigned ringBits(mlir::Value shares);
/// Integers of an fx value.
clear::Format formatOf(mlir::Value known);
/// The format of the client's value that these shares hold in the clear, or one of 0 bits: they are
/// an mpc.share of the client's.
clear::Format clientFormatOf(mlir::Value shares);
/// Public values count as the server's where shares are concerned.
dyad::Owner ownerOf(fx::Owner owner);
SignFact factOf(Knowledge known);
Radix radixOf(mlir::Operation *comparison);
dyad::LinearProtocol protocolOf(LinearProtocol protocol);
clear::ConvWindow windowOf(Conv2DOp op);
/// Whether it is a conv2d or matmul by RLWE.
bool isHe(mlir::Operation *op);
/// A conv2d or matmul as RLWE sees it, whatever its protocol.
he::LinearSpec heSpecOf(mlir::Operation *op);
/// The RLWE keys that the operations below `root` need, by parameter set.
std::vector<he::KeyNeed> heKeys(mlir::Operation *root);
/// Of max_pool2d or sum_pool2d, in fx or mpc.
clear::PoolWindow poolWindowOf(mlir::Operation *op);

} // namespace dyad::mpc
