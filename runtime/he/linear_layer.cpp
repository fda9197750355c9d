// SPDX-License-Identifier: Apache-2.0
// See linear_layer.h. The server walks through replies, products and primes, transforms each weight
// polynomial once, when it is needed, and multiplies it with that ciphertext of all tiles: no table
// of transformed weights is ever held. Messages are made and read in pieces, so that computing
// hides the network; ciphertexts and replies have generators of their own, so that threads change
// nothing.
#include "runtime/he/linear_layer.h"

#include "runtime/he/encoding.h"
#include "runtime/he/keys.h"
#include "runtime/he/packing.h"
#include "runtime/he/scheme.h"
#include "runtime/parallel/thread_pool.h"
#include "runtime/protocols/ring.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>

namespace dyad::he {
namespace {

std::uint64_t residueOf(std::int64_t weight, std::uint64_t p) {
  return static_cast<std::uint64_t>(weight) + (p & static_cast<std::uint64_t>(weight >> 63));
}

/// Transforms weight polynomials modulo one prime after the other. Those of kernels of one tap have
/// powers of X^(2^a b) only, b odd: their values are those of a polynomial in Y = X^(2^a b) at the
/// odd powers of a root of order 2N / 2^a, each 2^a times, and transforming that one is less work.
class WeightTransform {
public:
  WeightTransform(const RingContext &ring, const LinearPlan &plan, const Encoding &encoding)
      : ring_(ring) {
    const auto atLeast64 = [](std::uint64_t size) {
      return std::max<std::size_t>(64, std::bit_ceil(size));
    };
    nonzero_ = atLeast64(encoding.kernelSize());
    const auto halvings = static_cast<unsigned>(std::countr_zero(plan.plane()));
    if (!encoding.sparse() || plan.plane() == 1 || ring.degree() >> halvings < 64)
      return;
    step_ = plan.plane();
    halvings_ = halvings;
    nonzero_ = atLeast64(plan.channelsAtOnce * plan.filtersAtOnce);
    const std::size_t size = ring.degree() >> halvings;
    index_.resize(ring.degree());
    const auto bits = static_cast<unsigned>(std::countr_zero(ring.degree()));
    const std::uint64_t odd = plan.plane() >> halvings;
    for (std::size_t i = 0; i < ring.degree(); ++i) {
      const std::uint64_t power = (2 * bitReversed(i, bits) + 1) * odd % (2 * size);
      index_[i] = static_cast<std::uint32_t>(bitReversed(power / 2, bits - halvings));
    }
  }

  struct Scratch {
    std::vector<std::uint64_t> factor, small;
  };
  Scratch scratch() const {
    const std::size_t degree = ring_.degree();
    return {std::vector<std::uint64_t>(degree),
            std::vector<std::uint64_t>(step_ == 1 ? 0 : degree >> halvings_)};
  }

  /// `fill(set)` calls set(coefficient, residue). The result is in the scratch memory.
  template <typename Fill>
  const std::uint64_t *operator()(unsigned prime, Scratch &scratch, Fill &&fill) const {
    std::vector<std::uint64_t> &into = step_ == 1 ? scratch.factor : scratch.small;
    std::fill(into.begin(), into.begin() + static_cast<std::ptrdiff_t>(nonzero_), 0);
    fill([&](std::uint64_t coefficient, std::uint64_t residue) {
      into[step_ == 1 ? coefficient : coefficient / step_] = residue;
    });
    ringKernels().forward(ring_.smaller(prime, halvings_), into.data(), nonzero_);
    if (step_ != 1)
      ringKernels().gather(into.data(), index_.data(), scratch.factor.data(), index_.size());
    return scratch.factor.data();
  }

private:
  const RingContext &ring_;
  std::vector<std::uint32_t> index_;
  std::uint64_t step_ = 1;
  unsigned halvings_ = 0;
  std::size_t nonzero_ = 0;
};

// Ciphertexts and replies of this many units are made at once, by all threads, and leave or arrive
// together.
constexpr std::uint64_t kInputsAtOnce = 32;
constexpr std::uint64_t kRepliesAtOnce = 8;
// Products that are added to a sum at a time: reading and writing the sum takes longer than they
// do.
constexpr std::size_t kTermsAtOnce = 8;

/// What both parties know of a layer's messages: the order and the sizes of what is in them.
struct Layout {
  const LinearSpec &spec;
  const LinearPlan &plan;
  const RingContext &ring;
  Encoding encoding;
  std::vector<Position> positions; ///< of group 0

