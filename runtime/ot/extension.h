// SPDX-License-Identifier: Apache-2.0
// Extension of a few base OTs to as many correlated OTs as wanted, by messages in proportion: the
// interface and its implementation SoftSpoken (softspoken.cpp). Silent OT (ferret.h) starts from
// what this makes.
#pragma once

#include "runtime/crypto/block.h"
#include "runtime/crypto/prg.h"
#include "runtime/net/flow_scheduler.h"
#include "runtime/ot/stock_cost.h"

#include <cstddef>
#include <memory>
#include <span>

namespace dyad {

/// Functionality  sender: Delta with lowest bit 1, q_i with lowest bit 0; receiver: t_i = q_i ^
///                r_i Delta for random r_i, which is thus the lowest bit of t_i.
/// Shapes         extend(out): out.size() a multiple of kExtensionBlock, the same at both parties.
/// Security       semi-honest.
class CotExtensionSender {
public:
  virtual ~CotExtensionSender() = default;
  virtual Task<void> setup(FlowScheduler &flows, Prg &prg) = 0;
  virtual Block delta() const = 0;
  virtual Task<void> extend(FlowScheduler &flows, std::span<Block> q) = 0;
};

class CotExtensionReceiver {
public:
  virtual ~CotExtensionReceiver() = default;
  virtual Task<void> setup(FlowScheduler &flows, Prg &prg) = 0;
  virtual Task<void> extend(FlowScheduler &flows, std::span<Block> t) = 0;
};

/// Roy, SoftSpokenOT (CRYPTO 2022), without the checks that malicious security needs; k = 1 is
/// Ishai, Kilian, Nissim, Petrank (CRYPTO 2003).
std::unique_ptr<CotExtensionSender> makeSoftSpokenSender(SoftSpokenParameters parameters);
std::unique_ptr<CotExtensionReceiver> makeSoftSpokenReceiver(SoftSpokenParameters parameters);

} // namespace dyad
