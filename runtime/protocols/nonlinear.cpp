// SPDX-License-Identifier: Apache-2.0
// See nonlinear.h.
#include "runtime/protocols/nonlinear.h"

#include "runtime/protocols/batches.h"
#include "runtime/protocols/comparison.h"
#include "runtime/protocols/selection.h"

#include <utility>

namespace dyad {

Task<Ring> relu(Session &session, Ring share, unsigned width, Radix radix) {
  if (share.size() > kBatch)
    co_return co_await inBatches(std::move(share), [&session, width, radix](Ring part) {
      return relu(session, std::move(part), width, radix);
    });
  BitVec bit = co_await nonNegative(session, share, width, radix);
  co_return co_await multiplex(session, std::move(bit), std::move(share), width);
}

Task<Ring> absolute(Session &session, Ring share, unsigned width, Radix radix) {
  if (share.size() > kBatch)
    co_return co_await inBatches(std::move(share), [&session, width, radix](Ring part) {
      return absolute(session, std::move(part), width, radix);
    });
  BitVec sign = co_await msb(session, share, width, radix);
  if (width == 1)
    co_return share;
  // The selected value is doubled, so its top bit does not count.
  const Ring negative =
      co_await multiplex(session, std::move(sign), reduced(share, width - 1), width - 1);
  co_return subtracted(std::move(share), scaled(negative, 2, width), width);
}

Task<Ring> clip(Session &session, Ring share, std::uint64_t low, std::uint64_t high, unsigned width,
                Radix radix) {
  requireWidth(width);
  const std::size_t n = share.size();
  const std::uint64_t mask = ringMask(width);
  Ring above = plusPublic(session, share, -low & mask, width);
  const Ring aboveHigh = plusPublic(session, std::move(share), -high & mask, width);
  above.insert(above.end(), aboveHigh.begin(), aboveHigh.end());
  const Ring parts = co_await relu(session, std::move(above), width, radix);
  Ring result(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(n));
  result = subtracted(std::move(result), RingSpan(parts).subspan(n), width);
  co_return plusPublic(session, std::move(result), low, width);
}

Task<Ring> selectBySign(Session &session, Ring x, unsigned width, Ring a, Ring b,
                        unsigned resultWidth, Radix radix) {
  requireSameSize(x.size(), a.size());
  requireSameSize(x.size(), b.size());
  BitVec bit = co_await nonNegative(session, std::move(x), width, radix);
  co_return co_await select(session, std::move(bit), std::move(a), std::move(b), resultWidth);
}

Task<Ring> maximum(Session &session, Ring a, Ring b, unsigned width, Radix radix) {
  Ring excess = co_await relu(session, subtracted(std::move(a), b, width), width, radix);
  co_return added(std::move(excess), b, width);
}

Task<Ring> minimum(Session &session, Ring a, Ring b, unsigned width, Radix radix) {
  const Ring excess = co_await relu(session, subtracted(a, b, width), width, radix);
  co_return subtracted(std::move(a), excess, width);
}

namespace {

std::size_t groupsOf(const Ring &share, std::size_t size) {
  DYAD_REQUIRE(size != 0 && share.size() % size == 0, kShapeMismatch,
               "{} elements do not split into groups of {}", share.size(), size);
  return share.size() / size;
}

/// One level of a tree over groups of `size` elements: neighbours apart, a last one left over.
struct Neighbours {
  Ring left, right;
};
Neighbours neighboursOf(const Ring &x, std::size_t groups, std::size_t size) {
  Neighbours pairs;
  pairs.left.reserve(groups * (size / 2));
  pairs.right.reserve(groups * (size / 2));
  for (std::size_t g = 0; g < groups; ++g)
    for (std::size_t j = 0; j + 1 < size; j += 2) {
      pairs.left.push_back(x[g * size + j]);
      pairs.right.push_back(x[g * size + j + 1]);
    }
  return pairs;
}
/// The next level: a winner per pair, then the element left over.
Ring winners(const Ring &x, const Ring &won, std::size_t groups, std::size_t size) {
  Ring next;
  next.reserve(groups * ((size + 1) / 2));
  for (std::size_t g = 0; g < groups; ++g) {
    for (std::size_t j = 0; j < size / 2; ++j)
      next.push_back(won[g * (size / 2) + j]);
    if (size % 2 != 0)
      next.push_back(x[(g + 1) * size - 1]);
  }
  return next;
}

} // namespace

Task<Ring> maximumOver(Session &session, Ring share, std::size_t size, unsigned width,
                       Radix radix) {
  requireWidth(width);
  const std::size_t groups = groupsOf(share, size);
  for (; size > 1; size = (size + 1) / 2) {
    Neighbours pairs = neighboursOf(share, groups, size);
    const Ring won =
        co_await maximum(session, std::move(pairs.left), std::move(pairs.right), width, radix);
    share = winners(share, won, groups, size);
  }
  co_return share;
}

Task<Ring> argmaxOver(Session &session, Ring share, std::size_t size, unsigned width, Radix radix) {
  requireWidth(width);
  const std::size_t groups = groupsOf(share, size);
  const unsigned indexBits = indexWidth(size);
  Ring index(share.size(), 0);
  if (session.isServer())
    for (std::size_t i = 0; i < index.size(); ++i)
      index[i] = i % size;
  for (; size > 1; size = (size + 1) / 2) {
    const Neighbours values = neighboursOf(share, groups, size);
    const Neighbours indices = neighboursOf(index, groups, size);
    const Ring difference = subtracted(values.left, values.right, width);
    BitVec keepLeft = co_await nonNegative(session, difference, width, radix);
    std::vector<SelectedValue> moved;
    if (size > 2)
      moved.push_back({difference, width});
    moved.push_back({subtracted(indices.left, indices.right, indexBits), indexBits});
    const std::vector<Ring> chosen =
        co_await multiplex(session, std::move(keepLeft), std::move(moved));
    index = winners(index, added(chosen.back(), indices.right, indexBits), groups, size);
    if (size > 2)
      share = winners(share, added(chosen.front(), values.right, width), groups, size);
  }
  co_return index;
}

} // namespace dyad
