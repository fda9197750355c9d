// SPDX-License-Identifier: Apache-2.0
// Silent OT: rounds that turn some correlated OTs and one short message into many more. A round's
// outputs are made when they are asked for, without communication: until then it holds its secret,
// 16 bytes for about 30 outputs.
#pragma once

#include "runtime/crypto/aes.h"
#include "runtime/crypto/block.h"
#include "runtime/crypto/prg.h"
#include "runtime/ot/stock_cost.h"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace dyad {

/// Public keys of a session's rounds in one direction, from a seed that was drawn after Delta was
/// fixed: the permutation of the trees, and one key of the sparse matrix for each round.
class FerretKeys {
public:
  FerretKeys() = default;
  explicit FerretKeys(Block publicSeed);
  const AesKey &tree() const { return tree_; }
  AesKey matrix(std::uint64_t round) const;

private:
  AesKey tree_ = {};
  AesKey matrices_ = {};
};

/// One party's part of one round, after its message. Correlation as in extension.h: the sender's
/// lowest bits are zero, the receiver's are its choices.
class FerretRound {
public:
  virtual ~FerretRound() = default;
  std::uint64_t left() const { return set_.outputs() - next_; }
  /// The next out.size() outputs, at most left().
  void expand(std::span<Block> out);

protected:
  FerretRound(const FerretSet &set, const AesKey &treeKey, const AesKey &matrixKey,
              std::span<const Block> secret);
  /// Leaves of a tree; lowest bits do not matter.
  virtual void growLeaves(std::size_t tree, std::span<Block> leaves) const = 0;
  /// Index of the leaf whose lowest output bit is to be turned over, or the number of leaves.
  virtual std::size_t specialLeaf(std::size_t tree) const = 0;

  const FerretSet set_;
  const AesKey treeKey_;

private:
  AesKey matrixKey_;
  std::vector<Block> secret_;
  std::uint64_t next_ = 0;
};

/// The COT sender's part; `base` are set.base() of its COTs, `prg` is private. `message`, of
/// set.messageBytes(), is for the peer.
std::unique_ptr<FerretRound> makeFerretSenderRound(const FerretSet &set, const FerretKeys &keys,
                                                   std::uint64_t number, Block delta,
                                                   std::span<const Block> base, Prg &prg,
                                                   std::span<std::uint8_t> message);
/// The COT receiver's part, from the peer's message.
std::unique_ptr<FerretRound> makeFerretReceiverRound(const FerretSet &set, const FerretKeys &keys,
                                                     std::uint64_t number,
                                                     std::span<const Block> base,
                                                     std::span<const std::uint8_t> message);

} // namespace dyad
