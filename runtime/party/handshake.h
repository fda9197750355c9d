// SPDX-License-Identifier: Apache-2.0
// The first messages of a connection: both parties say what they are, both compare, and both fail
// with the same explanation when they do not fit, before anything else is exchanged.
#pragma once

#include "runtime/net/channel.h"
#include "runtime/net/flow_scheduler.h"
#include "runtime/party/program_info.h"

#include <array>
#include <cstdint>
#include <string>

namespace dyad {

/// Version of everything that crosses the wire. Raised whenever any of it changes.
inline constexpr std::uint32_t kProtocolVersion = 2;
inline constexpr unsigned kComputationalSecurity = 128;
inline constexpr unsigned kStatisticalSecurity = 40;

/// The version of Dyad that this runtime belongs to.
const char *dyadVersion();

/// What one party says.
struct Hello {
  Role role = Role::kServer;
  std::string version;       ///< of Dyad
  std::string model;         ///< for messages only
  std::string program;       ///< its hash
  std::uint64_t samples = 0; ///< 0: as many as the other party has
  bool batched = false;
  bool stream = false; ///< the client says as it goes how many samples there are
  unsigned computationalSecurity = kComputationalSecurity;
  unsigned statisticalSecurity = kStatisticalSecurity;
  std::string correlatedOt; ///< StockOptions::describe()
  std::string publicInputs; ///< digest of those inputs that both parties read
};

/// What both agree on.
struct Agreement {
  std::uint64_t samples = 1;
  bool batched = false;
  bool stream = false; ///< then `samples` says nothing
  /// Hash of both hellos, each of which holds 16 random bytes: unique to the session.
  std::array<std::uint8_t, 32> sessionId{};
  std::uint64_t bytesSent = 0;
  std::uint64_t bytesReceived = 0;
};

Hello makeHello(Role role, const ProgramInfo &info, std::uint64_t samples, bool batched);

/// Functionality  exchanges hellos (crossing messages, one flow) and compares them.
/// Errors         kProtocol (the other side is not a party of Dyad), kProgramMismatch (protocol or
///                Dyad version, two servers or two clients, program, parameters), kBadInput (sample
///                counts or public inputs that differ, several samples of the server's inputs in a
///                stream); the channel's.
Agreement shakeHands(Channel &channel, const Hello &mine);

/// Whether the two hellos fit; what shakeHands calls once it has both.
void compareHellos(const Hello &server, const Hello &client);

} // namespace dyad
