// SPDX-License-Identifier: Apache-2.0
// Bit vectors and bit streams against bit-by-bit models.
#include "runtime/crypto/prg.h"
#include "runtime/ot/bit_stream.h"
#include "runtime/ot/bit_vec.h"

#include <catch2/catch.hpp>

using namespace dyad;

TEST_CASE("bit vectors slice, append and travel as bytes", "[ot]") {
  Prg prg(TestSeed{1});
  for (const std::size_t size : {0, 1, 63, 64, 65, 130}) {
    BitVec bits(size);
    for (std::size_t i = 0; i < size; ++i)
      bits.set(i, (prg.block().low & 1) != 0);
    for (std::size_t from = 0; from <= size; from += 5)
      for (std::size_t count = 0; from + count <= size; count += 7) {
        const BitVec part = bits.slice(from, count);
        for (std::size_t i = 0; i < count; ++i)
          REQUIRE(part[i] == bits[from + i]);
        BitVec joined = bits.slice(0, from);
        joined.append(bits.slice(from, size - from));
        REQUIRE(joined == bits);
      }
    std::vector<std::uint8_t> bytes(bits.byteCount());
    bits.toBytes(bytes);
    CHECK(BitVec::fromBytes(size, bytes) == bits);
    CHECK((~bits ^ bits) == ~BitVec(size));
    // A peer's padding is dropped.
    for (std::uint8_t &byte : bytes)
      byte = 0xff;
    CHECK(BitVec::fromBytes(size, bytes) == ~BitVec(size));
    CHECK_THROWS(bits.slice(0, size + 1));
    CHECK_THROWS(bits ^ BitVec(size + 1));
  }
}

TEST_CASE("bit streams pack fields without gaps", "[ot]") {
  Prg prg(TestSeed{2});
  for (unsigned bits = 1; bits <= 64; ++bits) {
    const std::size_t n = 37;
    const Ring values = prg.ring(n, bits);
    std::vector<std::uint8_t> bytes((n * bits + 7 + 3) / 8, 0);
    BitWriter writer(bytes);
    writer.put(5, 3);
    writer.put(values.data(), n, bits);
    writer.flush();
    for (std::size_t i = 0; i < n * bits; ++i)
      REQUIRE((bytes[(i + 3) / 8] >> ((i + 3) % 8) & 1) == (values[i / bits] >> (i % bits) & 1));
    BitReader reader(bytes);
    CHECK(reader.get(3) == 5);
    Ring back(n);
    reader.get(back.data(), n, bits);
    CHECK(back == values);
    if (bits <= 32) {
      const std::vector<std::uint32_t> narrow(values.begin(), values.end());
      std::vector<std::uint8_t> again(bytes.size());
      BitWriter second(again);
      second.put(5, 3);
      second.put(narrow.data(), n, bits);
      second.flush();
      CHECK(again == bytes);
      std::vector<std::uint32_t> read(n);
      BitReader secondReader(again);
      secondReader.get(3);
      secondReader.get(read.data(), n, bits);
      CHECK(read == narrow);
    }
  }
}
