// SPDX-License-Identifier: Apache-2.0
// The runtime's only exception type. Contracts stay on in release builds: what a user or a peer can
// cause is an Error with a code for machines and a sentence for people, never an assert.
#pragma once

#include <fmt/format.h>
#include <stdexcept>
#include <string>
#include <utility>

namespace dyad {

enum class ErrorCode {
  kBadInput,        ///< a file, tensor or option the user gave (exit status 1)
  kShapeMismatch,   ///< operands whose shapes do not fit (exit status 1)
  kOutOfRange,      ///< a value or parameter outside its stated range (exit status 1)
  kUsage,           ///< command line misuse (exit status 2)
  kProgramMismatch, ///< the parties run different programs or versions (exit status 3)
  kNetwork,         ///< port taken, peer absent, address invalid (exit status 3)
  kPeerClosed,      ///< the peer went away half-way (exit status 3)
  kTimeout,         ///< the peer stayed silent past the time limit (exit status 3)
  kProtocol,        ///< a message that the program does not allow here (exit status 3)
};

/// Exit status of a party for an error: 1 bad input, 2 usage, 3 network or peer.
int exitStatus(ErrorCode code) noexcept;

class Error : public std::runtime_error {
public:
  Error(ErrorCode code, const std::string &what) : std::runtime_error(what), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

private:
  ErrorCode code_;
};

template <typename... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> format, Args &&...args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

} // namespace dyad

/// Checks a contract, in every build: DYAD_REQUIRE(bits <= 64, kOutOfRange, "{} bits; limit 64",
/// bits)
#define DYAD_REQUIRE(condition, code, ...)                                                         \
  do {                                                                                             \
    if (!(condition))                                                                              \
      ::dyad::fail(::dyad::ErrorCode::code, __VA_ARGS__);                                          \
  } while (false)
