// SPDX-License-Identifier: Apache-2.0
// See primitives.h.
#include "benchmarks/harness/primitives.h"

#include "runtime/net/error.h"
#include "runtime/protocols/comparison.h"
#include "runtime/protocols/multiplication.h"
#include "runtime/protocols/nonlinear.h"
#include "runtime/protocols/selection.h"
#include "runtime/protocols/truncation.h"
#include "runtime/tensor/maxima.h"

#include <algorithm>
#include <numeric>

namespace dyad::bench {
namespace {

constexpr unsigned kShift = 12;
constexpr unsigned kWideShift = 16; // of the peers' tables

std::int64_t asSigned(std::uint64_t x, unsigned bits) {
  return static_cast<std::int64_t>(x << (64 - bits)) >> (64 - bits);
}

BitVec toBits(const Ring &ring) {
  BitVec bits(ring.size());
  for (std::size_t i = 0; i < ring.size(); ++i)
    bits.set(i, (ring[i] & 1) != 0);
  return bits;
}

Ring toRing(const BitVec &bits) {
  Ring ring(bits.size());
  for (std::size_t i = 0; i < ring.size(); ++i)
    ring[i] = bits[i] ? 1 : 0;
  return ring;
}

template <typename Function> Ring mapped(const Ring &x, unsigned resultBits, Function &&f) {
  Ring result(x.size());
  std::transform(x.begin(), x.end(), result.begin(),
                 [&](std::uint64_t value) { return f(value) & ringMask(resultBits); });
  return result;
}

// One operand, one result for each of its elements.
Primitive elementwise(std::string name, unsigned bits, unsigned resultBits, std::string what) {
  Primitive primitive;
  primitive.name = std::move(name);
  primitive.bits = bits;
  primitive.what = std::move(what);
  primitive.operandBits = {bits};
  primitive.resultBits = resultBits;
  primitive.elements = [](std::uint64_t n) { return n; };
  primitive.limit = [](std::vector<Ring> &) {};
  primitive.operandSizes = [](std::uint64_t n) { return std::vector<std::uint64_t>{n}; };
  return primitive;
}

// Two operands of the same size.
Primitive binary(std::string name, unsigned bits, unsigned otherBits, std::string what) {
  Primitive primitive = elementwise(std::move(name), bits, bits, std::move(what));
  primitive.operandBits = {bits, otherBits};
  primitive.operandSizes = [](std::uint64_t n) { return std::vector<std::uint64_t>{n, n}; };
  return primitive;
}

Task<Ring> dreluTask(Session &session, Operands x, unsigned bits) {
  co_return toRing(co_await nonNegative(session, std::move(x.shares[0]), bits));
}

Primitive drelu(unsigned bits) {
  Primitive p = elementwise("drelu", bits, 1, "sign: [x >= 0]");
  p.cost = [=](std::uint64_t n) { return nonNegativeCost(n, bits); };
  p.run = [=](Session &s, Operands x) { return dreluTask(s, std::move(x), bits); };
  p.expected = [=](const std::vector<Ring> &x) {
    return mapped(x[0], 1, [=](std::uint64_t v) { return asSigned(v, bits) >= 0 ? 1 : 0; });
  };
  return p;
}

Primitive reluOf(unsigned bits) {
  Primitive p = elementwise("relu", bits, bits, "max(x, 0)");
  p.cost = [=](std::uint64_t n) { return reluCost(n, bits); };
  p.run = [=](Session &s, Operands x) { return relu(s, std::move(x.shares[0]), bits); };
  p.expected = [=](const std::vector<Ring> &x) {
    return mapped(x[0], bits,
                  [=](std::uint64_t v) { return asSigned(v, bits) >= 0 ? v : std::uint64_t{0}; });
  };
  return p;
}

Ring expectedRequantisedRelu(const Ring &x, unsigned bits) {
  return mapped(x, bits, [=](std::uint64_t v) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(asSigned(v, bits) >> kShift, 0));
  });
}

Task<Ring> unfusedTask(Session &session, Ring x, unsigned bits) {
  const unsigned narrow = bits - kShift;
  x = co_await truncateReduce(session, std::move(x), bits, kShift, Rounding::kFloor);
  x = co_await relu(session, std::move(x), narrow);
  co_return co_await extendSigned(session, std::move(x), narrow, bits, SignFact::kNonNegative);
}

