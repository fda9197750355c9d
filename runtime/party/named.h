// SPDX-License-Identifier: Apache-2.0
// A small list of values with names, in a fixed order: a program's weights, inputs
// and states.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dyad {

namespace detail {
/// Throws kBadInput: the program asks for a tensor that its ProgramInfo does not list.
[[noreturn]] void failUnknownName(std::string_view name);
} // namespace detail

template <typename T> class Named {
public:
  void add(std::string name, T value) { entries_.emplace_back(std::move(name), std::move(value)); }
  /// Looked up by name; kBadInput when there is none.
  const T &operator[](std::string_view name) const {
    for (const auto &[key, value] : entries_)
      if (key == name)
        return value;
    detail::failUnknownName(name);
  }
  /// Replaces the value of a name; kBadInput when there is none.
  void set(std::string_view name, T value) {
    for (auto &[key, old] : entries_)
      if (key == name) {
        old = std::move(value);
        return;
      }
    detail::failUnknownName(name);
  }
  std::size_t size() const { return entries_.size(); }

private:
  std::vector<std::pair<std::string, T>> entries_;
};

} // namespace dyad
