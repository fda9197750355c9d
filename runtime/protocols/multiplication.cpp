// SPDX-License-Identifier: Apache-2.0
// See multiplication.h. The inner loops run over a row of the sender's matrix, in 32-bit words
// where the ring fits them, and have no branch on private values.
#include "runtime/protocols/multiplication.h"

#include "runtime/ot/bit_stream.h"
#include "runtime/ot/correlated.h"

#include <algorithm>
#include <type_traits>
#include <utility>
#include <vector>

namespace dyad {
namespace {

/// Pads are made for so many blocks at a time, to stay in the cache.
constexpr std::size_t kPadBlocks = 2048;

/// Walks over the COTs of a product: bit by bit of each element of the left matrix.
class Cursor {
public:
  Cursor(const MatrixShape &shape, unsigned bits, std::uint64_t choice)
      : shape_(shape), bits_(bits), inner_(choice % shape.inner), row_(choice / shape.inner) {}
  unsigned bit() const { return bit_; }
  std::size_t resultAt() const { return row_ * shape_.columns; }
  std::size_t rightAt() const {
    return (row_ / shape_.rows * shape_.inner + inner_) * shape_.columns;
  }
  void next() {
    if (++bit_ != bits_)
      return;
    bit_ = 0;
    if (++inner_ != shape_.inner)
      return;
    inner_ = 0;
    ++row_;
  }

private:
  const MatrixShape &shape_;
  unsigned bits_;
  unsigned bit_ = 0;
  std::uint64_t inner_;
  std::uint64_t row_; ///< of all groups
};

/// What both parties know of a product, and the sizes that follow from it.
template <typename Word> struct Product {
  MatrixShape shape;
  unsigned bits;  ///< of a choice value; not more than the ring has
  bool topIsSign; ///< whether its top bit counts -2^(bits-1)
  unsigned width;

  std::uint64_t choices() const { return shape.resultSize() == 0 ? 0 : shape.leftSize(); }
  std::size_t blocksPerCot() const { return (shape.columns * sizeof(Word) + 15) / 16; }
  std::size_t cotsPerChunk() const { return std::max<std::size_t>(1, kPadBlocks / blocksPerCot()); }
  std::size_t wordsPerCot() const { return blocksPerCot() * (16 / sizeof(Word)); }
  Word fieldMask(unsigned bit) const { return static_cast<Word>(ringMask(width - bit)); }
  /// All ones where the contribution is subtracted instead of added.
  Word signOf(unsigned bit) const {
    return topIsSign && bit + 1 == bits ? static_cast<Word>(~Word{0}) : Word{0};
  }
};

/// Pads as words. Blocks and words may alias each other through the character type only.
template <typename Word> class Pads {
public:
  explicit Pads(std::size_t blocks) : blocks_(blocks), words_(blocks * 16 / sizeof(Word)) {}
  Block *blocks() { return blocks_.data(); }
  const Word *words(std::size_t blocks) {
    std::memcpy(words_.data(), blocks_.data(), blocks * 16);
    return words_.data();
  }

private:
  std::vector<Block> blocks_;
  std::vector<Word> words_;
};

template <typename Word> std::vector<Word> wordsOf(const Ring &ring) {
  return std::vector<Word>(ring.begin(), ring.end());
}
template <typename Word> Ring ringOf(const std::vector<Word> &words, unsigned width) {
  return reduced(Ring(words.begin(), words.end()), width);
}

/// y = x + zero + one, masked; the share of the product gets -zero * 2^shift.
template <typename Word>
void sendRow(const Word *x, const Word *zero, const Word *one, Word *y, Word *result, std::size_t n,
             Word mask, unsigned shift, Word sign) {
  for (std::size_t c = 0; c < n; ++c) {
    y[c] = (x[c] + zero[c] + one[c]) & mask;
    result[c] -= static_cast<Word>(static_cast<Word>(zero[c] << shift) ^ sign) - sign;
  }
}
/// The share gets (chosen ? y - pad : pad) * 2^shift.
template <typename Word>
void receiveRow(const Word *y, const Word *pad, Word chosen, Word *result, std::size_t n,
                unsigned shift, Word sign) {
  for (std::size_t c = 0; c < n; ++c) {
    const Word value = (y[c] & chosen) + ((pad[c] ^ chosen) - chosen);
    result[c] += static_cast<Word>(static_cast<Word>(value << shift) ^ sign) - sign;
  }
}

/// Choices [first, first + count) of the left matrix.
struct Tile {
  std::uint64_t first;
  std::uint64_t count;
};

template <typename Word>
void sendTile(const Product<Word> &product, const CotSendBatch &cots, Tile tile, const Word *right,
              Word *result, std::span<std::uint8_t> payload) {
  const std::size_t columns = product.shape.columns;
  const std::size_t blocks = product.blocksPerCot();
  Pads<Word> zero(product.cotsPerChunk() * blocks), one(product.cotsPerChunk() * blocks);
  std::vector<Word> fields(columns);
  Cursor at(product.shape, product.bits, tile.first);
  BitWriter writer(payload);
  const std::uint64_t end = (tile.first + tile.count) * product.bits;
  for (std::uint64_t cot = tile.first * product.bits; cot < end;) {
    const std::size_t chunk = std::min<std::uint64_t>(product.cotsPerChunk(), end - cot);
    cots.pads(cot, chunk, blocks, zero.blocks(), one.blocks());
    const Word *zeroWords = zero.words(chunk * blocks);
    const Word *oneWords = one.words(chunk * blocks);
    for (std::size_t i = 0; i < chunk; ++i, at.next()) {
      const unsigned bit = at.bit();
      sendRow(right + at.rightAt(), zeroWords, oneWords, fields.data(), result + at.resultAt(),
              columns, product.fieldMask(bit), bit, product.signOf(bit));
      writer.put(fields.data(), columns, product.width - bit);
      zeroWords += product.wordsPerCot();
      oneWords += product.wordsPerCot();
    }
    cot += chunk;
  }
  writer.flush();
}

template <typename Word>
void receiveTile(const Product<Word> &product, const CotReceiveBatch &cots, const BitVec &choices,
                 Tile tile, Word *result, std::span<const std::uint8_t> payload) {
  const std::size_t columns = product.shape.columns;
  const std::size_t blocks = product.blocksPerCot();
  Pads<Word> pads(product.cotsPerChunk() * blocks);
  std::vector<Word> fields(columns);
  Cursor at(product.shape, product.bits, tile.first);
  BitReader reader(payload);
  const std::uint64_t end = (tile.first + tile.count) * product.bits;
  for (std::uint64_t cot = tile.first * product.bits; cot < end;) {
    const std::size_t chunk = std::min<std::uint64_t>(product.cotsPerChunk(), end - cot);
    cots.pads(cot, chunk, blocks, pads.blocks());
    const Word *padWords = pads.words(chunk * blocks);
    for (std::size_t i = 0; i < chunk; ++i, at.next()) {
      const unsigned bit = at.bit();
      const auto chosen = static_cast<Word>(-static_cast<std::uint64_t>(choices[cot + i]));
      reader.get(fields.data(), columns, product.width - bit);
      receiveRow(fields.data(), padWords, chosen, result + at.resultAt(), columns, bit,
                 product.signOf(bit));
      padWords += product.wordsPerCot();
    }
    cot += chunk;
  }
}

/// The low bits of each element of the left matrix, one after the other.
BitVec choiceBits(const Ring &left, unsigned bits) {
  BitVec choices(left.size() * bits);
  const std::span<std::uint64_t> words = choices.words();
  BitWriter writer({reinterpret_cast<std::uint8_t *>(words.data()), words.size_bytes()});
  for (const std::uint64_t value : left)
    writer.put(value & ringMask(bits), bits);
  writer.flush();
  return choices;
}

template <typename Word>
Task<Ring> sendProduct(Session &session, Product<Word> product, Ring right) {
  const std::uint64_t choices = product.choices();
  const CotSendBatch cots = co_await CotSendBatch::open(session, choices * product.bits);
  const std::vector<Word> rightWords = wordsOf<Word>(right);
  std::vector<Word> result(product.shape.resultSize());
  const std::uint64_t perTile = choicesPerTile(product.shape, product.bits, product.width);
  for (Tile tile{0, 0}; tile.first < choices; tile.first += tile.count) {
    tile.count = std::min(perTile, choices - tile.first);
    const std::size_t bytes =
        tilePayloadBytes(product.shape, product.bits, product.width, tile.count);
    sendTile(product, cots, tile, rightWords.data(), result.data(),
             session.flows().sendBuffer(bytes));
    co_await session.flows().tick();
  }
  co_return ringOf(result, product.width);
}

template <typename Word>
Task<Ring> receiveProduct(Session &session, Product<Word> product, Ring left) {
  const std::uint64_t count = product.choices();
  if (count == 0)
    left.clear();
  const BitVec choices = choiceBits(left, product.bits);
  const CotReceiveBatch cots = co_await CotReceiveBatch::open(session, choices);
  std::vector<Word> result(product.shape.resultSize());
  const std::uint64_t perTile = choicesPerTile(product.shape, product.bits, product.width);
  for (Tile tile{0, 0}; tile.first < count; tile.first += tile.count) {
    tile.count = std::min(perTile, count - tile.first);
    const std::span<const std::uint8_t> payload = co_await session.flows().tick(
        tilePayloadBytes(product.shape, product.bits, product.width, tile.count));
    receiveTile(product, cots, choices, tile, result.data(), payload);
  }
  co_return ringOf(result, product.width);
}

template <typename Word>
Task<Ring> runProduct(Session &session, const MatrixShape &shape, Ring mine, ChoiceFormat format,
                      unsigned width, bool choosing) {
  // Bits above the ring do not count; and of the ring's own top bit the sign makes no difference.
  const Product<Word> product{shape, std::min(format.bits, width), format.isSigned, width};
  return choosing ? receiveProduct(session, product, std::move(mine))
                  : sendProduct(session, product, std::move(mine));
}

void requireFormat(const Ring &left, ChoiceFormat format, unsigned width) {
  const std::uint64_t sign =
      format.isSigned ? std::uint64_t{1} << (format.bits - 1) : std::uint64_t{0};
  std::uint64_t wrong = 0;
  for (const std::uint64_t value : left) {
    const std::uint64_t low = value & ringMask(format.bits);
    wrong |= (((low ^ sign) - sign) ^ value) & ringMask(width);
  }
  DYAD_REQUIRE(wrong == 0, kOutOfRange, "a factor does not fit {} {} bits", format.bits,
               format.isSigned ? "signed" : "unsigned");
}

} // namespace

Task<Ring> privateMatrixProduct(Session &session, MatrixShape shape, Ring mine, ChoiceFormat format,
                                unsigned width, Role chooser) {
  requireWidth(width);
  DYAD_REQUIRE(format.bits >= 1 && format.bits <= 64, kOutOfRange,
               "a factor of {} bits; 1 to 64 are possible", format.bits);
  const bool choosing = session.role() == chooser;
  requireSameSize(mine.size(), choosing ? shape.leftSize() : shape.rightSize());
  if (choosing)
    requireFormat(mine, format, width);
  return width <= 32
             ? runProduct<std::uint32_t>(session, shape, std::move(mine), format, width, choosing)
             : runProduct<std::uint64_t>(session, shape, std::move(mine), format, width, choosing);
}

Task<Ring> matrixProductKnownLeft(Session &session, MatrixShape shape, Ring left, Ring right,
                                  ChoiceFormat format, unsigned width, Role owner) {
  if (session.role() != owner)
    co_return co_await privateMatrixProduct(session, shape, std::move(right), format, width, owner);
  requireWidth(width);
  requireSameSize(left.size(), shape.leftSize());
  requireSameSize(right.size(), shape.rightSize());
  const Ring own = localMatrixProduct(shape, left, right, width);
  co_return added(
      co_await privateMatrixProduct(session, shape, std::move(left), format, width, owner), own,
      width);
}

Task<Ring> privateProduct(Session &session, Ring mine, ChoiceFormat format, unsigned width,
                          Role chooser) {
  const MatrixShape shape{mine.size(), 1, 1, 1};
  return privateMatrixProduct(session, shape, std::move(mine), format, width, chooser);
}

Task<Ring> productKnownFactor(Session &session, Ring x, Ring y, ChoiceFormat format, unsigned width,
                              Role owner) {
  const MatrixShape shape{y.size(), 1, 1, 1};
  return matrixProductKnownLeft(session, shape, std::move(x), std::move(y), format, width, owner);
}

Task<Ring> product(Session &session, Ring x, Ring y, unsigned width) {
  requireWidth(width);
  requireSameSize(x.size(), y.size());
  const ChoiceFormat format{width, false};
  Ring own = localMatrixProduct({x.size(), 1, 1, 1}, x, y, width);
  // The client chooses with its x for the server's y, and the server with its x for the client's y.
  Ring first = session.isServer() ? y : x;
  Ring second = session.isServer() ? std::move(x) : std::move(y);
  auto [cross, otherCross] =
      co_await whenAll(privateProduct(session, std::move(first), format, width, Role::kClient),
                       privateProduct(session, std::move(second), format, width, Role::kServer));
  co_return added(added(std::move(own), cross, width), otherCross, width);
}

Task<Ring> square(Session &session, Ring x, unsigned width) {
  requireWidth(width);
  if (width == 1)
    co_return x;
  const Ring own = localMatrixProduct({x.size(), 1, 1, 1}, x, x, width);
  // x0^2 + x1^2 + 2 x0 x1: the cross term is doubled, so its top bit does not count.
  const Ring cross = co_await privateProduct(session, reduced(std::move(x), width - 1),
                                             {width - 1, false}, width - 1, Role::kClient);
  co_return added(scaled(cross, 2, width), own, width);
}

Ring localMatrixProduct(const MatrixShape &shape, RingSpan left, RingSpan right, unsigned width) {
  Ring result(shape.resultSize());
  for (std::uint64_t row = 0; row < shape.groups * shape.rows; ++row) {
    std::uint64_t *const sums = result.data() + row * shape.columns;
    const std::uint64_t *values = right.data() + row / shape.rows * shape.inner * shape.columns;
    for (std::uint64_t k = 0; k < shape.inner; ++k, values += shape.columns)
      for (std::uint64_t c = 0; c < shape.columns; ++c)
        sums[c] += left[row * shape.inner + k] * values[c];
  }
  return reduced(std::move(result), width);
}

} // namespace dyad