Primitive requantiseRelu(unsigned bits, bool fused) {
  Primitive p = elementwise(fused ? "requantise-relu-fused" : "requantise-relu", bits, bits,
                            fused ? "by 12, ReLU and back to the ring in one comparison"
                                  : "truncate-and-reduce by 12, ReLU, extension of the known sign");
  p.cost = [=](std::uint64_t n) {
    const unsigned narrow = bits - kShift;
    if (fused)
      return truncateReluCost(n, bits, kShift, bits);
    return Cost(truncateReduceCost(n, bits, kShift))
        .then(reluCost(n, narrow))
        .then(extendSignedCost(n, narrow, bits, SignFact::kNonNegative));
  };
  p.run = [=](Session &s, Operands x) {
    return fused ? truncateRelu(s, std::move(x.shares[0]), bits, kShift, Rounding::kFloor, bits)
                 : unfusedTask(s, std::move(x.shares[0]), bits);
  };
  p.expected = [=](const std::vector<Ring> &x) { return expectedRequantisedRelu(x[0], bits); };
  return p;
}

Primitive truncation(std::string name, unsigned bits, unsigned shift, SignFact fact,
                     std::string what) {
  Primitive p = elementwise(std::move(name), bits, bits, std::move(what));
  if (fact == SignFact::kSmall)
    p.limit = [=](std::vector<Ring> &x) { // to a quarter of the ring around zero
      for (std::uint64_t &v : x[0])
        v = static_cast<std::uint64_t>(asSigned(v, bits - 1)) & ringMask(bits);
    };
  if (fact == SignFact::kNonNegative)
    p.limit = [=](std::vector<Ring> &x) {
      for (std::uint64_t &v : x[0])
        v &= ringMask(bits - 1);
    };
  p.cost = [=](std::uint64_t n) { return truncateCost(n, bits, shift, fact); };
  p.run = [=](Session &s, Operands x) {
    return truncate(s, std::move(x.shares[0]), bits, shift, fact, Rounding::kFloor);
  };
  p.expected = [=](const std::vector<Ring> &x) {
    return mapped(x[0], bits, [=](std::uint64_t v) {
      return static_cast<std::uint64_t>(asSigned(v, bits) >> shift);
    });
  };
  return p;
}

Primitive truncateAndReduce(unsigned bits, unsigned shift) {
  Primitive p = elementwise(fmt::format("truncate-reduce-{}", shift), bits, bits - shift,
                            "into the ring narrower by the shift");
  p.cost = [=](std::uint64_t n) { return truncateReduceCost(n, bits, shift); };
  p.run = [=](Session &s, Operands x) {
    return truncateReduce(s, std::move(x.shares[0]), bits, shift, Rounding::kFloor);
  };
  p.expected = [=](const std::vector<Ring> &x) {
    return mapped(x[0], bits - shift, [=](std::uint64_t v) { return v >> shift; });
  };
  return p;
}

Primitive extension(unsigned from, unsigned to, SignFact fact) {
  const bool known = fact == SignFact::kNonNegative;
  Primitive p = elementwise(fmt::format("extend{}-{}", known ? "-known" : "", from), to, to,
                            known ? "of a value whose sign is known" : "of any signed value");
  p.operandBits = {from};
  if (known)
    p.limit = [=](std::vector<Ring> &x) {
      for (std::uint64_t &v : x[0])
        v &= ringMask(from - 1);
    };
  p.cost = [=](std::uint64_t n) { return extendSignedCost(n, from, to, fact); };
  p.run = [=](Session &s, Operands x) {
    return extendSigned(s, std::move(x.shares[0]), from, to, fact);
  };
  p.expected = [=](const std::vector<Ring> &x) {
    return mapped(x[0], to,
                  [=](std::uint64_t v) { return static_cast<std::uint64_t>(asSigned(v, from)); });
  };
  return p;
}

Primitive bitConversion(unsigned bits) {
  Primitive p = elementwise("b2a", bits, bits, "a shared bit as a ring element");
  p.operandBits = {1};
  p.cost = [=](std::uint64_t n) { return bitToRingCost(n, bits); };
  p.run = [=](Session &s, Operands x) { return bitToRing(s, toBits(x.shares[0]), bits); };
  p.expected = [=](const std::vector<Ring> &x) { return x[0]; };
  return p;
}

Primitive mux(unsigned bits) {
  Primitive p = binary("mux", bits, 1, "bit ? x : 0, both shared");
  p.cost = [=](std::uint64_t n) { return multiplexCost(n, {bits}); };
  p.run = [=](Session &s, Operands x) {
    return multiplex(s, toBits(x.shares[1]), std::move(x.shares[0]), bits);
  };
  p.expected = [](const std::vector<Ring> &x) {
    Ring result = x[0];
    for (std::size_t i = 0; i < result.size(); ++i)
      result[i] = x[1][i] != 0 ? result[i] : 0;
    return result;
  };
  return p;
}

