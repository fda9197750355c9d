// SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/text.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SHA256.h"

#include <cctype>
#include <fmt/format.h>

using namespace mlir;

namespace dyad::compiler {
namespace {

constexpr std::size_t kColumns = 100;
constexpr std::size_t kMaxInlineList = 16;
constexpr std::size_t kMaxNameLength = 40;

bool isPlain(char c) { return c >= 0x20 && c < 0x7f; }

} // namespace

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      result += fmt::format("\\{}", c);
    else if (isPlain(c))
      result += c;
    else
      result += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
  }
  return result + "\"";
}

std::string inComment(std::string_view text) {
  std::string result;
  for (char c : text)
    result += isPlain(c) && c != '\\' ? c : '?';
  return result;
}

std::string integer(int64_t value) {
  // The lowest integer has no literal of its own.
  return value == INT64_MIN ? "(-9223372036854775807 - 1)" : std::to_string(value);
}

std::string braced(ArrayRef<int64_t> values) {
  std::string text;
  for (int64_t value : values)
    text += (text.empty() ? "" : ", ") + integer(value);
  return "{" + text + "}";
}

std::string bracedShape(Value value) {
  return braced(cast<RankedTensorType>(value.getType()).getShape());
}

std::string bracedFormat(fx::FixedType type) {
  return fmt::format("{{.bits = {}, .isSigned = {}}}", type.getWidth(), type.getIsSigned());
}

std::string floating(double value) {
  std::string text = fmt::format("{}", value); // the shortest that reads back as the same value
  return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}

std::string sha256(std::string_view text) {
  const auto digest =
      llvm::SHA256::hash(llvm::arrayRefFromStringRef(llvm::StringRef(text.data(), text.size())));
  return llvm::toHex(digest, /*LowerCase=*/true);
}

std::string roundingName(fx::Rounding rounding) {
  return rounding == fx::Rounding::kNearest ? "Rounding::kNearest" : "Rounding::kFloor";
}

std::string ownerName(fx::Owner owner) {
  switch (owner) {
  case fx::Owner::kClient:
    return "Owner::kClient";
  case fx::Owner::kServer:
    return "Owner::kServer";
  case fx::Owner::kPublic:
  case fx::Owner::kShared:
    break;
  }
  return "Owner::kPublic";
}

std::string wrapped(const std::string &statement, unsigned indent) {
  // Places where a line may be broken, by how deep in brackets they are: outermost first.
  struct Break {
    std::size_t at;
    unsigned depth;
  };
  std::vector<Break> breaks;
  unsigned depth = 0;
  bool inString = false;
  for (std::size_t i = 0; i < statement.size(); ++i) {
    char c = statement[i];
    if (inString && c == '\\') {
      ++i; // escaped: not the literal's end
      continue;
    }
    if (c == '"')
      inString = !inString;
    if (inString)
      continue;
    if (c == '(' || c == '{' || c == '[')
      ++depth;
    else if (depth > 0 && (c == ')' || c == '}' || c == ']'))
      --depth;
    else if (c == ' ' && i > 0 &&
             (statement[i - 1] == ',' || (statement[i - 1] == '=' && depth == 0)))
      breaks.push_back({i + 1, depth});
  }
  std::string result;
  std::size_t begin = 0;
  unsigned margin = indent;
  while (margin + statement.size() - begin > kColumns) {
    const Break *best = nullptr;
    for (const Break &candidate : breaks)
      if (candidate.at > begin + kColumns / 3 && margin + candidate.at - 1 - begin <= kColumns &&
          (best == nullptr || candidate.depth <= best->depth))
        best = &candidate;
    if (best == nullptr) // a long string, say: at the next chance
      for (const Break &candidate : breaks)
        if (best == nullptr && candidate.at > begin)
          best = &candidate;
    if (best == nullptr)
      break;
    result += std::string(margin, ' ') + statement.substr(begin, best->at - 1 - begin) + "\n";
    begin = best->at;
    margin = indent + 4;
  }
  return result + std::string(margin, ' ') + statement.substr(begin) + "\n";
}

std::string Identifiers::make(std::string_view node, std::string_view suffix) {
  std::string base;
  for (char c : node) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      base += c;
    else if (!base.empty() && base.back() != '_')
      base += '_';
  }
  if (base.size() > kMaxNameLength) // the end of a path tells more than its beginning
    base = base.substr(base.size() - kMaxNameLength);
  while (!base.empty() && base.front() == '_')
    base.erase(0, 1);
  while (!base.empty() && base.back() == '_')
    base.pop_back();
  if (base.empty() || std::isdigit(static_cast<unsigned char>(base.front())) != 0)
    base = "v" + base;
  std::string name = fmt::format("{}_{}", base, suffix);
  std::string distinct = name;
  for (unsigned i = 2; !taken_.insert(distinct).second; ++i)
    distinct = name + std::to_string(i);
  return distinct;
}

std::string Tables::vector(ArrayRef<int64_t> values) {
  if (values.size() <= kMaxInlineList)
    return braced(values);
  std::string name = fmt::format("kIndices{}", count_++);
  text_ += fmt::format("constexpr std::int64_t {}[] = {{\n", name);
  std::string line = "   ";
  for (int64_t value : values) {
    std::string item = fmt::format(" {},", integer(value));
    if (line.size() + item.size() > kColumns) {
      text_ += line + "\n";
      line = "   ";
    }
    line += item;
  }
  text_ += line + "};\n";
  return fmt::format("std::vector<std::int64_t>(std::begin({0}), std::end({0}))", name);
}

} // namespace dyad::compiler
