// SPDX-License-Identifier: Apache-2.0
// The kernels, written once over a vector of several blocks; included by one file per instruction
// set. No inline function of another header may be used here: the linker could keep the copy that
// was compiled for the newer instruction set and use it everywhere.

#include "runtime/crypto/kernels.h"

#include <immintrin.h>

namespace dyad {
namespace {

#if defined(__AVX512BW__) && defined(__VAES__)
struct Vector {
  __m512i v;
  static constexpr std::size_t kBlocks = 4;
};
inline Vector loadVector(const Block *from) { return {_mm512_loadu_si512(from)}; }
inline void store(Block *to, Vector a) { _mm512_storeu_si512(to, a.v); }
inline Vector broadcast(__m128i a) { return {_mm512_broadcast_i32x4(a)}; }
inline Vector exclusiveOr(Vector a, Vector b) { return {_mm512_xor_si512(a.v, b.v)}; }
inline Vector add64(Vector a, Vector b) { return {_mm512_add_epi64(a.v, b.v)}; }
inline Vector round(Vector a, Vector key) { return {_mm512_aesenc_epi128(a.v, key.v)}; }
inline Vector lastRound(Vector a, Vector key) { return {_mm512_aesenclast_epi128(a.v, key.v)}; }
inline Vector lowCounter() { return {_mm512_set_epi64(0, 3, 0, 2, 0, 1, 0, 0)}; }
inline Vector highCounter() { return {_mm512_set_epi64(3, 0, 2, 0, 1, 0, 0, 0)}; }
inline Vector unpackLow8(Vector a, Vector b) { return {_mm512_unpacklo_epi8(a.v, b.v)}; }
inline Vector unpackHigh8(Vector a, Vector b) { return {_mm512_unpackhi_epi8(a.v, b.v)}; }
inline Vector doubleBytes(Vector a) { return {_mm512_add_epi8(a.v, a.v)}; }
inline std::uint64_t topBits(Vector a) { return _mm512_movepi8_mask(a.v); }
inline Vector both(Vector a, Vector b) { return {_mm512_and_si512(a.v, b.v)}; }
template <int kBits> Vector shiftRight64(Vector a) { return {_mm512_srli_epi64(a.v, kBits)}; }
template <int kBits> Vector shiftLeft64(Vector a) { return {_mm512_slli_epi64(a.v, kBits)}; }
inline Vector swapHalves(Vector a) { return {_mm512_shuffle_epi32(a.v, _MM_PERM_BADC)}; }
inline __m128i sumOfBlocks(Vector a) {
  const __m256i half =
      _mm256_xor_si256(_mm512_castsi512_si256(a.v), _mm512_extracti64x4_epi64(a.v, 1));
  return _mm_xor_si128(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}
inline Vector gather(const Block *from, std::size_t stride) {
  __m512i v = _mm512_castsi128_si512(_mm_load_si128(reinterpret_cast<const __m128i *>(from)));
  v = _mm512_inserti32x4(v, _mm_load_si128(reinterpret_cast<const __m128i *>(from + 16 * stride)),
                         1);
  v = _mm512_inserti32x4(v, _mm_load_si128(reinterpret_cast<const __m128i *>(from + 32 * stride)),
                         2);
  return {_mm512_inserti32x4(
      v, _mm_load_si128(reinterpret_cast<const __m128i *>(from + 48 * stride)), 3)};
}
#elif defined(__AVX2__) && defined(__VAES__)
struct Vector {
  __m256i v;
  static constexpr std::size_t kBlocks = 2;
};
inline Vector loadVector(const Block *from) {
  return {_mm256_loadu_si256(reinterpret_cast<const __m256i *>(from))};
}
inline void store(Block *to, Vector a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i *>(to), a.v);
}
inline Vector broadcast(__m128i a) { return {_mm256_broadcastsi128_si256(a)}; }
inline Vector exclusiveOr(Vector a, Vector b) { return {_mm256_xor_si256(a.v, b.v)}; }
inline Vector add64(Vector a, Vector b) { return {_mm256_add_epi64(a.v, b.v)}; }
inline Vector round(Vector a, Vector key) { return {_mm256_aesenc_epi128(a.v, key.v)}; }
inline Vector lastRound(Vector a, Vector key) { return {_mm256_aesenclast_epi128(a.v, key.v)}; }
inline Vector lowCounter() { return {_mm256_set_epi64x(0, 1, 0, 0)}; }
inline Vector highCounter() { return {_mm256_set_epi64x(1, 0, 0, 0)}; }
inline Vector unpackLow8(Vector a, Vector b) { return {_mm256_unpacklo_epi8(a.v, b.v)}; }
inline Vector unpackHigh8(Vector a, Vector b) { return {_mm256_unpackhi_epi8(a.v, b.v)}; }
inline Vector doubleBytes(Vector a) { return {_mm256_add_epi8(a.v, a.v)}; }
inline std::uint64_t topBits(Vector a) {
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(a.v));
}
inline Vector both(Vector a, Vector b) { return {_mm256_and_si256(a.v, b.v)}; }
template <int kBits> Vector shiftRight64(Vector a) { return {_mm256_srli_epi64(a.v, kBits)}; }
template <int kBits> Vector shiftLeft64(Vector a) { return {_mm256_slli_epi64(a.v, kBits)}; }
inline Vector swapHalves(Vector a) { return {_mm256_shuffle_epi32(a.v, _MM_SHUFFLE(1, 0, 3, 2))}; }
inline __m128i sumOfBlocks(Vector a) {
  return _mm_xor_si128(_mm256_castsi256_si128(a.v), _mm256_extracti128_si256(a.v, 1));
}
inline Vector gather(const Block *from, std::size_t stride) {
  return {_mm256_inserti128_si256(
      _mm256_castsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i *>(from))),
      _mm_load_si128(reinterpret_cast<const __m128i *>(from + 16 * stride)), 1)};
}
#else
struct Vector {
  __m128i v;
  static constexpr std::size_t kBlocks = 1;
};
inline Vector loadVector(const Block *from) {
  return {_mm_loadu_si128(reinterpret_cast<const __m128i *>(from))};
}
inline void store(Block *to, Vector a) { _mm_storeu_si128(reinterpret_cast<__m128i *>(to), a.v); }
inline Vector broadcast(__m128i a) { return {a}; }
inline Vector exclusiveOr(Vector a, Vector b) { return {_mm_xor_si128(a.v, b.v)}; }
inline Vector add64(Vector a, Vector b) { return {_mm_add_epi64(a.v, b.v)}; }
inline Vector round(Vector a, Vector key) { return {_mm_aesenc_si128(a.v, key.v)}; }
inline Vector lastRound(Vector a, Vector key) { return {_mm_aesenclast_si128(a.v, key.v)}; }
inline Vector lowCounter() { return {_mm_setzero_si128()}; }
inline Vector highCounter() { return {_mm_setzero_si128()}; }
inline Vector unpackLow8(Vector a, Vector b) { return {_mm_unpacklo_epi8(a.v, b.v)}; }
inline Vector unpackHigh8(Vector a, Vector b) { return {_mm_unpackhi_epi8(a.v, b.v)}; }
inline Vector doubleBytes(Vector a) { return {_mm_add_epi8(a.v, a.v)}; }
inline std::uint64_t topBits(Vector a) {
  return static_cast<std::uint32_t>(_mm_movemask_epi8(a.v));
}
inline Vector both(Vector a, Vector b) { return {_mm_and_si128(a.v, b.v)}; }
template <int kBits> Vector shiftRight64(Vector a) { return {_mm_srli_epi64(a.v, kBits)}; }
template <int kBits> Vector shiftLeft64(Vector a) { return {_mm_slli_epi64(a.v, kBits)}; }
inline Vector swapHalves(Vector a) { return {_mm_shuffle_epi32(a.v, _MM_SHUFFLE(1, 0, 3, 2))}; }
inline __m128i sumOfBlocks(Vector a) { return a.v; }
inline Vector gather(const Block *from, std::size_t) {
  return {_mm_load_si128(reinterpret_cast<const __m128i *>(from))};
}
#endif

