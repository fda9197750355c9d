// SPDX-License-Identifier: Apache-2.0
// What generated programs include stays light: they compile in seconds whatever their size.
#include "runtime/party/program.h"
#include "runtime/party/reference.h"

#if defined(INCLUDE_NLOHMANN_JSON_HPP_) || defined(CLI11_VERSION) || defined(sodium_H) ||          \
    defined(_GLIBCXX_IOSTREAM) || defined(_GLIBCXX_THREAD) || defined(_GLIBCXX_FSTREAM)
#error "program.h and reference.h must not bring in parsers, crypto libraries or streams"
#endif

#include <catch2/catch.hpp>

#include <type_traits>

TEST_CASE("a program's description is constant data", "[party]") {
  static_assert(std::is_trivially_destructible_v<dyad::ProgramInfo>);
  static_assert(std::is_trivially_destructible_v<dyad::WeightInfo>);
  constexpr dyad::WeightInfo kWeight{.name = "w", .shape = {2, 3, 4}};
  static_assert(kWeight.shape.elements() == 24);
  static_assert(dyad::StaticShape{}.elements() == 1);
  CHECK(kWeight.shape.sizes().size() == 3);
}