  Layout(const LinearSpec &spec, const LinearPlan &plan)
      : spec(spec), plan(plan), ring(RingContext::of(parameterSet(plan.set))), encoding(spec, plan),
        positions(encoding.positionsOf(0)) {}

  // Ciphertexts by group, position and input.
  std::uint64_t inputs() const { return spec.groups * positions.size() * plan.inputs; }
  Position positionOf(std::uint64_t ciphertext) const {
    Position position = positions[ciphertext / plan.inputs % positions.size()];
    position.group = ciphertext / plan.inputs / positions.size();
    return position;
  }
  // Replies by group, number and position; those of all positions are a unit.
  std::uint64_t units() const { return spec.groups * plan.replies(); }
  Encoding::Results results(std::uint64_t unit, std::size_t t) const {
    Position position = positions[t];
    position.group = unit / plan.replies();
    return encoding.results(position, unit % plan.replies());
  }
  std::uint64_t unitBytes(std::uint64_t unit) const {
    std::uint64_t bytes = 0;
    for (std::size_t t = 0; t < positions.size(); ++t)
      bytes += plan.outputBytes(spec, results(unit, t).elements.size());
    return bytes;
  }
  std::size_t results() const {
    return spec.images * spec.groups * spec.filters * spec.output[0] * spec.output[1];
  }
};

// Calls piece(first, last, bytes of each) for all pieces of `count` units.
template <typename Bytes, typename Piece>
void inPieces(std::uint64_t count, std::uint64_t atOnce, Bytes &&bytes, Piece &&piece) {
  for (std::uint64_t first = 0; first < count; first += atOnce) {
    const std::uint64_t last = std::min(first + atOnce, count);
    std::vector<std::uint64_t> offsets{0}; // of each unit, and the end
    for (std::uint64_t unit = first; unit < last; ++unit)
      offsets.push_back(offsets.back() + bytes(unit));
    piece(first, offsets);
  }
}

// body(unit, its bytes of a piece) for the units from `first` on.
template <typename Byte, typename Body>
void forUnits(std::uint64_t first, const std::vector<std::uint64_t> &offsets,
              std::span<Byte> message, Body &&body) {
  parallelFor(offsets.size() - 1, 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i)
      body(first + i, message.subspan(offsets[i], offsets[i + 1] - offsets[i]));
  });
}

std::vector<Block> seedsOf(Prg &prg, std::uint64_t count) {
  std::vector<Block> seeds(count);
  prg.fill(std::span(seeds));
  return seeds;
}

class Server {
public:
  Server(Session &session, const Layout &layout, std::span<const std::int64_t> weights)
      : session_(session), layout_(layout), ring_(layout.ring), plan_(layout.plan),
        keys_(session.heKeys()->of(plan_.keys())), transform_(ring_, plan_, layout.encoding),
        weights_(weights) {
    if (plan_.packing != 0)
      packer_.emplace(ring_, keys_.galois);
  }

  /// The groups' ciphertexts, as they arrive.
  void receiveAll(FlowScheduler::PieceReader pieces) {
    Block seed;
    std::memcpy(&seed, pieces.next(sizeof(seed)).data(), sizeof(seed));
    Prg stream(seed);
    const std::vector<Block> seeds = seedsOf(stream, layout_.inputs());
    ciphertexts_.resize(seeds.size());
    const auto bytes = [&](std::uint64_t ciphertext) {
      return plan_.inputBytes(layout_.spec, ciphertext % plan_.inputs);
    };
    inPieces(seeds.size(), kInputsAtOnce, bytes, [&](std::uint64_t first, const auto &offsets) {
      forUnits(first, offsets, pieces.next(offsets.back()), [&](std::uint64_t i, auto message) {
        Prg uniform(seeds[i]);
        BitReader reader(message);
        ciphertexts_[i] =
            plan_.truncated()
                ? receivePart(ring_, layout_.encoding.sent(i % plan_.inputs), uniform, reader)
                : receive(ring_, uniform, reader);
        if (packer_)
          packer_->prepare(ciphertexts_[i], plan_.packing, plan_.channelsAtOnce - 1);
      });
    });
  }

