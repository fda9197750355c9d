// SPDX-License-Identifier: Apache-2.0
// The two-party program: one call for each operation, in the order of the mpc module, between marks
// for the statistics. What a party computes alone on values it knows is a kernel of runtime/clear.
#include "compiler/codegen/clear_calls.h"
#include "compiler/codegen/codegen.h"
#include "compiler/codegen/info.h"
#include "compiler/codegen/values.h"
#include "ir/fx/owner.h"
#include "ir/mpc/operands.h"
#include "ir/weights.h"
#include "passes/cost/time_model.h"

#include "llvm/ADT/TypeSwitch.h"

#include <fmt/format.h>

using namespace mlir;

namespace dyad::compiler {
namespace {

// Variables of at least so many elements are emptied after their last use where they are not moved.
constexpr int64_t kLargeElements = 4096;
constexpr unsigned kIndent = 2;

std::string factName(mpc::Knowledge known) {
  switch (known) {
  case mpc::Knowledge::kNonNegative:
    return "SignFact::kNonNegative";
  case mpc::Knowledge::kBounded:
    return "SignFact::kSmall";
  case mpc::Knowledge::kGeneral:
    break;
  }
  return "SignFact::kUnknown";
}

const char *protocolName(mpc::LinearProtocol protocol) {
  switch (protocol) {
  case mpc::LinearProtocol::kOtServerChooses:
    return "LinearProtocol::kOtServerChooses";
  case mpc::LinearProtocol::kOtClientChooses:
    break;
  case mpc::LinearProtocol::kHe:
    return "LinearProtocol::kHe";
  case mpc::LinearProtocol::kHePacked:
    return "LinearProtocol::kHePacked";
  }
  return "LinearProtocol::kOtClientChooses";
}

// The last argument of what compares, where it is not the default.
std::string radixArgument(Operation *op) {
  const unsigned levels = mpc::radixOf(op).levelsSaved;
  return levels == 0 ? "" : fmt::format(", Radix{{.levelsSaved = {}}}", levels);
}

std::string linearArguments(fx::FixedType server, mpc::LinearProtocol protocol, Value shares) {
  std::string text = fmt::format("{}, {}", bracedFormat(server), protocolName(protocol));
  clear::Format client = mpc::clientFormatOf(shares);
  if (client.bits != 0)
    text += fmt::format(", {{.bits = {}, .isSigned = {}}}", client.bits, client.isSigned);
  return text;
}

std::string poolWindow(Operation *op) {
  auto list = [&](StringRef name) {
    return braced(cast<DenseI64ArrayAttr>(op->getAttr(name)).asArrayRef());
  };
  return fmt::format("{{.kernel = {}, .strides = {}, .pads = {}, .dilations = {}}}", list("kernel"),
                     list("strides"), list("pads"), list("dilations"));
}

std::string convWindow(Operation *op) {
  auto list = [&](StringRef name) {
    return braced(cast<DenseI64ArrayAttr>(op->getAttr(name)).asArrayRef());
  };
  return fmt::format("{{.strides = {}, .pads = {}, .dilations = {}, .groups = {}}}",
                     list("strides"), list("pads"), list("dilations"),
                     cast<IntegerAttr>(op->getAttr("groups")).getInt());
}

class ProgramWriter {
public:
  ProgramWriter(ModuleOp module, func::FuncOp main, const CodegenOptions &options)
      : module_(module), main_(main), options_(options),
        values_(main, [](Operation *op) { return isa<fx::AssumeOp>(op); }) {}

  FailureOr<std::string> run() {
    std::string outputs;
    std::string states; // all are read before the first is set
    for (Operation &op : main_.getBody().front().without_terminator()) {
      if (auto output = dyn_cast<fx::OutputOp>(op)) {
        outputs += line(fmt::format("outputs.push_back({});", pass(output.getValue(), &op)));
      } else if (auto set = dyn_cast<mpc::SetStateOp>(op)) {
        std::string name = names_.make(set.getName().str(), "next");
        outputs += line(fmt::format("Share {} = {};", name, pass(set.getValue(), &op)));
        states += line(fmt::format("states.set({}, std::move({}));", quoted(set.getName()), name));
      } else if (failed(statement(&op))) {
        return failure();
      }
    }
    return assemble(outputs + states);
  }

private:
  static std::string line(const std::string &text) { return wrapped(text, kIndent); }