constexpr std::size_t kWidth = Vector::kBlocks;
// Enough independent encryptions to hide the latency of a round.
constexpr std::size_t kInFlight = 8;
constexpr std::size_t kStride = kWidth * kInFlight;

inline __m128i loadBlock(const Block *from) {
  return _mm_load_si128(reinterpret_cast<const __m128i *>(from));
}

struct Schedule {
  Vector key[11];
  explicit Schedule(const AesKey &from) {
    for (int i = 0; i < 11; ++i)
      key[i] = broadcast(loadBlock(&from.rounds[i]));
  }
};

inline void encrypt(const Schedule &schedule, Vector (&state)[kInFlight]) {
  for (Vector &s : state)
    s = exclusiveOr(s, schedule.key[0]);
  for (int i = 1; i < 10; ++i)
    for (Vector &s : state)
      s = round(s, schedule.key[i]);
  for (Vector &s : state)
    s = lastRound(s, schedule.key[10]);
}

inline void copyBlocks(const Block *from, std::size_t count, Block *to) {
  for (std::size_t i = 0; i < count; ++i)
    _mm_store_si128(reinterpret_cast<__m128i *>(to + i), loadBlock(from + i));
}

void counterMode(const AesKey &key, std::uint64_t first, std::size_t count, Block *out) {
  const Schedule schedule(key);
  const Vector step = broadcast(_mm_set_epi64x(0, kWidth));
  Vector counter = add64(lowCounter(), broadcast(_mm_set_epi64x(0, static_cast<long long>(first))));
  for (std::size_t done = 0; done < count; done += kStride) {
    Vector state[kInFlight];
    for (Vector &s : state) {
      s = counter;
      counter = add64(counter, step);
    }
    encrypt(schedule, state);
    if (count - done >= kStride) {
      for (std::size_t i = 0; i < kInFlight; ++i)
        store(out + done + i * kWidth, state[i]);
    } else {
      alignas(64) Block rest[kStride];
      for (std::size_t i = 0; i < kInFlight; ++i)
        store(rest + i * kWidth, state[i]);
      copyBlocks(rest, count - done, out + done);
    }
  }
}

