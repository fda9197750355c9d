// SPDX-License-Identifier: Apache-2.0
// The cleartext program from fx: every operation as a kernel of runtime/clear, its result checked
// against its type, every assumption checked.
#include "compiler/codegen/clear_calls.h"
#include "compiler/codegen/codegen.h"
#include "compiler/codegen/info.h"
#include "compiler/codegen/values.h"
#include "ir/fx/owner.h"

#include "llvm/ADT/DenseSet.h"

#include <fmt/format.h>

using namespace mlir;

namespace dyad::compiler {
namespace {

constexpr int64_t kLargeElements = 4096;
constexpr unsigned kIndent = 2;

class ReferenceWriter {
public:
  ReferenceWriter(ModuleOp module, func::FuncOp main, const CodegenOptions &options)
      : module_(module), main_(main), options_(options), values_(main, [](Operation *op) {
          return isa<fx::AssumeOp, fx::ResizeOp, fx::RevealOp>(op);
        }) {}

  FailureOr<std::string> run() {
    std::string outputs;
    std::string next; // all states are read before the first is set
    std::string states;
    for (Operation &op : main_.getBody().front().without_terminator()) {
      if (auto output = dyn_cast<fx::OutputOp>(op)) {
        outputs += (outputs.empty() ? "" : ", ") + read(output.getValue());
      } else if (auto set = dyn_cast<fx::SetStateOp>(op)) {
        std::string name = names_.make(set.getName().str(), "next");
        next += line(fmt::format("ReferenceTensor {} = {};", name, read(set.getValue())));
        states += line(fmt::format("states.set({}, std::move({}));", quoted(set.getName()), name));
      } else if (failed(statement(&op))) {
        return failure();
      }
    }
    body_ += "\n" + line(fmt::format("ReferenceTensors outputs{{{}}};", outputs)) + next + states +
             line("return outputs;");
    return assemble();
  }

private:
  static std::string line(const std::string &text) { return wrapped(text, kIndent); }
  std::string read(Value value) const { return values_.read(value); }

  LogicalResult statement(Operation *op) {
    if (op->getName().getDialectNamespace() != "fx" || op->getNumResults() != 1)
      return op->emitError("is no part of a fixed-point program: ") << op->getName().getStringRef();
    if (auto constant = dyn_cast<fx::ConstantOp>(op)) {
      values_.bind(constant.getResult(), fmt::format("weights[{}]", quoted(constant.getWeight())),
                   false);
      return success();
    }
    Value result = op->getResult(0);
    std::string node = quoted(nodeName(op).str());
    std::string kind = quoted(op->getName().getStringRef().str());
    std::string format = bracedFormat(fx::fixedType(result));
    if (auto input = dyn_cast<fx::InputOp>(op)) {
      std::string name = names_.make(input.getName().str(), "input");
      values_.bind(result, name, false);
      body_ += line(
          fmt::format("const ReferenceTensor &{} = inputs[{}];", name, quoted(input.getName())));
      body_ += line(fmt::format("clear::check({}, {}, {}, {});", quoted(input.getName()), kind,
                                name, format));
      return success();
    }
    if (auto state = dyn_cast<fx::StateOp>(op)) {
      std::string name = names_.make(state.getName().str(), "state");
      values_.bind(result, name, false);
      body_ += line(
          fmt::format("const ReferenceTensor &{} = states[{}];", name, quoted(state.getName())));
      return success();
    }
    if (auto assume = dyn_cast<fx::AssumeOp>(op)) {
      body_ += line(fmt::format("clear::assume({}, {}, {}, {}, {});", node, read(result),
                                integer(static_cast<int64_t>(assume.getLow())),
                                integer(static_cast<int64_t>(assume.getHigh())),
                                quoted(fx::stringifyRangeKind(assume.getKind()).str())));
      return success();
    }
    if (isa<fx::RevealOp>(op))
      return success();
    if (isa<fx::ResizeOp>(op)) {
      body_ += line(fmt::format("clear::check({}, {}, {}, {});", node, kind, read(result), format));
      return success();
    }
    std::string kernel = clearCall(op, [&](Value value) { return read(value); }, tables_);
    if (kernel.empty())
      return op->emitError("cannot be emitted as C++: ") << op->getName().getStringRef();
    heading(op);
    if (!isStructure(op)) {
      NodeLabel label{nodeName(op).str(), op->getName().getStringRef().str()};
      body_ += line(fmt::format("run.beginNode({}, {});", node, kind));
      if (!llvm::is_contained(nodes_, label))
        nodes_.push_back(label);
    }
    std::string name = names_.make(nodeName(op).str(), suffixOf(op));
    body_ += line(fmt::format("ReferenceTensor {} = clear::checked({}, {}, {}, [&] {{ return {}; "
                              "}});",
                              name, node, kind, format, kernel));
    values_.bind(result, name, true);
    for (Value value : values_.lastUsedBy(op, kLargeElements))
      body_ += line(fmt::format("{} = {{}};", read(value)));
    return success();
  }

  void heading(Operation *op) {
    StringRef name = nodeName(op);
    if (heading_ == name)
      return;
    heading_ = name.str();
    body_ += fmt::format("\n  // {}\n", inComment(heading_.empty() ? "(unnamed)" : heading_));
  }

  std::string text(const InfoOptions &info) const {
    std::string text =
        fmt::format("// The same integers in the clear, written by Dyad {}: what the two parties "
                    "compute equals "
                    "what\n"
                    "// this program computes, for every input on which none of its checks fails.\n"
                    "#include \"runtime/party/reference.h\"\n\n"
                    "#include <iterator>\n#include <utility>\n#include <vector>\n\n"
                    "namespace dyad::generated {{\nnamespace {{\n\n",
                    options_.dyadVersion);
    text += infoTables(module_, info) + "\n";
    if (!tables_.text().empty())
      text += tables_.text() + "\n";
    text += "} // namespace\n\n"
            "const ProgramInfo &programInfo() { return kInfo; }\n\n"
            "ReferenceTensors reference(ReferenceRun &run, const ReferenceValues &weights,\n"
            "                           const ReferenceValues &inputs, ReferenceValues &states) {\n"
            "  (void)run;\n  (void)weights;\n  (void)inputs;\n  (void)states;\n";
    return text + body_ + "}\n\n} // namespace dyad::generated\n";
  }

  std::string assemble() const {
    InfoOptions info;
    info.codegen = options_;
    info.publicWeights = true;
    info.nodes = nodes_;
    return hashed(info, [this](const InfoOptions &known) { return text(known); });
  }

  ModuleOp module_;
  func::FuncOp main_;
  const CodegenOptions &options_;
  Values values_;
  Identifiers names_;
  Tables tables_;
  std::vector<NodeLabel> nodes_;
  std::string body_;
  std::string heading_;
};

} // namespace

FailureOr<std::string> emitReference(ModuleOp fxModule, const CodegenOptions &options) {
  func::FuncOp main = mainOf(fxModule);
  if (!main)
    return failure();
  return ReferenceWriter(fxModule, main, options).run();
}

} // namespace dyad::compiler
