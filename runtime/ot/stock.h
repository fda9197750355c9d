// SPDX-License-Identifier: Apache-2.0
// The stock of correlated OTs, one for each direction. It is filled in phases of its own (setup,
// then extension as often as wanted) and emptied by protocols without any communication.
#pragma once

#include "runtime/crypto/hash.h"
#include "runtime/crypto/prg.h"
#include "runtime/net/flow_scheduler.h"
#include "runtime/ot/extension.h"
#include "runtime/ot/stock_cost.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace dyad {

/// Sender's half of n correlated OTs, q_i. Valid until the stock is filled again.
struct SentCots {
  std::span<const Block> q;
  std::uint64_t first = 0; ///< number of the first one: the hash tweak, never used twice
};

/// Receiver's half, t_i = q_i ^ r_i * Delta; r_i is the lowest bit of t_i.
struct ReceivedCots {
  std::span<const Block> t;
  std::uint64_t first = 0;
};

class CotStock {
public:
  CotStock(FlowScheduler &flows, Prg &prg) : flows_(flows), prg_(prg) {}

  /// Base OTs of both directions and the session's hash keys. Once per session. setupCost().
  Task<void> setup(SoftSpokenParameters parameters = {});

  /// Extends until at least so many COTs are in stock (by who sends them); both directions share
  /// their flows. stockCost(missing...), where missing is what is not in stock yet. No spans from
  /// take...() may be in use.
  Task<void> prepare(std::uint64_t serverCots, std::uint64_t clientCots);

  /// Takes n COTs with this party as the sender / the receiver. Error kOutOfRange when fewer are
  /// left: the stock did not get what the program's cost says.
  SentCots takeSent(std::uint64_t n);
  ReceivedCots takeReceived(std::uint64_t n);

  /// COTs left.
  std::uint64_t serverCotsLeft() const { return flows_.isServer() ? sendLeft() : receiveLeft(); }
  std::uint64_t clientCotsLeft() const { return flows_.isServer() ? receiveLeft() : sendLeft(); }
  /// COTs taken since the session began.
  std::uint64_t serverCotsTaken() const {
    return flows_.isServer() ? sent_.taken : received_.taken;
  }
  std::uint64_t clientCotsTaken() const {
    return flows_.isServer() ? received_.taken : sent_.taken;
  }

  /// Offset between the two messages of the OTs that this party sends.
  Block delta() const { return delta_; }
  const CotHash &sentHash() const { return sentHash_; }
  const CotHash &receivedHash() const { return receivedHash_; }

  /// What a trusted dealer would hand out; tests of upper layers use it in place of setup.
  struct Dealt {
    Block delta;
    Block sentHashKey;
    Block receivedHashKey;
    std::vector<Block> q;
    std::vector<Block> t;
  };
  void deal(const Dealt &dealt);

private:
  struct Supply {
    std::vector<Block> cots;
    std::size_t next = 0;    ///< in cots
    std::uint64_t taken = 0; ///< since the session began
  };
  static std::span<Block> grow(Supply &supply, std::uint64_t count);
  static std::span<const Block> take(Supply &supply, std::uint64_t n, const char *direction);
  std::uint64_t sendLeft() const { return sent_.cots.size() - sent_.next; }
  std::uint64_t receiveLeft() const { return received_.cots.size() - received_.next; }

  FlowScheduler &flows_;
  Prg &prg_;
  Block delta_;
  CotHash sentHash_;
  CotHash receivedHash_;
  std::unique_ptr<CotExtensionSender> extensionSender_;
  std::unique_ptr<CotExtensionReceiver> extensionReceiver_;
  Supply sent_;
  Supply received_;
};

} // namespace dyad
