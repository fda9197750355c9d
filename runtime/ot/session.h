// SPDX-License-Identifier: Apache-2.0
// What a party holds while a program runs: its role, the flows, private randomness, the stock of
// correlated OTs and the statistics by phase and by node.
#pragma once

#include "runtime/crypto/prg.h"
#include "runtime/net/flow_scheduler.h"
#include "runtime/ot/bit_vec.h"
#include "runtime/ot/node_stats.h"
#include "runtime/ot/stock.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace dyad {

namespace he {
class Keys;
}

class Session {
public:
  /// The channel must outlive the session. Randomness is the operating system's.
  Session(Role role, Channel &channel) : flows_(role, channel), stock_(flows_, prg_) {}
  /// With known randomness, for tests.
  Session(Role role, Channel &channel, TestSeed seed)
      : flows_(role, channel), prg_(seed), stock_(flows_, prg_) {}

  Role role() const { return flows_.role(); }
  bool isServer() const { return flows_.isServer(); }

  FlowScheduler &flows() { return flows_; }
  Prg &prg() { return prg_; }
  CotStock &stock() { return stock_; }
  const CotStock &stock() const { return stock_; }
  /// Keys of the RLWE linear layers; null until he::setup (runtime/he/keys.h) made some.
  const std::shared_ptr<he::Keys> &heKeys() const { return heKeys_; }
  void setHeKeys(std::shared_ptr<he::Keys> keys) { heKeys_ = std::move(keys); }

  /// Runs a protocol to its end.
  template <typename T> T run(Task<T> task) { return flows_.run(std::move(task)); }

  /// Everything between beginPhase/beginNode and its end counts for that phase or node: bytes,
  /// seconds, COTs, and by how much the longest causal chain of messages grew. Nodes of a phase do
  /// not overlap. A name that comes again (a loop, a batch of samples) adds to its earlier row.
  void beginPhase(std::string name);
  void endPhase();
  void beginNode(std::string name, std::string op);
  void endNode();
  /// Called at the beginning of each node, for progress displays.
  void onNode(std::function<void()> observer) { nodeObserver_ = std::move(observer); }
  /// Seconds of what this party computes alone, on values that it knows.
  void addClearSeconds(double seconds) { clearSeconds_ += seconds; }
  double clearSeconds() const { return clearSeconds_; }
  const std::vector<NodeStats> &phases() const { return phases_; }
  const std::vector<NodeStats> &nodes() const { return nodes_; }

private:
  struct Mark {
    NodeStats stats; ///< the counters' values at the beginning, with the row's name
    std::chrono::steady_clock::time_point since;
  };
  Mark mark(std::string name, std::string op) const;
  void addRow(std::vector<NodeStats> &rows, const Mark &begin) const;

  FlowScheduler flows_;
  Prg prg_;
  CotStock stock_;
  std::shared_ptr<he::Keys> heKeys_;
  Mark phase_;
  Mark node_;
  std::vector<NodeStats> phases_;
  std::vector<NodeStats> nodes_;
  std::function<void()> nodeObserver_;
  double clearSeconds_ = 0;
};

} // namespace dyad
