// SPDX-License-Identifier: Apache-2.0
#include "frontends/onnx/import.h"

#include "frontends/onnx/graph_importer.h"
#include "frontends/onnx/merge_heads.h"
#include "frontends/onnx/model_file.h"
#include "frontends/onnx/public_weights.h"
#include "frontends/onnx/tensor_proto.h"
#include "ir/nn/nn.h"
#include "ir/state.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"

#include <cmath>
#include <filesystem>
#include <new>

using namespace mlir;

namespace dyad::onnx {

namespace {

using Dimension = ::onnx::TensorShapeProto::Dimension;

// "; did you mean 'x' or 'y'?", from the closest of the candidates.
std::string closeNames(const std::string &name, const std::vector<std::string> &candidates) {
  std::vector<std::pair<unsigned, std::string>> ranked;
  for (const std::string &candidate : candidates) {
    bool contains = !name.empty() && llvm::StringRef(candidate).contains_insensitive(name);
    unsigned distance = llvm::StringRef(name).edit_distance(candidate, true, 8);
    if (contains || distance <= std::max<size_t>(1, name.size() / 3))
      ranked.emplace_back(distance, candidate);
  }
  std::sort(ranked.begin(), ranked.end());
  std::string text;
  for (size_t i = 0; i < std::min<size_t>(ranked.size(), 5); ++i)
    text += fmt::format("{}'{}'", i == 0 ? "" : ", ", ranked[i].second);
  if (!text.empty())
    return "did you mean " + text + "?";
  for (size_t i = 0; i < std::min<size_t>(candidates.size(), 8); ++i)
    text += fmt::format("{}'{}'", i == 0 ? "" : ", ", candidates[i]);
  return candidates.empty() ? "there is none" : "there is " + text;
}

// One import, from the parsed model to the module.
class ModelImporter {
public:
  ModelImporter(const ::onnx::ModelProto &model, const std::string &folder,
                const ImportOptions &options, ModuleOp module, OpBuilder builder)
      : model_(model), options_(options), publicWeights_(options.publicWeights, folder),
        emitter_(module, builder), graphs_(model, folder, publicWeights_, emitter_),
        main_(frame_, nullptr, "") {}

  LogicalResult run();

private:
  void checkOptions();
  void checkName(const char *option, const std::string &name);
  void bindSymbols();
  void checkStates();
  const std::string *nextOf(const std::string &state) const;
  void addInput(const ::onnx::ValueInfoProto &input);
  mlir::Value addState(const std::string &name, const Shape &shape);
  void setState(const std::string &name, const std::string &next, const Value &value);
  Value constantInput(const std::string &name, const ::onnx::TypeProto::Tensor &type,
                      const SetValue &given);
  Shape inputShape(const std::string &name, const ::onnx::TypeProto::Tensor &type);
  void addOutputs();
  bool isInitializer(const std::string &name) const {
    return main_.initializers.count(name) > 0 && options_.sets.count(name) == 0;
  }

