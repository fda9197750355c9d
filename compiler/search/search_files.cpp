// SPDX-License-Identifier: Apache-2.0
// What a search reads and writes beside its evaluations: labels, and the configuration it found.
#include "compiler/search/search.h"

#include "runtime/net/error.h"
#include "runtime/party/npy.h"

#include <cmath>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>

using namespace mlir;

namespace dyad::compiler {
namespace {

using Json = nlohmann::ordered_json;

Json jsonOf(const SearchPoint &point) {
  return {{"bytes", point.bytes},
          {"flows", point.flows},
          {"seconds", point.seconds},
          {"error", point.accuracy.error},
          {"decisions", point.accuracy.decisions},
          {"differing", point.accuracy.differing}};
}

} // namespace

std::string describe(const SearchResult &result) {
  auto one = [](const SearchPoint &point) {
    return fmt::format("{:.3g} MB and about {:.3g} s, error {:.2g} % of the outputs' spread",
                       static_cast<double>(point.bytes) * 1e-6, point.seconds,
                       100 * point.accuracy.error);
  };
  std::string text = fmt::format("search: {}; with one precision for all: {}", one(result.after),
                                 one(result.before));
  if (result.after.accuracy.decisions != 0)
    text += fmt::format("; {} of {} decisions differ", result.after.accuracy.differing,
                        result.after.accuracy.decisions);
  text += fmt::format("; {} programs in {:.1f} s", result.evaluations, result.seconds);
  if (result.restored != 0)
    text += fmt::format(", {} of them known before", result.restored);
  return text;
}

LogicalResult writeConfig(ModuleOp module, const std::string &path, const SearchResult &result) {
  Json json = Json::parse(result.config.toJson());
  json["search"] = {{"programs", result.evaluations},
                    {"seconds", result.seconds},
                    {"one_precision", jsonOf(result.before)},
                    {"found", jsonOf(result.after)}};
  std::ofstream file(path);
  file << json.dump(2) << "\n";
  file.close();
  if (!file)
    return module.emitError("cannot write configuration '") << path << "'";
  return success();
}

LogicalResult loadLabels(MLIRContext &context, const std::string &path,
                         std::vector<std::int64_t> &labels) {
  try {
    const NpyArray array = readNpy(path);
    if (const auto *integers = std::get_if<std::vector<std::int64_t>>(&array.values))
      labels = *integers;
    else
      for (double value : std::get<std::vector<double>>(array.values)) {
        if (value != std::floor(value))
          return emitError(UnknownLoc::get(&context))
                 << "'" << path << "': labels are whole numbers, not " << std::to_string(value);
        labels.push_back(static_cast<std::int64_t>(value));
      }
  } catch (const Error &error) {
    return emitError(UnknownLoc::get(&context)) << error.what();
  }
  return success();
}

} // namespace dyad::compiler
