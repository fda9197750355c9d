// SPDX-License-Identifier: Apache-2.0
// The executable `reference`: all samples through the cleartext program, which checks every width
// and range; the options are those of the parties, without the network.
#include "runtime/net/error.h"
#include "runtime/party/files.h"
#include "runtime/party/main.h"
#include "runtime/party/options.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>

namespace dyad {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char *kReferenceWeights = "weights.safetensors";

bool everything(Owner) { return true; }

// Rows in the order of execution, for each node the sum over samples.
class Recorder : public ReferenceRun {
public:
  explicit Recorder(Progress &progress) : progress_(progress) {}

  void beginNode(const char *name, const char *op) override {
    end();
    progress_.node();
    auto row = std::find_if(rows_.begin(), rows_.end(), [&](const NodeStats &other) {
      return other.name == name && other.op == op;
    });
    if (row == rows_.end())
      row = rows_.insert(rows_.end(), NodeStats{name, op});
    current_ = static_cast<std::size_t>(row - rows_.begin());
    running_ = true;
    since_ = Clock::now();
  }
  void end() {
    if (running_)
      rows_[current_].seconds += std::chrono::duration<double>(Clock::now() - since_).count();
    running_ = false;
  }
  std::vector<NodeStats> perSample(std::uint64_t samples) const {
    std::vector<NodeStats> rows = rows_;
    for (NodeStats &row : rows)
      row.seconds /= static_cast<double>(samples);
    return rows;
  }

private:
  Progress &progress_;
  std::vector<NodeStats> rows_;
  std::size_t current_ = 0;
  bool running_ = false;
  Clock::time_point since_;
};

ReferenceValues sampleOf(const ProgramInfo &info, const PartyInputs &inputs, std::uint64_t sample) {
  ReferenceValues values;
  for (const auto &[name, samples] : inputs.inputs) {
    const auto input = std::find_if(info.inputs.begin(), info.inputs.end(),
                                    [&](const InputInfo &entry) { return entry.name == name; });
    const std::size_t n = input->shape.elements();
    const auto begin = samples.values.begin() + static_cast<std::ptrdiff_t>(sample * n);
    values.add(name, {toShape(input->shape), {begin, begin + static_cast<std::ptrdiff_t>(n)}});
  }
  return values;
}

ReferenceValues initialStates(const ProgramInfo &info) {
  ReferenceValues states;
  for (const StateInfo &state : info.states) {
    ReferenceTensor value{toShape(state.shape), {state.initial.begin(), state.initial.end()}};
    value.data.resize(state.shape.elements());
    states.add(std::string(state.name), std::move(value));
  }
  return states;
}

int runReference(const ReferenceProgram &program, const PartyOptions &options) {
  const ProgramInfo &info = program.info;
  const std::vector<OutputFile> files = resolveOutputs(info.outputs, options.outputs, everything);
  if (!options.stats.empty())
    requireWritable(options.stats, "statistics file");
  const PartyInputs inputs = readInputs(info.inputs, options.inputs, everything);
  const std::uint64_t count = std::max<std::uint64_t>(inputs.count, 1);
  ReferenceValues weights;
  if (!info.weights.empty())
    for (auto &[name, tensor] : readWeights(
             info.weights,
             options.weights.empty() ? besideExecutable(kReferenceWeights) : options.weights,
             everything))
      weights.add(name, std::move(tensor));

  const Clock::time_point begin = Clock::now();
  Progress progress("reference", options.progress);
  progress.beginSamples(count, info.nodes.size());
  Recorder recorder(progress);
  ReferenceValues states = initialStates(info);
  std::vector<OutputSamples> outputs(info.outputs.size());
  for (std::uint64_t sample = 0; sample < count; ++sample) {
    try {
      const ReferenceTensors results =
          program.run(recorder, weights, sampleOf(info, inputs, sample), states);
      recorder.end();
      DYAD_REQUIRE(results.size() == outputs.size(), kShapeMismatch,
                   "the program has {} outputs instead of {}; compile it again", results.size(),
                   outputs.size());
      for (std::size_t i = 0; i < outputs.size(); ++i) {
        DYAD_REQUIRE(results[i].data.size() == info.outputs[i].shape.elements(), kShapeMismatch,
                     "output '{}' has {} elements instead of {}; compile the program again",
                     info.outputs[i].name, results[i].data.size(),
                     info.outputs[i].shape.elements());
        outputs[i].insert(outputs[i].end(), results[i].data.begin(), results[i].data.end());
      }
    } catch (const Error &error) {
      progress.finish();
      fail(error.code(), "sample {}: {}", sample, error.what());
    }
  }
  progress.finish();

  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const auto file = std::find_if(files.begin(), files.end(),
                                   [&](const OutputFile &entry) { return entry.output == i; });
    if (file != files.end())
      writeOutput(info.outputs[i], outputs[i], count, inputs.batched, options.raw, file->file);
    else
      fmt::print("{}", describeOutput(info.outputs[i], outputs[i], count, options.raw));
  }
  std::fflush(stdout);
  RunStatistics statistics;
  statistics.twoParty = false;
  statistics.samples = count;
  statistics.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  statistics.nodes = recorder.perSample(count);
  if (!options.stats.empty())
    writeStatistics(statistics, options.stats);
  fmt::print(stderr, "reference: {}\n", summary(statistics));
  return 0;
}

} // namespace

int referenceMain(int argc, char **argv, const ReferenceProgram &program) {
  return runMain("reference", [&] {
    const ParsedOptions parsed =
        parseOptions(Executable::kReference, std::string(program.info.model), argc, argv);
    if (parsed.exitStatus)
      return *parsed.exitStatus;
    return runReference(program, parsed.options);
  });
}

} // namespace dyad
