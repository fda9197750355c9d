// SPDX-License-Identifier: Apache-2.0
#include "ir/weights.h"

#include "ir/fx/fx.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringMap.h"

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

using namespace mlir;

namespace dyad {

unsigned storageBits(unsigned width) {
  return width <= 8 ? 8 : width <= 16 ? 16 : width <= 32 ? 32 : 64;
}

ElementsAttr makeWeightValue(RankedTensorType storage, ArrayRef<char> bytes, StringRef name) {
  // Few elements stand inline, where a person can read them.
  if (storage.getNumElements() <= kMaxInlineElements && storage.getNumElements() > 0)
    return DenseElementsAttr::getFromRawBuffer(storage, bytes);
  return DenseResourceElementsAttr::get(
      storage, name, HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, alignof(int64_t)));
}

ElementsAttr makeFloatValue(ArrayRef<int64_t> shape, ArrayRef<float> values, MLIRContext *context,
                            StringRef name) {
  auto type = RankedTensorType::get(shape, Float32Type::get(context));
  return makeWeightValue(
      type, {reinterpret_cast<const char *>(values.data()), values.size() * sizeof(float)}, name);
}

ElementsAttr makeIntegerValue(ArrayRef<int64_t> shape, ArrayRef<int64_t> values, unsigned width,
                              MLIRContext *context, StringRef name) {
  unsigned bits = storageBits(width);
  std::vector<char> bytes(values.size() * bits / 8);
  for (size_t i = 0; i < values.size(); ++i)
    std::memcpy(bytes.data() + i * bits / 8, &values[i], bits / 8);
  return makeWeightValue(RankedTensorType::get(shape, IntegerType::get(context, bits)), bytes,
                         name);
}

std::vector<char> weightBytes(ElementsAttr value) {
  if (auto resource = dyn_cast_or_null<DenseResourceElementsAttr>(value)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (blob == nullptr)
      return {};
    return {blob->getData().begin(), blob->getData().end()};
  }
  auto dense = dyn_cast_or_null<DenseElementsAttr>(value);
  if (!dense)
    return {};
  ArrayRef<char> raw = dense.getRawData();
  if (!dense.isSplat())
    return {raw.begin(), raw.end()};
  std::vector<char> bytes;
  for (int64_t i = 0; i < dense.getNumElements(); ++i)
    bytes.insert(bytes.end(), raw.begin(), raw.end());
  return bytes;
}