// E(x ^ offset) for up to kStride blocks.
inline void permuteInputs(const Schedule &schedule, const Block *x, Vector offset,
                          std::size_t count, Vector (&state)[kInFlight]) {
  alignas(64) Block rest[kStride];
  if (count < kStride) {
    for (std::size_t i = 0; i < kInFlight; ++i)
      store(rest + i * kWidth, broadcast(_mm_setzero_si128()));
    copyBlocks(x, count, rest);
    x = rest;
  }
  for (std::size_t i = 0; i < kInFlight; ++i)
    state[i] = exclusiveOr(loadVector(x + i * kWidth), offset);
  encrypt(schedule, state);
}

inline void storeSome(const Vector (&state)[kInFlight], std::size_t count, Block *out) {
  if (count >= kStride) {
    for (std::size_t i = 0; i < kInFlight; ++i)
      store(out + i * kWidth, state[i]);
    return;
  }
  alignas(64) Block rest[kStride];
  for (std::size_t i = 0; i < kInFlight; ++i)
    store(rest + i * kWidth, state[i]);
  copyBlocks(rest, count, out);
}

void hashShort(const Schedule &schedule, std::uint64_t first, const Block *x, Vector offset,
               std::size_t count, Block *out) {
  const Vector step = broadcast(_mm_set_epi64x(0, kWidth));
  Vector tweak = add64(lowCounter(), broadcast(_mm_set_epi64x(0, static_cast<long long>(first))));
  for (std::size_t done = 0; done < count; done += kStride) {
    Vector inner[kInFlight];
    permuteInputs(schedule, x + done, offset, count - done, inner);
    Vector state[kInFlight];
    for (std::size_t i = 0; i < kInFlight; ++i) {
      state[i] = exclusiveOr(inner[i], tweak);
      tweak = add64(tweak, step);
    }
    encrypt(schedule, state);
    for (std::size_t i = 0; i < kInFlight; ++i)
      state[i] = exclusiveOr(state[i], inner[i]);
    storeSome(state, count - done, out + done);
  }
}

