// SPDX-License-Identifier: Apache-2.0
// The pass verify-ranges: whether every operation's integers fit its type, by intervals from
// inputs, weights and fx.assume alone. It says for all inputs what check-ranges says for samples.
#include "passes/numbers/passes.h"

#include "ir/fx/owner.h"
#include "passes/analysis/integer_ranges.h"
#include "runtime/functions/scalar_function.h"
#include "runtime/net/error.h"

#include "mlir/IR/SymbolTable.h"

#include <fmt/format.h>

using namespace mlir;

namespace dyad {
#define GEN_PASS_DEF_VERIFYRANGES
#include "passes/numbers/passes.h.inc"

namespace {

std::string text(__int128 x) {
  constexpr __int128 kPrinted = static_cast<__int128>(1) << 62;
  if (x > kPrinted || x < -kPrinted)
    return x < 0 ? "less than -2^62" : "more than 2^62";
  return std::to_string(static_cast<int64_t>(x));
}

bool isWithin(const IntegerRange &range, const IntegerRange &bounds) {
  return range.low >= bounds.low && range.high <= bounds.high;
}

std::string typeText(fx::FixedType type) {
  return fmt::format("{}{}", type.getIsSigned() ? 's' : 'u', type.getWidth());
}

// Inputs that a function has no value for. Domains are intervals: their ends tell.
std::string undefinedInput(fx::FunctionOp op, const IntegerRange &inputs) {
  try {
    const ScalarFunction f = functionFrom(op.getNumbers());
    evaluate(f, static_cast<int64_t>(inputs.low));
    evaluate(f, static_cast<int64_t>(inputs.high));
  } catch (const Error &error) {
    return error.what();
  }
  return {};
}

struct VerifyRanges : impl::VerifyRangesBase<VerifyRanges> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    const SymbolTable symbols(module);
    bool ok = true;
    for (auto function : module.getOps<func::FuncOp>()) {
      const IntegerRanges ranges(function, /*strict=*/false, &symbols);
      function.walk<WalkOrder::PreOrder>([&](Operation *op) { ok &= verify(op, ranges); });
    }
    if (!ok)
      signalPassFailure();
  }

private:
  static bool verify(Operation *op, const IntegerRanges &ranges) {
    if (op->getName().getDialectNamespace() != "fx" || op->getNumResults() != 1)
      return true;
    Value result = op->getResult(0);
    if (auto function = dyn_cast<fx::FunctionOp>(op)) {
      IntegerRange inputs = ranges.at(function.getInput());
      if (std::string problem = undefinedInput(function, inputs); !problem.empty()) {
        op->emitError(fmt::format("{} of integers from {} to {}, as the ranges that the program "
                                  "assumes allow: {}; it needs an fx.assume of its operand",
                                  function.getFunction().str(), text(inputs.low), text(inputs.high),
                                  problem));
        return false;
      }
    }
    const IntegerRange computed = ranges.computed(result);
    const fx::FixedType type = fx::fixedType(result);
    if (isWithin(computed, rangeOf(type)) || isAssumedByAll(result))
      return true;
    const unsigned needed =
        computed.signedBits() - (type.getIsSigned() || computed.low < 0 ? 0 : 1);
    op->emitError(fmt::format("the ranges that the program assumes allow {} to {}, which {} does "
                              "not hold: it needs {} bits{}, or an fx.assume behind it",
                              text(computed.low), text(computed.high), typeText(type), needed,
                              computed.low < 0 && !type.getIsSigned() ? " and a sign" : ""));
    return false;
  }

  // What the program assumes of the value holds for whoever uses it.
  static bool isAssumedByAll(Value value) {
    return !value.use_empty() &&
           llvm::all_of(value.getUsers(), [](Operation *user) { return isa<fx::AssumeOp>(user); });
  }
};

} // namespace
} // namespace dyad
