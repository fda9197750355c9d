// SPDX-License-Identifier: Apache-2.0
// Checks that something fails with an Error of a given code whose message holds given words.
#pragma once

#include "runtime/net/error.h"

#include <catch2/catch.hpp>
#include <initializer_list>
#include <string>

namespace dyad::test {

template <typename Body>
void expectError(ErrorCode code, std::initializer_list<const char *> words, Body &&body) {
  try {
    body();
  } catch (const Error &error) {
    CHECK(static_cast<int>(error.code()) == static_cast<int>(code));
    for (const char *word : words)
      CHECK_THAT(std::string(error.what()), Catch::Contains(word));
    return;
  }
  FAIL("no error");
}

} // namespace dyad::test
