// SPDX-License-Identifier: Apache-2.0
// Groups protocols of one depth into mpc.parallel. Depth is the number of protocols on the longest
// way to an operation; sorting by it keeps definitions before their uses.
#include "passes/protocols/passes.h"

#include "llvm/ADT/MapVector.h"

#include <algorithm>

using namespace mlir;

namespace dyad {
#define GEN_PASS_DEF_SHAREFLOWS
#include "passes/protocols/passes.h.inc"

namespace {

bool sends(Operation &op) {
  auto costed = dyn_cast<mpc::CostOpInterface>(op);
  return costed && !costed.cost().ticks.empty();
}

void wrap(ArrayRef<Operation *> members) {
  Operation *last = members.back();
  OpBuilder builder(last);
  SmallVector<Location> locations;
  SmallVector<Type> types;
  SmallVector<Value> results;
  for (Operation *op : members) {
    locations.push_back(op->getLoc());
    types.append(op->result_type_begin(), op->result_type_end());
    results.append(op->result_begin(), op->result_end());
  }
  auto parallel =
      builder.create<mpc::ParallelOp>(FusedLoc::get(builder.getContext(), locations), types);
  Block &body = parallel.getBody().emplaceBlock();
  for (auto [inner, outer] : llvm::zip_equal(results, parallel.getResults()))
    inner.replaceAllUsesWith(outer);
  for (Operation *op : members)
    op->moveBefore(&body, body.end());
  builder.setInsertionPointToEnd(&body);
  builder.create<mpc::YieldOp>(parallel.getLoc(), results);
}

struct ShareFlows : impl::ShareFlowsBase<ShareFlows> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal())
        arrange(function.getBody().front());
  }

  void arrange(Block &block) {
    llvm::DenseMap<Operation *, unsigned> depth;
    // Order within a depth: its protocols first, then what is local on their results.
    struct Entry {
      unsigned rank;
      size_t position;
      Operation *op;
    };
    std::vector<Entry> order;
    llvm::MapVector<unsigned, SmallVector<Operation *>> groups;
    for (Operation &op : block.without_terminator()) {
      unsigned level = 0;
      for (Value operand : op.getOperands())
        if (Operation *source = operand.getDefiningOp())
          level = std::max(level, depth[source]);
      bool protocol = sends(op);
      depth[&op] = level += protocol ? 1 : 0;
      if (protocol && !isa<mpc::ParallelOp>(op))
        groups[level].push_back(&op);
      // Outputs and states stay last, in their order.
      unsigned rank = isa<fx::OutputOp, mpc::SetStateOp>(op) ? ~0U : 2 * level + (protocol ? 0 : 1);
      order.push_back({rank, order.size(), &op});
    }
    llvm::sort(order, [](const Entry &a, const Entry &b) {
      return std::pair(a.rank, a.position) < std::pair(b.rank, b.position);
    });
    for (const Entry &entry : order)
      entry.op->moveBefore(block.getTerminator());
    for (auto &[level, members] : groups)
      if (members.size() > 1)
        wrap(members);
  }
};

} // namespace
} // namespace dyad
