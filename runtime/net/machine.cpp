// SPDX-License-Identifier: Apache-2.0
// See machine.h.
#include "runtime/net/machine.h"

#include <array>

namespace dyad {

std::span<const MachineField> machineFields() {
  using P = MachineProfile;
  static constexpr auto kFields = std::to_array<MachineField>({
      {"setup", &P::setup},
      {"flow", &P::flow},
      {"byte", &P::byte},
      {"operation", &P::operation},
      {"softspoken_cot", &P::softSpokenCot},
      {"silent_cot", &P::silentCot},
      {"silent_leaf", &P::silentLeaf},
      {"comparison_cot", &P::comparisonCot},
      {"product_cot", &P::productCot},
      {"function_cot", &P::functionCot},
      {"he_layer", &P::heLayer},
      {"he_product", &P::heProduct},
      {"he_spread", &P::heSpread},
      {"he_input", &P::heInput},
      {"he_output", &P::heOutput},
      {"he_automorphism", &P::heAutomorphism},
      {"he_key", &P::heKey},
      {"clear_product", &P::clearProduct},
  });
  return kFields;
}

} // namespace dyad
