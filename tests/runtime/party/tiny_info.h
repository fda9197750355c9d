// SPDX-License-Identifier: Apache-2.0
// A program as the compiler would write it, small enough to check by hand: y = relu(nearest((x W +
// b) / 2^8)) for x of 1x4 with 8 fraction bits, W of 4x3 in 8 bits, b of 1x3 with 16 fraction bits.
#pragma once

#include "runtime/party/program_info.h"

namespace dyad::tiny {

inline constexpr unsigned kWide = 32;
inline constexpr unsigned kNarrow = 24;
inline constexpr unsigned kShift = 8;

inline constexpr InputInfo kInputs[] = {{.name = "x",
                                         .shape = {1, 4},
                                         .owner = Owner::kClient,
                                         .bits = 12,
                                         .isSigned = true,
                                         .fraction = 8,
                                         .low = -7.5,
                                         .high = 7.5}};
inline constexpr OutputInfo kOutputs[] = {{.name = "y",
                                           .shape = {1, 3},
                                           .receiver = Owner::kClient,
                                           .bits = kNarrow,
                                           .isSigned = true,
                                           .fraction = 8,
                                           .integer = false}};
inline constexpr WeightInfo kWeights[] = {{.name = "fc.weight",
                                           .shape = {4, 3},
                                           .bits = 8,
                                           .isSigned = true,
                                           .storageBits = 8,
                                           .owner = Owner::kServer},
                                          {.name = "fc.bias",
                                           .shape = {1, 3},
                                           .bits = 18,
                                           .isSigned = true,
                                           .storageBits = 32,
                                           .owner = Owner::kServer}};

#ifdef DYAD_TEST_OTHER_PROGRAM
inline constexpr std::string_view kHash =
    "1111111111111111111111111111111111111111111111111111111111111111";
#else
inline constexpr std::string_view kHash =
    "7c9a1f0b5e2d4c3886f7a0b1c2d3e4f5061728394a5b6c7d8e9fa0b1c2d3e4f5";
#endif

} // namespace dyad::tiny
