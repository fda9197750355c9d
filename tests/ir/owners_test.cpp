// SPDX-License-Identifier: Apache-2.0
// No operation makes a value known to more than those who know its operands, except a reveal. The
// operations are those of the dialects' own example files, which have to have all there are.
#include "ir/fx/fx.h"
#include "ir/fx/owner.h"
#include "ir/mpc/mpc.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"

#include <catch2/catch.hpp>

#include <set>
#include <string>

using namespace dyad;
using namespace mlir;

namespace {

constexpr fx::Owner kOwners[] = {fx::Owner::kPublic, fx::Owner::kClient, fx::Owner::kServer,
                                 fx::Owner::kShared};

class Examples {
public:
  explicit Examples(const std::string &file)
      : handler_(&context_, [this](Diagnostic &diagnostic) {
          errors += diagnostic.str() + "\n";
          return success();
        }) {
    context_.loadDialect<fx::FxDialect, mpc::MpcDialect, func::FuncDialect>();
    module = parseSourceFile<ModuleOp>(DYAD_LIT_FOLDER "/" + file, ParserConfig(&context_));
  }

  std::set<std::string> registered(StringRef dialect) {
    std::set<std::string> names;
    for (RegisteredOperationName name : context_.getRegisteredOperations())
      if (name.getDialectNamespace() == dialect)
        names.insert(name.getStringRef().str());
    return names;
  }

  std::string errors;

private:
  MLIRContext context_;
  ScopedDiagnosticHandler handler_;

public:
  OwningOpRef<ModuleOp> module;
};

} // namespace

TEST_CASE("every operation of fx gives what the join of its operands' owners knows") {
  Examples examples("fx/ops.mlir");
  INFO(examples.errors);
  REQUIRE(examples.module);
  // What has no operands, gives no value, or is the one exception.
  const std::set<std::string> boundaries = {"fx.weight", "fx.constant",  "fx.input", "fx.output",
                                            "fx.state",  "fx.set_state", "fx.reveal"};
  std::set<std::string> seen = boundaries;
  examples.module->walk([&](Operation *op) {
    const std::string name = op->getName().getStringRef().str();
    if (op->getName().getDialectNamespace() != "fx" || boundaries.contains(name))
      return;
    REQUIRE(op->getNumResults() == 1);
    seen.insert(name);
    SmallVector<Type> before(op->getOperandTypes());
    const Type result = op->getResult(0).getType();
    INFO(name);
    // One operand of each owner, the others public: what claims less than their join is refused.
    for (unsigned i = 0; i < op->getNumOperands(); ++i)
      for (fx::Owner owner : kOwners) {
        for (Value operand : op->getOperands())
          fx::setOwner(operand, fx::Owner::kPublic);
        fx::setOwner(op->getOperand(i), owner);
        for (fx::Owner claimed : kOwners) {
          fx::setOwner(op->getResult(0), claimed);
          INFO(fx::stringifyOwner(owner).str() << " becomes " << fx::stringifyOwner(claimed).str());
          // Concatenation refuses operands of several owners.
          CHECK((failed(op->getName().verifyInvariants(op)) || claimed == fx::joinOfOperands(op)));
        }
      }
    for (unsigned i = 0; i < op->getNumOperands(); ++i)
      op->getOperand(i).setType(before[i]);
    op->getResult(0).setType(result);
  });
  CHECK(seen == examples.registered("fx"));
}

TEST_CASE("only a reveal makes numbers of shares") {
  Examples examples("mpc/ops.mlir");
  INFO(examples.errors);
  REQUIRE(examples.module);
  bool isRevealed = false;
  std::set<std::string> seen;
  examples.module->walk([&](Operation *op) {
    const std::string name = op->getName().getStringRef().str();
    if (op->getName().getDialectNamespace() != "mpc")
      return;
    seen.insert(name);
    auto isNumber = [](Value value) { return static_cast<bool>(fx::fixedType(value)); };
    const bool readsShares =
        llvm::any_of(op->getOperands(), [&](Value value) { return !isNumber(value); });
    if (readsShares && llvm::any_of(op->getResults(), isNumber)) {
      INFO(name);
      CHECK(name == "mpc.reveal");
      isRevealed = true;
    }
    // Nor does an operation take numbers for shares: its results' types are its own.
    for (Value result : op->getResults()) {
      const Type type = result.getType();
      if (name == "mpc.reveal" || isNumber(result) || !isa<RankedTensorType>(type))
        continue;
      auto clear = fx::FixedType::get(op->getContext(), true, 16, 0, fx::Owner::kClient);
      result.setType(RankedTensorType::get(cast<RankedTensorType>(type).getShape(), clear));
      INFO(name);
      CHECK(failed(op->getName().verifyInvariants(op)));
      result.setType(type);
    }
  });
  CHECK(isRevealed);
  CHECK(seen == examples.registered("mpc"));
}
