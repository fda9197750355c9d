// SPDX-License-Identifier: Apache-2.0
// Who knows a value in the clear.
#pragma once

#include <cstdint>

namespace dyad {

/// Who knows a value from the beginning (inputs, weights), or learns it (outputs; public: both).
enum class Owner : std::uint8_t { kPublic, kServer, kClient };

} // namespace dyad