  const ::onnx::ModelProto &model_;
  const ImportOptions &options_;
  PublicWeights publicWeights_;
  Emitter emitter_;
  GraphImporter graphs_;
  Frame frame_;
  Scope main_;
  std::map<std::string, int64_t> symbols_; // sizes of symbolic dimensions, from --shape
};

void ModelImporter::checkName(const char *option, const std::string &name) {
  std::vector<std::string> inputs;
  for (const auto &input : model_.graph().input())
    if (!isInitializer(input.name()))
      inputs.push_back(input.name());
  if (!llvm::is_contained(inputs, name))
    graphs_.report(fmt::format("{} names '{}', which is no graph input; {}", option, name,
                               closeNames(name, inputs)));
}

void ModelImporter::checkOptions() {
  for (const auto &[name, shape] : options_.shapes)
    checkName("--shape", name);
  for (const auto &[name, value] : options_.sets)
    checkName("--set", name);
  for (const auto &[name, range] : options_.inputRanges) {
    if (!name.empty())
      checkName("--input-range", name);
    if (!std::isfinite(range.first) || !std::isfinite(range.second) || range.first > range.second)
      graphs_.report(fmt::format("--input-range {},{} should be two finite "
                                 "numbers, the smaller one first",
                                 range.first, range.second));
  }
  for (const auto &[name, owner] : options_.owners) {
    checkName("--owner", name);
    if (owner != "client" && owner != "server" && owner != "public")
      graphs_.report(fmt::format("--owner {}={} should be client, server or public", name, owner));
  }
  checkStates();
  if (options_.reveal != "client" && options_.reveal != "server" && options_.reveal != "both")
    graphs_.report(fmt::format("--reveal {} should be client, server or both", options_.reveal));
}

// The tensor that a state will be; null where the input is no state.
const std::string *ModelImporter::nextOf(const std::string &state) const {
  for (const auto &[name, next] : options_.states)
    if (name == state)
      return &next;
  return nullptr;
}

void ModelImporter::checkStates() {
  std::set<std::string> seen;
  for (const auto &[name, next] : options_.states) {
    checkName("--state", name);
    if (!seen.insert(name).second)
      graphs_.report(fmt::format("--state gives '{}' two next values; one is possible", name));
    for (auto [given, option] : {std::pair(options_.sets.count(name), "--set"),
                                 std::pair(options_.owners.count(name), "--owner")})
      if (given > 0)
        graphs_.report(fmt::format("--state makes '{}' a state, which nobody gives; {} cannot name "
                                   "it too{}",
                                   name, option,
                                   option == StringRef("--set")
                                       ? fmt::format(". Its first value is that of --state-init "
                                                     "{}=FILE.npy",
                                                     name)
                                       : std::string()));
  }
  for (const auto &[name, value] : options_.stateInitials)
    if (nextOf(name) == nullptr)
      graphs_.report(
          fmt::format("--state-init names '{}', which is no state; add --state {}=OUTPUT "
                      "with the tensor that it becomes",
                      name, name));
}

// One size of a symbol fixes it for all inputs.
void ModelImporter::bindSymbols() {
  for (const auto &input : model_.graph().input()) {
    auto given = options_.shapes.find(input.name());
    const auto &dims = input.type().tensor_type().shape().dim();
    if (given == options_.shapes.end() || given->second.size() != static_cast<size_t>(dims.size()))
      continue;
    for (int i = 0; i < dims.size(); ++i) {
      if (dims[i].value_case() != Dimension::kDimParam || dims[i].dim_param().empty())
        continue;
      auto [symbol, isNew] = symbols_.emplace(dims[i].dim_param(), given->second[i]);
      if (!isNew && symbol->second != given->second[i])
        graphs_.report(fmt::format("--shape gives dimension '{}' the sizes {} and {}; they must "
                                   "agree",
                                   symbol->first, symbol->second, given->second[i]));
    }
  }
}

Shape ModelImporter::inputShape(const std::string &name, const ::onnx::TypeProto::Tensor &type) {
  const auto &dims = type.shape().dim();
  auto given = options_.shapes.find(name);
  if (given != options_.shapes.end()) {
    bool fits = !type.has_shape() || given->second.size() == static_cast<size_t>(dims.size());
    for (int i = 0; fits && i < dims.size(); ++i)
      fits = dims[i].value_case() != Dimension::kDimValue || dims[i].dim_value() < 0 ||
             dims[i].dim_value() == given->second[i];
    if (!fits)
      throw Refusal(fmt::format("graph input '{}': --shape gives it shape {}, which differs from "
                                "the model in rank or in a fixed dimension; only symbolic "
                                "dimensions can be chosen",
                                name, shapeText(given->second)));
    elementCount(given->second);
    return given->second;
  }
  if (!type.has_shape())
    throw Refusal(fmt::format("graph input '{}' has no shape in the model; give it one with "
                              "--shape {}=...",
                              name, name));
  Shape shape;
  std::string symbols;
  std::string example;
  for (int i = 0; i < dims.size(); ++i) {
    bool isSymbol = dims[i].value_case() == Dimension::kDimParam;
    auto known = symbols_.find(isSymbol ? dims[i].dim_param() : std::string());
    if (dims[i].value_case() == Dimension::kDimValue && dims[i].dim_value() >= 0)
      shape.push_back(dims[i].dim_value());
    else if (isSymbol && known != symbols_.end())
      shape.push_back(known->second);
    else {
      std::string symbol = isSymbol && !dims[i].dim_param().empty()
                               ? dims[i].dim_param()
                               : fmt::format("dimension {}", i);
      shape.push_back(-1);
      symbols += fmt::format("{}'{}'", symbols.empty() ? "" : ", ", symbol);
    }
    // Programs run one sample at a time.
    bool isBatch = i == 0 || dims[i].dim_param() == "N" ||
                   llvm::StringRef(dims[i].dim_param()).contains_insensitive("batch");
    std::string entry = shape.back() >= 0 ? std::to_string(shape.back()) : isBatch ? "1" : "SIZE";
    example += (i == 0 ? "" : ",") + entry;
  }
  if (!symbols.empty())
    throw Refusal(fmt::format("graph input '{}' has symbolic dimensions ({}); fix them with "
                              "--shape {}={}",
                              name, symbols, name, example));
  elementCount(shape);
  return shape;
}

Value ModelImporter::constantInput(const std::string &name, const ::onnx::TypeProto::Tensor &type,
                                   const SetValue &given) {
  Kind kind = kindOfType(type.elem_type());
  size_t count = std::visit([](const auto &values) { return values.size(); }, given.values);
  Shape shape;
  bool isScalar = count == 1 && !given.shape;
  if (given.shape) {
    shape = *given.shape;
    const auto &dims = type.shape().dim();
    bool fits = !type.has_shape() || shape.size() == static_cast<size_t>(dims.size());
    for (int i = 0; fits && i < dims.size(); ++i)
      fits = dims[i].value_case() != Dimension::kDimValue || dims[i].dim_value() == shape[i];
    if (!fits)
      throw Refusal(fmt::format("graph input '{}': --set gives it a value of shape {}, which "
                                "differs from the model",
                                name, shapeText(shape)));
  } else if (!isScalar || type.has_shape()) {
    shape = inputShape(name, type);
  }
  auto wanted = static_cast<size_t>(elementCount(shape));
  if (count != wanted && !isScalar)
    throw Refusal(fmt::format("graph input '{}': --set gives it {} elements, its shape {} has {}",
                              name, count, shapeText(shape), wanted));
  Tensor tensor{kind, shape, {}, {}};
  auto store = [&](auto value) {
    if (kind == Kind::kFloat) {
      tensor.floats.push_back(static_cast<float>(value));
      return;
    }
    auto whole = static_cast<double>(value);
    if (whole != std::floor(whole) || std::fabs(whole) > 9e18 ||
        (kind == Kind::kBool && value != 0 && value != 1))
      throw Refusal(fmt::format("graph input '{}': --set gives it {}, its type is {}", name, value,
                                typeName(type.elem_type())));
    tensor.integers.push_back(static_cast<int64_t>(value));
  };
  std::visit(
      [&](const auto &values) {
        for (size_t i = 0; i < wanted; ++i)
          store(values[isScalar ? 0 : i]);
      },
      given.values);
  return Value::of(std::move(tensor), name, kind != Kind::kFloat);
}

void ModelImporter::addInput(const ::onnx::ValueInfoProto &input) {
  const std::string &name = input.name();
  if (main_.values.count(name) > 0) {
    graphs_.report(fmt::format("graph input '{}' is there twice; a name must "
                               "stand for one tensor",
                               name));
    return;
  }
  main_.values[name] = Value::poison(true);
  if (!input.type().has_tensor_type())
    throw Refusal(fmt::format("graph input '{}' is no tensor; sequences, maps and optional values "
                              "are not supported",
                              name));
  const ::onnx::TypeProto::Tensor &type = input.type().tensor_type();
  if (auto given = options_.sets.find(name); given != options_.sets.end()) {
    main_.values[name] = Value::poison(false);
    main_.values[name] = constantInput(name, type, given->second);
    return;
  }
  Shape shape = inputShape(name, type);
  main_.values[name] = Value::poison(true, shape);
  Kind kind = Kind::kInteger;
  try {
    kind = kindOfType(type.elem_type());
  } catch (const Refusal &) {
    kind = Kind::kInteger; // refused below like all types that are not float
  }
  if (kind != Kind::kFloat)
    throw Refusal(fmt::format("graph input '{}' has type {}, only float inputs can be secret; fix "
                              "it with --set {}=VALUE, or export the model without it",
                              name, typeName(type.elem_type()), name));
  if (nextOf(name) != nullptr) {
    main_.values[name] = {name, nullptr, addState(name, shape)};
    return;
  }
  auto owner = options_.owners.find(name);
  auto range = options_.inputRanges.find(name);
  if (range == options_.inputRanges.end())
    range = options_.inputRanges.find("");
  OpBuilder &b = emitter_.builder;
  FloatAttr low;
  FloatAttr high;
  if (range != options_.inputRanges.end()) {
    low = b.getF64FloatAttr(range->second.first);
    high = b.getF64FloatAttr(range->second.second);
  }
  auto op = b.create<nn::InputOp>(
      graphs_.at(name), RankedTensorType::get(shape, b.getF32Type()), b.getStringAttr(name),
      b.getStringAttr(owner == options_.owners.end() ? "client" : owner->second), low, high);
  main_.values[name] = {name, nullptr, op.getResult()};
}

mlir::Value ModelImporter::addState(const std::string &name, const Shape &shape) {
  OpBuilder &b = emitter_.builder;
  auto type = RankedTensorType::get(shape, b.getF32Type());
  ElementsAttr initial;
  if (auto given = options_.stateInitials.find(name); given != options_.stateInitials.end()) {
    if (given->second.shape && *given->second.shape != shape)
      throw Refusal(fmt::format("state '{}' has shape {}; --state-init gives it one of {}", name,
                                shapeText(shape), shapeText(*given->second.shape)));
    std::vector<float> values = std::visit(
        [](const auto &numbers) { return std::vector<float>(numbers.begin(), numbers.end()); },
        given->second.values);
    values.resize(static_cast<size_t>(type.getNumElements()), values.empty() ? 0 : values.front());
    if (!llvm::all_of(values, [](float value) { return std::isfinite(value); }))
      throw Refusal(fmt::format("--state-init {}: NaN, infinity or values beyond float32", name));
    initial = DenseElementsAttr::get(type, ArrayRef<float>(values));
  }
  auto range = options_.inputRanges.find(name); // what holds for all inputs is not meant for it
  bool isDeclared = range != options_.inputRanges.end();
  return b.create<nn::StateOp>(graphs_.at(name), type, b.getStringAttr(name), initial,
                               isDeclared ? b.getF64FloatAttr(range->second.first) : FloatAttr(),
                               isDeclared ? b.getF64FloatAttr(range->second.second) : FloatAttr(),
                               isDeclared ? b.getStringAttr("declared") : StringAttr());
}

void ModelImporter::setState(const std::string &name, const std::string &next, const Value &value) {
  auto state = findState<nn::StateOp>(*emitter_.builder.getBlock(), name);
  if (!state || value.poisoned)
    return; // reported already
  Shape shape = state.getType().getShape().vec();
  if (value.shape() != shape || value.kind() != Kind::kFloat)
    throw Refusal(
        fmt::format("--state {}={}: '{}' has shape {}, '{}' has {}{}; a state and what it "
                    "becomes must be alike",
                    name, next, name, shapeText(shape), next, shapeText(value.shape()),
                    value.kind() == Kind::kFloat ? "" : " and no floats"));
  emitter_.builder.create<nn::SetStateOp>(graphs_.at(next), name, emitter_.operand(value, next));
}

void ModelImporter::addOutputs() {
  std::vector<std::string> names = options_.outputs;
  if (names.empty())
    for (const auto &output : model_.graph().output())
      if (llvm::none_of(options_.states,
                        [&](const auto &state) { return state.second == output.name(); }))
        names.push_back(output.name());
  if (names.empty())
    graphs_.report(options_.states.empty()
                       ? "the model has no outputs; export it again, or name some with --outputs"
                       : "all outputs are states, which nobody sees; name some with --outputs");
  std::vector<std::string> candidates;
  llvm::append_range(candidates, llvm::make_first_range(main_.producers));
  llvm::append_range(candidates, llvm::make_first_range(main_.values));
  std::vector<std::string> wanted = names;
  llvm::append_range(wanted, llvm::make_second_range(options_.states));
  std::vector<std::optional<Value>> values = graphs_.import(main_, wanted);
  std::set<std::string> seen;
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string &name = names[i];
    const std::optional<Value> &value = values[i];
    if (!seen.insert(name).second) {
      graphs_.report(fmt::format("output '{}' is named twice", name));
    } else if (!value) {
      std::string what =
          options_.outputs.empty()
              ? fmt::format("graph output '{}' is produced by no node", name)
              : fmt::format("--outputs names '{}', which is no tensor of the graph", name);
      graphs_.report(what + "; " + closeNames(name, candidates));
    } else if (!value->poisoned) {
      try {
        mlir::Value operand = emitter_.operand(*value, name);
        OpBuilder &builder = emitter_.builder;
        std::shared_ptr<const Labels> labels = value->labels;
        bool hasNumbers = labels && !labels->numbers.empty();
        bool hasNames = labels && !labels->names.empty();
        builder.create<nn::OutputOp>(
            graphs_.at(name), name, operand, options_.reveal,
            hasNumbers ? builder.getDenseI64ArrayAttr(labels->numbers) : DenseI64ArrayAttr(),
            hasNames ? builder.getStrArrayAttr(
                           llvm::SmallVector<StringRef>(labels->names.begin(), labels->names.end()))
                     : ArrayAttr());
      } catch (const Refusal &refusal) {
        graphs_.report(refusal.what());
      }
    }
  }
  for (auto [state, value] :
       llvm::zip_equal(options_.states, llvm::ArrayRef(values).drop_front(names.size()))) {
    const auto &[name, next] = state;
    try {
      if (value)
        setState(name, next, *value);
      else
        graphs_.report(fmt::format("--state {}={} names '{}', which is no tensor of the graph; {}",
                                   name, next, next, closeNames(next, candidates)));
    } catch (const Refusal &refusal) {
      graphs_.report(refusal.what());
    }
  }
}

LogicalResult ModelImporter::run() {
  frame_.opsets = GraphImporter::opsetsOf(model_.opset_import());
  if (auto opset = frame_.opsets.find(""); opset != frame_.opsets.end())
    if (opset->second < kFirstOpset || opset->second > kLastOpset) {
      graphs_.report(fmt::format("the model uses opset {} of ai.onnx, {} to {} are read; export or "
                                 "convert it to one of these",
                                 opset->second, kFirstOpset, kLastOpset));
      return failure();
    }
  for (const auto &input : model_.graph().input())
    main_.values[input.name()]; // so that results of the same name are seen
  for (const auto &tensor : model_.graph().initializer())
    main_.values.erase(tensor.name());
  graphs_.enter(main_, model_.graph());
  for (const auto &input : model_.graph().input())
    main_.values.erase(input.name());
  checkOptions();
  bindSymbols();
  for (const auto &input : model_.graph().input()) {
    if (isInitializer(input.name()))
      continue;
    try {
      addInput(input);
    } catch (const Refusal &refusal) {
      graphs_.report(refusal.what());
    }
  }
  addOutputs();
  if (!graphs_.failed())
    for (const std::string &item : publicWeights_.unused())
      graphs_.report(
          fmt::format("--public-weights '{}' names no weight that the outputs depend on; "
                      "give names of initializers, with * for any text, or an ONNX file "
                      "that holds the same ones",
                      item));
  return success(!graphs_.failed());
}

} // namespace

