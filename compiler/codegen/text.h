// SPDX-License-Identifier: Apache-2.0
// Pieces of C++ text: literals, comments, identifiers made of ONNX node names. Whatever a model
// calls its nodes, the text stays well-formed.
#pragma once

#include "ir/fx/fx.h"

#include "llvm/ADT/ArrayRef.h"

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace dyad::compiler {

/// A string literal with its quotes; anything but printable ASCII is escaped.
std::string quoted(std::string_view text);
/// Text for the inside of a `//` comment: no line breaks, no trailing backslash.
std::string inComment(std::string_view text);
/// A literal of this value.
std::string integer(int64_t value);
/// "{1, 3, 32, 32}".
std::string braced(llvm::ArrayRef<int64_t> values);
std::string bracedShape(mlir::Value value);
/// "{.bits = 20, .isSigned = true}".
std::string bracedFormat(fx::FixedType type);
/// A literal of exactly this value.
std::string floating(double value);
/// SHA-256 as 64 hexadecimal digits.
std::string sha256(std::string_view text);
/// "Rounding::kNearest".
std::string roundingName(fx::Rounding rounding);
/// "Owner::kClient"; shared values have no owner in the runtime's terms.
std::string ownerName(fx::Owner owner);

/// Broken into lines of at most 100 columns at the top level of its arguments, continuation lines
/// indented by four more than `indent`.
std::string wrapped(const std::string &statement, unsigned indent);

/// Distinct identifiers, with an underscore in each, so that none is a keyword or one of the
/// runtime's names.
class Identifiers {
public:
  /// From a node's name and what the operation makes of it: "conv1_relu".
  std::string make(std::string_view node, std::string_view suffix);

private:
  std::set<std::string> taken_;
};

/// Constant arrays too long to stand in a call, collected as tables in front of the code.
class Tables {
public:
  /// An expression for a std::vector<std::int64_t> of the values.
  std::string vector(llvm::ArrayRef<int64_t> values);
  const std::string &text() const { return text_; }

private:
  std::string text_;
  unsigned count_ = 0;
};

} // namespace dyad::compiler
