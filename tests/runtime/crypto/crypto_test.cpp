// SPDX-License-Identifier: Apache-2.0
// Kernels of all instruction sets against published vectors and each other; hash, PRG, base OTs.
#include "runtime/crypto/base_ot.h"
#include "runtime/crypto/hash.h"
#include "runtime/crypto/kernels.h"
#include "runtime/crypto/prg.h"
#include "runtime/net/error.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <set>
#include <string>

using namespace dyad;

namespace {

Block fromBytes(const std::array<std::uint8_t, 16> &bytes) {
  Block block;
  std::memcpy(&block, bytes.data(), 16);
  return block;
}

std::vector<const Kernels *> everyKernelSet() {
  std::size_t count = 0;
  const Kernels *const *sets = allKernels(count);
  return {sets, sets + count};
}

bool bit(const Block &block, std::size_t i) {
  return ((i < 64 ? block.low >> i : block.high >> (i - 64)) & 1) != 0;
}

} // namespace

TEST_CASE("AES key schedule and encryption agree with FIPS 197", "[crypto]") {
  // Appendix C.1. The plaintext is not a counter, so it goes through the hash: with a zero tweak,
  // H(x) = E(E(x)) ^ E(x); E(x) ^ counter of counter mode is checked on the first key below.
  const Block key = fromBytes({0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a,
                               0x0b, 0x0c, 0x0d, 0x0e, 0x0f});
  const Block lastRoundKey = fromBytes({0x13, 0x11, 0x1d, 0x7f, 0xe3, 0x94, 0x4a, 0x17, 0xf3, 0x07,
                                        0xa7, 0x8b, 0x4d, 0x2b, 0x30, 0xc5});
  CHECK(expandKey(key).rounds[10] == lastRoundKey);
  // AES-128 of the zero block under the zero key.
  const Block zeroCipher = fromBytes({0x66, 0xe9, 0x4b, 0xd4, 0xef, 0x8a, 0x2c, 0x3b, 0x88, 0x4c,
                                      0xfa, 0x59, 0xca, 0x34, 0x2b, 0x2e});
  for (const Kernels *kernel : everyKernelSet()) {
    INFO(kernel->name);
    Block out;
    kernel->counterMode(expandKey(Block{}), 0, 1, &out);
    CHECK(out == zeroCipher);
  }
}

TEST_CASE("kernels of all instruction sets agree, for all lengths", "[crypto]") {
  Prg prg(TestSeed{1});
  const AesKey key = expandKey(prg.block());
  const Block offset = prg.block();
  const auto encryptOne = [&](std::uint64_t counter) {
    Block out;
    everyKernelSet()[0]->counterMode(key, counter, 1, &out);
    return out;
  };
  for (const Kernels *kernel : everyKernelSet()) {
    INFO(kernel->name);
    for (const std::size_t count : {0, 1, 2, 7, 31, 32, 33, 70}) {
      std::vector<Block> out(count + 1);
      kernel->counterMode(key, 5, count, out.data());
      for (std::size_t i = 0; i < count; ++i)
        REQUIRE(out[i] == encryptOne(5 + i));
      CHECK(out[count] == Block{});

      std::vector<Block> x(count);
      prg.fill(std::span(x));
      for (const std::size_t blocks : {1, 2, 3, 31, 32, 45}) {
        std::vector<Block> mine(count * blocks + 1);
        std::vector<Block> reference(count * blocks + 1);
        kernel->hash(key, 9, x.data(), offset, count, blocks, mine.data());
        // One COT at a time, with the oldest instruction set.
        for (std::size_t c = 0; c < count; ++c)
          everyKernelSet()[0]->hash(key, 9 + c, &x[c], offset, 1, blocks, &reference[c * blocks]);
        CHECK(mine == reference);
        if (blocks > 1 && count > 0) {
          Block first;
          kernel->hash(key, 9, x.data(), offset, 1, 1, &first);
          CHECK(first == mine[0]);
        }
      }
    }
    for (const unsigned levels : {1U, 2U, 3U, 4U, 8U})
      for (const std::size_t begin : {0, 1}) {
        const std::size_t leaves = std::size_t{1} << levels;
        std::vector<AesKey> keys(leaves);
        for (AesKey &leaf : keys)
          leaf = expandKey(prg.block());
        std::vector<Block> buffer(leaves * kLeafBlocks);
        std::vector<Block> sums(levels * kLeafBlocks);
        kernel->sumLeaves(keys.data(), levels, begin, 77, buffer.data(), sums.data());
        std::vector<Block> expected((levels + 1) * kLeafBlocks);
        for (std::size_t x = begin; x < leaves; ++x) {
          std::vector<Block> stream(kLeafBlocks);
          everyKernelSet()[0]->counterMode(keys[x], 77, kLeafBlocks, stream.data());
          for (std::size_t i = 0; i < kLeafBlocks; ++i) {
            expected[i] ^= stream[i];
            for (unsigned b = 0; b < levels; ++b)
              expected[(b + 1) * kLeafBlocks + i] ^= stream[i] & maskOf(x >> b & 1);
          }
        }
        CHECK(std::equal(expected.begin(), expected.begin() + kLeafBlocks, buffer.begin()));
        CHECK(std::equal(sums.begin(), sums.end(), expected.begin() + kLeafBlocks));
      }
    std::vector<Block> columns(128 * 3);
    prg.fill(std::span(columns));
    std::vector<Block> rows(256);
    kernel->transpose(columns.data(), 3, 2, rows.data());
    for (std::size_t row = 0; row < 256; ++row)
      for (std::size_t column = 0; column < 128; ++column)
        REQUIRE(bit(rows[row], column) == bit(columns[column * 3 + row / 128], row % 128));
  }
}