void hash(const AesKey &key, std::uint64_t first, const Block *x, Block offset, std::size_t count,
          std::size_t blocks, Block *out) {
  const Schedule schedule(key);
  const Vector offsets = broadcast(loadBlock(&offset));
  if (blocks == 1)
    return hashShort(schedule, first, x, offsets, count, out);
  const Vector step = broadcast(_mm_set_epi64x(kWidth, 0));
  for (std::size_t done = 0; done < count; done += kStride) {
    const std::size_t some = count - done < kStride ? count - done : kStride;
    alignas(64) Block inner[kStride];
    {
      Vector state[kInFlight];
      permuteInputs(schedule, x + done, offsets, some, state);
      for (std::size_t i = 0; i < kInFlight; ++i)
        store(inner + i * kWidth, state[i]);
    }
    if (blocks >= kStride) {
      for (std::size_t c = 0; c < some; ++c) {
        const __m128i number = _mm_set_epi64x(0, static_cast<long long>(first + done + c));
        const Vector own = broadcast(loadBlock(inner + c));
        Vector tweak = add64(highCounter(), broadcast(number));
        Block *const to = out + (done + c) * blocks;
        for (std::size_t j = 0; j < blocks; j += kStride) {
          Vector state[kInFlight];
          for (Vector &s : state) {
            s = exclusiveOr(own, tweak);
            tweak = add64(tweak, step);
          }
          encrypt(schedule, state);
          for (Vector &s : state)
            s = exclusiveOr(s, own);
          storeSome(state, blocks - j, to + j);
        }
      }
      continue;
    }
    // Few blocks each: consecutive outputs of several COTs fill the vectors.
    const std::size_t total = some * blocks;
    std::size_t c = 0;
    std::size_t j = 0;
    for (std::size_t at = 0; at < total; at += kStride) {
      alignas(64) Block own[kStride];
      alignas(64) Block tweak[kStride];
      for (std::size_t i = 0; i < kStride; ++i) {
        _mm_store_si128(reinterpret_cast<__m128i *>(own + i), loadBlock(inner + c));
        _mm_store_si128(
            reinterpret_cast<__m128i *>(tweak + i),
            _mm_set_epi64x(static_cast<long long>(j), static_cast<long long>(first + done + c)));
        if (++j == blocks) {
          j = 0;
          c = c + 1 < kStride ? c + 1 : c;
        }
      }
      Vector state[kInFlight];
      for (std::size_t i = 0; i < kInFlight; ++i)
        state[i] = exclusiveOr(loadVector(own + i * kWidth), loadVector(tweak + i * kWidth));
      encrypt(schedule, state);
      for (std::size_t i = 0; i < kInFlight; ++i)
        state[i] = exclusiveOr(state[i], loadVector(own + i * kWidth));
      storeSome(state, total - at, out + done * blocks + at);
    }
  }
}