  std::string read(Value value) const { return values_.read(value); }
  std::string pass(Value value, Operation *statement) {
    std::string text = values_.pass(value, statement);
    if (text != values_.read(value))
      moved_.insert(values_.root(value));
    return text;
  }

  std::string declare(Value result) {
    Operation *op = result.getDefiningOp();
    std::string name = names_.make(nodeName(op).str(), suffixOf(op));
    values_.bind(result, name, /*isVariable=*/true);
    return name;
  }

  // A comment with the ONNX node's name, where it changes.
  void heading(Operation *op) {
    std::string name = labelOf(op).name;
    if (name == heading_)
      return;
    heading_ = name;
    body_ += fmt::format("\n  // {}\n", inComment(name.empty() ? "(unnamed)" : name));
  }

  LogicalResult statement(Operation *op) {
    if (isa<fx::AssumeOp>(op))
      return success();
    if (auto input = dyn_cast<fx::InputOp>(op)) {
      values_.bind(input.getResult(), fmt::format("inputs[{}]", quoted(input.getName())), false);
      return success();
    }
    if (auto state = dyn_cast<mpc::StateOp>(op)) {
      values_.bind(state.getResult(), fmt::format("states[{}]", quoted(state.getName())), false);
      return success();
    }
    if (auto constant = dyn_cast<fx::ConstantOp>(op))
      return bindConstant(constant);
    heading(op);
    if (auto parallel = dyn_cast<mpc::ParallelOp>(op))
      return parallelStatement(parallel);
    if (op->getName().getDialectNamespace() == "fx")
      return clearStatement(op);
    std::string expression = call(op, op);
    if (expression.empty())
      return op->emitError("cannot be emitted as C++: ") << op->getName().getStringRef();
    bool task = isTask(op);
    bool node = isNode(op);
    NodeLabel label = labelOf(op);
    if (node)
      beginNode(label);
    body_ += line(fmt::format("{} {} = {}{};", typeName(op->getResult(0)),
                              declare(op->getResult(0)), task ? "co_await " : "", expression));
    if (node)
      body_ += line("session.endNode();");
    release(op);
    return success();
  }

  void beginNode(const NodeLabel &label) {
    body_ += line(fmt::format("session.beginNode({}, {});", quoted(label.name), quoted(label.op)));
    if (!llvm::is_contained(nodes_, label))
      nodes_.push_back(label);
  }

  // Small public values are part of the text; other values are in files.
  LogicalResult bindConstant(fx::ConstantOp constant) {
    auto weight = module_.lookupSymbol<fx::WeightOp>(constant.getWeight());
    if (!weight)
      return constant.emitError("names no weight");
    if (!standsInText(weight)) {
      values_.bind(constant.getResult(), fmt::format("weights[{}]", quoted(weight.getSymName())),
                   false);
      return success();
    }
    if (!weight.getValue())
      return constant.emitError("public weight '") << weight.getSymName() << "' has no value";
    std::string name = names_.make(weight.getSymName().str(), "public");
    values_.bind(constant.getResult(), name, false);
    body_ += line(
        fmt::format("const Plain {} = {};", name, tensorInitialiser(weight, "Owner::kPublic")));
    return success();
  }

  LogicalResult parallelStatement(mpc::ParallelOp parallel) {
    auto yield = cast<mpc::YieldOp>(parallel.getBody().front().getTerminator());
    std::string calls;
    std::string results;
    for (Operation &op : parallel.getBody().front().without_terminator()) {
      std::string expression = call(&op, parallel);
      if (expression.empty() || !isTask(&op))
        return op.emitError("cannot be emitted as part of a parallel region: ")
               << op.getName().getStringRef();
      calls += (calls.empty() ? "" : ", ") + expression;
      results += (results.empty() ? "" : ", ") + declare(op.getResult(0));
    }
    for (auto [result, value] : llvm::zip_equal(parallel.getResults(), yield.getValues()))
      values_.bind(result, values_.read(value), /*isVariable=*/true);
    beginNode(labelOf(parallel));
    body_ += line(fmt::format("auto [{}] = co_await whenAll({});", results, calls));
    body_ += line("session.endNode();");
    release(parallel);
    return success();
  }