  Ring replyAll() {
    const std::vector<Block> seeds = seedsOf(session_.prg(), layout_.units());
    Ring shares(layout_.results());
    const auto bytes = [&](std::uint64_t unit) { return layout_.unitBytes(unit); };
    inPieces(seeds.size(), kRepliesAtOnce, bytes, [&](std::uint64_t first, const auto &offsets) {
      std::vector<std::uint8_t> message(offsets.back());
      forUnits(first, offsets, std::span(message), [&](std::uint64_t unit, auto into) {
        Prg prg(seeds[unit]);
        replyUnit(unit, prg, into, shares);
      });
      session_.flows().send(message);
    });
    return shares;
  }

private:
  // Memory of one unit, for polynomials that would else be made anew for each product.
  struct Scratch {
    std::vector<WeightTransform::Scratch> weights; ///< of each output and term
    std::vector<std::array<Sum, 2>> sums;          ///< of each output and position: for c0 and c1
    std::optional<Packer::Scratch> packing;
    std::vector<std::vector<Ciphertext>> spare; ///< for all positions each
  };

  std::vector<Ciphertext> take(Scratch &scratch) const {
    if (scratch.spare.empty()) {
      std::vector<Ciphertext> made(layout_.positions.size());
      for (Ciphertext &ciphertext : made) {
        ciphertext.c0.reserve(ring_.allPrimes() * ring_.degree());
        ciphertext.c1.resize(ring_.words());
      }
      scratch.spare.push_back(std::move(made));
    }
    std::vector<Ciphertext> taken = std::move(scratch.spare.back());
    scratch.spare.pop_back();
    for (Ciphertext &ciphertext : taken)
      ciphertext.c0.resize(ring_.words());
    return taken;
  }

  void replyUnit(std::uint64_t unit, Prg &prg, std::span<std::uint8_t> into, Ring &shares) const {
    const std::uint64_t group = unit / plan_.replies();
    const std::uint64_t number = unit % plan_.replies();
    Scratch scratch{{}, {}, {}, {}};
    const std::size_t together = packer_ ? 2 : 1;
    for (std::size_t k = 0; k < together * kTermsAtOnce; ++k)
      scratch.weights.push_back(transform_.scratch());
    for (std::size_t t = 0; t < together * layout_.positions.size(); ++t)
      scratch.sums.push_back({Sum(ring_.degree()), Sum(ring_.degree())});
    if (packer_)
      scratch.packing.emplace(ring_);
    std::vector<Ciphertext> products =
        packer_ ? packed(scratch, group, number * plan_.productsPerReply(), 0, 1)
                : std::move(multiplyAll(scratch, group, number, 1, 1)[0]);
    for (std::size_t t = 0; t < products.size(); ++t) {
      if (packer_)
        packer_->finish(products[t], *scratch.packing);
      addZero(ring_, keys_, prg, products[t]);
      ring_.inverse(products[t].c0);
      ring_.inverse(products[t].c1);
      const Encoding::Results results = layout_.results(unit, t);
      const std::size_t bytes = plan_.outputBytes(layout_.spec, results.elements.size());
      BitWriter writer(into.first(bytes));
      const std::vector<std::uint64_t> mine =
          reply(ring_, std::move(products[t]), results.coefficients, layout_.spec.bits,
                plan_.budget, prg, writer);
      writer.flush();
      into = into.subspan(bytes);
      for (std::size_t k = 0; k < mine.size(); ++k)
        shares[results.elements[k]] = mine[k];
    }
  }

  // Products `first` + i, + i + nodes, + i + 2 nodes, ... of a reply in one ciphertext, of all
  // tiles of a group: node i of that many.
  std::vector<Ciphertext> packed(Scratch &scratch, std::uint64_t group, std::uint64_t first,
                                 std::uint64_t i, std::uint64_t nodes) const {
    const bool both = first + i + nodes < plan_.outputs;
    std::vector<Ciphertext> left, right;
    if (2 * nodes == plan_.productsPerReply()) {
      auto leaves = multiplyAll(scratch, group, first + i, both ? 2 : 1, nodes);
      left = std::move(leaves[0]);
      right = std::move(leaves[1]);
    } else {
      left = packed(scratch, group, first, i, 2 * nodes);
      if (both)
        right = packed(scratch, group, first, i + nodes, 2 * nodes);
    }
    const unsigned step = static_cast<unsigned>(std::countr_zero(plan_.channelsAtOnce)) -
                          plan_.packing + static_cast<unsigned>(std::countr_zero(nodes));
    for (std::size_t t = 0; t < left.size(); ++t)
      packer_->merge(left[t], both ? &right[t] : nullptr, step, *scratch.packing);
    if (both)
      scratch.spare.push_back(std::move(right));
    return left;
  }

