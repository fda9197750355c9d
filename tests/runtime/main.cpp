// SPDX-License-Identifier: Apache-2.0
// Catch2's main, shared by the runtime's test executables.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
