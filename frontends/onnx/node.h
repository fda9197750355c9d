// SPDX-License-Identifier: Apache-2.0
// What a builder (operators.h) sees of the node it imports: attributes, inputs that are constants
// or values of the nn graph, and the place where new operations go.
#pragma once

#include "frontends/onnx/tensor.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"

#include <fmt/format.h>
#include <map>
#include <memory>
#include <onnx/onnx_pb.h>
#include <optional>
#include <string>

namespace dyad::onnx {

/// What the indices 0, 1, ... that a value holds stand for: classes with numbers or names. Public.
struct Labels {
  Shape numbers;
  std::vector<std::string> names;

  size_t size() const { return names.empty() ? numbers.size() : names.size(); }
};

/// A tensor of the ONNX graph. Constants have no operation until one needs them as an operand.
struct Value {
  std::string name; // of the ONNX tensor, "" for intermediate results of a builder
  std::shared_ptr<const Tensor> constant;
  mlir::Value computed;
  // Nothing is known but what follows: an error was already reported for what it comes from.
  bool poisoned = false;
  bool secret = false; // poisoned, and would have depended on a graph input
  std::optional<Shape> poisonedShape = std::nullopt; // if it is known all the same
  bool isPublic = false;                          // a constant that follows from public ones alone
  std::shared_ptr<const Labels> labels = nullptr; // of computed indices

  static Value poison(bool secret, std::optional<Shape> shape = std::nullopt) {
    return {"", nullptr, {}, true, secret, std::move(shape)};
  }
  static Value of(Tensor tensor, std::string name = "", bool isPublic = false);

  bool isConstant() const { return constant != nullptr; }
  bool dependsOnInput() const { return computed || secret; }
  bool isPresent() const { return constant || computed || poisoned; }
  Kind kind() const;
  Shape shape() const;
  int64_t rank() const { return static_cast<int64_t>(shape().size()); }
};

/// Adds operations and weights to the module being made.
class Emitter {
public:
  Emitter(mlir::ModuleOp module, mlir::OpBuilder builder) : builder(builder), symbols_(module) {}

  /// The value as an operand; a constant becomes a weight symbol the first time. Refuses weights
  /// that hold NaN or infinity.
  mlir::Value operand(const Value &value, llvm::StringRef fallbackName);

  mlir::OpBuilder builder;

private:
  mlir::SymbolTable symbols_;
  // Keeps the tensors alive, so that an address stands for one tensor.
  std::map<std::shared_ptr<const Tensor>, mlir::Value> operands_;
};

/// Finds attributes: those of the node, with references to a function's attributes resolved.
using AttributeLookup =
    std::function<const ::onnx::AttributeProto *(const ::onnx::AttributeProto &)>;

class Node {
public:
  Node(const ::onnx::NodeProto &proto, std::string name, int opset, Emitter &emitter,
       AttributeLookup lookup, std::string folder);

  const std::string name;
  const std::string type;
  const int opset;
  const mlir::Location location;
  std::vector<Value> inputs; // set by the importer, absent ones included
  Emitter &emitter;
  const std::string folder; // of the model, for external data

  /// "node 'layer3/conv1' (Conv, opset 17)".
  std::string title() const;

  // Attributes. An attribute of another type than asked for is refused.
  bool hasAttribute(llvm::StringRef name) const { return attribute(name) != nullptr; }
  int64_t integer(llvm::StringRef name, int64_t fallback) const;
  float real(llvm::StringRef name, float fallback) const;
  std::string text(llvm::StringRef name, llvm::StringRef fallback) const;
  std::optional<Shape> integers(llvm::StringRef name) const;
  std::optional<std::vector<float>> reals(llvm::StringRef name) const;
  /// Empty where the attribute is absent.
  std::vector<std::string> texts(llvm::StringRef name) const;
  std::optional<Tensor> tensor(llvm::StringRef name) const;
  const ::onnx::GraphProto &graph(llvm::StringRef name) const;

  // Inputs and outputs.
  bool has(size_t index) const { return index < inputs.size() && inputs[index].isPresent(); }
  /// Refuses an absent input.
  const Value &input(size_t index) const;
  /// Refuses an input that is not a float tensor.
  const Value &floatInput(size_t index) const;
  /// The values of an input that has to be constant; `what` names it in the refusal.
  const Tensor &constantInput(size_t index, llvm::StringRef what) const;
  /// The same for operators that have no protocol, only a value where all inputs are constant.
  const Tensor &foldedInput(size_t index) const;
  [[noreturn]] static void refuseSecret(const Value &value);
  Shape constantIntegers(size_t index, llvm::StringRef what) const;
  size_t outputCount() const { return static_cast<size_t>(proto_.output_size()); }
  /// Whether an output has a name, that is, may be used.
  bool wants(size_t index) const;
  const std::string &outputName(size_t index) const {
    return proto_.output(static_cast<int>(index));
  }

  /// Brings an axis counted from either end into 0 .. rank-1; refuses others.
  static int64_t axis(int64_t axis, int64_t rank);
  /// The same for several; refuses one named twice.
  static Shape axes(llvm::ArrayRef<int64_t> axes, int64_t rank);

  mlir::Value operand(const Value &value) { return emitter.operand(value, name); }
  mlir::RankedTensorType floatType(llvm::ArrayRef<int64_t> shape) const;

  /// Creates an nn operation at this node's location.
  template <typename Op, typename... Args> Value emit(Args &&...args) {
    auto op = emitter.builder.create<Op>(location, std::forward<Args>(args)...);
    return {"", nullptr, op->getResult(0)};
  }

private:
  const ::onnx::AttributeProto *attribute(llvm::StringRef name) const;
  const ::onnx::AttributeProto *typed(llvm::StringRef name, int type) const;

  const ::onnx::NodeProto &proto_;
  AttributeLookup lookup_;
};

} // namespace dyad::onnx
