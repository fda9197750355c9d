// SPDX-License-Identifier: Apache-2.0
#include "compiler/driver/inputs.h"

#include "runtime/net/error.h"
#include "runtime/party/npy.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringRef.h"

using namespace mlir;

namespace dyad::compiler {

namespace {

// A number as it was written: whole ones stay integers, for inputs of integer type.
std::optional<onnx::SetValue> parseScalar(llvm::StringRef text) {
  onnx::SetValue value;
  int64_t integer = 0;
  double real = 0;
  if (!text.getAsInteger(10, integer))
    value.values = std::vector<int64_t>{integer};
  else if (!text.getAsDouble(real))
    value.values = std::vector<double>{real};
  else
    return std::nullopt;
  return value;
}

} // namespace

LogicalResult importOptions(MLIRContext &context, const CompileOptions &options,
                            onnx::ImportOptions &import) {
  import.shapes = options.shapes;
  import.outputs = options.outputs;
  import.owners = options.owners;
  import.reveal = options.reveal;
  import.publicWeights = options.publicWeights;
  import.inputRanges = options.inputRanges;
  import.states = options.states;
  bool good = true;
  auto read = [&](const char *option, const std::map<std::string, std::string> &texts,
                  std::map<std::string, onnx::SetValue> &values) {
    for (const auto &[name, text] : texts) {
      if (std::optional<onnx::SetValue> scalar = parseScalar(text)) {
        values[name] = *scalar;
        continue;
      }
      try {
        NpyArray array = readNpy(text);
        values[name] = {array.shape, array.values};
      } catch (const Error &error) {
        emitError(UnknownLoc::get(&context)) << option << " " << name << ": " << error.what();
        good = false;
      }
    }
  };
  read("--set", options.sets, import.sets);
  read("--state-init", options.stateInitials, import.stateInitials);
  return success(good);
}

} // namespace dyad::compiler
