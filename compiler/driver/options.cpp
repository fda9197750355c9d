// SPDX-License-Identifier: Apache-2.0
#include "compiler/driver/options.h"

#include "compiler/driver/optional_passes.h"
#include "runtime/calibrate/machine_file.h"
#include "runtime/net/error.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringRef.h"

#include <cmath>
#include <fmt/format.h>

namespace dyad::compiler {

namespace {

using llvm::StringRef;

[[noreturn]] void reject(StringRef option, const std::string &why) {
  throw CLI::ValidationError(option.str(), why);
}

int64_t parseInteger(StringRef option, StringRef text) {
  int64_t value = 0;
  if (text.getAsInteger(10, value))
    reject(option, fmt::format("'{}' is not a whole number", text.str()));
  return value;
}

double parseNumber(StringRef option, StringRef text) {
  double value = 0;
  if (text.trim().getAsDouble(value) || !std::isfinite(value))
    reject(option, fmt::format("'{}' is not a number", text.str()));
  return value;
}

// "auto" or a whole number within bounds.
CLI::Option *addNumberOrAuto(CLI::App &app, const std::string &name, std::optional<int> &into,
                             int low, int high, const std::string &help) {
  return app
      .add_option_function<std::string>(
          name,
          [=, &into](const std::string &text) {
            into.reset();
            if (text == "auto")
              return;
            int64_t value = parseInteger(name, text);
            if (value < low || value > high)
              reject(name, fmt::format("{} is outside {}..{}", value, low, high));
            into = static_cast<int>(value);
          },
          help)
      ->type_name("N|auto")
      ->group("Numbers");
}

// Splits NAME=VALUE; the name is what stands before the last '=' that leaves a value.
std::pair<std::string, std::string> splitAssignment(StringRef option, StringRef text,
                                                    bool nameOptional) {
  auto [name, value] = text.split('=');
  if (name.size() == text.size()) {
    if (!nameOptional)
      reject(option, fmt::format("'{}' should be NAME=VALUE", text.str()));
    return {"", text.str()};
  }
  if (name.empty() || value.empty())
    reject(option, fmt::format("'{}' should be NAME=VALUE", text.str()));
  return {name.str(), value.str()};
}

std::vector<int64_t> parseShape(StringRef option, StringRef text) {
  std::vector<int64_t> shape;
  llvm::SmallVector<StringRef> parts;
  text.split(parts, ',');
  for (StringRef part : parts) {
    shape.push_back(parseInteger(option, part.trim()));
    if (shape.back() < 1)
      reject(option, fmt::format("'{}': sizes must be positive", text.str()));
  }
  return shape;
}

void addNumberOptions(CLI::App &app, CompileOptions &options) {
  addNumberOrAuto(app, "--scale", options.scale, 0, 40,
                  "fraction bits of activations, and of weights unless --weight-scale says "
                  "otherwise; auto: by range, as few as accuracy allows");
  addNumberOrAuto(app, "--weight-scale", options.weightScale, 0, 40,
                  "fraction bits of weights (default: those of --scale); auto: by each tensor's "
                  "largest weight and accuracy")
      ->each([&options](const std::string &) { options.weightScaleGiven = true; });
  addNumberOrAuto(app, "--bitwidth", options.bitwidth, 2, 64,
                  "one width for all values; auto: what each value's range and head-room ask for");
  app.add_option("--calibrate", options.calibrate,
                 "samples to measure ranges on (repeatable; several inputs: one file each)")
      ->type_name("[NAME=]FILE.npy|FILE.npz")
      ->allow_extra_args(false)
      ->group("Numbers");
  app.add_option_function<std::vector<std::string>>(
         "--input-range",
         [&options](const std::vector<std::string> &texts) {
           for (const std::string &text : texts) {
             auto [name, range] = splitAssignment("--input-range", text, true);
             auto [low, high] = StringRef(range).split(',');
             double from = parseNumber("--input-range", low);
             double to = parseNumber("--input-range", high);
             if (from > to)
               reject("--input-range", fmt::format("'{}': low is above high", text));
             options.inputRanges[name] = {from, to};
           }
         },
         "range that an input is declared to stay in; the client refuses values outside")
      ->type_name("[NAME=]LO,HI")
      ->allow_extra_args(false)
      ->group("Numbers");
  app.add_option_function<double>(
         "--headroom",
         [&options](const double &bits) {
           if (!(bits >= 0 && bits <= 16))
             reject("--headroom", "should be 0 to 16 bits");
           options.headroom = bits;
         },
         "bits kept free above calibrated ranges")
      ->type_name("BITS")
      ->group("Numbers");
  app.add_option_function<double>(
         "--range-percentile",
         [&options](const double &percent) {
           if (!(percent >= 50 && percent <= 100))
             reject("--range-percentile", "should be 50 to 100 percent");
           options.rangePercentile = percent;
         },
         "head-room above what so many of each channel's values reach; whatever samples show still "
         "fits (default: 100)")
      ->type_name("PERCENT")
      ->group("Numbers");
  app.add_flag("--strict-ranges", options.strictRanges,
               "protocols that depend on a range use proved facts only")
      ->group("Numbers");
  app.add_option("--config", options.config, "per-node scales, widths and protocols (JSON)")
      ->type_name("FILE")
      ->group("Numbers");
  app.add_option("--emit-config", options.emitConfig,
                 "write the scales and widths that were chosen, to be used with --config")
      ->type_name("FILE")
      ->group("Numbers");
}

void addSearchOptions(CLI::App &app, CompileOptions &options) {
  auto share = [&app](const std::string &name, std::optional<double> &into, double low, double high,
                      double unit, const std::string &type, const std::string &help) {
    app.add_option_function<double>(
           name,
           [=, &into](const double &value) {
             if (!(value >= low && value <= high))
               reject(name, fmt::format("should be {} to {}", low, high));
             into = value * unit;
           },
           help)
        ->type_name(type)
        ->group("Search");
  };
  share("--max-error", options.goal.maxError, 1e-6, 1, 1, "SHARE",
        "search for the scales of least time with which no output's error (root mean square) is "
        "more than this share of its spread on the calibration samples");
  share("--min-agreement", options.goal.minAgreement, 0, 100, 0.01, "PERCENT",
        "the same, with so many of the model's decisions unchanged: an output's largest score, or "
        "what the model's arg-max says");
  share("--max-accuracy-loss", options.goal.maxAccuracyLoss, 0, 100, 0.01, "POINTS",
        "the same, with at most so many points of accuracy lost");
  app.add_option("--labels", options.labels,
                 "right decisions for the calibration samples: indices, for --max-accuracy-loss "
                 "(default: the model's own decisions)")
      ->type_name("FILE.npy")
      ->group("Search");
  app.add_option("--search-file", options.searchFile,
                 "keep what the search finds out, so that it goes on where it was interrupted")
      ->type_name("FILE")
      ->group("Search");
}

void addGraphOptions(CLI::App &app, CompileOptions &options) {
  app.add_option_function<std::vector<std::string>>(
         "--shape",
         [&options](const std::vector<std::string> &texts) {
           for (const std::string &text : texts) {
             auto [name, shape] = splitAssignment("--shape", text, false);
             options.shapes[name] = parseShape("--shape", shape);
           }
         },
         "shape of an input whose dimensions are symbolic")
      ->type_name("NAME=1,3,224,224")
      ->allow_extra_args(false)
      ->group("Graph");
  app.add_option_function<std::vector<std::string>>(
         "--set",
         [&options](const std::vector<std::string> &texts) {
           for (const std::string &text : texts)
             options.sets.insert(splitAssignment("--set", text, false));
         },
         "fix an input at compile time")
      ->type_name("NAME=VALUE|FILE.npy")
      ->allow_extra_args(false)
      ->group("Graph");
  app.add_option("--outputs", options.outputs,
                 "tensors of the graph to compute instead of its outputs")
      ->delimiter(',')
      ->type_name("NAME,...")
      ->allow_extra_args(false)
      ->group("Graph");
  app.add_option_function<std::vector<std::string>>(
         "--state",
         [&options](const std::vector<std::string> &texts) {
           for (const std::string &text : texts)
             options.states.push_back(splitAssignment("--state", text, false));
         },
         "input IN is what OUT was in the run before: it stays secret-shared between the windows "
         "of "
         "a connection, and is neither given nor revealed (repeatable)")
      ->type_name("IN=OUT")
      ->allow_extra_args(false)
      ->group("Graph");
  app.add_option_function<std::vector<std::string>>(
         "--state-init",
         [&options](const std::vector<std::string> &texts) {
           for (const std::string &text : texts)
             options.stateInitials.insert(splitAssignment("--state-init", text, false));
         },
         "a state in the first window of a connection, public (default: zeros)")
      ->type_name("IN=VALUE|FILE.npy")
      ->allow_extra_args(false)
      ->group("Graph");
  app.add_option_function<std::vector<std::string>>(
         "--owner",
         [&options](const std::vector<std::string> &texts) {
           for (const std::string &text : texts) {
             auto [name, owner] = splitAssignment("--owner", text, false);
             if (owner != "client" && owner != "server" && owner != "public")
               reject("--owner", fmt::format("'{}': an owner is client, server or public", text));
             options.owners[name] = owner;
           }
         },
         "who holds an input (the client, unless said)")
      ->type_name("NAME=client|server|public")
      ->allow_extra_args(false)
      ->group("Graph");
  app.add_option(
         "--public-weights", options.publicWeights,
         "weights that both parties may know: their layers cost no traffic. Names, with * for "
         "any text, or all, or the public model that has them too (all are private unless said)")
      ->type_name("PATTERN|all|FILE.onnx")
      ->allow_extra_args(false)
      ->group("Graph");
  app.add_option("--split-updates", options.splitUpdates,
                 "private updates of public weights, apart from them: where that is faster, or "
                 "always")
      ->check(CLI::IsMember({"auto", "always"}))
      ->group("Graph");
  app.add_option("--merge-heads", options.mergeHeads,
                 "attention heads of a group, the most alike ones, that share one softmax: that "
                 "many times fewer rows, all weights kept; the model has to be fine-tuned so "
                 "(--emit onnx writes it)")
      ->check(CLI::Range(2, 1024))
      ->type_name("M")
      ->group("Graph");
  app.add_option("--reveal", options.reveal, "who learns the outputs")
      ->check(CLI::IsMember({"client", "server", "both"}))
      ->type_name("client|server|both")
      ->group("Graph");
  app.add_option(
         "--reveal-early", options.revealEarly,
         "the client learns this node's values and computes what follows alone: only public "
         "weights may stand behind it, and the values may tell private weights before it "
         "(repeatable)")
      ->type_name("NODE")
      ->allow_extra_args(false)
      ->group("Graph");
  app.add_flag("--logits", options.logits, "return what a final Softmax would be applied to")
      ->group("Graph");
}

void addDisableOption(CLI::App &app, CompileOptions &options) {
  std::string names;
  for (const OptionalPass &pass : optionalPasses())
    names += (names.empty() ? "" : ", ") + pass.name.str();
  app.add_option_function<std::vector<std::string>>(
         "--disable",
         [&options](const std::vector<std::string> &lists) {
           try {
             for (const std::string &list : lists)
               options.disabled.merge(parseDisabled(list));
           } catch (const Error &error) {
             reject("--disable", error.what());
           }
         },
         "leave out passes, to measure what they save; the program is as correct without: " + names)
      ->type_name("PASS[,PASS]")
      ->allow_extra_args(false);
}

} // namespace

// A file is an input like others: what is wrong with it is no misuse of the command line.
static MachineFile machineFile(const std::string &path) {
  try {
    return readMachineFile(path);
  } catch (const Error &error) {
    throw CLI::FileError(error.what());
  }
}

static LinkProfile linkOfFile(const std::string &path) {
  const MachineFile file = machineFile(path);
  if (!file.link)
    throw CLI::FileError(fmt::format("machine profile '{}': has no measured link", path));
  return *file.link;
}

CLI::Option *addLinkOption(CLI::App &app, const std::string &name,
                           const std::function<void(const LinkProfile &)> &use,
                           const std::string &help) {
  const auto parse = [=](const std::string &text) {
    try {
      use(StringRef(text).ends_with(".json") ? linkOfFile(text) : parseLink(text));
    } catch (const Error &error) {
      reject(name, error.what());
    }
  };
  return app.add_option_function<std::string>(name, parse, help)
      ->type_name("lan|wan|BANDWIDTH,RTT|FILE.json");
}

void addReportOption(CLI::App &app, CompileOptions &options) {
  app.add_option_function<std::string>(
         "--report",
         [&options](const std::string &path) {
           if (!StringRef(path).ends_with(".html") && !StringRef(path).ends_with(".json"))
             reject("--report", fmt::format("'{}' should end in .html or .json", path));
           options.report = path;
         },
         "write what was decided for every node and what it costs: a page to look at, or JSON")
      ->type_name("FILE.html|FILE.json");
}

Stage parseStage(const std::string &text) {
  return text == "nn"    ? Stage::kNn
         : text == "fx"  ? Stage::kFx
         : text == "mpc" ? Stage::kMpc
                         : Stage::kCpp;
}

void addCompileOptions(CLI::App &app, CompileOptions &options) {
  addNumberOptions(app, options);
  addSearchOptions(app, options);
  addGraphOptions(app, options);

  app.add_option("--linear", options.linear, "protocol of linear layers")
      ->check(CLI::IsMember({"auto", "ot", "he"}))
      ->type_name("auto|ot|he")
      ->group("Protocols");
  app.add_option("--ot", options.ot, "extension of oblivious transfers")
      ->check(CLI::IsMember({"auto", "softspoken", "silent"}))
      ->type_name("auto|softspoken|silent")
      ->group("Protocols");
  app.add_option_function<std::string>(
         "--truncation",
         [](const std::string &mode) {
           if (mode == "fast")
             reject("--truncation", "fast is not available in this version; exact is the default");
           if (mode != "exact")
             reject("--truncation", fmt::format("'{}' should be exact", mode));
         },
         "exact: bit for bit the same as reference")
      ->type_name("exact")
      ->group("Protocols");
  addLinkOption(
      app, "--network", [&options](const LinkProfile &link) { options.network = link; },
      "link that protocols are chosen for; lan: 3 Gbit/s, 0.3 ms (default), wan: 400 Mbit/s, 40 "
      "ms; or "
      "the link that `dyad calibrate` measured")
      ->group("Protocols");
  app.add_option_function<std::string>(
         "--machine",
         [&options](const std::string &path) {
           machineFile(path); // what is wrong with it is said before the model is read
           options.machine = path;
         },
         "what computing costs, as `dyad calibrate` measured it (default: built-in constants)")
      ->type_name("FILE.json")
      ->group("Protocols");

  addDisableOption(app, options);
  app.add_flag("--verbose", options.verbose, "say what each pass does");
}

std::optional<int> parseCommandLine(CLI::App &app, int argc, char **argv) {
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::ParseError &error) {
    const int status = app.exit(error);
    const bool isBadFile = dynamic_cast<const CLI::FileError *>(&error) != nullptr;
    return status == 0 ? 0 : isBadFile ? 1 : 2;
  }
}

} // namespace dyad::compiler
