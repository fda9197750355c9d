// SPDX-License-Identifier: Apache-2.0
#include "passes/protocols/overrides.h"

#include "ir/structure.h"
#include "passes/protocols/radix_choice.h"

#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>

using namespace mlir;

namespace dyad {
namespace {

bool has(const NodeProtocols &node, StringRef key) {
  return key == "protocol" ? node.protocol.has_value()
         : key == "packed" ? node.packed.has_value()
         : key == "fused"  ? node.fused.has_value()
                           : node.radix.has_value();
}

} // namespace

FailureOr<Overrides> Overrides::read(ModuleOp module, StringRef path) {
  Overrides result;
  if (path.empty())
    return result;
  std::ifstream file(path.str());
  const auto json = nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded() || !json.is_object())
    return module.emitError("configuration '") << path << "': is not a JSON object";
  bool ok = true;
  auto refuse = [&](const std::string &node, const char *key, const std::string &wanted) {
    module.emitError("configuration '")
        << path << "': node '" << node << "': '" << key << "' must be " << wanted;
    ok = false;
  };
  const nlohmann::json nodes = json.value("nodes", nlohmann::json::object());
  for (const auto &[name, entry] : nodes.items()) {
    NodeProtocols node;
    if (entry.contains("protocol")) {
      if (entry["protocol"] == "ot" || entry["protocol"] == "he")
        node.protocol = entry["protocol"].get<std::string>();
      else
        refuse(name, "protocol", "\"ot\" or \"he\"");
    }
    for (const auto &[key, member] :
         {std::pair("packed", &NodeProtocols::packed), std::pair("fused", &NodeProtocols::fused)}) {
      if (!entry.contains(key))
        continue;
      if (entry[key].is_boolean())
        node.*member = entry[key].get<bool>();
      else
        refuse(name, key, "true or false");
    }
    if (entry.contains("radix")) {
      if (entry["radix"].is_number_unsigned() && entry["radix"].get<uint64_t>() <= kMaxRadix)
        node.radix = entry["radix"].get<uint64_t>();
      else
        refuse(name, "radix", fmt::format("an integer of 0 to {}", kMaxRadix));
    }
    result.nodes_[name] = node;
  }
  if (!ok)
    return failure();
  return result;
}

template <typename Value>
std::optional<Value> Overrides::find(Operation *op, std::optional<Value> NodeProtocols::*member) {
  auto found = nodes_.find(nodeName(op).str());
  if (found == nodes_.end())
    return std::nullopt;
  used_.insert(found->first);
  return found->second.*member;
}

std::optional<std::string> Overrides::protocol(Operation *op) {
  return find(op, &NodeProtocols::protocol);
}
std::optional<bool> Overrides::packed(Operation *op) { return find(op, &NodeProtocols::packed); }
std::optional<bool> Overrides::fused(Operation *op) { return find(op, &NodeProtocols::fused); }
std::optional<uint64_t> Overrides::radix(Operation *op) { return find(op, &NodeProtocols::radix); }

LogicalResult Overrides::reportUnused(ModuleOp module, StringRef key) const {
  bool ok = true;
  for (const auto &[name, node] : nodes_)
    if (has(node, key) && used_.count(name) == 0) {
      module.emitError("configuration: node '")
          << name << "' has no use for '" << key << "': "
          << (key == "protocol" ? "it is no product with the server's weights"
              : key == "packed" ? "it is no layer by RLWE"
              : key == "fused"  ? "it is no ReLU right behind a requantisation"
                                : "nothing in it is compared");
      ok = false;
    }
  return success(ok);
}

} // namespace dyad