// Several leaves at a time, as one alone does not fill the wide vectors.
void sumLeaves(const AesKey *keys, unsigned levels, std::size_t begin, std::uint64_t first,
               Block *buffer, Block *columns) {
  constexpr std::size_t kVectors = kLeafBlocks / kWidth;
  constexpr std::size_t kTogether = kInFlight / kVectors;
  const std::size_t leaves = std::size_t{1} << levels;
  const Vector zero = broadcast(_mm_setzero_si128());
  Vector counters[kVectors];
  for (std::size_t i = 0; i < kVectors; ++i)
    counters[i] = add64(lowCounter(),
                        broadcast(_mm_set_epi64x(0, static_cast<long long>(first + i * kWidth))));
  for (std::size_t x = 0; x < leaves; x += kTogether) {
    // With fewer leaves than fit, the last one is made several times over.
    const AesKey *key[kTogether];
    Vector state[kTogether][kVectors];
    for (std::size_t leaf = 0; leaf < kTogether; ++leaf) {
      key[leaf] = keys + (x + leaf < leaves ? x + leaf : leaves - 1);
      const Vector whitening = broadcast(loadBlock(&key[leaf]->rounds[0]));
      for (std::size_t i = 0; i < kVectors; ++i)
        state[leaf][i] = exclusiveOr(counters[i], whitening);
    }
    for (int r = 1; r < 10; ++r)
      for (std::size_t leaf = 0; leaf < kTogether; ++leaf) {
        const Vector own = broadcast(loadBlock(&key[leaf]->rounds[r]));
        for (Vector &s : state[leaf])
          s = round(s, own);
      }
    for (std::size_t leaf = 0; leaf < kTogether && x + leaf < leaves; ++leaf) {
      const Vector own = broadcast(loadBlock(&key[leaf]->rounds[10]));
      for (std::size_t i = 0; i < kVectors; ++i)
        store(buffer + (x + leaf) * kLeafBlocks + i * kWidth, lastRound(state[leaf][i], own));
    }
  }
  if (begin == 1)
    for (std::size_t i = 0; i < kVectors; ++i)
      store(buffer + i * kWidth, zero);
  // Bit by bit: neighbours are added, and so are the odd ones among themselves.
  for (unsigned bit = 0; bit < levels; ++bit) {
    Vector odd[kVectors];
    for (Vector &sum : odd)
      sum = zero;
    for (std::size_t x = 0; x < leaves >> (bit + 1); ++x)
      for (std::size_t i = 0; i < kVectors; ++i) {
        const Block *const pair = buffer + 2 * x * kLeafBlocks + i * kWidth;
        const Vector second = loadVector(pair + kLeafBlocks);
        odd[i] = exclusiveOr(odd[i], second);
        store(buffer + x * kLeafBlocks + i * kWidth, exclusiveOr(loadVector(pair), second));
      }
    for (std::size_t i = 0; i < kVectors; ++i)
      store(columns + bit * kLeafBlocks + i * kWidth, odd[i]);
  }
}

// 16 columns a lane: a transposition of bytes by unpacking, then of bits by taking top bits.
void transpose(const Block *columns, std::size_t stride, std::size_t blocks, Block *rows) {
  for (std::size_t block = 0; block < blocks; ++block) {
    auto *const to = reinterpret_cast<unsigned char *>(rows + 128 * block);
    for (std::size_t column = 0; column < 128; column += 16 * kWidth) {
      Vector a[16];
      Vector b[16];
      for (std::size_t i = 0; i < 16; ++i)
        a[i] = gather(columns + (column + i) * stride + block, stride);
      for (int stage = 0; stage < 4; ++stage) {
        for (std::size_t i = 0; i < 8; ++i) {
          b[2 * i] = unpackLow8(a[i], a[i + 8]);
          b[2 * i + 1] = unpackHigh8(a[i], a[i + 8]);
        }
        for (std::size_t i = 0; i < 16; ++i)
          a[i] = b[i];
      }
      for (std::size_t byte = 0; byte < 16; ++byte) {
        Vector v = a[byte];
        for (std::size_t bit = 8; bit-- > 0;) {
          const std::uint64_t mask = topBits(v);
          __builtin_memcpy(to + (byte * 8 + bit) * 16 + column / 8, &mask, 2 * kWidth);
          v = doubleBytes(v);
        }
      }
    }
  }
}

// s(low, high) = (high, low ^ high): s and x -> s(x) ^ x are both one to one.
inline Vector orthomorphism(Vector a) {
  const Vector swapped = swapHalves(a);
  return exclusiveOr(swapped, both(a, broadcast(_mm_set_epi64x(-1, 0))));
}

