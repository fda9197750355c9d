// SPDX-License-Identifier: Apache-2.0
// See named.h.
#include "runtime/party/named.h"

#include "runtime/net/error.h"

namespace dyad::detail {

void failUnknownName(std::string_view name) {
  fail(ErrorCode::kBadInput,
       "the program uses a tensor '{}' that its own description does not list; compile it again",
       name);
}

} // namespace dyad::detail
