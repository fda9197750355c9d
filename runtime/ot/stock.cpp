// SPDX-License-Identifier: Apache-2.0
// See stock.h.
#include "runtime/ot/stock.h"

#include "runtime/crypto/base_ot.h"
#include "runtime/net/error.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

namespace dyad {
namespace {

// What the public keys of a session are made from, one byte each.
enum class Purpose : std::uint8_t {
  kServerSendsHash,
  kClientSendsHash,
  kServerSendsRounds,
  kClientSendsRounds,
};

// From both parties' nonces.
Block publicKey(const std::array<Block, 2> &nonces, Purpose purpose) {
  std::array<std::uint8_t, 2 * sizeof(Block) + 1> input;
  std::memcpy(input.data(), nonces.data(), sizeof(nonces));
  input.back() = static_cast<std::uint8_t>(purpose);
  const std::array<std::uint8_t, 32> digest = hash256(input);
  Block key;
  std::memcpy(&key, digest.data(), sizeof(key));
  return key;
}

// Sent beside the last message of the base OTs, when Delta and the seeds are fixed.
Task<void> exchangeNonces(FlowScheduler &flows, Prg &prg, std::array<Block, 2> &nonces) {
  co_await flows.tick();
  co_await flows.tick();
  const Block mine = prg.block();
  flows.send({reinterpret_cast<const std::uint8_t *>(&mine), sizeof(mine)});
  const std::span<const std::uint8_t> received = co_await flows.tick(sizeof(Block));
  Block other;
  std::memcpy(&other, received.data(), sizeof(other));
  nonces = flows.isServer() ? std::array{mine, other} : std::array{other, mine};
}

std::vector<Task<void>> inProgramOrder(bool serverFirst, Task<void> sending, Task<void> receiving) {
  std::vector<Task<void>> tasks;
  tasks.push_back(std::move(serverFirst ? sending : receiving));
  tasks.push_back(std::move(serverFirst ? receiving : sending));
  return tasks;
}

// Taking fewer COTs makes so many if they will be wanted: a round's secret, megabytes of it, is
// in the cache only as long as one direction does not make room for the other's.
constexpr std::uint64_t kMadeTogether = std::uint64_t{1} << 20;

} // namespace

Task<void> CotStock::setup(StockOptions options) {
  options_ = options;
  extensionSender_ = makeSoftSpokenSender(options.softSpoken);
  extensionReceiver_ = makeSoftSpokenReceiver(options.softSpoken);
  // Apart, so that what one task draws does not depend on the order of the others' steps.
  Prg sendPrg = prg_.fork();
  Prg receivePrg = prg_.fork();
  Prg noncePrg = prg_.fork();
  roundPrg_ = prg_.fork();
  std::array<Block, 2> nonces;
  std::vector<Task<void>> tasks =
      inProgramOrder(flows_.isServer(), extensionSender_->setup(flows_, sendPrg),
                     extensionReceiver_->setup(flows_, receivePrg));
  tasks.push_back(exchangeNonces(flows_, noncePrg, nonces));
  co_await whenAll(std::move(tasks));

  delta_ = extensionSender_->delta();
  sent_ = {};
  received_ = {};
  CotHash serverHash(publicKey(nonces, Purpose::kServerSendsHash));
  CotHash clientHash(publicKey(nonces, Purpose::kClientSendsHash));
  sentHash_ = flows_.isServer() ? serverHash : clientHash;
  receivedHash_ = flows_.isServer() ? clientHash : serverHash;
  FerretKeys serverRounds(publicKey(nonces, Purpose::kServerSendsRounds));
  FerretKeys clientRounds(publicKey(nonces, Purpose::kClientSendsRounds));
  sent_.keys = flows_.isServer() ? serverRounds : clientRounds;
  received_.keys = flows_.isServer() ? clientRounds : serverRounds;
}

Task<void> CotStock::prepare(std::uint64_t serverCots, std::uint64_t clientCots) {
  const std::uint64_t wantedSent = flows_.isServer() ? serverCots : clientCots;
  const std::uint64_t wantedReceived = flows_.isServer() ? clientCots : serverCots;
  if (wantedSent <= sendLeft() && wantedReceived <= receiveLeft())
    co_return;
  DYAD_REQUIRE(extensionSender_ && extensionReceiver_, kOutOfRange,
               "the session has no base OTs: its setup must run before the stock is filled");
  co_await whenAll(
      inProgramOrder(flows_.isServer(), fillSent(wantedSent), fillReceived(wantedReceived)));
  sent_.wanted = wantedSent;
  received_.wanted = wantedReceived;
  makeAtLeast(sent_, std::min({wantedSent, sendLeft(), kMadeAhead}));
  makeAtLeast(received_, std::min({wantedReceived, receiveLeft(), kMadeAhead}));
}

Task<void> CotStock::fillSent(std::uint64_t wanted) {
  for (const StockStep &step : planStock({sendLeft(), sent_.reserve.size()}, wanted, options_)) {
    if (step.kind == StockStep::Kind::kStock) {
      co_await extensionSender_->extend(flows_, grow(sent_, step.count));
    } else if (step.kind == StockStep::Kind::kBase) {
      std::vector<Block> &reserve = sent_.reserve;
      reserve.resize(reserve.size() + step.count);
      co_await extensionSender_->extend(flows_, std::span(reserve).last(step.count));
    } else {
      const FerretSet &set = kFerretSets[step.set];
      const std::span<std::uint8_t> message = flows_.sendBuffer(set.messageBytes());
      addRound(sent_, step,
               makeFerretSenderRound(set, sent_.keys, sent_.roundCount, delta_,
                                     std::span(sent_.reserve).last(set.base()), roundPrg_,
                                     message));
      co_await flows_.tick();
    }
  }
}

Task<void> CotStock::fillReceived(std::uint64_t wanted) {
  for (const StockStep &step :
       planStock({receiveLeft(), received_.reserve.size()}, wanted, options_)) {
    if (step.kind == StockStep::Kind::kStock) {
      co_await extensionReceiver_->extend(flows_, grow(received_, step.count));
    } else if (step.kind == StockStep::Kind::kBase) {
      std::vector<Block> &reserve = received_.reserve;
      reserve.resize(reserve.size() + step.count);
      co_await extensionReceiver_->extend(flows_, std::span(reserve).last(step.count));
    } else {
      const FerretSet &set = kFerretSets[step.set];
      const std::span<const std::uint8_t> message = co_await flows_.tick(set.messageBytes());
      addRound(received_, step,
               makeFerretReceiverRound(set, received_.keys, received_.roundCount,
                                       std::span(received_.reserve).last(set.base()), message));
    }
  }
}

std::uint64_t CotStock::Supply::left() const {
  std::uint64_t count = end - next;
  for (const std::unique_ptr<FerretRound> &round : rounds)
    count += round->left();
  return count;
}

// The COTs that the round consumed leave the reserve, which is filled up again from its outputs.
void CotStock::addRound(Supply &supply, const StockStep &step, std::unique_ptr<FerretRound> round) {
  const std::size_t kept = supply.reserve.size() - kFerretSets[step.set].base();
  supply.reserve.resize(step.reserve);
  round->expand(std::span(supply.reserve).subspan(kept));
  supply.rounds.push_back(std::move(round));
  ++supply.roundCount;
}

// Room for `count` COTs more, behind those that are made; rounds come after them.
std::span<Block> CotStock::grow(Supply &supply, std::uint64_t count) {
  const std::size_t kept = supply.end - supply.next;
  std::shared_ptr<BlockBuffer> larger = supply.buffers.get(kept + count);
  if (kept != 0)
    std::memcpy(larger->blocks().data(), supply.made->blocks().data() + supply.next,
                kept * sizeof(Block));
  supply.made = std::move(larger);
  supply.next = 0;
  supply.end = kept + count;
  return supply.made->blocks().subspan(kept, count);
}

// Makes outputs of rounds until `count` COTs, at most left(), lie in a row.
void CotStock::makeAtLeast(Supply &supply, std::uint64_t count) {
  const std::uint64_t made = supply.end - supply.next;
  if (count <= made)
    return;
  const std::uint64_t wanted = std::max(count, std::min(supply.wanted, supply.left()));
  std::span<Block> room =
      grow(supply, std::max(count - made, std::min(wanted - made, kMadeTogether)));
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  while (!room.empty()) {
    FerretRound &round = *supply.rounds.front();
    const std::span<Block> part = room.first(std::min<std::size_t>(room.size(), round.left()));
    round.expand(part);
    room = room.subspan(part.size());
    if (round.left() == 0)
      supply.rounds.pop_front();
  }
  supply.makingSeconds += std::chrono::duration<double>(Clock::now() - begin).count();
}

std::span<const Block> CotStock::take(Supply &supply, std::uint64_t n, const char *direction) {
  const std::uint64_t left = supply.left();
  DYAD_REQUIRE(n <= left, kOutOfRange,
               "a protocol takes {} {} OTs but the stock has {} left; the stock must be prepared "
               "with what the program's cost says",
               n, direction, left);
  if (n == 0)
    return {};
  makeAtLeast(supply, n);
  const std::span<const Block> result = supply.made->blocks().subspan(supply.next, n);
  supply.next += n;
  supply.taken += n;
  supply.wanted -= std::min(supply.wanted, n);
  return result;
}

SentCots CotStock::takeSent(std::uint64_t n) {
  const std::uint64_t first = sent_.taken;
  const std::span<const Block> q = take(sent_, n, "sent");
  return {q, first, sent_.made};
}

ReceivedCots CotStock::takeReceived(std::uint64_t n) {
  const std::uint64_t first = received_.taken;
  const std::span<const Block> t = take(received_, n, "received");
  return {t, first, received_.made};
}

void CotStock::deal(const Dealt &dealt) {
  delta_ = dealt.delta;
  sentHash_ = CotHash(dealt.sentHashKey);
  receivedHash_ = CotHash(dealt.receivedHashKey);
  const std::span<Block> q = grow(sent_, dealt.q.size());
  std::copy(dealt.q.begin(), dealt.q.end(), q.begin());
  const std::span<Block> t = grow(received_, dealt.t.size());
  std::copy(dealt.t.begin(), dealt.t.end(), t.begin());
}

} // namespace dyad
