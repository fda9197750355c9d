// SPDX-License-Identifier: Apache-2.0
// See linear_layer.h. The server walks through outputs and primes, transforms each weight
// polynomial once, when it is needed, and multiplies it with that ciphertext of all tiles: no table
// of transformed weights is ever held.
#include "runtime/he/linear_layer.h"

#include "runtime/he/encoding.h"
#include "runtime/he/keys.h"
#include "runtime/he/scheme.h"
#include "runtime/protocols/ring.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace dyad::he {
namespace {

/// Sums of products modulo one prime, for both halves of a ciphertext.
struct Accumulators {
  std::vector<std::uint64_t> low0, high0, low1, high1;
  explicit Accumulators(std::size_t degree)
      : low0(degree), high0(degree), low1(degree), high1(degree) {}
  void clear() {
    for (auto *x : {&low0, &high0, &low1, &high1})
      std::fill(x->begin(), x->end(), 0);
  }
  void add(const std::uint64_t *c0, const std::uint64_t *c1, const std::uint64_t *factor) {
    ringKernels().accumulate(c0, factor, low0.data(), high0.data(), low0.size());
    ringKernels().accumulate(c1, factor, low1.data(), high1.data(), low1.size());
  }
  void addScaled(const std::uint64_t *c0, const std::uint64_t *c1, std::uint64_t factor) {
    ringKernels().accumulateScaled(c0, factor, low0.data(), high0.data(), low0.size());
    ringKernels().accumulateScaled(c1, factor, low1.data(), high1.data(), low1.size());
  }
  /// Makes room for more products.
  void fold(const TransformTables &tables) {
    ringKernels().reduce(tables, low0.data(), high0.data(), low0.data());
    ringKernels().reduce(tables, low1.data(), high1.data(), low1.data());
    std::fill(high0.begin(), high0.end(), 0);
    std::fill(high1.begin(), high1.end(), 0);
  }
};

std::uint64_t residueOf(std::int64_t weight, std::uint64_t p) {
  return static_cast<std::uint64_t>(weight) + (p & static_cast<std::uint64_t>(weight >> 63));
}

/// Transforms weight polynomials modulo one prime after the other. Those of kernels of one tap have
/// powers of X^(2^a b) only, b odd: their values are those of a polynomial in Y = X^(2^a b) at the
/// odd powers of a root of order 2N / 2^a, each 2^a times, and transforming that one is less work.
class WeightTransform {
public:
  WeightTransform(const RingContext &ring, const LinearPlan &plan, const Encoding &encoding)
      : ring_(ring), factor_(ring.degree()) {
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
    small_.resize(size);
    index_.resize(ring.degree());
    const auto bits = static_cast<unsigned>(std::countr_zero(ring.degree()));
    const std::uint64_t odd = plan.plane() >> halvings;
    for (std::size_t i = 0; i < ring.degree(); ++i) {
      const std::uint64_t power = (2 * bitReversed(i, bits) + 1) * odd % (2 * size);
      index_[i] = static_cast<std::uint32_t>(bitReversed(power / 2, bits - halvings));
    }
  }

  /// `fill(set)` calls set(coefficient, residue).
  template <typename Fill> const std::uint64_t *operator()(unsigned prime, Fill &&fill) {
    std::vector<std::uint64_t> &into = step_ == 1 ? factor_ : small_;
    std::fill(into.begin(), into.begin() + static_cast<std::ptrdiff_t>(nonzero_), 0);
    fill([&](std::uint64_t coefficient, std::uint64_t residue) {
      into[step_ == 1 ? coefficient : coefficient / step_] = residue;
    });
    ringKernels().forward(ring_.smaller(prime, halvings_), into.data(), nonzero_);
    if (step_ != 1)
      ringKernels().gather(small_.data(), index_.data(), factor_.data(), factor_.size());
    return factor_.data();
  }

private:
  const RingContext &ring_;
  std::vector<std::uint64_t> factor_;
  std::vector<std::uint64_t> small_;
  std::vector<std::uint32_t> index_;
  std::uint64_t step_ = 1;
  unsigned halvings_ = 0;
  std::size_t nonzero_ = 0;
};

class Server {
public:
  Server(Session &session, const LinearSpec &spec, const LinearPlan &plan,
         std::span<const std::int64_t> weights)
      : session_(session), spec_(spec), plan_(plan), encoding_(spec, plan),
        ring_(RingContext::of(parameterSet(plan.set))), keys_(session.heKeys()->of(plan.set)),
        transform_(ring_, plan, encoding_), weights_(weights) {}