std::vector<float> floatValues(ElementsAttr value) {
  std::vector<char> bytes = weightBytes(value);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

std::vector<int64_t> integerValues(ElementsAttr value) {
  std::vector<char> bytes = weightBytes(value);
  if (bytes.empty())
    return {};
  unsigned size = value.getElementType().getIntOrFloatBitWidth() / 8;
  std::vector<int64_t> values(bytes.size() / size);
  for (size_t i = 0; i < values.size(); ++i) {
    uint64_t raw = 0;
    std::memcpy(&raw, bytes.data() + i * size, size);
    unsigned unused = 64 - size * 8;
    values[i] = static_cast<int64_t>(raw << unused) >> unused;
  }
  return values;
}

ParseResult parseWeight(OpAsmParser &parser, OperationState &result) {
  StringAttr name;
  TypeAttr type;
  if (parser.parseSymbolName(name, SymbolTable::getSymbolAttrName(), result.attributes) ||
      parser.parseColon() || parser.parseAttribute(type, "type", result.attributes))
    return failure();
  ElementsAttr value;
  if (succeeded(parser.parseOptionalEqual()) &&
      parser.parseAttribute(value, "value", result.attributes))
    return failure();
  return parser.parseOptionalAttrDict(result.attributes);
}

void printWeight(OpAsmPrinter &printer, Operation *op) {
  printer << ' ';
  printer.printSymbolName(
      op->getAttrOfType<StringAttr>(SymbolTable::getSymbolAttrName()).getValue());
  printer << " : " << op->getAttr("type");
  auto value = op->getAttrOfType<ElementsAttr>("value");
  if (isa_and_nonnull<DenseElementsAttr>(value) && value.getNumElements() <= kMaxInlineElements)
    printer << " = " << value;
  printer.printOptionalAttrDict(op->getAttrs(),
                                {SymbolTable::getSymbolAttrName(), "type", "value"});
}

namespace {

bool isWeight(Operation &op) {
  StringRef name = op.getName().getStringRef();
  return name == "nn.weight" || name == "fx.weight";
}

std::string dtypeName(Type type) {
  std::string bits = std::to_string(type.getIntOrFloatBitWidth());
  return (isa<FloatType>(type) ? "F" : "I") + bits;
}

// The storage that a weight's declared type asks for.
RankedTensorType storageType(Operation &op) {
  auto type = cast<RankedTensorType>(cast<TypeAttr>(op.getAttr("type")).getValue());
  Type element = type.getElementType();
  if (auto fixed = dyn_cast<fx::FixedType>(element))
    element = IntegerType::get(op.getContext(), storageBits(fixed.getWidth()));
  return RankedTensorType::get(type.getShape(), element);
}

} // namespace

LogicalResult writeWeights(ModuleOp module, const std::string &path) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  std::vector<std::vector<char>> blobs;
  size_t offset = 0;
  for (Operation &op : module.getOps()) {
    if (!isWeight(op))
      continue;
    auto value = op.getAttrOfType<ElementsAttr>("value");
    if (!value)
      return op.emitError("has no value to write");
    std::vector<char> bytes = weightBytes(value);
    auto name = op.getAttrOfType<StringAttr>(SymbolTable::getSymbolAttrName());
    header[name.str()] = {{"dtype", dtypeName(value.getElementType())},
                          {"shape", value.getShapedType().getShape().vec()},
                          {"data_offsets", {offset, offset + bytes.size()}}};
    offset += bytes.size();
    blobs.push_back(std::move(bytes));
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' '); // the format wants data aligned to eight bytes
  std::ofstream file(path, std::ios::binary);
  uint64_t length = text.size();
  file.write(reinterpret_cast<const char *>(&length), sizeof(length));
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  for (const std::vector<char> &blob : blobs)
    file.write(blob.data(), static_cast<std::streamsize>(blob.size()));
  file.close();
  if (!file)
    return module.emitError("cannot write weights file '") << path << "'";
  return success();
}

LogicalResult readWeights(ModuleOp module, const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  uint64_t length = 0;
  file.read(reinterpret_cast<char *>(&length), sizeof(length));
  if (!file || length > (uint64_t{1} << 30))
    return module.emitError("cannot read weights file '") << path << "'";
  std::string text(length, '\0');
  file.read(text.data(), static_cast<std::streamsize>(length));
  auto header = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!file || !header.is_object())
    return module.emitError("'") << path << "' is not a safetensors file";
  for (Operation &op : module.getOps()) {
    if (!isWeight(op) || op.hasAttr("value"))
      continue;
    auto name = op.getAttrOfType<StringAttr>(SymbolTable::getSymbolAttrName()).str();
    if (!header.contains(name))
      return op.emitError("weight '") << name << "' is not in '" << path << "'";
    const auto &entry = header[name];
    RankedTensorType storage = storageType(op);
    if (!entry.is_object() || entry.value("dtype", "") != dtypeName(storage.getElementType()) ||
        entry.value("shape", std::vector<int64_t>{}) != storage.getShape().vec())
      return op.emitError("weight '") << name << "' in '" << path << "' has another type or shape";
    auto offsets = entry.value("data_offsets", std::vector<uint64_t>{});
    uint64_t bytes = static_cast<uint64_t>(storage.getNumElements()) *
                     storage.getElementType().getIntOrFloatBitWidth() / 8;
    if (offsets.size() != 2 || offsets[1] - offsets[0] != bytes)
      return op.emitError("weight '") << name << "' in '" << path << "' has a wrong size";
    std::vector<char> data(bytes);
    file.seekg(static_cast<std::streamoff>(sizeof(length) + length + offsets[0]));
    file.read(data.data(), static_cast<std::streamsize>(bytes));
    if (!file)
      return op.emitError("weights file '") << path << "' ends early";
    op.setAttr("value", makeWeightValue(storage, data, name));
  }
  return success();
}

} // namespace dyad
