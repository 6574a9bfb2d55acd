#include "orchestrator/patience.h"

#include <chrono>

#include "support/catch.h"

using genkidama::Milliseconds;
using genkidama::Patience;
using namespace std::chrono_literals;

namespace {

Patience after_rounds(Milliseconds most, std::uint64_t rounds) {
  Patience patience(most);
  for (std::uint64_t i = 0; i < rounds; ++i) patience.round_ended();
  return patience;
}

}  // namespace

TEST_CASE("patience is what the user allows until the workers have shown their pace") {
  auto patience = after_rounds(600s, Patience::kRoundsToLearn - 1);
  patience.silence_ended(1ms);
  REQUIRE(patience.span() == 600s);
  patience.round_ended();
  REQUIRE(patience.span() == Patience::kLeast);
}

TEST_CASE("patience follows the longest silence that ended well") {
  auto patience = after_rounds(600s, Patience::kRoundsToLearn);
  patience.silence_ended(4s);
  patience.silence_ended(1s);
  REQUIRE(patience.span() == 80s);
  patience.silence_ended(5s);
  REQUIRE(patience.span() == 100s);
}

TEST_CASE("patience never exceeds what the user allows, however slow the workers are") {
  auto patience = after_rounds(600s, Patience::kRoundsToLearn);
  patience.silence_ended(500s);
  REQUIRE(patience.span() == 600s);
  REQUIRE(after_rounds(5s, Patience::kRoundsToLearn).span() == 5s);
}