  // Outputs `output` and, where `count` is 2, `output` + `step` of all tiles of a group. Two share
  // what is read of the ciphertexts, piece by piece.
  std::array<std::vector<Ciphertext>, 2> multiplyAll(Scratch &scratch, std::uint64_t group,
                                                     std::uint64_t output, std::size_t count,
                                                     std::uint64_t step) const {
    const Encoding &encoding = layout_.encoding;
    const std::size_t degree = ring_.degree();
    const std::size_t positions = layout_.positions.size();
    const Ciphertext *const from = ciphertexts_.data() + group * positions * plan_.inputs;
    std::array<std::vector<Ciphertext>, 2> products;
    for (std::size_t o = 0; o < count; ++o)
      products[o] = take(scratch);
    for (unsigned i = 0; i < ring_.primes(); ++i) {
      const std::size_t at = i * degree;
      const std::uint64_t p = ring_.prime(i);
      for (auto &[sum0, sum1] : scratch.sums) {
        sum0.clear();
        sum1.clear();
      }
      std::size_t added = 0;
      for (std::uint64_t input = 0; input < plan_.inputs; input += kTermsAtOnce) {
        const std::size_t terms = std::min<std::uint64_t>(kTermsAtOnce, plan_.inputs - input);
        if (added + terms > kMaxProducts) {
          for (auto &[sum0, sum1] : scratch.sums) {
            sum0.fold(ring_.tables(i));
            sum1.fold(ring_.tables(i));
          }
          added = 1;
        }
        added += terms;
        std::array<std::array<std::uint64_t, kTermsAtOnce>, 2> numbers{};
        std::array<std::array<const std::uint64_t *, kTermsAtOnce>, 2> factors{};
        for (std::size_t o = 0; o < count; ++o)
          for (std::size_t k = 0; k < terms; ++k) {
            const auto weightsOf = [&](auto &&set) {
              encoding.kernel(weights_, group, input + k, output + o * step,
                              [&](std::uint64_t at, std::int64_t w) { set(at, residueOf(w, p)); });
            };
            if (encoding.scalar())
              weightsOf([&](std::uint64_t, std::uint64_t w) { numbers[o][k] = w; });
            else
              factors[o][k] = transform_(i, scratch.weights[o * kTermsAtOnce + k], weightsOf);
          }
        const std::size_t piece = count == 1 ? degree : std::min<std::size_t>(degree, 1024);
        for (std::size_t t = 0; t < positions; ++t)
          for (std::size_t begin = 0; begin < degree; begin += piece) {
            std::array<const std::uint64_t *, kTermsAtOnce> c0{}, c1{};
            for (std::size_t k = 0; k < terms; ++k) {
              const Ciphertext &ciphertext = from[t * plan_.inputs + input + k];
              c0[k] = ciphertext.c0.data() + at + begin;
              c1[k] = ciphertext.c1.data() + at + begin;
            }
            for (std::size_t o = 0; o < count; ++o) {
              auto &[sum0, sum1] = scratch.sums[o * positions + t];
              if (encoding.scalar()) {
                sum0.addScaledTerms(c0.data(), numbers[o].data(), terms);
                sum1.addScaledTerms(c1.data(), numbers[o].data(), terms);
                continue;
              }
              std::array<const std::uint64_t *, kTermsAtOnce> by{};
              for (std::size_t k = 0; k < terms; ++k)
                by[k] = factors[o][k] + begin;
              sum0.addTerms(c0.data(), by.data(), terms, begin, piece);
              sum1.addTerms(c1.data(), by.data(), terms, begin, piece);
            }
          }
      }
      for (std::size_t o = 0; o < count; ++o)
        for (std::size_t t = 0; t < positions; ++t) {
          const auto &[sum0, sum1] = scratch.sums[o * positions + t];
          sum0.into(ring_.tables(i), products[o][t].c0.data() + at);
          sum1.into(ring_.tables(i), products[o][t].c1.data() + at);
        }
    }
    return products;
  }

  Session &session_;
  const Layout &layout_;
  const RingContext &ring_;
  const LinearPlan &plan_;
  const KeyHalf &keys_;
  WeightTransform transform_;
  std::span<const std::int64_t> weights_;
  std::optional<Packer> packer_;
  std::vector<Ciphertext> ciphertexts_;
};

