// SPDX-License-Identifier: Apache-2.0
// Products of independent values with the same weights become one: what the steps of a recurrent
// network do with their inputs, however it was exported.
#include "passes/graph/passes.h"

#include "ir/nn/nn.h"
#include "ir/structure.h"

#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace dyad {

#define GEN_PASS_DEF_BATCHPRODUCTS
#include "passes/graph/passes.h.inc"

namespace {

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

// A product whose right operand is a constant matrix.
bool hasConstantMatrix(nn::MatMulOp op) {
  return typeOf(op.getRhs()).getRank() == 2 && typeOf(op.getLhs()).getRank() >= 2 &&
         op.getRhs().getDefiningOp<nn::ConstantOp>() &&
         !op.getLhs().getDefiningOp<nn::ConstantOp>();
}

// Positions of one axis of a larger tensor, with the other elements in their order.
struct Part {
  Value whole;
  int64_t axis = 0;
  SmallVector<int64_t> positions;
};

// Where the elements of a value come from: a gather of one axis, or a slice that is a whole in all
// but one axis. Reshapes that keep the order are looked through where one position is left.
std::optional<Part> partOf(Value value) {
  auto reshape = value.getDefiningOp<nn::ReshapeOp>();
  Value inner = reshape ? reshape.getInput() : value;
  Part part;
  if (auto gather = inner.getDefiningOp<nn::GatherOp>()) {
    part = {gather.getInput(), static_cast<int64_t>(gather.getAxis()),
            SmallVector<int64_t>(gather.getIndices())};
  } else if (auto slice = inner.getDefiningOp<nn::SliceOp>()) {
    part.whole = slice.getInput();
    ArrayRef<int64_t> shape = typeOf(inner).getShape();
    part.axis = -1;
    for (int64_t axis = 0; axis < typeOf(inner).getRank(); ++axis) {
      if (shape[axis] == typeOf(part.whole).getDimSize(axis) && slice.getSteps()[axis] == 1)
        continue;
      if (part.axis >= 0)
        return std::nullopt;
      part.axis = axis;
      for (int64_t i = 0; i < shape[axis]; ++i)
        part.positions.push_back(slice.getStarts()[axis] + i * slice.getSteps()[axis]);
    }
    if (part.axis < 0)
      return std::nullopt;
  } else {
    return std::nullopt;
  }
  return part.positions.size() == 1 ? std::optional(part) : std::nullopt;
}

int64_t rowsOf(Value value) {
  ArrayRef<int64_t> shape = typeOf(value).getShape();
  int64_t rows = 1;
  for (int64_t size : shape.drop_back())
    rows *= size;
  return rows;
}

class BatchProductsPass : public impl::BatchProductsBase<BatchProductsPass> {
public:
  void runOnOperation() final {
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal())
        // Products behind others meet only when those have become one.
        while (batch(function.getBody().front())) {
        }
  }

private:
  // How many operations that compute something are on the longest way to a value. Those of one
  // depth do not depend on each other, and computing them together delays none.
  static bool computes(Operation &op) { return !isStructure(&op) && op.getNumOperands() > 0; }

  bool batch(Block &block) {
    llvm::DenseMap<Operation *, unsigned> depth;
    llvm::MapVector<std::pair<Attribute, unsigned>, SmallVector<nn::MatMulOp>> groups;
    for (Operation &op : block.without_terminator()) {
      unsigned level = 0;
      for (Value operand : op.getOperands())
        if (Operation *source = operand.getDefiningOp())
          level = std::max(level, depth[source]);
      depth[&op] = level + (computes(op) ? 1 : 0);
      auto product = dyn_cast<nn::MatMulOp>(op);
      if (product && hasConstantMatrix(product)) {
        auto matrix = product.getRhs().getDefiningOp<nn::ConstantOp>();
        groups[{matrix.getWeightAttr(), level}].push_back(product);
      }
    }
    bool changed = false;
    for (auto &[key, members] : groups)
      if (members.size() > 1) {
        merge(block, members);
        changed = true;
      }
    return changed;
  }

