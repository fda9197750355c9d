// SPDX-License-Identifier: Apache-2.0
// Scales and widths that a user fixes, per input and per ONNX node, as JSON; and those that the
// compiler chose, in the same form. A file that fixes all of them makes the program independent of
// weights and samples (docs/numbers.md).
#pragma once

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace dyad {

/// On an nn.assume that results rely on, not only widths: it stays whatever widths are given.
inline constexpr const char *kRequired = "required";
/// The key of a configuration, and the attribute of linear operations that says the same in a dump.
inline constexpr const char *kChannelShifts = "channel_shifts";

/// Numbers of one input or node; what is absent is chosen by the compiler.
struct NodeNumbers {
  std::optional<int64_t> scale;               ///< fraction bits of the result
  std::optional<int64_t> bitwidth;            ///< width of the result
  std::optional<int64_t> accumulatorBitwidth; ///< width of a product before it loses bits
  std::optional<int64_t> weightScale;         ///< fraction bits of the weights
  std::optional<int64_t> weightBitwidth;      ///< width of the weights
  std::optional<double> low, high;            ///< range of an input
  /// Powers of two that a linear operation's output channels, or an input's features, are scaled
  /// by; empty: none.
  std::optional<std::vector<int64_t>> channelShifts;

  bool empty() const;
};

/// What the widths of weights follow from, where a file gives their scale alone.
enum class WeightWidths {
  kFixed,  ///< nothing: room for -8 to 8, whatever the weights are
  kValues, ///< the largest weight
};

/// A configuration file: `{"defaults": {...}, "inputs": {NAME: {...}}, "nodes": {NAME: {...}}}`
/// with the keys scale, bitwidth, accumulator_bitwidth, weight_scale, weight_bitwidth, and for
/// inputs low and high, and for all channel_shifts. The keys protocol, fused and radix
/// of nodes are left to passes/protocols. `"weight_widths": "values"` beside the sections is
/// WeightWidths::kValues, and `"search": {...}` says how a search came to the file; nobody reads
/// it.
class NumbersConfig {
public:
  /// Parses a file's text; every problem goes to `report`, one call each. False if there was one.
  bool parse(llvm::StringRef text, llvm::function_ref<void(const std::string &)> report);
  /// Names of nodes and inputs that the file mentions and the model does not have.
  std::vector<std::string> unknownNames(llvm::function_ref<bool(llvm::StringRef)> isNode,
                                        llvm::function_ref<bool(llvm::StringRef)> isInput) const;

  /// The entry of a node, of its `k`-th operation that chooses numbers ("name#k" for k > 0, else
  /// "name"), completed by the defaults.
  NodeNumbers node(llvm::StringRef name, unsigned k) const;
  NodeNumbers input(llvm::StringRef name) const;

  /// The same key as `node` reads.
  static std::string nodeKey(llvm::StringRef name, unsigned k);

  /// Whether factors of channels follow from the file alone: it names some, or scales of weights.
  bool givesChannelShifts() const;
  /// Whether a file was read: then weight widths follow from it alone.
  bool isGiven() const { return given_; }

  NodeNumbers defaults;
  std::map<std::string, NodeNumbers> nodes;
  std::map<std::string, NodeNumbers> inputs;
  WeightWidths weightWidths = WeightWidths::kFixed;

  /// JSON text that `parse` reads.
  std::string toJson() const;

private:
  bool given_ = false;
};

/// Reads and parses a file; an empty name is none. Problems go to `report`; false if there was one.
bool readNumbersConfig(const std::string &path, NumbersConfig &config,
                       llvm::function_ref<void(const std::string &)> report);

} // namespace dyad