  /// The groups' ciphertexts, as they arrived.
  void receiveAll(std::span<const std::uint8_t> message) {
    Block seed;
    std::memcpy(&seed, message.data(), sizeof(seed));
    Prg stream(seed);
    BitReader reader(message.subspan(sizeof(seed)));
    const std::uint64_t count = plan_.positions(spec_) * plan_.inputs;
    ciphertexts_.reserve(count);
    for (std::uint64_t i = 0; i < count; ++i)
      ciphertexts_.push_back(receive(ring_, stream, reader));
  }

  Ring replyAll(std::span<std::uint8_t> message) {
    BitWriter writer(message);
    Ring shares(spec_.images * spec_.groups * spec_.filters * spec_.output[0] * spec_.output[1]);
    for (std::uint64_t group = 0; group < spec_.groups; ++group) {
      const std::vector<Position> positions = encoding_.positionsOf(group);
      const Ciphertext *const from = ciphertexts_.data() + group * positions.size() * plan_.inputs;
      for (std::uint64_t output = 0; output < plan_.outputs; ++output) {
        std::vector<Ciphertext> products = multiplyAll(from, positions.size(), group, output);
        for (std::size_t t = 0; t < positions.size(); ++t) {
          ring_.inverse(products[t].c0);
          ring_.inverse(products[t].c1);
          const Encoding::Results results = encoding_.results(positions[t], output);
          const std::vector<std::uint64_t> mine =
              reply(ring_, std::move(products[t]), results.coefficients, spec_.bits, plan_.budget,
                    session_.prg(), writer);
          for (std::size_t k = 0; k < mine.size(); ++k)
            shares[results.elements[k]] = mine[k];
        }
      }
    }
    writer.flush();
    return shares;
  }

private:
  // Output `output` of all tiles of a group, with an encryption of zero added to each.
  std::vector<Ciphertext> multiplyAll(const Ciphertext *from, std::size_t positions,
                                      std::uint64_t group, std::uint64_t output) {
    const std::size_t degree = ring_.degree();
    std::vector<Ciphertext> products(positions);
    std::vector<Polynomial> zeros;
    for (Ciphertext &product : products) {
      product.c0.resize(ring_.words());
      product.c1.resize(ring_.words());
      zeros.push_back(zeroFactor(ring_, session_.prg()));
    }
    while (sums_.size() < positions)
      sums_.emplace_back(degree);
    for (unsigned i = 0; i < ring_.primes(); ++i) {
      const std::size_t at = i * degree;
      for (std::size_t t = 0; t < positions; ++t) {
        sums_[t].clear();
        sums_[t].add(keys_.public0.data() + at, keys_.public1.data() + at, zeros[t].data() + at);
      }
      std::size_t added = 1;
      for (std::uint64_t input = 0; input < plan_.inputs; ++input) {
        const std::uint64_t p = ring_.prime(i);
        std::uint64_t number = 0;
        const std::uint64_t *factor = nullptr;
        if (encoding_.scalar())
          encoding_.kernel(weights_, group, input, output,
                           [&](std::uint64_t, std::int64_t w) { number = residueOf(w, p); });
        else
          factor = transform_(i, [&](auto &&set) {
            encoding_.kernel(weights_, group, input, output,
                             [&](std::uint64_t at, std::int64_t w) { set(at, residueOf(w, p)); });
          });
        const bool full = ++added == kMaxProducts;
        for (std::size_t t = 0; t < positions; ++t) {
          const Ciphertext &ciphertext = from[t * plan_.inputs + input];
          if (encoding_.scalar())
            sums_[t].addScaled(ciphertext.c0.data() + at, ciphertext.c1.data() + at, number);
          else
            sums_[t].add(ciphertext.c0.data() + at, ciphertext.c1.data() + at, factor);
          if (full)
            sums_[t].fold(ring_.tables(i));
        }
        if (full)
          added = 1;
      }
      for (std::size_t t = 0; t < positions; ++t) {
        const Accumulators &sum = sums_[t];
        ringKernels().reduce(ring_.tables(i), sum.low0.data(), sum.high0.data(),
                             products[t].c0.data() + at);
        ringKernels().reduce(ring_.tables(i), sum.low1.data(), sum.high1.data(),
                             products[t].c1.data() + at);
      }
    }
    return products;
  }

