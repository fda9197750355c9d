// SPDX-License-Identifier: Apache-2.0
// Two ends of a connection inside one process, for tests: one thread at each end.
#pragma once

#include "runtime/net/channel.h"

#include <chrono>
#include <memory>
#include <utility>

namespace dyad {

/// A pair of connected channels. An end that is destroyed or closed makes the other end's receive
/// fail with kPeerClosed once it has read what was sent; silence past `timeout` is kTimeout.
std::pair<std::unique_ptr<Channel>, std::unique_ptr<Channel>>
makeMemoryChannels(std::chrono::milliseconds timeout = std::chrono::seconds(120));

} // namespace dyad
