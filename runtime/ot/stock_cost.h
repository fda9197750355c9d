// SPDX-License-Identifier: Apache-2.0
// How a session's stock of correlated OTs is filled, step by step, and what that costs, exactly.
// Both parties and the compiler follow the plan that is made here. No crypto.
#pragma once

#include "runtime/net/cost.h"
#include "runtime/net/machine.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace dyad {

struct SoftSpokenParameters {
  /// Columns that share a tree: 1, 2, 4 or 8. Larger: less traffic (128 / k - 1 bits a COT), more
  /// AES (2^k / k blocks a COT). 1 is IKNP.
  unsigned k = 4;
};

/// kOutOfRange for any other k.
void requireValid(SoftSpokenParameters parameters);

/// COTs of SoftSpoken come in multiples of this.
inline constexpr std::uint64_t kExtensionBlock = 1024;
/// At most so many in one tick, so that neither party holds a huge message.
inline constexpr std::uint64_t kExtensionChunk = std::uint64_t{1} << 20;

/// A set of LPN parameters of silent OT (docs/protocols/silent_ot.md): `trees` trees of 2^depth
/// leaves are the regular noise, 2^secretLog COTs the secret.
struct FerretSet {
  const char *name;
  unsigned trees;
  unsigned depth;
  unsigned secretLog;

  constexpr std::uint64_t secret() const { return std::uint64_t{1} << secretLog; }
  constexpr std::uint64_t pathCots() const { return std::uint64_t{trees} * depth; }
  /// COTs that a round consumes.
  constexpr std::uint64_t base() const { return secret() + pathCots(); }
  /// COTs that a round makes.
  constexpr std::uint64_t outputs() const { return std::uint64_t{trees} << depth; }
  constexpr std::uint64_t usable() const { return outputs() - base(); }
  /// Bytes of a round's only message, from the COT sender to the COT receiver.
  constexpr std::uint64_t messageBytes() const { return pathCots() * 16; }
};

/// Smallest first.
inline constexpr std::array<FerretSet, 4> kFerretSets = {
    {{"b10", 850, 10, 16}, {"b11", 1170, 11, 17}, {"b12", 1520, 12, 18}, {"b13", 1900, 13, 19}}};

enum class CotMethod : std::uint8_t {
  kByDemand,   ///< what takes less time on the link for the COTs that are missing
  kSoftSpoken, ///< always SoftSpoken
  kFerret,     ///< always silent OT, SoftSpoken only to start it
};

/// Both parties must have the same.
struct StockOptions {
  constexpr StockOptions() = default;
  constexpr StockOptions(CotMethod cotMethod) : method(cotMethod) {}
  constexpr StockOptions(CotMethod cotMethod, std::uint64_t megabits, std::uint64_t microseconds)
      : method(cotMethod), megabitsPerSecond(megabits), oneWayMicroseconds(microseconds) {}
  constexpr StockOptions(CotMethod cotMethod, std::uint64_t megabits, std::uint64_t microseconds,
                         std::uint64_t softSpoken, std::uint64_t silent, std::uint64_t leaf)
      : method(cotMethod), megabitsPerSecond(megabits), oneWayMicroseconds(microseconds),
        softSpokenCot(softSpoken), silentCot(silent), silentLeaf(leaf) {}
  /// SoftSpoken alone.
  constexpr StockOptions(SoftSpokenParameters parameters)
      : method(CotMethod::kSoftSpoken), softSpoken(parameters) {}

  CotMethod method = CotMethod::kByDemand;
  SoftSpokenParameters softSpoken{8};
  /// Index in kFerretSets of the largest set that may be used. Smaller ones send more, and suit
  /// processors whose last cache does not hold two secrets of the largest one (16 MB).
  unsigned largestSet = kFerretSets.size() - 1;
  /// The link that kByDemand counts with: on a faster one SoftSpoken pays up to a higher demand.
  std::uint64_t megabitsPerSecond = 1000;
  std::uint64_t oneWayMicroseconds = 150;
  /// What it counts computing with, in picoseconds, as MachineProfile has it.
  std::uint64_t softSpokenCot = MachineProfile{}.softSpokenCot;
  std::uint64_t silentCot = MachineProfile{}.silentCot;
  std::uint64_t silentLeaf = MachineProfile{}.silentLeaf;

  /// For the handshake and for people, "by-demand softspoken-8 ferret-b13 1000 Mbit/s ...".
  std::string describe() const;
};

/// Part of filling one direction of the stock.
struct StockStep {
  enum class Kind : std::uint8_t {
    kStock, ///< SoftSpoken makes `count` COTs for the stock
    kBase,  ///< SoftSpoken makes `count` COTs, the reserve that the first round consumes
    kRound, ///< a round of kFerretSets[set]; then the reserve is filled up to `reserve` COTs, and
            ///< the rest of the round's outputs goes to the stock
  };
  Kind kind = Kind::kStock;
  std::uint64_t count = 0;
  unsigned set = 0;
  std::uint64_t reserve = 0;
};

/// What one direction has: COTs in stock, and those put aside for the next round.
struct StockLevel {
  std::uint64_t left = 0;
  std::uint64_t reserve = 0;

  void apply(const StockStep &step);
};

/// Steps until `wanted` COTs are in stock. Deterministic, in integers.
std::vector<StockStep> planStock(const StockLevel &level, std::uint64_t wanted,
                                 const StockOptions &options);
/// Steps for one direction with the server as the COT sender.
Cost stepsCost(const std::vector<StockStep> &steps, const StockOptions &options);

/// Base OTs and trees of both directions.
Cost setupCost(const StockOptions &options = {});
/// The first filling of a session's stock by so many COTs, by who sends them.
Cost stockCost(std::uint64_t serverCots, std::uint64_t clientCots,
               const StockOptions &options = {});

/// About the seconds of one core of each party that making so many COTs takes, when they are taken
/// included; for choosing between protocols.
double stockWorkSeconds(std::uint64_t serverCots, std::uint64_t clientCots,
                        const StockOptions &options = {});

/// A session's stock over several fillings, as CotStock keeps it.
class StockModel {
public:
  explicit StockModel(const StockOptions &options = {}) : options_(options) {}
  /// Cost of prepare(serverCots, clientCots) after all that went before.
  Cost prepare(std::uint64_t serverCots, std::uint64_t clientCots);
  /// Protocols took so many. No more than are left.
  void take(std::uint64_t serverCots, std::uint64_t clientCots);
  const StockLevel &server() const { return server_; }
  const StockLevel &client() const { return client_; }

private:
  StockOptions options_;
  StockLevel server_;
  StockLevel client_;
};

} // namespace dyad