  Session &session_;
  const LinearSpec &spec_;
  const LinearPlan &plan_;
  Encoding encoding_;
  const RingContext &ring_;
  const KeyHalf &keys_;
  WeightTransform transform_;
  std::span<const std::int64_t> weights_;
  std::vector<Ciphertext> ciphertexts_;
  std::vector<Accumulators> sums_;
};

void encryptAll(Session &session, const LinearSpec &spec, const LinearPlan &plan,
                const Ring &values, std::span<std::uint8_t> message) {
  const RingContext &ring = RingContext::of(parameterSet(plan.set));
  const KeyHalf &keys = session.heKeys()->of(plan.set);
  const Encoding encoding(spec, plan);
  const Block seed = session.prg().block();
  std::memcpy(message.data(), &seed, sizeof(seed));
  Prg stream(seed);
  BitWriter writer(message.subspan(sizeof(seed)));
  for (std::uint64_t group = 0; group < spec.groups; ++group)
    for (const Position &position : encoding.positionsOf(group))
      for (std::uint64_t input = 0; input < plan.inputs; ++input)
        encrypt(ring, keys.secret, encoding.image(values, position, input), spec.bits, stream,
                session.prg(), writer);
  writer.flush();
}

Ring openAll(Session &session, const LinearSpec &spec, const LinearPlan &plan,
             std::span<const std::uint8_t> message) {
  const RingContext &ring = RingContext::of(parameterSet(plan.set));
  const KeyHalf &keys = session.heKeys()->of(plan.set);
  const Encoding encoding(spec, plan);
  BitReader reader(message);
  Ring result(spec.images * spec.groups * spec.filters * spec.output[0] * spec.output[1]);
  for (std::uint64_t group = 0; group < spec.groups; ++group)
    for (std::uint64_t output = 0; output < plan.outputs; ++output)
      for (const Position &position : encoding.positionsOf(group)) {
        const Encoding::Results results = encoding.results(position, output);
        const std::vector<std::uint64_t> opened =
            openReply(ring, keys.secret, results.coefficients, spec.bits, plan.budget, reader);
        for (std::size_t k = 0; k < opened.size(); ++k)
          result[results.elements[k]] = decode(opened[k], spec.bits, plan.budget);
      }
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
  if (session.isServer()) {
    requireSameSize(weights.size(),
                    spec.groups * spec.filters * spec.channels * spec.kernel[0] * spec.kernel[1]);
    Server server(session, spec, plan, weights);
    server.receiveAll(co_await session.flows().tick(cost.ticks[0].toServer));
    Ring shares = server.replyAll(session.flows().sendBuffer(cost.ticks[1].toClient));
    co_await session.flows().tick();
    co_return shares;
  }
  requireSameSize(values.size(),
                  spec.images * spec.groups * spec.channels * spec.input[0] * spec.input[1]);
  encryptAll(session, spec, plan, values, session.flows().sendBuffer(cost.ticks[0].toServer));
  co_await session.flows().tick();
  co_return openAll(session, spec, plan, co_await session.flows().tick(cost.ticks[1].toClient));
}

} // namespace dyad::he