  // A value that one party, or both, compute alone.
  LogicalResult clearStatement(Operation *op) {
    if (op->getNumResults() != 1)
      return op->emitError("cannot be emitted as C++: ") << op->getName().getStringRef();
    fx::FixedType type = fx::fixedType(op->getResult(0));
    std::string kernel =
        isa<fx::ResizeOp>(op)
            ? fmt::format("tensorOf({})", read(op->getOperand(0)))
            : clearCall(
                  op, [&](Value value) { return fmt::format("tensorOf({})", read(value)); },
                  tables_);
    if (kernel.empty() || type.getOwner() == fx::Owner::kShared || isa<fx::ConcatOp>(op))
      return concatStatement(op, type);
    emitKnown(op, type, kernel);
    return success();
  }

  void emitKnown(Operation *op, fx::FixedType type, const std::string &kernel) {
    usesClear_ = true;
    std::string check =
        fmt::format("clear::checked({}, {}, {}, [&] {{ return {}; }})", quoted(nodeName(op).str()),
                    quoted(op->getName().getStringRef().str()), bracedFormat(type), kernel);
    std::string shape = bracedShape(op->getResult(0));
    std::string name = declare(op->getResult(0));
    body_ += line(fmt::format("Plain {} = known(session, {}, {}, [&] {{ return {}; }});", name,
                              ownerName(type.getOwner()), shape, check));
    release(op);
  }

  // clear::concat takes addresses, so its operands need names of their own.
  LogicalResult concatStatement(Operation *op, fx::FixedType type) {
    auto concat = dyn_cast<fx::ConcatOp>(op);
    if (!concat || type.getOwner() == fx::Owner::kShared)
      return op->emitError("cannot be emitted as C++: ") << op->getName().getStringRef();
    std::string parts;
    std::string addresses;
    for (auto [i, input] : llvm::enumerate(concat.getInputs())) {
      parts += (i == 0 ? "" : ", ") + fmt::format("tensorOf({})", read(input));
      addresses += (i == 0 ? "" : ", ") + fmt::format("&parts[{}]", i);
    }
    usesClear_ = true;
    std::string kernel = fmt::format("const clear::Tensor<std::int64_t> parts[] = {{{}}}; return "
                                     "clear::concat<std::int64_t>({{{}}}, {});",
                                     parts, addresses, concat.getAxis());
    std::string name = declare(op->getResult(0));
    body_ += line(fmt::format("Plain {} = known(session, {}, {}, [&] {{ {} }});", name,
                              ownerName(type.getOwner()), bracedShape(op->getResult(0)), kernel));
    release(op);
    return success();
  }

  // Empties large variables that were used last and not moved.
  void release(Operation *op) {
    for (Value value : values_.lastUsedBy(op, kLargeElements))
      if (!moved_.contains(value))
        body_ += line(fmt::format("{} = {{}};", values_.read(value)));
  }

  static std::string typeName(Value value) {
    Type element = cast<RankedTensorType>(value.getType()).getElementType();
    if (isa<mpc::BoolType>(element))
      return "BitShare";
    return isa<mpc::ArithType>(element) ? "Share" : "Plain";
  }

  // Protocols are coroutines; what is local is a plain function.
  static bool isTask(Operation *op) {
    return !isStructure(op) &&
           !isa<mpc::ShareOp, mpc::AddOp, mpc::SubOp, mpc::NegOp, mpc::ShiftLeftOp,
                mpc::MulPublicOp, mpc::Conv2DPublicOp, mpc::MatMulPublicOp, mpc::ReduceSumOp,
                mpc::SumPool2DOp, mpc::NarrowOp, mpc::MaskOp>(op);
  }

  std::string call(Operation *op, Operation *statement);
  std::string structureCall(Operation *op, Operation *statement);

  std::string publicWeightHashes() const;
  std::string prepareBody() const;
  std::string assemble(const std::string &outputs) const;
  std::string text(const InfoOptions &info, const std::string &outputs) const;

