#include "orchestrator/silence_limit.h"

#include <chrono>

#include "support/catch.h"

using genkidama::Milliseconds;
using genkidama::SilenceLimit;
using namespace std::chrono_literals;

namespace {

SilenceLimit after_rounds(Milliseconds maximum, std::uint64_t rounds) {
  SilenceLimit limit(maximum);
  for (std::uint64_t i = 0; i < rounds; ++i) limit.round_ended();
  return limit;
}

}  // namespace

TEST_CASE("the limit of silence is what the user allows until the workers have shown their pace") {
  auto limit = after_rounds(600s, SilenceLimit::kRoundsToLearn - 1);
  limit.silence_ended(1ms);
  REQUIRE(limit.current() == 600s);
  limit.round_ended();
  REQUIRE(limit.current() == SilenceLimit::kLeast);
}

TEST_CASE("the limit of silence follows the longest silence that ended well") {
  auto limit = after_rounds(600s, SilenceLimit::kRoundsToLearn);
  limit.silence_ended(4s);
  limit.silence_ended(1s);
  REQUIRE(limit.current() == 80s);
  limit.silence_ended(5s);
  REQUIRE(limit.current() == 100s);
}

TEST_CASE("the limit of silence never exceeds what the user allows, however slow the workers are") {
  auto limit = after_rounds(600s, SilenceLimit::kRoundsToLearn);
  limit.silence_ended(500s);
  REQUIRE(limit.current() == 600s);
  REQUIRE(after_rounds(5s, SilenceLimit::kRoundsToLearn).current() == 5s);
}