Ring productOf(const std::vector<Ring> &x, unsigned bits) {
  Ring result = x[0];
  for (std::size_t i = 0; i < result.size(); ++i)
    result[i] = result[i] * x[1][i] & ringMask(bits);
  return result;
}

Primitive sharedProduct(unsigned bits) {
  Primitive p = binary("product", bits, bits, "both factors shared");
  p.cost = [=](std::uint64_t n) { return productCost(n, bits); };
  p.run = [=](Session &s, Operands x) {
    return product(s, std::move(x.shares[0]), std::move(x.shares[1]), bits);
  };
  p.expected = [=](const std::vector<Ring> &x) { return productOf(x, bits); };
  return p;
}

Primitive privateFactors(unsigned bits) {
  Primitive p = binary("product-private", bits, bits, "each party knows one factor");
  p.cost = [=](std::uint64_t n) {
    return privateProductCost(n, {bits, false}, bits, Role::kServer);
  };
  p.run = [=](Session &s, Operands x) {
    return privateProduct(s, std::move(x.clear[s.isServer() ? 0 : 1]), {bits, false}, bits,
                          Role::kServer);
  };
  p.expected = [=](const std::vector<Ring> &x) { return productOf(x, bits); };
  return p;
}

// Differences of compared values have to fit the ring: the values take one bit less.
void keepBelowHalf(std::vector<Ring> &x, unsigned bits) {
  for (std::uint64_t &v : x[0])
    v = static_cast<std::uint64_t>(asSigned(v, bits - 1)) & ringMask(bits);
}

constexpr std::int64_t kStemSize = 112;
const PoolWindow kStemWindow{{3, 3}, {2, 2}, {1, 1, 1, 1}, {1, 1}};

Shape stemShape(std::uint64_t inputs) {
  return {1, static_cast<std::int64_t>(inputs) / (kStemSize * kStemSize), kStemSize, kStemSize};
}
std::uint64_t stemInputs(std::uint64_t outputs) {
  return outputs * 4; // 112x112 to 56x56
}

Task<Ring> maxPoolTask(Session &session, Operands x, unsigned bits) {
  Share input{stemShape(x.shares[0].size()), bits, std::move(x.shares[0])};
  const Share result = co_await maxPool2d(session, std::move(input), kStemWindow);
  co_return result.values;
}

Primitive stemPool(unsigned bits) {
  Primitive p = elementwise("max-pool-stem", bits, bits,
                            "3x3 of stride 2 over 112x112 (ResNet's first); an output");
  p.elements = [](std::uint64_t n) {
    constexpr std::uint64_t kPlane = kStemSize * kStemSize / 4;
    return std::max<std::uint64_t>(1, (n + kPlane / 2) / kPlane) * kPlane;
  };
  p.operandSizes = [](std::uint64_t n) { return std::vector<std::uint64_t>{stemInputs(n)}; };
  p.limit = [=](std::vector<Ring> &x) { keepBelowHalf(x, bits); };
  p.cost = [=](std::uint64_t n) {
    return maxPool2dCost(stemShape(stemInputs(n)), kStemWindow, bits);
  };
  p.run = [=](Session &s, Operands x) { return maxPoolTask(s, std::move(x), bits); };
  p.expected = [=](const std::vector<Ring> &x) {
    const std::int64_t planes = stemShape(x[0].size())[1];
    constexpr std::int64_t kOut = kStemSize / 2;
    Ring result;
    for (std::int64_t plane = 0; plane < planes; ++plane)
      for (std::int64_t row = 0; row < kOut; ++row)
        for (std::int64_t column = 0; column < kOut; ++column) {
          std::int64_t best = std::numeric_limits<std::int64_t>::min();
          for (std::int64_t i = std::max<std::int64_t>(0, 2 * row - 1); i <= 2 * row + 1; ++i)
            for (std::int64_t j = std::max<std::int64_t>(0, 2 * column - 1); j <= 2 * column + 1;
                 ++j)
              best = std::max(
                  best,
                  asSigned(x[0][static_cast<std::size_t>((plane * kStemSize + i) * kStemSize + j)],
                           bits));
          result.push_back(static_cast<std::uint64_t>(best) & ringMask(bits));
        }
    return result;
  };
  return p;
}

Primitive argMaxOf(unsigned bits) {
  constexpr std::uint64_t kSize = 1000;
  Primitive p = elementwise("argmax-1000", bits, indexWidth(kSize),
                            "position of the largest of 1,000; an input");
  p.elements = [](std::uint64_t n) { return std::max<std::uint64_t>(1, n / kSize) * kSize; };
  p.limit = [=](std::vector<Ring> &x) { keepBelowHalf(x, bits); };
  p.cost = [=](std::uint64_t n) { return argmaxOverCost(n / kSize, kSize, bits); };
  p.run = [=](Session &s, Operands x) {
    return argmaxOver(s, std::move(x.shares[0]), kSize, bits);
  };
  p.expected = [=](const std::vector<Ring> &x) {
    Ring result;
    for (auto group = x[0].begin(); group != x[0].end(); group += kSize)
      result.push_back(static_cast<std::uint64_t>(
          std::max_element(group, group + kSize,
                           [=](std::uint64_t a, std::uint64_t b) {
                             return asSigned(a, bits) < asSigned(b, bits);
                           }) -
          group));
    return result;
  };
  return p;
}