TEST_CASE("tree levels and sparse sums of all instruction sets follow their definitions",
          "[crypto]") {
  Prg prg(TestSeed{2});
  const AesKey key = expandKey(prg.block());
  const auto counterBlock = [&](std::uint64_t counter) {
    Block out;
    everyKernelSet()[0]->counterMode(key, counter, 1, &out);
    return out;
  };
  for (const Kernels *kernel : everyKernelSet()) {
    INFO(kernel->name);
    for (const std::size_t width : {1, 2, 4, 16, 31, 32, 64, 100}) {
      // Parents with s(x) = (counter, 0): x.high = counter, x.low ^ x.high = 0.
      std::vector<Block> nodes(2 * width + 1);
      for (std::size_t i = 0; i < width; ++i)
        nodes[i] = {7 + i, 7 + i};
      const Block sum = kernel->growTree(key, width, nodes.data());
      Block expectedSum;
      for (std::size_t i = 0; i < width; ++i) {
        const Block left = counterBlock(7 + i) ^ Block { 7 + i, 0 };
        expectedSum ^= left;
        REQUIRE(nodes[i] == left);
        REQUIRE(nodes[i + width] == (left ^ Block{7 + i, 7 + i}));
      }
      CHECK(sum == expectedSum);
      CHECK(nodes[2 * width] == Block{});
    }
    std::vector<Block> secret(1 << 12);
    prg.fill(std::span(secret));
    for (const std::size_t count : {1, 15, 16, 17, 100}) {
      std::vector<Block> in(count);
      prg.fill(std::span(in));
      std::vector<Block> out(count + 1);
      const std::uint64_t mask = secret.size() - 1;
      kernel->addSparseSums(key, 33, secret.data(), mask, in.data(), count, out.data());
      for (std::size_t i = 0; i < count; ++i) {
        const Block one = counterBlock(2 * (33 + i));
        const Block two = counterBlock(2 * (33 + i) + 1);
        Block expected = in[i] & Block{~std::uint64_t{1}, ~std::uint64_t{0}};
        for (const std::uint64_t word : {one.low, one.high, two.low})
          for (const int shift : {0, 21, 42})
            expected ^= secret[word >> shift & mask];
        expected ^= secret[two.high & mask];
        REQUIRE(out[i] == expected);
      }
      CHECK(out[count] == Block{});
    }
  }
}

TEST_CASE("hash is the formula of its header, across changes of key", "[crypto]") {
  const CotHash hash(Block{1, 2});
  Prg prg(TestSeed{2});
  std::vector<Block> x(1500, prg.block());
  std::vector<Block> together(x.size());
  hash.expand(700, x, 1, together.data());
  std::set<std::pair<std::uint64_t, std::uint64_t>> distinct;
  for (std::size_t i = 0; i < x.size(); ++i) {
    Block alone;
    hash.expand(700 + i, std::span(x).subspan(i, 1), 1, &alone);
    REQUIRE(alone == together[i]);
    distinct.insert({alone.low, alone.high});
  }
  // The same string under every number gives another pad.
  CHECK(distinct.size() == x.size());
  Block shifted;
  Block direct;
  const Block offset{3, 4};
  const Block sum = x[0] ^ offset;
  hash.expandOffset(5, std::span(x).first(1), offset, 1, &shifted);
  hash.expand(5, std::span(&sum, 1), 1, &direct);
  CHECK(shifted == direct);
}

TEST_CASE("generators do not repeat each other", "[crypto]") {
  Prg one(TestSeed{3});
  Prg two(TestSeed{3});
  Prg fork = one.fork();
  CHECK(two.fork().block() == fork.block());
  CHECK_FALSE(one.block() == fork.block());
  CHECK_FALSE(Prg().block() == Prg().block());
  const Ring values = one.ring(1000, 5);
  CHECK(*std::max_element(values.begin(), values.end()) == 31);
  CHECK_THROWS_AS(one.ring(1, 65), Error);
  std::vector<std::uint8_t> odd(1037);
  one.fill(std::span(odd));
  CHECK(std::count(odd.begin(), odd.end(), 0) < 20);
}

TEST_CASE("base OTs give the chosen key, and refuse bad points", "[crypto]") {
  Prg prg(TestSeed{4});
  const Block choices = prg.block();
  const BaseOtSender sender(prg);
  const BaseOtReceiver receiver(prg, choices, sender.announcement());
  const auto keys = sender.finish(receiver.response());
  for (std::size_t i = 0; i < 128; ++i) {
    const std::size_t chosen = bit(choices, i) ? 1 : 0;
    REQUIRE(receiver.keys()[i] == keys[i][chosen]);
    REQUIRE_FALSE(receiver.keys()[i] == keys[i][1 - chosen]);
  }
  const std::array<std::uint8_t, 32> identity = {};
  CHECK_THROWS_AS(BaseOtReceiver(prg, choices, identity), Error);
  std::array<std::uint8_t, 32> noPoint;
  noPoint.fill(0xff);
  CHECK_THROWS_AS(BaseOtReceiver(prg, choices, noPoint), Error);
  std::vector<std::uint8_t> response = receiver.response();
  std::fill(response.begin() + 64, response.begin() + 96, 0);
  CHECK_THROWS_AS(sender.finish(response), Error);
}
