// SPDX-License-Identifier: Apache-2.0
// See hash.h.
#include "runtime/crypto/hash.h"

#include "runtime/crypto/kernels.h"

#include <algorithm>

namespace dyad {

void CotHash::expand(std::uint64_t first, std::span<const Block> x, std::size_t blocks,
                     Block *out) const {
  expandOffset(first, x, Block{}, blocks, out);
}

void CotHash::expandOffset(std::uint64_t first, std::span<const Block> x, Block offset,
                           std::size_t blocks, Block *out) const {
  const Kernels &kernel = kernels();
  std::size_t done = 0;
  while (done < x.size()) {
    const std::uint64_t number = first + done;
    const std::size_t count =
        std::min<std::size_t>(x.size() - done, kCotsPerKey - number % kCotsPerKey);
    Block key;
    kernel.counterMode(session_, number / kCotsPerKey, 1, &key);
    kernel.hash(expandKey(key), number, x.data() + done, offset, count, blocks,
                out + done * blocks);
    done += count;
  }
}

} // namespace dyad