std::vector<Primitive> allPrimitives() {
  std::vector<Primitive> all;
  all.reserve(32);
  for (const unsigned bits : {32U, 37U, 64U})
    all.push_back(drelu(bits));
  for (const unsigned bits : {32U, 37U, 41U, 64U})
    all.push_back(reluOf(bits));
  all.push_back(requantiseRelu(32, false));
  all.push_back(requantiseRelu(32, true));
  all.push_back(truncation("truncate-12", 32, kShift, SignFact::kSmall,
                           "exact, in the ring; |x| below a quarter of it"));
  all.push_back(truncation("truncate-12-any", 32, kShift, SignFact::kUnknown,
                           "exact, in the ring; any value"));
  all.push_back(truncation("truncate-16-any", 37, kWideShift, SignFact::kUnknown,
                           "exact, in the ring; any value"));
  all.push_back(truncation("truncate-16-any", 64, kWideShift, SignFact::kUnknown,
                           "exact, in the ring; any value"));
  all.push_back(truncation("truncate-16-known", 37, kWideShift, SignFact::kNonNegative,
                           "exact, in the ring; the sign is known"));
  all.push_back(truncateAndReduce(32, kShift));
  all.push_back(truncateAndReduce(37, kWideShift));
  all.push_back(extension(20, 32, SignFact::kNonNegative));
  all.push_back(extension(20, 32, SignFact::kUnknown));
  all.push_back(extension(16, 37, SignFact::kUnknown));
  for (const unsigned bits : {32U, 37U})
    all.push_back(bitConversion(bits));
  for (const unsigned bits : {32U, 37U})
    all.push_back(mux(bits));
  for (const unsigned bits : {32U, 37U})
    all.push_back(stemPool(bits));
  for (const unsigned bits : {32U, 37U})
    all.push_back(argMaxOf(bits));
  for (const unsigned bits : {32U, 37U, 64U})
    all.push_back(sharedProduct(bits));
  for (const unsigned bits : {32U, 37U, 64U})
    all.push_back(privateFactors(bits));
  return all;
}

// The same at both parties: operands and the server's shares come from known seeds.
std::vector<Ring> clearOperands(const Primitive &primitive, std::uint64_t count) {
  Prg prg(TestSeed{count});
  const std::vector<std::uint64_t> sizes = primitive.operandSizes(count);
  std::vector<Ring> operands;
  for (std::size_t i = 0; i < sizes.size(); ++i)
    operands.push_back(prg.ring(sizes[i], primitive.operandBits[i]));
  primitive.limit(operands);
  return operands;
}

std::vector<Ring> sharesOf(const Primitive &primitive, const std::vector<Ring> &clear, Role role) {
  Prg prg(TestSeed{1});
  std::vector<Ring> shares;
  for (std::size_t i = 0; i < clear.size(); ++i) {
    const unsigned bits = primitive.operandBits[i];
    Ring server = prg.ring(clear[i].size(), bits);
    shares.push_back(role == Role::kServer ? std::move(server)
                                           : subtracted(clear[i], server, bits));
  }
  return shares;
}

} // namespace

const std::vector<Primitive> &primitives() {
  static const std::vector<Primitive> kAll = allPrimitives();
  return kAll;
}

TwoReports runPrimitive(const Primitive &primitive, std::uint64_t elements,
                        const RunOptions &options, std::uint64_t &count) {
  count = primitive.elements(elements);
  const std::uint64_t n = count;
  TwoReports reports = runTwoProcesses(options, [&primitive, n, &options](Session &session) {
    const std::vector<Ring> clear = clearOperands(primitive, n);
    const Operands operands{sharesOf(primitive, clear, session.role()), clear};
    Work work;
    work.cost = primitive.cost(n);
    work.run = [&](Session &party) { return primitive.run(party, operands); };
    return measure(session, work, options.seconds);
  });
  const Ring got = added(reports.server.result, reports.client.result, primitive.resultBits);
  DYAD_REQUIRE(got == primitive.expected(clearOperands(primitive, n)), kProtocol,
               "{} at {} bits: the result is wrong", primitive.name, primitive.bits);
  return reports;
}

} // namespace dyad::bench
