// SPDX-License-Identifier: Apache-2.0
#include "passes/numbers/samples.h"

#include "ir/fx/fx.h"
#include "ir/nn/nn.h"
#include "passes/numbers/npz.h"
#include "runtime/net/error.h"
#include "runtime/party/files.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <variant>

using namespace mlir;

namespace dyad {
namespace {

struct Input {
  std::string name;
  std::vector<int64_t> shape;
  bool isState = false;
};

std::vector<Input> inputsOf(ModuleOp module) {
  std::vector<Input> inputs;
  module.walk([&](Operation *op) {
    bool isState = isa<nn::StateOp, fx::StateOp>(op);
    if (isState || isa<nn::InputOp, fx::InputOp>(op))
      inputs.push_back({op->getAttrOfType<StringAttr>("name").str(),
                        cast<RankedTensorType>(op->getResult(0).getType()).getShape().vec(),
                        isState});
  });
  // Files without a name are for inputs first.
  std::stable_sort(inputs.begin(), inputs.end(),
                   [](const Input &a, const Input &b) { return a.isState < b.isState; });
  return inputs;
}

// Whether all were finite floats; appends them if so.
template <typename T> bool appendFinite(const std::vector<T> &values, std::vector<float> &to) {
  to.reserve(to.size() + values.size());
  for (T value : values) {
    to.push_back(static_cast<float>(value));
    if (!std::isfinite(to.back()))
      return false;
  }
  return true;
}

std::string shapeText(ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (auto [i, size] : llvm::enumerate(shape))
    text += (i ? "," : "") + std::to_string(size);
  return text + "]";
}

} // namespace

FloatTensors inputsOf(const std::map<std::string, clear::Shape> &shapes, const Samples &samples,
                      std::size_t index) {
  FloatTensors inputs;
  for (const auto &[name, shape] : shapes)
    inputs[name] = clear::Tensor<float>{shape, samples.at(name, index)};
  return inputs;
}

double headroomFor(size_t count) {
  constexpr double kEnoughSamples = 16;
  const double missing =
      std::log2(kEnoughSamples / static_cast<double>(std::max<size_t>(count, 1))) /
      std::log2(kEnoughSamples);
  return 1 + std::max(0.0, missing);
}

FailureOr<Samples> loadSamples(ModuleOp module, const std::vector<std::string> &specifications) {
  std::vector<Input> inputs = inputsOf(module);
  std::map<std::string, std::vector<float>> values;
  auto fail = [&](const std::string &path, const std::string &reason) -> FailureOr<Samples> {
    module.emitError("calibration file '") << path << "': " << reason;
    return failure();
  };
  for (const std::string &specification : specifications) {
    std::string name;
    std::string path = specification;
    if (size_t equals = specification.find('='); equals != std::string::npos) {
      name = specification.substr(0, equals);
      path = specification.substr(equals + 1);
    }
    std::vector<NamedArray> arrays;
    try {
      std::vector<uint8_t> file = readFile(path, "calibration file");
      if (isNpz(file))
        arrays = parseNpz(file, path);
      else
        arrays.push_back({name, parseNpy(file, path)});
    } catch (const Error &error) {
      return module.emitError(error.what());
    }
    // Only an array that is a file of its own can be without a name.
    for (NamedArray &array : arrays) {
      for (const Input &input : inputs)
        if (array.name.empty() && values.find(input.name) == values.end())
          array.name = input.name;
      if (array.name.empty() && !inputs.empty())
        array.name = inputs.front().name;
    }
    for (const NamedArray &array : arrays) {
      const Input *input = nullptr;
      for (const Input &candidate : inputs)
        if (candidate.name == array.name)
          input = &candidate;
      // The passes made several of it, whose values follow from the other inputs.
      if (input == nullptr && llvm::any_of(inputs, [&](const Input &candidate) {
            return candidate.isState && candidate.name.starts_with(array.name + "#");
          }))
        continue;
      if (input == nullptr) {
        std::string names;
        for (const Input &candidate : inputs)
          names += (names.empty() ? "'" : ", '") + candidate.name + "'";
        return fail(path, "the model has no input '" + array.name + "'; its inputs are " + names);
      }
      ArrayRef<int64_t> shape(array.array.shape);
      if (shape != ArrayRef<int64_t>(input->shape) &&
          (shape.empty() || shape.drop_front() != ArrayRef<int64_t>(input->shape)))
        return fail(path, "has shape " + shapeText(shape) + "; input '" + input->name + "' needs " +
                              shapeText(input->shape) + ", or one more leading axis of samples");
      std::vector<float> &all = values[array.name];
      bool finite = std::visit([&](const auto &elements) { return appendFinite(elements, all); },
                               array.array.values);
      if (!finite)
        return fail(path, "holds NaN, infinity or values beyond float32");
    }
  }
  Samples samples;
  for (auto [index, input] : llvm::enumerate(inputs)) {
    auto found = values.find(input.name);
    if (input.isState)
      continue;
    if (found == values.end())
      return fail(specifications.empty() ? "" : specifications.front(),
                  "there are no samples for input '" + input.name + "'");
    int64_t size =
        std::accumulate(input.shape.begin(), input.shape.end(), int64_t{1}, std::multiplies<>());
    size_t count = size == 0 ? 1 : found->second.size() / static_cast<size_t>(size);
    if (count == 0 || (index > 0 && count != samples.count))
      return fail(specifications.front(), "input '" + input.name + "' has " +
                                              std::to_string(count) +
                                              " samples; all inputs need equally many, at least "
                                              "one");
    samples.count = count;
  }
  samples.values = std::move(values);
  return samples;
}

LogicalResult loadOnce(ModuleOp module, ArrayRef<std::string> specifications,
                       std::shared_ptr<const Samples> &loaded) {
  if (loaded || specifications.empty())
    return success();
  FailureOr<Samples> read = loadSamples(module, specifications.vec());
  if (failed(read))
    return failure();
  loaded = std::make_shared<const Samples>(std::move(*read));
  return success();
}

} // namespace dyad
