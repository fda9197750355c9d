// SPDX-License-Identifier: Apache-2.0
// What a search found out, kept in a file: a search that was interrupted repeats its steps without
// computing them again.
#pragma once

#include "compiler/search/search.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace dyad::compiler {

class Evaluations {
public:
  /// Reads what the file has for the same fingerprint; anything else in it is forgotten. An empty
  /// path keeps nothing.
  Evaluations(std::string path, std::string fingerprint);

  /// Null: not evaluated yet. An empty point: it does not compile.
  const std::optional<SearchPoint> *find(const std::vector<int> &candidate) const;
  void add(const std::vector<int> &candidate, std::optional<SearchPoint> point);
  /// Writes the file. False if that fails.
  bool save() const;

  std::size_t size() const { return points_.size(); }
  std::size_t restored() const { return restored_; }

private:
  std::string path_;
  std::string fingerprint_;
  std::map<std::vector<int>, std::optional<SearchPoint>> points_;
  std::size_t restored_ = 0;
};

} // namespace dyad::compiler
