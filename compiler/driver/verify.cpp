// SPDX-License-Identifier: Apache-2.0
// See verify.h. Nodes are matched by name: of several results under a name those of the same shape,
// the last one of each program.
#include "compiler/driver/verify.h"

#include "compiler/driver/own_error.h"
#include "compiler/driver/pipeline.h"
#include "ir/eval/fx_interpreter.h"
#include "ir/eval/nn_interpreter.h"
#include "ir/fx/owner.h"
#include "ir/nn/nn.h"
#include "runtime/net/error.h"
#include "runtime/party/npy.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <set>

using namespace mlir;
using Json = nlohmann::ordered_json;

namespace dyad::compiler {
namespace {

// Rows of the table for people.
constexpr std::size_t kWorst = 12;

/// Results of one run by node name, each shape's last.
using Results = std::map<std::string, std::map<clear::Shape, std::vector<double>>>;

template <typename Op> std::map<std::string, clear::Shape> inputsOf(ModuleOp module) {
  std::map<std::string, clear::Shape> shapes;
  module.walk([&](Op input) { shapes[input.getName().str()] = shapeOf(input.getResult()); });
  return shapes;
}

bool isWeight(Operation *op) { return isa<nn::ConstantOp, fx::ConstantOp>(op); }

std::string typeName(fx::FixedType type) {
  return fmt::format("{}{}, {}", type.getIsSigned() ? "s" : "u", type.getWidth(),
                     type.getFraction());
}

std::size_t largestOf(const std::vector<double> &values) {
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

class Comparison {
public:
  explicit Comparison(Verification &result) : result_(result) {}

  void add(std::size_t sample, Operation *op, const std::string &name,
           const std::vector<double> &floats, const std::vector<std::int64_t> &integers) {
    NodeError &row = rowOf(name);
    const fx::FixedType type = fx::fixedType(op->getResult(0));
    row.op = op->getName().stripDialect().str();
    row.type = typeName(type);
    accumulate(row, sample, floats, integers, type.getFraction());
  }

  void addOwn(const std::string &name, const std::vector<float> &floats, const FixedResult &fixed) {
    const double unit = std::ldexp(1.0, -fx::fixedType(fixed.op->getResult(0)).getFraction());
    NodeError &row = rowOf(name);
    for (std::size_t i = 0; i < floats.size(); ++i)
      if (const double error = std::abs(static_cast<double>(fixed.integers[i]) * unit - floats[i]);
          std::isfinite(error))
        row.own = std::max(row.own, error);
  }

  void violate(const Departure &departure, const std::string &extent) {
    NodeError &row = rowOf(departure.worst.node);
    row.violation = fmt::format("{} ({}; it needs {} bits of {})", departure.worst.message, extent,
                                departure.worst.bitsNeeded, departure.worst.bitsGiven);
    row.elementsOutside = departure.elements;
    row.samplesOutside = departure.samples;
    row.bitsNeeded = departure.worst.bitsNeeded;
  }

  void addOutput(std::size_t sample, const std::string &name, const std::vector<double> &floats,
                 const FxOutput &output) {
    auto at =
        llvm::find_if(result_.outputs, [&](const NodeError &row) { return row.name == name; });
    if (at == result_.outputs.end()) {
      result_.outputs.push_back({});
      result_.outputs.back().name = name;
      at = result_.outputs.end() - 1;
    }
    accumulate(*at, sample, floats, output.integers.data, output.fraction);
    if (floats.size() < 2)
      return;
    std::vector<double> fixed(output.integers.data.begin(), output.integers.data.end());
    ++result_.decided;
    result_.decisions += largestOf(fixed) == largestOf(floats);
  }

  void keep(const std::map<std::string, clear::Shape> &shapes, const FxRun &run) {
    for (const auto &[name, shape] : shapes) {
      clear::Tensor<float> &all = result_.fixed[name];
      const auto output = run.outputs.find(name);
      const bool isKnown = output != run.outputs.end() && run.violations.empty();
      const std::vector<float> one =
          isKnown ? output->second.floats().data
                  : std::vector<float>(static_cast<std::size_t>(clear::sizeOf(shape)), NAN);
      all.data.insert(all.data.end(), one.begin(), one.end());
      if (all.shape.empty())
        (all.shape = shape).insert(all.shape.begin(), 0);
      ++all.shape.front();
    }
  }

  // Sums become means.
  void finish() {
    for (auto *rows : {&result_.nodes, &result_.outputs})
      for (NodeError &row : *rows)
        if (const double count = counts_[row.name]; count != 0)
          row.mean /= count;
  }

private:
  NodeError &rowOf(const std::string &name) {
    const auto [at, isNew] = index_.try_emplace(name, result_.nodes.size());
    if (isNew) {
      result_.nodes.push_back({});
      result_.nodes.back().name = name;
    }
    return result_.nodes[at->second];
  }

  void accumulate(NodeError &row, std::size_t sample, const std::vector<double> &floats,
                  const std::vector<std::int64_t> &integers, int fraction) {
    row.unit = std::ldexp(1.0, -fraction);
    counts_[row.name] += static_cast<double>(floats.size());
    for (std::size_t i = 0; i < floats.size(); ++i) {
      const double error = std::abs(static_cast<double>(integers[i]) * row.unit - floats[i]);
      row.largest = std::max(row.largest, std::abs(floats[i]));
      row.mean += error;
      if (error > row.error) {
        row.error = error;
        row.sample = sample;
      }
    }
  }

  Verification &result_;
  std::map<std::string, std::size_t> index_;
  std::map<std::string, double> counts_;
};

Json json(const NodeError &row) {
  Json object = {{"name", row.name}};
  if (!row.op.empty())
    object["op"] = row.op;
  if (!row.type.empty())
    object["type"] = row.type;
  object["largest"] = row.largest;
  object["error"] = row.error;
  object["mean_error"] = row.mean;
  object["relative_error"] = row.relative();
  object["own_error"] = row.own;
  object["relative_own_error"] = row.relativeOwn();
  object["unit"] = row.unit;
  object["sample"] = row.sample;
  if (!row.violation.empty()) {
    object["violation"] = row.violation;
    object["outside"] = {{"elements", row.elementsOutside},
                         {"samples", row.samplesOutside},
                         {"bits_needed", row.bitsNeeded}};
  }
  return object;
}

std::string line(const NodeError &row) {
  return fmt::format(
      "{:<40}  {:<14} {:>8} {:>11.4g} {:>11.3g} {:>11.3g} {:>9.2g} % {:>7.2g} % {:>7}\n",
      row.name.size() <= 40 ? row.name : "..." + row.name.substr(row.name.size() - 37), row.op,
      row.type, row.largest, row.error, row.mean, 100 * row.relative(), 100 * row.relativeOwn(),
      row.sample);
}

std::string heading(const char *what) {
  return fmt::format("{:<40}  {:<14} {:>8} {:>11} {:>11} {:>11} {:>11} {:>9} {:>7}\n", what,
                     "operation", "type", "largest", "max error", "mean error", "relative", "own",
                     "sample");
}

} // namespace

double NodeError::relative() const {
  return error == 0 ? 0 : largest == 0 ? HUGE_VAL : error / largest;
}

double NodeError::relativeOwn() const {
  return own == 0 ? 0 : largest == 0 ? HUGE_VAL : own / largest;
}

LogicalResult verifyProgram(MLIRContext &context, CompileOptions options,
                            const std::vector<std::string> &inputs, Progress &progress,
                            Verification &result) {
  options.keepCoarse = true; // that is what this is to show
  Compilation compilation(context, options, progress);
  if (failed(compilation.to(Stage::kFx)))
    return failure();
  FailureOr<Samples> samples = loadSamples(compilation.floats(), inputs);
  if (failed(samples))
    return failure();
  return compareOnSamples(compilation.floats(), compilation.fx(), *samples, progress, result);
}

LogicalResult compareOnSamples(ModuleOp floats, ModuleOp fxModule, const Samples &samples,
                               Progress &progress, Verification &result) {
  FailureOr<NnInterpreter> model = NnInterpreter::create(floats);
  FailureOr<FxInterpreter> program = FxInterpreter::create(fxModule);
  if (failed(model) || failed(program))
    return failure();

  const NodeByNode nodes(floats);
  Comparison comparison(result);
  const std::map<std::string, clear::Shape> shapes = inputsOf<fx::InputOp>(fxModule);
  std::map<std::string, int> fractions; // of states
  fxModule.walk([&](fx::StateOp state) {
    fractions[state.getName().str()] = fx::fixedType(state.getResult()).getFraction();
  });
  std::map<std::string, clear::Shape> outputs;
  fxModule.walk(
      [&](fx::OutputOp output) { outputs[output.getName().str()] = shapeOf(output.getValue()); });
  Shadow shadow;
  FloatTensors floatStates;
  FxStates fixedStates;
  result.samples = samples.count;
  for (std::size_t sample = 0; sample < samples.count; ++sample) {
    progress.step(fmt::format("sample {} of {}", sample + 1, samples.count));
    FloatTensors values;
    for (const auto &[name, shape] : shapes)
      values[name] = clear::Tensor<float>{shape, samples.at(name, sample)};
    Results wanted;
    FailureOr<NnValues> expected = model->run(
        values,
        [&](Value value, const clear::Tensor<float> &tensor) {
          if (!isWeight(value.getDefiningOp()))
            wanted[nodeName(value.getDefiningOp()).str()][tensor.shape].assign(tensor.data.begin(),
                                                                               tensor.data.end());
        },
        &floatStates);
    FloatTensors given = values;
    for (const auto &[name, state] : fixedStates) {
      const double unit = std::ldexp(1.0, -fractions.at(name));
      clear::Tensor<float> &tensor = given[name] = {state.shape, {}};
      for (const std::int64_t integer : state.data)
        tensor.data.push_back(static_cast<float>(static_cast<double>(integer) * unit));
    }
    std::vector<std::string> order;
    FixedResults got;
    FailureOr<FxRun> run = program->run(
        values, FxMode::kCollect,
        [&](Value value, const clear::Tensor<std::int64_t> &tensor) {
          Operation *op = value.getDefiningOp();
          const std::string name = nodeName(op).str();
          if (isWeight(op) || !fx::fixedType(value))
            return;
          if (!got.contains(name))
            order.push_back(name);
          got[name][tensor.shape] = {op, tensor.data};
        },
        &fixedStates);
    if (failed(expected) || failed(run))
      return failure();
    for (const std::string &name : order)
      for (const auto &[shape, fixed] : got[name])
        if (const auto at = wanted[name].find(shape); at != wanted[name].end())
          comparison.add(sample, fixed.op, name, at->second, fixed.integers);
    nodes.run(given, got,
              [&](const std::string &name, const clear::Shape &shape,
                  const std::vector<float> &expectedHere) {
                if (const auto node = got.find(name); node != got.end() && wanted.contains(name))
                  if (const auto at = node->second.find(shape); at != node->second.end())
                    comparison.addOwn(name, expectedHere, at->second);
              });
    comparison.keep(outputs, *run);
    shadow.add(*run);
    for (const auto &[name, output] : run->outputs)
      if (const auto *tensor = std::get_if<clear::Tensor<float>>(&(*expected)[name]))
        comparison.addOutput(sample, name, {tensor->data.begin(), tensor->data.end()}, output);
  }
  for (const Departure &departure : shadow.departures())
    comparison.violate(departure, shadow.extent(departure));
  comparison.finish();
  progress.finish();
  return success();
}

const NodeError *firstDeparture(const Verification &result, double tolerance) {
  for (const NodeError &row : result.nodes)
    if (row.relative() > tolerance || !row.violation.empty())
      return &row;
  return nullptr;
}

void writeFixedOutputs(const Verification &result, const std::vector<std::string> &files) {
  std::set<std::string> written;
  for (const std::string &file : files) {
    const std::size_t equals = file.find('=');
    std::string name = equals == std::string::npos ? std::string() : file.substr(0, equals);
    for (const auto &[output, values] : result.fixed)
      if (name.empty() && !written.contains(output))
        name = output;
    const auto found = result.fixed.find(name);
    DYAD_REQUIRE(found != result.fixed.end(), kUsage, "--output {}: the program has no output '{}'",
                 file, name);
    written.insert(name);
    writeNpy(equals == std::string::npos ? file : file.substr(equals + 1), found->second.shape,
             found->second.data);
  }
}

std::string renderVerification(const Verification &result, double tolerance) {
  std::string text = fmt::format("{} sample{}\n\n", result.samples, result.samples == 1 ? "" : "s");
  text += heading("output");
  for (const NodeError &row : result.outputs)
    text += line(row);
  if (result.decided != 0)
    text += fmt::format("the largest element is the same one in {} of {}\n", result.decisions,
                        result.decided);
  if (const NodeError *first = firstDeparture(result, tolerance)) {
    text += fmt::format("\nfirst to depart by more than {:g} % of its largest value: '{}'\n",
                        100 * tolerance, first->name);
    if (!first->violation.empty())
      text += fmt::format("  {}\n", first->violation);
  } else {
    text += fmt::format("\nno node departs by more than {:g} % of its largest value\n",
                        100 * tolerance);
  }
  std::vector<NodeError> worst = result.nodes;
  llvm::stable_sort(
      worst, [](const NodeError &a, const NodeError &b) { return a.relative() > b.relative(); });
  worst.resize(std::min(worst.size(), kWorst));
  text += "\n" + heading("worst nodes");
  for (const NodeError &row : worst)
    text += line(row);
  return text;
}

std::string verificationJson(const Verification &result, double tolerance) {
  Json all;
  all["samples"] = result.samples;
  all["tolerance"] = tolerance;
  const NodeError *first = firstDeparture(result, tolerance);
  all["first"] = first == nullptr ? Json(nullptr) : Json(first->name);
  all["agreement"] = {{"same", result.decisions}, {"of", result.decided}};
  for (const auto &[key, rows] :
       {std::pair("outputs", &result.outputs), {"nodes", &result.nodes}}) {
    all[key] = Json::array();
    for (const NodeError &row : *rows)
      all[key].push_back(json(row));
  }
  return all.dump(1) + "\n";
}

} // namespace dyad::compiler
