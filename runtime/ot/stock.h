// SPDX-License-Identifier: Apache-2.0
// The stock of correlated OTs, one for each direction. It is filled in phases of its own (setup,
// then extension as often as wanted) and emptied by protocols without any communication. COTs of
// silent OT beyond kMadeAhead are in stock as rounds whose outputs are made when they are taken, so
// that a large network needs 0.6 bytes of memory a COT and not 16.
#pragma once

#include "runtime/crypto/hash.h"
#include "runtime/crypto/prg.h"
#include "runtime/net/flow_scheduler.h"
#include "runtime/ot/block_buffer.h"
#include "runtime/ot/extension.h"
#include "runtime/ot/ferret.h"
#include "runtime/ot/stock_cost.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

namespace dyad {

/// Sender's half of n correlated OTs, q_i. Valid while this object or a copy lives.
struct SentCots {
  std::span<const Block> q;
  std::uint64_t first = 0; ///< number of the first one: the hash tweak, never used twice
  std::shared_ptr<const BlockBuffer> memory;
};

/// Receiver's half, t_i = q_i ^ r_i * Delta; r_i is the lowest bit of t_i.
struct ReceivedCots {
  std::span<const Block> t;
  std::uint64_t first = 0;
  std::shared_ptr<const BlockBuffer> memory;
};

class CotStock {
public:
  CotStock(FlowScheduler &flows, Prg &prg) : flows_(flows), prg_(prg) {}

  /// At most so many COTs of each direction, 16 MB, are made by prepare() itself: more would cost
  /// more in page faults and cache misses than in computing.
  static constexpr std::uint64_t kMadeAhead = std::uint64_t{1} << 20;

  /// Base OTs of both directions and the session's public keys. Once per session. Both parties
  /// give the same options. setupCost().
  Task<void> setup(StockOptions options = {});

  /// Extends until at least so many COTs are in stock (by who sends them), by the steps that
  /// planStock says; both directions share their flows. The first time stockCost(), in general
  /// StockModel::prepare(). Not while another task takes COTs.
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

  /// Seconds since the session began that making outputs of rounds took, in prepare() and takes.
  double makingSeconds() const { return sent_.makingSeconds + received_.makingSeconds; }

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
    // Taken in this order: what is made, [next, end) of `made`, then the outputs of `rounds`.
    std::shared_ptr<BlockBuffer> made;
    std::size_t next = 0;
    std::size_t end = 0;
    std::deque<std::unique_ptr<FerretRound>> rounds;
    std::vector<Block> reserve; ///< for the next round
    FerretKeys keys;
    std::uint64_t roundCount = 0; ///< since the session began
    std::uint64_t taken = 0;      ///< since the session began
    std::uint64_t wanted = 0;     ///< of what prepare() was last asked for, not taken yet
    double makingSeconds = 0;
    BlockBuffers buffers;

    std::uint64_t left() const;
  };
  Task<void> fillSent(std::uint64_t wanted);
  Task<void> fillReceived(std::uint64_t wanted);
  static std::span<Block> grow(Supply &supply, std::uint64_t count);
  static void makeAtLeast(Supply &supply, std::uint64_t count);
  static void addRound(Supply &supply, const StockStep &step, std::unique_ptr<FerretRound> round);
  static std::span<const Block> take(Supply &supply, std::uint64_t n, const char *direction);
  std::uint64_t sendLeft() const { return sent_.left(); }
  std::uint64_t receiveLeft() const { return received_.left(); }

  FlowScheduler &flows_;
  Prg &prg_;
  StockOptions options_;
  Prg roundPrg_{Block{}}; ///< for the trees of the COTs that this party sends; seeded by setup()
  Block delta_;
  CotHash sentHash_;
  CotHash receivedHash_;
  std::unique_ptr<CotExtensionSender> extensionSender_;
  std::unique_ptr<CotExtensionReceiver> extensionReceiver_;
  Supply sent_;
  Supply received_;
};

} // namespace dyad
