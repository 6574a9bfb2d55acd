#include "net/shard/shard_state.h"

#include <limits>
#include <vector>

#include "genkidama/core/error.h"
#include "support/catch.h"

using namespace genkidama;
using Catch::Contains;

namespace {

/// Subtracts rate times the gradient, and counts in the state.
void plain_step(std::span<float> weights, std::span<const float> gradient, std::span<float> state,
                std::uint64_t step, double rate) {
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] -= static_cast<float>(rate) * gradient[i];
  state[0] = static_cast<float>(step);
}

ShardContents contents(std::uint64_t steps = 0) {
  return {{1, 2}, {0}, steps, 0};
}

}  // namespace

TEST_CASE("a shard applies gradients in their order and counts steps", "[shard]") {
  ShardState state(0, contents(), plain_step);
  state.joined(1, "one", "here");
  const std::vector<float> first = {1, 1}, second = {0, 2};
  const auto fates = state.apply(1, std::vector<SliceGradient>{{0, 1, first}, {0, 0.5, second}});
  CHECK(fates == std::vector{GradientFate::kApplied, GradientFate::kApplied});
  CHECK(state.contents().weights == std::vector<float>{0, 0});
  CHECK(state.contents().optimizer_state == std::vector<float>{2});
  CHECK(state.steps() == 2);
  CHECK(state.status().gradients == 2);
  CHECK(state.status().learners.at(0).gradients == 2);
}

TEST_CASE("a shard drops gradients of weights that are too old, and counts them", "[shard]") {
  ShardState state(2, contents(10), plain_step);
  const std::vector<float> values = {1, 0};
  // Each step that is taken makes the next gradient of step 8 older.
  const auto fates = state.apply(
      1, std::vector<SliceGradient>{{8, 1, values}, {8, 1, values}, {10, 1, values}, {9, 1, values}});
  CHECK(fates == std::vector{GradientFate::kApplied, GradientFate::kStale, GradientFate::kApplied,
                             GradientFate::kStale});
  CHECK(state.steps() == 12);
  CHECK(state.contents().stale == 2);
  CHECK(state.status().stale == 2);
  CHECK(state.contents().weights == std::vector<float>{-1, 2});
  // Any age is taken without a limit, and a version that is yet to come counts as new.
  ShardState other(0, contents(10), plain_step);
  CHECK(other.apply(1, std::vector<SliceGradient>{{0, 1, values}}).front() == GradientFate::kApplied);
  ShardState restarted(1, contents(3), plain_step);
  CHECK(restarted.apply(1, std::vector<SliceGradient>{{9, 1, values}}).front() == GradientFate::kApplied);
}

TEST_CASE("a slice that an optimizer step has spoilt is told, and changes no more", "[shard]") {
  ShardState state(0, contents(), plain_step);
  const std::vector<float> large(2, std::numeric_limits<float>::max()), values = {1, 0};
  CHECK_FALSE(state.has_failed());
  const auto fates = state.apply(1, std::vector<SliceGradient>{{0, 10, large}, {0, 1, values}});
  CHECK(state.has_failed());
  CHECK_THAT(state.status().failure, Contains("weight 0 of the slice is -inf after optimizer step 1"));
  CHECK(fates == std::vector{GradientFate::kApplied, GradientFate::kStale});
  CHECK(state.steps() == 1);
}

TEST_CASE("slices cover the weights, each once, and are nearly equal", "[shard]") {
  for (const std::size_t parameters : {1, 2, 5, 64, 65, 5'000'000}) {
    for (std::size_t count = 1; count <= std::min<std::size_t>(parameters, kMostShards); ++count) {
      std::size_t at = 0;
      for (std::size_t number = 1; number <= count; ++number) {
        const WeightSlice slice = weight_slice(parameters, number, count);
        REQUIRE(slice.begin == at);
        REQUIRE(slice.size() >= parameters / count);
        REQUIRE(slice.size() <= parameters / count + 1);
        at = slice.end;
      }
      REQUIRE(at == parameters);
    }
  }
  CHECK_THROWS_AS(weight_slice(10, 0, 2), ArgumentError);
  CHECK_THROWS_AS(weight_slice(10, 3, 2), ArgumentError);
  CHECK_THROWS_AS(weight_slice(10, 1, 0), ArgumentError);
  CHECK_THROWS_AS(weight_slice(10, 1, 11), ArgumentError);
  CHECK_THROWS_AS(weight_slice(1'000, 1, kMostShards + 1), ArgumentError);
}
