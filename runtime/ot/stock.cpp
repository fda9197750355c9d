// SPDX-License-Identifier: Apache-2.0
// See stock.h.
#include "runtime/ot/stock.h"

#include "runtime/crypto/base_ot.h"
#include "runtime/net/error.h"

#include <cstring>
#include <utility>

namespace dyad {
namespace {

// Both parties' nonces, then a byte that tells the directions apart.
CotHash hashOf(const std::array<Block, 2> &nonces, Role sender) {
  std::array<std::uint8_t, 2 * sizeof(Block) + 1> input;
  std::memcpy(input.data(), nonces.data(), sizeof(nonces));
  input.back() = sender == Role::kServer ? 0 : 1;
  const std::array<std::uint8_t, 32> digest = hash256(input);
  Block key;
  std::memcpy(&key, digest.data(), sizeof(key));
  return CotHash(key);
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

std::uint64_t missing(std::uint64_t wanted, std::uint64_t left) {
  const std::uint64_t count = wanted > left ? wanted - left : 0;
  return (count + kExtensionBlock - 1) / kExtensionBlock * kExtensionBlock;
}

} // namespace

Task<void> CotStock::setup(SoftSpokenParameters parameters) {
  extensionSender_ = makeSoftSpokenSender(parameters);
  extensionReceiver_ = makeSoftSpokenReceiver(parameters);
  // Apart, so that what one task draws does not depend on the order of the others' steps.
  Prg sendPrg = prg_.fork();
  Prg receivePrg = prg_.fork();
  Prg noncePrg = prg_.fork();
  std::array<Block, 2> nonces;
  std::vector<Task<void>> tasks =
      inProgramOrder(flows_.isServer(), extensionSender_->setup(flows_, sendPrg),
                     extensionReceiver_->setup(flows_, receivePrg));
  tasks.push_back(exchangeNonces(flows_, noncePrg, nonces));
  co_await whenAll(std::move(tasks));

  const Role peer = flows_.isServer() ? Role::kClient : Role::kServer;
  delta_ = extensionSender_->delta();
  sentHash_ = hashOf(nonces, flows_.role());
  receivedHash_ = hashOf(nonces, peer);
  sent_ = {};
  received_ = {};
}

Task<void> CotStock::prepare(std::uint64_t serverCots, std::uint64_t clientCots) {
  const std::uint64_t wantedSent = flows_.isServer() ? serverCots : clientCots;
  const std::uint64_t wantedReceived = flows_.isServer() ? clientCots : serverCots;
  const std::uint64_t newSent = missing(wantedSent, sendLeft());
  const std::uint64_t newReceived = missing(wantedReceived, receiveLeft());
  if (newSent == 0 && newReceived == 0)
    co_return;
  DYAD_REQUIRE(extensionSender_ && extensionReceiver_, kOutOfRange,
               "the session has no base OTs: its setup must run before the stock is filled");
  const std::span<Block> q = grow(sent_, newSent);
  const std::span<Block> t = grow(received_, newReceived);
  co_await whenAll(inProgramOrder(flows_.isServer(), extensionSender_->extend(flows_, q),
                                  extensionReceiver_->extend(flows_, t)));
}

std::span<Block> CotStock::grow(Supply &supply, std::uint64_t count) {
  supply.cots.erase(supply.cots.begin(),
                    supply.cots.begin() + static_cast<std::ptrdiff_t>(supply.next));
  supply.next = 0;
  supply.cots.resize(supply.cots.size() + count);
  return std::span(supply.cots).last(count);
}

std::span<const Block> CotStock::take(Supply &supply, std::uint64_t n, const char *direction) {
  const std::uint64_t left = supply.cots.size() - supply.next;
  DYAD_REQUIRE(n <= left, kOutOfRange,
               "a protocol takes {} {} OTs but the stock has {} left; the stock must be prepared "
               "with what the program's cost says",
               n, direction, left);
  const std::span<const Block> result = std::span(supply.cots).subspan(supply.next, n);
  supply.next += n;
  supply.taken += n;
  return result;
}

SentCots CotStock::takeSent(std::uint64_t n) {
  const std::uint64_t first = sent_.taken;
  return {take(sent_, n, "sent"), first};
}

ReceivedCots CotStock::takeReceived(std::uint64_t n) {
  const std::uint64_t first = received_.taken;
  return {take(received_, n, "received"), first};
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
