#include <array>
#include <cmath>

#include "genkidama/core/error.h"
#include "genkidama/env/lunar_lander.h"
#include "support/catch.h"
#include "support/gymnasium_policies.h"

namespace genkidama::test {
namespace {

StepResult first_step(Environment& environment, std::uint64_t seed, float main, float side) {
  environment.reset(seed);
  return environment.step(std::array<float, 2>{main, side});
}

TEST_CASE("LunarLanderContinuous' sizes, time limit and threshold are Gymnasium's") {
  const EnvironmentSpec spec = make_lunar_lander_continuous()->spec();
  CHECK(spec.name == "LunarLanderContinuous-v3");
  CHECK(spec.observation_size == 8);
  CHECK(spec.action_space == ActionSpace{{}, {-1, -1}, {1, 1}});
  CHECK(spec.time_limit == 1000);
  CHECK(spec.reward_threshold == 200);
}

TEST_CASE("engines at full power are those of the task with four choices, bit for bit") {
  const auto continuous = make_lunar_lander_continuous();
  const auto discrete = make_lunar_lander();
  const std::array<std::array<float, 2>, 4> actions{{{0, 0}, {0, -1}, {1, 0}, {0, 1}}};
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    discrete->reset(seed);
    continuous->reset(seed);
    StepResult ours, theirs;
    do {
      const auto choice = static_cast<int>(random.below(4));
      ours = continuous->step(actions[choice]);
      theirs = discrete->step(choice);
      REQUIRE(std::equal(ours.observation.begin(), ours.observation.end(), theirs.observation.begin()));
      REQUIRE(ours.reward == theirs.reward);
      REQUIRE(ours.terminated == theirs.terminated);
    } while (!ours.terminated && !ours.truncated);
  }
}

TEST_CASE(
    "the main engine is off up to 0 and then has half its power or more; the side engines begin at 0.5") {
  const auto environment = make_lunar_lander_continuous();
  const auto change = [&](float main, float side, std::size_t component) {
    const float off = first_step(*environment, 3, 0, 0).observation[component];
    return first_step(*environment, 3, main, side).observation[component] - off;
  };
  for (const float off : {-1.0f, -0.01f, 0.0f}) CHECK(change(off, 0, 3) == 0);
  for (const float off : {-0.5f, -0.2f, 0.0f, 0.3f, 0.5f}) CHECK(change(0, off, 5) == 0);
  const float full = change(1, 0, 3);
  CHECK(full > 0.03f);
  CHECK(change(1e-6f, 0, 3) == Approx(0.5 * full).margin(1e-4));
  CHECK(change(0.5f, 0, 3) == Approx(0.75 * full).margin(1e-4));
  for (const float way : {-1.0f, 1.0f}) {
    const float turn = change(0, way, 5);
    CHECK(turn * way < -0.02f);
    CHECK(change(0, 0.75f * way, 5) == Approx(0.75 * turn).margin(1e-3));
    CHECK(change(0, 0.51f * way, 5) == Approx(0.51 * turn).margin(1e-3));
  }
  // Both fire in one step.
  CHECK(change(1, 1, 3) > 0.03f);
  CHECK(change(1, 1, 5) < -0.01f);
}

TEST_CASE("fuel costs 0.3 and 0.03 times the power") {
  const auto environment = make_lunar_lander_continuous();
  const auto potential = [](Observation s) {
    return -100 * std::hypot(s[0], s[1]) - 100 * std::hypot(s[2], s[3]) - 100 * std::abs(s[4]);
  };
  const auto fuel = [&](float main, float side) {
    const double before = potential(environment->reset(5));
    const StepResult result = environment->step(std::array<float, 2>{main, side});
    return potential(result.observation) - before - result.reward;
  };
  CHECK(fuel(-1, 0.5f) == Approx(0).margin(1e-3));
  CHECK(fuel(1, 0) == Approx(0.3).margin(1e-3));
  CHECK(fuel(0.2f, 0) == Approx(0.3 * 0.6).margin(1e-3));
  CHECK(fuel(0, -0.8f) == Approx(0.03 * 0.8).margin(1e-3));
  CHECK(fuel(1, 1) == Approx(0.33).margin(1e-3));
}

TEST_CASE("what LunarLanderContinuous refuses") {
  CHECK_THROWS_WITH(make_lunar_lander_continuous({180, 60, 0, 10}),
                    Catch::StartsWith("LunarLanderContinuous-v3: iterations 180/60 in contact and 0/10"));
  const auto environment = make_lunar_lander_continuous();
  CHECK_THROWS_AS(environment->step(std::array<float, 2>{}), ArgumentError);
  environment->reset(1);
  CHECK_THROWS_AS(environment->step(std::array<float, 1>{}), ArgumentError);
  CHECK_THROWS_AS(environment->step(std::array<float, 2>{1.01f, 0}), ArgumentError);
  CHECK_THROWS_AS(environment->step(std::array<float, 2>{0, std::nanf("")}), ArgumentError);
  CHECK_THROWS_AS(environment->step(0), ArgumentError);
}

}  // namespace
}  // namespace genkidama::test
