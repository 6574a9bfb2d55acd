#include "genkidama/env/lunar_lander.h"

#include <cmath>
#include <map>
#include <string>

#include "genkidama/core/error.h"
#include "support/catch.h"
#include "support/lunar_lander_sample.h"

namespace genkidama::test {
namespace {

TEST_CASE("LunarLander's size, time limit and threshold are LunarLander-v2's") {
  const EnvironmentSpec spec = make_lunar_lander()->spec();
  CHECK(spec.name == "LunarLander-v2");
  CHECK(spec.observation_size == 8);
  CHECK(spec.action_count == 4);
  CHECK(spec.time_limit == 1000);
  CHECK(make_lunar_lander(kFaithfulIterations, 2000)->spec().time_limit == 2000);
  CHECK_THROWS_WITH(make_lunar_lander(kFaithfulIterations, 0), Catch::Contains("time limit 0 given"));
  CHECK(spec.reward_threshold == 200);
}

TEST_CASE("the lander starts high above the pad, pushed by at most 1000 N, legs off the ground") {
  const auto environment = make_lunar_lander();
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const Observation state = environment->reset(seed);
    // 1000 N for 1/50 s on 4.9 kg give 4.1 m/s: 0.82 in x and 0.55 in y.
    CHECK(std::abs(state[0]) < 0.01f);
    CHECK(state[1] == Approx(1.41).margin(0.02));
    CHECK(std::abs(state[2]) < 0.9f);
    CHECK(std::abs(state[3]) < 0.6f);
    CHECK(state[6] == 0);
    CHECK(state[7] == 0);
  }
}

TEST_CASE("the lander falls by 10 m/s^2 and its engines push where gym's push") {
  const auto environment = make_lunar_lander();
  std::map<int, LunarLanderState> change;
  for (const int action : {0, 1, 2, 3}) {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
      const Observation start = environment->reset(seed);
      const LunarLanderState before{start[0], start[1], start[2], start[3], start[4], start[5]};
      const Observation after = environment->step(action).observation;
      for (std::size_t i = 0; i < 6; ++i) change[action][i] += (after[i] - before[i]) / 200;
    }
  }
  // 10 m/s^2 for 1/50 s, in units of the observation: 0.2 * (400 / 30 / 2) / 50.
  CHECK(change[0][3] == Approx(-0.02667).margin(0.001));
  CHECK(change[2][3] > change[0][3] + 0.03);
  // Action 1 pushes the lander to the left and turns it counter-clockwise, 3 the other way, equally strongly.
  CHECK(change[1][2] < -0.005);
  CHECK(change[3][2] > 0.005);
  CHECK(change[1][5] > 0.02);
  CHECK(change[3][5] < -0.02);
  CHECK(change[1][2] == Approx(-change[3][2]).margin(0.003));
  CHECK(change[1][5] == Approx(-change[3][5]).margin(0.01));
}

// The rewards but the last one are differences of a potential of the state, less the fuel.
TEST_CASE("the reward is gym's shaping less 0.3 for the main and 0.03 for a side engine") {
  const auto environment = make_lunar_lander();
  const auto potential = [](Observation s) {
    return -100 * std::hypot(s[0], s[1]) - 100 * std::hypot(s[2], s[3]) - 100 * std::abs(s[4]) + 10 * s[6] +
           10 * s[7];
  };
  const std::map<int, double> fuel{{0, 0}, {1, 0.03}, {2, 0.3}, {3, 0.03}};
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    StepResult result;
    result.observation = environment->reset(seed);
    while (true) {
      const double before = potential(result.observation);
      const int action = random.uniform() < 0.2 ? static_cast<int>(random.below(4))
                                                : lunar_lander_heuristic(result.observation);
      result = environment->step(action);
      if (result.terminated || result.truncated) break;
      REQUIRE(result.reward ==
              Approx(potential(result.observation) - before - fuel.at(action)).margin(0.001));
    }
    if (result.terminated) CHECK(std::abs(result.reward) == 100);
  }
}

TEST_CASE("iteration counts below one are refused") {
  CHECK_THROWS_AS(make_lunar_lander({0, 60, 30, 10}), ArgumentError);
  CHECK_THROWS_AS(make_lunar_lander({180, -1, 30, 10}), ArgumentError);
  CHECK_THROWS_WITH(make_lunar_lander({180, 60, 0, 10}), Catch::Contains("0/10 in flight given"));
  CHECK_THROWS_AS(make_lunar_lander({180, 60, 30, 0}), ArgumentError);
}

TEST_CASE("a step before the first reset is refused") {
  CHECK_THROWS_AS(make_lunar_lander()->step(0), ArgumentError);
}

}  // namespace
}  // namespace genkidama::test