void encryptAll(Session &session, const Layout &layout, const Ring &values) {
  const LinearPlan &plan = layout.plan;
  const KeyHalf &keys = session.heKeys()->of(plan.keys());
  const Block seed = session.prg().block();
  std::memcpy(session.flows().sendBuffer(sizeof(seed)).data(), &seed, sizeof(seed));
  Prg stream(seed);
  const std::vector<Block> seeds = seedsOf(stream, layout.inputs());
  const std::vector<Block> noiseSeeds = seedsOf(session.prg(), layout.inputs());
  const auto bytes = [&](std::uint64_t ciphertext) {
    return plan.inputBytes(layout.spec, ciphertext % plan.inputs);
  };
  inPieces(seeds.size(), kInputsAtOnce, bytes, [&](std::uint64_t first, const auto &offsets) {
    const std::span<std::uint8_t> message = session.flows().sendBuffer(offsets.back());
    forUnits(first, offsets, message, [&](std::uint64_t i, auto into) {
      Prg uniform(seeds[i]);
      Prg noise(noiseSeeds[i]);
      BitWriter writer(into);
      const std::uint64_t input = i % plan.inputs;
      std::vector<std::uint64_t> image = layout.encoding.image(values, layout.positionOf(i), input);
      if (plan.truncated()) {
        const std::vector<std::uint32_t> sent = layout.encoding.sent(input);
        std::vector<std::uint64_t> part;
        part.reserve(sent.size());
        for (const std::uint32_t at : sent)
          part.push_back(image[at]);
        encryptPart(layout.ring, keys.secret, part, sent, layout.spec.bits, uniform, noise, writer);
      } else {
        encrypt(layout.ring, keys.secret, image, layout.spec.bits, uniform, noise, writer);
      }
      writer.flush();
    });
  });
}

Ring openAll(Session &session, const Layout &layout, FlowScheduler::PieceReader pieces) {
  const KeyHalf &keys = session.heKeys()->of(layout.plan.keys());
  const unsigned bits = layout.spec.bits;
  Ring result(layout.results());
  const auto bytes = [&](std::uint64_t unit) { return layout.unitBytes(unit); };
  inPieces(layout.units(), kRepliesAtOnce, bytes, [&](std::uint64_t first, const auto &offsets) {
    forUnits(first, offsets, pieces.next(offsets.back()), [&](std::uint64_t unit, auto message) {
      for (std::size_t t = 0; t < layout.positions.size(); ++t) {
        const Encoding::Results results = layout.results(unit, t);
        const std::size_t size = layout.plan.outputBytes(layout.spec, results.elements.size());
        BitReader reader(message.first(size));
        message = message.subspan(size);
        const std::vector<std::uint64_t> opened = openReply(
            layout.ring, keys.secret, results.coefficients, bits, layout.plan.budget, reader);
        for (std::size_t k = 0; k < opened.size(); ++k)
          result[results.elements[k]] = decode(opened[k], bits, layout.plan.budget);
      }
    });
  });
  return result;
}

} // namespace

Task<Ring> linear(Session &session, LinearSpec spec, Ring values,
                  std::span<const std::int64_t> weights) {
  const std::uint64_t results =
      spec.images * spec.groups * spec.filters * spec.output[0] * spec.output[1];
  if (spec.empty())
    co_return Ring(results);
  const Cost cost = linearCost(spec); // refuses what has no plan
  const LinearPlan plan = planFor(spec).value_or(LinearPlan{});
  DYAD_REQUIRE(session.heKeys() != nullptr, kOutOfRange,
               "the session has no RLWE keys: its set-up has to make them");
  const Layout layout(spec, plan);
  if (session.isServer()) {
    requireSameSize(weights.size(),
                    spec.groups * spec.filters * spec.channels * spec.kernel[0] * spec.kernel[1]);
    Server server(session, layout, weights);
    server.receiveAll(co_await session.flows().tickInPieces(cost.ticks[0].toServer));
    Ring shares = server.replyAll();
    co_await session.flows().tick();
    co_return shares;
  }
  requireSameSize(values.size(),
                  spec.images * spec.groups * spec.channels * spec.input[0] * spec.input[1]);
  encryptAll(session, layout, values);
  co_await session.flows().tick();
  co_return openAll(session, layout, co_await session.flows().tickInPieces(cost.ticks[1].toClient));
}

} // namespace dyad::he
