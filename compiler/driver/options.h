// SPDX-License-Identifier: Apache-2.0
// What a user can ask of the compiler: the options of dyadc, dyad run and dyad-dump, declared once,
// and checked as far as that is possible without the model.
#pragma once

#include "compiler/search/accuracy.h"
#include "runtime/net/link.h"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace dyad::compiler {

enum class Stage { kNn, kFx, kMpc, kCpp };
/// nn, fx, mpc or cpp; no other text comes here.
Stage parseStage(const std::string &text);

struct CompileOptions {
  std::string model;
  std::string output;

  // Numbers. No value: automatic.
  std::optional<int> scale;
  std::optional<int> weightScale;
  bool weightScaleGiven = false; ///< else it is that of activations, where they have one
  std::optional<int> bitwidth;
  std::vector<std::string> calibrate;                           ///< [NAME=]FILE.npy or FILE.npz
  std::map<std::string, std::pair<double, double>> inputRanges; ///< "" is every input
  std::optional<double> headroom;
  double rangePercentile = 100; ///< of magnitudes that head-room is added to
  bool strictRanges = false;
  std::string config;
  std::string emitConfig;

  // A search for scales; where a goal is given.
  AccuracyGoal goal;
  std::string labels;     ///< FILE.npy
  std::string searchFile; ///< evaluations that were made

  // The graph.
  std::map<std::string, std::vector<int64_t>> shapes;
  std::map<std::string, std::string> sets; ///< input name -> number or FILE.npy
  std::vector<std::string> outputs;
  std::vector<std::pair<std::string, std::string>> states; ///< input -> what it becomes
  std::map<std::string, std::string> stateInitials;        ///< state -> FILE.npy
  std::map<std::string, std::string> owners;
  std::vector<std::string> publicWeights; ///< patterns of names, or FILE.onnx
  std::vector<std::string> revealEarly;   ///< nodes whose values the client learns
  std::string splitUpdates = "auto";      ///< or always: updates apart from their public weights
  int64_t mergeHeads = 1;                 ///< heads of a group
  std::string reveal = "client";
  bool logits = false;

  // Protocols.
  LinkProfile network;
  std::string machine;         ///< file with the constants of the time model
  std::string linear = "auto"; ///< auto, ot or he
  std::string ot = "auto";     ///< auto, softspoken or silent

  // The compiler itself.
  std::set<std::string> disabled; ///< passes to leave out (optional_passes.h)
  std::optional<Stage> emit;
  bool emitOnnx = false; ///< the model itself, heads merged
  bool saveTemps = false;
  bool assumeNumbers = false; ///< for an estimate: typical bits, ranges of few runs, no checks
  bool keepCoarse = false;    ///< go on with a program that is too coarse for its model
  std::string report;         ///< FILE.html or FILE.json
  bool verbose = false;
};

/// Adds the options that say how to compile (all but the model and the output folder) to a command.
/// The values land in `options` when the command line is parsed; a value that is malformed, or an
/// option that this version does not offer yet, is a CLI::ValidationError (exit status 2).
void addCompileOptions(CLI::App &app, CompileOptions &options);

/// Adds --report to a command that builds the program.
void addReportOption(CLI::App &app, CompileOptions &options);

/// Adds an option that takes a link, as --network does.
CLI::Option *addLinkOption(CLI::App &app, const std::string &name,
                           const std::function<void(const LinkProfile &)> &use,
                           const std::string &help);

/// Parses a command line, prints help, version or the mistake, and returns the exit status where
/// the program is to end now: 0 after help, 1 for a bad file, 2 for a wrong command line.
std::optional<int> parseCommandLine(CLI::App &app, int argc, char **argv);

} // namespace dyad::compiler
