#include <algorithm>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/env/acrobot.h"
#include "genkidama/env/bipedal_walker.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/env/check_environment.h"
#include "genkidama/env/checked_environment.h"
#include "genkidama/env/lunar_lander.h"
#include "genkidama/env/mountain_car.h"
#include "genkidama/env/pendulum.h"
#include "support/catch.h"
#include "support/lunar_lander_policies.h"
#include "support/play_episode.h"

namespace genkidama::test {
namespace {

// What a user might write: a walk on five places from a random one; the right end is the goal.
class Walk final : public DiscreteEnvironment {
 public:
  Walk() {
    spec_.name = "walk";
    spec_.observation_size = 1;
    spec_.action_count = 2;
    spec_.time_limit = 30;
  }
  const EnvironmentSpec& spec() const override { return spec_; }
  Observation reset(std::uint64_t seed) override {
    place_ = static_cast<float>(Random(seed).below(4));
    steps_ = 0;
    return {&place_, 1};
  }
  StepResult step(int action) override {
    if (action < 0 || action > 1) throw ArgumentError("walk: the action must be 0 or 1");
    place_ = action == 1 ? place_ + 1 : std::max(place_ - 1, 0.0f);
    StepResult result;
    result.observation = {&place_, 1};
    result.terminated = place_ >= 4;
    result.reward = result.terminated ? 1.0f : -0.01f;
    result.truncated = ++steps_ == spec_.time_limit && !result.terminated;
    return result;
  }

 private:
  EnvironmentSpec spec_;
  float place_ = 0;
  int steps_ = 0;
};

int balance(Observation state) {
  return state[2] + 0.5f * state[3] + 0.01f * state[0] > 0 ? 1 : 0;
}

// Brakes before the ground and then keeps its engines busy, so that it never comes to rest.
int stay_awake(Observation state) {
  const bool contact = state[6] != 0 || state[7] != 0;
  return contact ? 1 + 2 * (state[4] > 0 ? 0 : 1) : lunar_lander_heuristic(state);
}

// `expected` names what random play finds, and the enduring policy does not.
void check_contract(const EnvironmentFactory& make, std::function<int(Observation)> enduring_policy = {},
                    const std::vector<std::string>& expected = {}) {
  EnvironmentCheckOptions options;
  options.try_invalid_actions = true;
  const bool endures = static_cast<bool>(enduring_policy);
  for (int pass = 0; pass < (endures ? 2 : 1); ++pass) {
    const EnvironmentReport report = check_environment(make, options);
    CAPTURE(to_text(report));
    std::vector<std::string> found;
    for (const EnvironmentFinding& finding : report.findings) found.push_back(finding.name);
    CHECK(found == (pass == 0 ? expected : std::vector<std::string>()));
    CHECK(report.ok());
    CHECK(report.episodes == options.episodes);
    if (pass == 1) CHECK(report.truncated > 0);
    options.policy = enduring_policy;
    options.episodes = 100;  // the policy endures in some of them only
  }
}

TEST_CASE("LunarLander keeps the environment contract") {
  check_contract([] { return make_lunar_lander(); }, stay_awake);
}

TEST_CASE("LunarLander keeps the environment contract at gym's iteration counts") {
  check_contract([] { return make_lunar_lander(kGymIterations); });
}

TEST_CASE("LunarLanderContinuous keeps the environment contract") {
  check_contract([] { return make_lunar_lander_continuous(); });
}

TEST_CASE("BipedalWalker keeps the environment contract, over obstacles too") {
  for (const bool hardcore : {false, true}) {
    check_contract([hardcore] { return make_bipedal_walker({.hardcore = hardcore}); });
  }
}

TEST_CASE("CartPole keeps the environment contract") {
  check_contract(make_cart_pole, balance);
}

TEST_CASE("Pendulum keeps the environment contract") {
  check_contract(make_pendulum);
}

// Chance does not raise the tip, nor bring the car out of the valley: every random episode is worth the same.
TEST_CASE("Acrobot keeps the environment contract") {
  check_contract(make_acrobot, [](Observation) { return 1; }, {"reward-constant"});
}

TEST_CASE("MountainCar keeps the environment contract") {
  check_contract(make_mountain_car, [](Observation) { return 1; }, {"reward-constant"});
}

TEST_CASE("MountainCarContinuous keeps the environment contract") {
  check_contract(make_mountain_car_continuous);
}

TEST_CASE("an environment a user wrote keeps the contract, bare and checked") {
  const auto stay_left = [](Observation) { return 0; };
  check_contract([] { return std::make_unique<Walk>(); }, stay_left);
  check_contract([] { return make_checked(std::make_unique<Walk>()); }, stay_left);
}

TEST_CASE("a checked environment plays exactly what the bare one plays") {
  const auto bare = make_lunar_lander();
  const auto checked = make_checked(make_lunar_lander());
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    CHECK_FALSE(test::play_episode(*bare, seed).first_difference(test::play_episode(*checked, seed)));
  }
}

}  // namespace
}  // namespace genkidama::test
