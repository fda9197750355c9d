// SPDX-License-Identifier: Apache-2.0
// nn-eval: imports an ONNX model and prints or runs the nn program, so that Python scripts can
// compare the importer with ONNX Runtime. Requests are read from standard input as JSON, one a
// line, so that hundreds of models cost one process. `nn-eval --operators` prints
// docs/reference/ops.md.
#include "frontends/onnx/import.h"
#include "ir/eval/nn_interpreter.h"
#include "ir/nn/nn.h"
#include "ir/structure.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"

#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

using nlohmann::json;

namespace {

using dyad::FloatTensors;

dyad::onnx::ImportOptions optionsOf(const json &request) {
  dyad::onnx::ImportOptions options;
  options.shapes = request.value("shapes", options.shapes);
  options.outputs = request.value("outputs", options.outputs);
  options.owners = request.value("owners", options.owners);
  options.reveal = request.value("reveal", options.reveal);
  const json ranges = request.value("ranges", json::object());
  for (const auto &[name, range] : ranges.items())
    options.inputRanges[name] = {range[0], range[1]};
  const json sets = request.value("sets", json::object());
  for (const auto &[name, given] : sets.items()) {
    dyad::onnx::SetValue value;
    if (given.contains("shape"))
      value.shape = given["shape"].get<std::vector<int64_t>>();
    if (given.contains("integers"))
      value.values = given["integers"].get<std::vector<int64_t>>();
    else
      value.values = given["floats"].get<std::vector<double>>();
    options.sets[name] = std::move(value);
  }
  return options;
}

std::string printed(mlir::ModuleOp module, bool locations) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  mlir::OpPrintingFlags flags;
  if (locations)
    flags.enableDebugInfo(true, false);
  module->print(stream, flags);
  return text;
}

json tensorJson(const dyad::NnValue &value) {
  return std::visit(
      [](const auto &tensor) -> json {
        json values = json::array();
        for (auto element : tensor.data)
          values.push_back(element);
        return {{"shape", std::vector<int64_t>(tensor.shape.begin(), tensor.shape.end())},
                {"values", values}};
      },
      value);
}

// {"model": path, "inputs": {name: {"shape", "values"}}, options} ->
// {"errors": [{"node", "message"}], "warnings": the same, "outputs": {name: {"shape", "values"}},
// "text"}
json answer(const json &request) {
  mlir::MLIRContext context;
  json errors = json::array();
  json warnings = json::array();
  mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &diagnostic) {
    auto &list = diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error ? errors : warnings;
    list.push_back(
        {{"node", dyad::nodeName(diagnostic.getLocation()).str()}, {"message", diagnostic.str()}});
    return mlir::success();
  });
  json result = json::object();
  auto module = dyad::onnx::importOnnx(context, request["model"], optionsOf(request));
  if (module && request.value("print", false))
    result["text"] = printed(*module, request.value("locations", false));
  if (module && request.contains("inputs")) {
    FloatTensors inputs;
    for (const auto &[name, tensor] : request["inputs"].items()) {
      auto &target = inputs[name];
      target.shape = tensor["shape"].get<dyad::clear::Shape>();
      target.data = tensor["values"].get<std::vector<float>>();
    }
    auto interpreter = dyad::NnInterpreter::create(*module);
    if (mlir::succeeded(interpreter)) {
      auto values = interpreter->run(inputs);
      result["outputs"] = json::object();
      if (mlir::succeeded(values))
        for (const auto &[name, value] : *values)
          result["outputs"][name] = tensorJson(value);
      // Indices of classes as what their receiver writes.
      module->walk([&](dyad::nn::OutputOp output) {
        if (auto labels = output.getLabels(); labels && mlir::succeeded(values))
          for (json &index : result["outputs"][output.getName().str()]["values"])
            index = (*labels)[index.get<size_t>()];
      });
    }
  }
  result["errors"] = errors;
  result["warnings"] = warnings;
  result["imported"] = static_cast<bool>(module);
  return result;
}

} // namespace

int main(int argc, char **argv) {
  if (argc == 2 && std::string(argv[1]) == "--operators") {
    std::cout << dyad::onnx::operatorsPage();
    return 0;
  }
  for (std::string line; std::getline(std::cin, line);)
    std::cout << answer(json::parse(line)).dump(-1, ' ', false, json::error_handler_t::replace)
              << std::endl;
  return 0;
}
