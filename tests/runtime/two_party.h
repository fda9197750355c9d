// SPDX-License-Identifier: Apache-2.0
// Runs a server and a client on two threads over an in-memory connection, with fixed randomness,
// and reports what both returned and what crossed the wire.
#pragma once

#include "runtime/net/cost.h"
#include "runtime/net/memory_channel.h"
#include "runtime/ot/session.h"

#include <cstdint>
#include <exception>
#include <iosfwd>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

namespace dyad::test {

/// Two sessions that share a dealt stock, or after setUp() a real one.
///
///   TwoParty pair;
///   pair.deal(fCost(n));                           // exactly what the protocol takes
///   auto [server, client] = pair.run(
///       [&](Session &s) { return s.run(f(s, x0)); }, [&](Session &s) { return s.run(f(s, x1)); });
///   CHECK(pair.matches(fCost(n)));                 // bytes, flows, COTs of this last run
class TwoParty {
public:
  explicit TwoParty(std::uint64_t seed = 1);
  ~TwoParty();

  /// Adds COTs to both stocks without any traffic, from a dealer who knows all.
  void deal(std::uint64_t serverCots, std::uint64_t clientCots);
  void deal(const Cost &cost) { deal(cost.serverCots, cost.clientCots); }
  /// Base OTs and extension as between real parties. Before, or instead of, deal.
  void setUp(std::uint64_t serverCots, std::uint64_t clientCots, const StockOptions &options = {});

  /// Runs both; each gets its Session. An exception of either party is rethrown (the server's
  /// first) after both have ended: a party that fails closes the connection.
  template <typename Server, typename Client>
  auto run(Server &&server, Client &&client) -> std::pair<std::invoke_result_t<Server, Session &>,
                                                          std::invoke_result_t<Client, Session &>> {
    using ServerResult = std::invoke_result_t<Server, Session &>;
    using ClientResult = std::invoke_result_t<Client, Session &>;
    beginRun();
    std::exception_ptr serverFailure;
    std::exception_ptr clientFailure;
    std::pair<ServerResult, ClientResult> results;
    std::thread other([&] {
      try {
        results.second = client(*client_);
      } catch (...) {
        clientFailure = std::current_exception();
        closeClient();
      }
    });
    try {
      results.first = server(*server_);
    } catch (...) {
      serverFailure = std::current_exception();
      closeServer();
    }
    other.join();
    if (serverFailure)
      std::rethrow_exception(serverFailure);
    if (clientFailure)
      std::rethrow_exception(clientFailure);
    return results;
  }

  /// What the last run cost. Flows count from the beginning of that run.
  struct Measured {
    std::uint64_t bytesToServer = 0;
    std::uint64_t bytesToClient = 0;
    unsigned flows = 0;
    std::uint64_t serverCots = 0;
    std::uint64_t clientCots = 0;
    bool operator==(const Measured &) const = default;
  };
  Measured measured() const;
  static Measured expected(const Cost &cost);
  /// Whether the last run cost exactly this, seen from both parties.
  bool matches(const Cost &cost) const { return measured() == expected(cost) && consistent(); }

  Session &server() { return *server_; }
  Session &client() { return *client_; }
  /// BLAKE2b of all bytes since the beginning, both ways. In hex.
  std::string wireHash() const;

private:
  class RecordingChannel;
  void beginRun();
  void closeServer();
  void closeClient();
  bool consistent() const;

  std::unique_ptr<RecordingChannel> serverChannel_;
  std::unique_ptr<RecordingChannel> clientChannel_;
  std::unique_ptr<Session> server_;
  std::unique_ptr<Session> client_;
  Prg dealer_;
  Block serverDelta_;
  Block clientDelta_;
  Block serverHashKey_;
  Block clientHashKey_;
  Traffic serverBefore_;
  Traffic clientBefore_;
  std::uint64_t serverCotsBefore_ = 0;
  std::uint64_t clientCotsBefore_ = 0;
};

std::ostream &operator<<(std::ostream &out, const TwoParty::Measured &measured);

} // namespace dyad::test