  ModuleOp module_;
  func::FuncOp main_;
  const CodegenOptions &options_;
  Values values_;
  Identifiers names_;
  Tables tables_;
  llvm::DenseSet<Value> moved_;
  std::vector<NodeLabel> nodes_;
  std::string body_;
  std::string heading_;
  bool usesClear_ = false;
};

std::string ProgramWriter::structureCall(Operation *op, Operation *statement) {
  auto in = [&] { return pass(op->getOperand(0), statement); };
  std::string shape = bracedShape(op->getResult(0));
  return llvm::TypeSwitch<Operation *, std::string>(op)
      .Case([&](mpc::ReshapeOp) { return fmt::format("reshape({}, {})", in(), shape); })
      .Case([&](mpc::TransposeOp o) {
        return fmt::format("transpose({}, {})", in(), braced(o.getPermutation()));
      })
      .Case([&](mpc::ConcatOp o) {
        std::string list;
        for (Value input : o.getInputs())
          list += (list.empty() ? "&" : ", &") + read(input);
        return fmt::format("concat({{{}}}, {})", list, o.getAxis());
      })
      .Case([&](mpc::SliceOp o) {
        return fmt::format("slice({}, {}, {}, {})", in(), braced(o.getStarts()),
                           braced(o.getSteps()), shape);
      })
      .Case([&](mpc::BroadcastOp) { return fmt::format("broadcast({}, {})", in(), shape); })
      .Case([&](mpc::GatherOp o) {
        return fmt::format("gather({}, {}, {})", in(), o.getAxis(), tables_.vector(o.getIndices()));
      })
      .Case([&](mpc::TakeOp o) {
        return fmt::format("take({}, {}, {})", in(), tables_.vector(o.getIndices()), shape);
      })
      .Case([&](mpc::PadOp o) {
        auto value = static_cast<int64_t>(o.getValue());
        return fmt::format("pad(session, {}, {}, {}, {}, {})", in(), braced(o.getLow()),
                           braced(o.getHigh()), braced(o.getInterior()), integer(value));
      })
      .Default([](Operation *) { return std::string(); });
}

// The call of one mpc operation, as part of `statement` (itself, or its parallel region).
std::string ProgramWriter::call(Operation *op, Operation *statement) {
  if (isStructure(op))
    return structureCall(op, statement);
  auto in = [&](unsigned i = 0) { return pass(op->getOperand(i), statement); };
  return llvm::TypeSwitch<Operation *, std::string>(op)
      .Case([&](mpc::ShareOp o) {
        return fmt::format("share(session, {}, {})", read(o.getInput()),
                           mpc::ringBits(o.getResult()));
      })
      .Case([&](mpc::RevealOp o) {
        fx::FixedType type = fx::fixedType(o.getResult());
        return fmt::format("reveal(session, {}, {}{})", in(), ownerName(type.getOwner()),
                           type.getIsSigned() ? "" : ", /*isSigned=*/false");
      })
      .Case([&](mpc::AddOp o) { return fmt::format("add({}, {})", in(), read(o.getRhs())); })
      .Case([&](mpc::SubOp o) { return fmt::format("sub({}, {})", in(), read(o.getRhs())); })
      .Case([&](mpc::NegOp) { return fmt::format("neg({})", in()); })
      .Case([&](mpc::ShiftLeftOp o) {
        return fmt::format("shiftLeft({}, {}, {})", in(), o.getShift(),
                           mpc::ringBits(o.getResult()));
      })
      .Case([&](mpc::MulPublicOp o) {
        return fmt::format("mulPublic({}, {})", in(), read(o.getFactor()));
      })
      .Case([&](mpc::Conv2DPublicOp o) {
        return fmt::format("conv2dPublic({}, {}, {})", in(), read(o.getWeight()), convWindow(op));
      })
      .Case([&](mpc::MatMulPublicOp o) {
        bool leftKnown = static_cast<bool>(fx::fixedType(o.getLhs()));
        return fmt::format("matmulPublic({}, {})", leftKnown ? read(o.getLhs()) : in(0),
                           leftKnown ? in(1) : read(o.getRhs()));
      })
      .Case([&](mpc::ReduceSumOp o) {
        return fmt::format("reduceSum({}, {})", in(), braced(o.getAxes()));
      })
      .Case(
          [&](mpc::SumPool2DOp) { return fmt::format("sumPool2d({}, {})", in(), poolWindow(op)); })
      .Case([&](mpc::NarrowOp o) {
        return fmt::format("narrow({}, {})", in(), mpc::ringBits(o.getResult()));
      })
      .Case([&](mpc::ExtendOp o) {
        std::string radix = radixArgument(o);
        std::string isUnsigned = o.getIsUnsigned() ? ", /*isUnsigned=*/true"
                                 : radix.empty()   ? ""
                                                   : ", /*isUnsigned=*/false";
        return fmt::format("extend(session, {}, {}, {}{}{})", in(), mpc::ringBits(o.getResult()),
                           factName(o.getKnown()), isUnsigned, radix);
      })
      .Case([&](mpc::TruncateReduceOp o) {
        return fmt::format("truncateReduce(session, {}, {}, {}{})", in(), o.getShift(),
                           roundingName(o.getRounding()), radixArgument(o));
      })
      .Case([&](mpc::TruncateReluOp o) {
        return fmt::format("truncateRelu(session, {}, {}, {}, {}{})", in(), o.getShift(),
                           roundingName(o.getRounding()), mpc::ringBits(o.getResult()),
                           radixArgument(o));
      })
      .Case([&](mpc::TruncateOp o) {
        return fmt::format("truncate(session, {}, {}, {}, {}{})", in(), o.getShift(),
                           roundingName(o.getRounding()), factName(o.getKnown()), radixArgument(o));
      })
      .Case([&](mpc::DivideOp o) {
        return fmt::format("divide(session, {}, {}, {}{})", in(), o.getDivisor(),
                           roundingName(o.getRounding()), radixArgument(o));
      })
      .Case([&](mpc::MsbOp o) { return fmt::format("msb(session, {}{})", in(), radixArgument(o)); })
      .Case([&](mpc::BitToArithOp o) {
        return fmt::format("bitToArith(session, {}, {}{})", in(), mpc::ringBits(o.getResult()),
                           o.getWhereZero() ? ", /*whereZero=*/true" : "");
      })
      .Case([&](mpc::MatMulBitOp o) {
        return fmt::format("matmulBit(session, {}, {}, {}{})", in(0), read(o.getMatrix()),
                           mpc::ringBits(o.getResult()),
                           o.getWhereZero() ? ", /*whereZero=*/true" : "");
      })
      .Case([&](mpc::MuxOp o) {
        return fmt::format("mux(session, {}, {}{})", in(0), in(1),
                           o.getWhereZero() ? ", /*whereZero=*/true" : "");
      })
      .Case(
          [&](mpc::ReluOp o) { return fmt::format("relu(session, {}{})", in(), radixArgument(o)); })
      .Case([&](mpc::FunctionOp o) {
        return fmt::format("function(session, {}, functionFrom({}){})", in(),
                           tables_.vector(o.getNumbers()), radixArgument(o));
      })
      .Case([&](mpc::RowsOp o) {
        return fmt::format("rowFunction(session, {}, {}rowFunctionFrom({}){})", in(),
                           o.getDivisor() ? in(1) + ", " : "", tables_.vector(o.getNumbers()),
                           radixArgument(o));
      })
      .Case([&](mpc::ClipOp o) {
        return fmt::format("clip(session, {}, {}, {}{})", in(),
                           integer(static_cast<int64_t>(o.getLow())),
                           integer(static_cast<int64_t>(o.getHigh())), radixArgument(o));
      })
      .Case([&](mpc::MaxPool2DOp o) {
        return fmt::format("maxPool2d(session, {}, {}{})", in(), poolWindow(op), radixArgument(o));
      })
      .Case([&](mpc::ReduceMaxOp o) {
        return fmt::format("reduceMax(session, {}, {}{})", in(), braced(o.getAxes()),
                           radixArgument(o));
      })
      .Case([&](mpc::ArgMaxOp o) {
        return fmt::format("argMax(session, {}, {}, {}, {}{})", in(), o.getAxis(), o.getLast(),
                           mpc::ringBits(o.getResult()), radixArgument(o));
      })
      .Case([&](mpc::Conv2DOp o) {
        std::string bias = o.getBias() ? "&" + read(o.getBias()) : "nullptr";
        return fmt::format(
            "conv2d(session, {}, {}, {}, {}, {})", in(), read(o.getWeight()), bias, convWindow(op),
            linearArguments(fx::fixedType(o.getWeight()), o.getProtocol(), o.getInput()));
      })
      .Case([&](mpc::MatMulOp o) {
        bool serverIsLeft = static_cast<bool>(fx::fixedType(o.getLhs()));
        Value server = serverIsLeft ? o.getLhs() : o.getRhs();
        Value shares = serverIsLeft ? o.getRhs() : o.getLhs();
        std::string left = serverIsLeft ? read(server) : in(0);
        std::string right = serverIsLeft ? in(1) : read(server);
        return fmt::format("matmul(session, {}, {}, {})", left, right,
                           linearArguments(fx::fixedType(server), o.getProtocol(), shares));
      })
      .Case([&](mpc::MaskOp o) {
        return fmt::format("mask(session, {}, {})", bracedShape(o.getResult()),
                           mpc::ringBits(o.getResult()));
      })
      .Case([&](mpc::MatMulPreparedOp o) {
        return fmt::format("matmulPrepared(session, {}, {}, {}, {}, {})", in(0), read(o.getMask()),
                           in(2), read(o.getMatrix()), bracedFormat(fx::fixedType(o.getMatrix())));
      })
      .Case([&](mpc::MatMulSharedOp) {
        return fmt::format("matmulShared(session, {}, {})", in(0), in(1));
      })
      .Case([&](mpc::MulPrivateOp o) {
        return fmt::format("mulPrivate(session, {}, {}, {})", in(), read(o.getFactor()),
                           bracedFormat(fx::fixedType(o.getFactor())));
      })
      .Case(
          [&](mpc::MulSharedOp) { return fmt::format("mulShared(session, {}, {})", in(0), in(1)); })
      .Default([](Operation *) { return std::string(); });
}

// Public weights in files are part of the program as much as those in its text: the handshake
// compares them with it.
std::string ProgramWriter::publicWeightHashes() const {
  std::string text;
  for (auto weight : ModuleOp(module_).getOps<fx::WeightOp>()) {
    auto type = cast<fx::FixedType>(cast<RankedTensorType>(weight.getType()).getElementType());
    if (type.getOwner() != fx::Owner::kPublic || standsInText(weight) || !weight.getValue())
      continue;
    const std::vector<char> bytes = weightBytes(*weight.getValue());
    text += fmt::format("// public weight {}: {}\n", inComment(weight.getSymName()),
                        sha256({bytes.data(), bytes.size()}));
  }
  return text.empty() ? text : text + "\n";
}

std::string ProgramWriter::text(const InfoOptions &info, const std::string &outputs) const {
  std::string text = fmt::format(
      "// Two-party program, written by Dyad {}: server and client both run it. It is public and "
      "holds\n"
      "// no private weight; those are in the server's weights.safetensors. A Share is this "
      "party's\n"
      "// summand of integers modulo 2^bits, a Plain holds integers that its owner knows.\n"
      "#include \"runtime/party/program.h\"\n",
      options_.dyadVersion);
  if (usesClear_)
    text += "#include \"runtime/clear/elementwise.h\"\n"
            "#include \"runtime/clear/functions.h\"\n"
            "#include \"runtime/clear/linear.h\"\n"
            "#include \"runtime/clear/reduce.h\"\n"
            "#include \"runtime/clear/structure.h\"\n";
  text += "\n#include <iterator>\n#include <utility>\n#include <vector>\n\n"
          "namespace dyad::generated {\nnamespace {\n\n";
  text += publicWeightHashes() + infoTables(module_, info) + "\n";
  if (!tables_.text().empty())
    text += tables_.text() + "\n";
  text += "} // namespace\n\n"
          "const ProgramInfo &programInfo() { return kInfo; }\n\n"
          "Task<void> prepare([[maybe_unused]] Session &session) {" +
          prepareBody() +
          "}\n\n"
          "Task<Outputs> step(Session &session, const Weights &weights, const Inputs &inputs,\n"
          "                   States &states) {\n"
          "  (void)weights;\n  (void)inputs;\n  (void)states;\n";
  text += body_ + "\n  Outputs outputs;\n" + outputs +
          "  co_return outputs;\n}\n\n} // namespace dyad::generated\n";
  return text;
}

// Keys of the RLWE layers, if there are any.
std::string ProgramWriter::prepareBody() const {
  std::vector<std::string> needs;
  for (const he::KeyNeed &need : mpc::heKeys(module_))
    needs.push_back(fmt::format("{{{}, {:#x}}}", need.set, need.steps));
  if (needs.empty())
    return " co_return; ";
  return fmt::format("\n  co_await he::setup(session, {{{}}});\n", fmt::join(needs, ", "));
}

std::string ProgramWriter::assemble(const std::string &outputs) const {
  const CotDemand demand = demandOf(module_);
  InfoOptions info;
  // The client's executable must not depend on what the file is called that holds the weights.
  info.codegen = options_;
  info.codegen.model.clear();
  info.nodes = nodes_;
  info.serverCots = demand.server;
  info.clientCots = demand.client;
  info.stock = mpc::targetOf(module_).stock();
  return hashed(info, [&](const InfoOptions &known) { return text(known, outputs); });
}

} // namespace

FailureOr<std::string> emitProgram(ModuleOp mpcModule, const CodegenOptions &options) {
  func::FuncOp main = mainOf(mpcModule);
  if (!main)
    return failure();
  return ProgramWriter(mpcModule, main, options).run();
}

} // namespace dyad::compiler
