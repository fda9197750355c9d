// SPDX-License-Identifier: Apache-2.0
// Walks over the graphs of a model: names, order, functions, constant branches, and the errors of
// nodes. What a node means is the table's business (operators.h).
#pragma once

#include "frontends/onnx/node.h"
#include "frontends/onnx/public_weights.h"

#include <deque>
#include <map>
#include <onnx/onnx_pb.h>
#include <set>

namespace dyad::onnx {

struct Operator;

/// What holds for all nodes of the main graph, or of one call of a function.
struct Frame {
  std::map<std::string, int> opsets;                                // by domain, "" is ai.onnx
  std::map<std::string, const ::onnx::AttributeProto *> attributes; // of the call
  std::string prefix;                                               // of node and tensor names
  int depth = 0;                                                    // of calls
};

/// One graph: the main one, a branch of an If, or the body of a function.
class Scope {
public:
  Scope(Frame &frame, Scope *parent, std::string unnamedPrefix)
      : frame(frame), parent(parent), unnamedPrefix(std::move(unnamedPrefix)) {}

  enum class State { kNew, kActive, kDone };

  Frame &frame;
  Scope *parent; // names are looked up there next; null for functions and the main graph
  std::string unnamedPrefix;
  std::vector<const ::onnx::NodeProto *> nodes;
  std::vector<State> states;
  std::map<std::string, size_t> producers;
  std::map<std::string, const ::onnx::TensorProto *> initializers;
  std::map<std::string, Value> values;
  // Results that exporters name but nothing may use, such as the mask of Dropout, and their nodes.
  std::map<std::string, std::string> unsupported;

  /// "conv1", or "Conv_3" if the fourth node has no name.
  std::string nodeName(size_t index) const;
};

class GraphImporter {
public:
  GraphImporter(const ::onnx::ModelProto &model, std::string folder, PublicWeights &publicWeights,
                Emitter &emitter);

  /// The opsets that the main graph or a function asks for; "ai.onnx" is "".
  static std::map<std::string, int>
  opsetsOf(const google::protobuf::RepeatedPtrField<::onnx::OperatorSetIdProto> &imports);

  /// Fills in nodes and initializers of a graph; reports names that are used twice.
  void enter(Scope &scope, const ::onnx::GraphProto &graph);
  /// Imports all nodes that the named tensors need, in the order of the file where it is one of
  /// execution. Null where there is no such tensor.
  std::vector<std::optional<Value>> import(Scope &scope, const std::vector<std::string> &names);

  void report(mlir::Location location, const std::string &message);
  /// For what is not a node's problem.
  void report(const std::string &message);
  mlir::Location at(const std::string &name) const;
  bool failed() const { return failed_; }

private:
  std::optional<Value> lookup(Scope &scope, const std::string &name);
  Value load(Scope &scope, const ::onnx::TensorProto &proto);
  void addNodes(Scope &scope, const google::protobuf::RepeatedPtrField<::onnx::NodeProto> &nodes);
  std::set<size_t> reachable(const Scope &scope, const std::vector<std::string> &names) const;
  void demand(Scope &scope, size_t index);
  void reportCycle(Scope &scope, size_t index, const std::string &input);
  bool isPublicResult(const Node &node, const Value &value);
  void build(Scope &scope, size_t index);
  std::vector<Value> inputsOf(Scope &scope, const Node &node, const ::onnx::NodeProto &proto);
  std::vector<Value> results(Scope &scope, Node &node, const ::onnx::NodeProto &proto);
  std::vector<Value> inlineFunction(Scope &scope, const Node &node, const ::onnx::NodeProto &proto,
                                    const ::onnx::FunctionProto &function);
  std::vector<Value> built(const Operator &row, Node &node, const ::onnx::NodeProto &proto);
  // Control flow whose course is known while compiling (control_flow.cpp).
  static bool isControlFlow(const Node &node);
  std::vector<Value> unfold(Scope &scope, Node &node);
  std::vector<Value> takeBranch(Scope &scope, const Node &node);
  std::vector<Value> unrollLoop(Scope &scope, Node &node);
  std::vector<Value> unrollScan(Scope &scope, Node &node);
  std::vector<Value> runBody(Scope &scope, const ::onnx::GraphProto &graph,
                             const std::string &prefix, const std::vector<Value> &inputs);
  Value placeholder(const Node &node);
  const ::onnx::FunctionProto *findFunction(const ::onnx::NodeProto &proto) const;
  void fillDefaults(const ::onnx::FunctionProto &function, Frame &frame);

  std::string folder_;
  PublicWeights &publicWeights_;
  Emitter &emitter_;
  std::map<std::string, const ::onnx::FunctionProto *> functions_;
  std::deque<::onnx::AttributeProto> defaults_; // of function attributes, parsed by us
  /// An operator with its attributes, and the constants that it is applied to.
  using ConstantKey = std::pair<std::string, std::vector<std::shared_ptr<const Tensor>>>;
  std::map<ConstantKey, std::vector<Value>> constants_; ///< what followed
  int nesting_ = 0;
  bool failed_ = false;
};

} // namespace dyad::onnx