OwningOpRef<ModuleOp> importOnnx(MLIRContext &context, const std::string &path,
                                 const ImportOptions &options) {
  context.loadDialect<nn::NnDialect, func::FuncDialect>();
  Location location = UnknownLoc::get(&context);
  try {
    ::onnx::ModelProto model;
    readModel(path, model);
    if (!options.headGroups.empty())
      mergeHeads(model, options.headGroups);
    OwningOpRef<ModuleOp> module = ModuleOp::create(location);
    OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
    auto function = builder.create<func::FuncOp>(location, "main", builder.getFunctionType({}, {}));
    builder.setInsertionPointToStart(function.addEntryBlock());
    auto end = builder.create<func::ReturnOp>(location);
    builder.setInsertionPoint(end);
    std::string folder = std::filesystem::path(path).parent_path().string();
    if (failed(ModelImporter(model, folder, options, *module, builder).run()))
      return nullptr;
    if (failed(verify(*module)))
      return nullptr;
    return module;
  } catch (const Refusal &refusal) {
    emitError(location) << refusal.what();
  } catch (const std::bad_alloc &) {
    emitError(location) << "'" << path << "' needs more memory than there is; use a machine with "
                        << "more, or a smaller model";
  }
  return nullptr;
}

LogicalResult writeMergedHeads(MLIRContext &context, const std::string &path,
                               const std::vector<HeadGroups> &blocks, const std::string &output) {
  try {
    writeMergedHeads(path, blocks, output);
    return success();
  } catch (const Refusal &refusal) {
    return emitError(UnknownLoc::get(&context)) << refusal.what();
  }
}

} // namespace dyad::onnx