  static void merge(Block &block, ArrayRef<nn::MatMulOp> members) {
    nn::MatMulOp first = members.front();
    // Where the last one stands all operands are there; users that stand before are sorted later.
    OpBuilder builder(members.back());
    Location location = first.getLoc();
    Value rows = stacked(builder, location, members);
    int64_t columns = typeOf(first.getResult()).getShape().back();
    auto type = RankedTensorType::get({typeOf(rows).getDimSize(0), columns},
                                      typeOf(first.getResult()).getElementType());
    Value all = builder.create<nn::MatMulOp>(location, type, rows, first.getRhs());
    int64_t begin = 0;
    for (nn::MatMulOp member : members) {
      int64_t count = rowsOf(member.getLhs());
      Value own = builder.create<nn::SliceOp>(
          member.getLoc(), RankedTensorType::get({count, columns}, type.getElementType()), all,
          builder.getDenseI64ArrayAttr({begin, 0}), builder.getDenseI64ArrayAttr({1, 1}));
      begin += count;
      auto wanted = typeOf(member.getResult());
      if (wanted != typeOf(own))
        own = builder.create<nn::ReshapeOp>(member.getLoc(), wanted, own);
      member.getResult().replaceAllUsesWith(own);
    }
    for (nn::MatMulOp member : members)
      member->erase();
    sortTopologically(&block);
  }

  // The operands' rows one after another. Where they are all positions of one axis of a tensor it
  // is that tensor, its axis first.
  static Value stacked(OpBuilder &builder, Location location, ArrayRef<nn::MatMulOp> members) {
    int64_t width = typeOf(nn::MatMulOp(members.front()).getLhs()).getShape().back();
    auto element = typeOf(nn::MatMulOp(members.front()).getLhs()).getElementType();
    if (std::optional<Part> common = commonPart(members)) {
      Value whole = common->whole;
      SmallVector<int64_t> shape(typeOf(whole).getShape());
      auto count = static_cast<int64_t>(common->positions.size());
      shape[common->axis] = count;
      bool isWhole = shape == typeOf(whole).getShape() && llvm::is_sorted(common->positions);
      if (!isWhole)
        whole = builder.create<nn::GatherOp>(location, RankedTensorType::get(shape, element), whole,
                                             common->axis, common->positions);
      SmallVector<int64_t> permutation{common->axis};
      for (int64_t axis = 0; axis < static_cast<int64_t>(shape.size()); ++axis)
        if (axis != common->axis)
          permutation.push_back(axis);
      SmallVector<int64_t> turned;
      for (int64_t axis : permutation)
        turned.push_back(shape[axis]);
      whole = builder.create<nn::TransposeOp>(location, RankedTensorType::get(turned, element),
                                              whole, permutation);
      int64_t rows = typeOf(whole).getNumElements() / width;
      return builder.create<nn::ReshapeOp>(location, RankedTensorType::get({rows, width}, element),
                                           whole);
    }
    SmallVector<Value> parts;
    int64_t rows = 0;
    for (nn::MatMulOp member : members) {
      Value part = member.getLhs();
      int64_t count = rowsOf(part);
      if (typeOf(part).getRank() != 2)
        part = builder.create<nn::ReshapeOp>(member.getLoc(),
                                             RankedTensorType::get({count, width}, element), part);
      parts.push_back(part);
      rows += count;
    }
    return builder.create<nn::ConcatOp>(location, RankedTensorType::get({rows, width}, element),
                                        parts, 0);
  }

  static std::optional<Part> commonPart(ArrayRef<nn::MatMulOp> members) {
    std::optional<Part> common;
    for (nn::MatMulOp member : members) {
      std::optional<Part> part = partOf(member.getLhs());
      if (!part || (common && (part->whole != common->whole || part->axis != common->axis)))
        return std::nullopt;
      if (common)
        common->positions.push_back(part->positions.front());
      else
        common = part;
    }
    // Rows of a member have to be whole in the rest of the tensor.
    ArrayRef<int64_t> shape = typeOf(common->whole).getShape();
    int64_t width = typeOf(nn::MatMulOp(members.front()).getLhs()).getShape().back();
    bool lastIsRow = shape.back() == width && common->axis + 1 < typeOf(common->whole).getRank();
    return lastIsRow ? common : std::nullopt;
  }
};

} // namespace

} // namespace dyad