Block growTree(const AesKey &key, std::size_t width, Block *nodes) {
  const Schedule schedule(key);
  Vector sum = broadcast(_mm_setzero_si128());
  std::size_t at = 0;
  for (; at + kStride <= width; at += kStride) {
    Vector input[kInFlight];
    Vector state[kInFlight];
    for (std::size_t i = 0; i < kInFlight; ++i)
      state[i] = input[i] = orthomorphism(loadVector(nodes + at + i * kWidth));
    encrypt(schedule, state);
    for (std::size_t i = 0; i < kInFlight; ++i) {
      Block *const node = nodes + at + i * kWidth;
      const Vector left = exclusiveOr(state[i], input[i]);
      const Vector parent = loadVector(node);
      sum = exclusiveOr(sum, left);
      store(node, left);
      store(node + width, exclusiveOr(left, parent));
    }
  }
  __m128i total = sumOfBlocks(sum);
  if (at < width) {
    const std::size_t some = width - at;
    alignas(64) Block parents[kStride];
    for (std::size_t i = 0; i < kInFlight; ++i)
      store(parents + i * kWidth, broadcast(_mm_setzero_si128()));
    copyBlocks(nodes + at, some, parents);
    Vector input[kInFlight];
    Vector state[kInFlight];
    for (std::size_t i = 0; i < kInFlight; ++i)
      state[i] = input[i] = orthomorphism(loadVector(parents + i * kWidth));
    encrypt(schedule, state);
    alignas(64) Block left[kStride];
    for (std::size_t i = 0; i < kInFlight; ++i)
      store(left + i * kWidth, exclusiveOr(state[i], input[i]));
    for (std::size_t i = 0; i < some; ++i) {
      const __m128i child = loadBlock(left + i);
      total = _mm_xor_si128(total, child);
      _mm_store_si128(reinterpret_cast<__m128i *>(nodes + at + i), child);
      _mm_store_si128(reinterpret_cast<__m128i *>(nodes + at + i + width),
                      _mm_xor_si128(child, loadBlock(parents + i)));
    }
  }
  Block result;
  _mm_store_si128(reinterpret_cast<__m128i *>(&result), total);
  return result;
}

// Byte offsets of the terms: offsets[3][word], each output has four words.
struct SparseIndices {
  alignas(64) std::uint64_t offsets[3][2 * kStride];

  void make(const Schedule &schedule, std::uint64_t counter, Vector mask) {
    const Vector step = broadcast(_mm_set_epi64x(0, kWidth));
    Vector number =
        add64(lowCounter(), broadcast(_mm_set_epi64x(0, static_cast<long long>(counter))));
    Vector state[kInFlight];
    for (Vector &s : state) {
      s = number;
      number = add64(number, step);
    }
    encrypt(schedule, state);
    for (std::size_t i = 0; i < kInFlight; ++i) {
      const std::size_t word = i * kWidth * 2;
      store(reinterpret_cast<Block *>(&offsets[0][word]), both(shiftLeft64<4>(state[i]), mask));
      store(reinterpret_cast<Block *>(&offsets[1][word]), both(shiftRight64<17>(state[i]), mask));
      store(reinterpret_cast<Block *>(&offsets[2][word]), both(shiftRight64<38>(state[i]), mask));
    }
  }
};

// The terms are scattered over megabytes. Their addresses come from memory and do not depend on
// each other, so that the processor has the loads of several outputs under way at a time; asking
// for them ahead, huge pages and gather instructions were measured and gain nothing over that.
void addSparseSums(const AesKey &key, std::uint64_t first, const Block *secret, std::uint64_t mask,
                   const Block *in, std::size_t count, Block *out) {
  static_assert(kSparseTerms == 10);
  constexpr std::size_t kTogether = kStride / 2;
  const Schedule schedule(key);
  const Vector masks = broadcast(_mm_set1_epi64x(static_cast<long long>(mask << 4)));
  const __m128i notLowest = _mm_set_epi64x(-1, -2);
  const auto *const base = reinterpret_cast<const char *>(secret);
  SparseIndices indices;
  for (std::size_t at = 0; at < count; at += kTogether) {
    indices.make(schedule, 2 * (first + at), masks);
    const std::size_t some = count - at < kTogether ? count - at : kTogether;
    for (std::size_t i = 0; i < some; ++i) {
      const auto term = [&](std::size_t field, std::size_t word) {
        return _mm_load_si128(
            reinterpret_cast<const __m128i *>(base + indices.offsets[field][4 * i + word]));
      };
      __m128i a = _mm_and_si128(loadBlock(in + at + i), notLowest);
      __m128i b = term(0, 3);
      for (std::size_t word = 0; word < 3; ++word) {
        a = _mm_xor_si128(a, term(0, word));
        b = _mm_xor_si128(b, term(1, word));
        a = _mm_xor_si128(a, term(2, word));
      }
      _mm_store_si128(reinterpret_cast<__m128i *>(out + at + i), _mm_xor_si128(a, b));
    }
  }
}

} // namespace
} // namespace dyad
