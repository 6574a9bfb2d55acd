// Trajectories that Gymnasium played, step by step. Some of their actions lie beyond the bounds: Gymnasium's
// tasks clip them, and so do the motions here, whereas the environments refuse them.
#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "env/classic_control.h"
#include "support/catch.h"
#include "support/json_file.h"

namespace genkidama::test {
namespace {

nlohmann::json oracle_of(const std::string& task) {
  return json_of(GENKIDAMA_TEST_DATA "/classic_control_oracle.json").at("tasks").at(task);
}

std::vector<float> action_of(const nlohmann::json& action) {
  if (action.is_array()) return action.get<std::vector<float>>();
  return {action.get<float>()};
}

/// Plays the oracle's actions from the oracle's states. Returns how many steps were compared.
template <typename Motion>
std::size_t compare(const std::string& task) {
  const nlohmann::json oracle = oracle_of(task);
  const EnvironmentSpec spec = Motion::spec();
  CHECK(spec.name == task);
  CHECK(spec.time_limit == oracle.at("time_limit"));
  const nlohmann::json& threshold = oracle.at("reward_threshold");
  if (threshold.is_null()) {
    CHECK(std::isnan(spec.reward_threshold));
  } else {
    CHECK(spec.reward_threshold == threshold);
  }

  std::size_t steps = 0;
  for (const nlohmann::json& trajectory : oracle.at("trajectories")) {
    Motion motion;
    motion.state = trajectory.at("start_state").get<decltype(motion.state)>();
    for (std::size_t i = 0; i < trajectory.at("actions").size(); ++i, ++steps) {
      CAPTURE(task, i);
      const std::vector<float> action = action_of(trajectory.at("actions")[i]);
      const MotionStep made = motion.advance(action);
      std::array<float, Motion::kObservationSize> observation;
      motion.observe(observation);
      const auto expected = trajectory.at("observations")[i].get<std::vector<double>>();
      REQUIRE(expected.size() == observation.size());
      for (std::size_t k = 0; k < expected.size(); ++k) {
        CHECK(observation[k] == Approx(expected[k]).epsilon(0).margin(1e-5));
      }
      CHECK(made.reward == Approx(trajectory.at("rewards")[i].get<double>()).epsilon(0).margin(1e-5));
      CHECK(made.terminated == trajectory.at("terminated")[i]);
      const auto state = trajectory.at("states")[i].get<std::vector<double>>();
      for (std::size_t k = 0; k < state.size(); ++k) {
        CHECK(motion.state[k] == Approx(state[k]).epsilon(0).margin(1e-6));
      }
    }
  }
  return steps;
}

TEST_CASE("CartPole plays Gymnasium's trajectory") {
  CHECK(compare<CartPoleMotion>("CartPole-v1") == 28);
}

TEST_CASE("Pendulum plays Gymnasium's trajectory") {
  CHECK(compare<PendulumMotion>("Pendulum-v1") == 60);
}

TEST_CASE("Acrobot plays Gymnasium's trajectory") {
  CHECK(compare<AcrobotMotion>("Acrobot-v1") == 80);
}

TEST_CASE("MountainCar plays Gymnasium's trajectory") {
  CHECK(compare<MountainCarMotion>("MountainCar-v0") == 80);
}

TEST_CASE("MountainCarContinuous plays Gymnasium's trajectory") {
  CHECK(compare<MountainCarContinuousMotion>("MountainCarContinuous-v0") == 80);
}

TEST_CASE("the trajectories of the two tasks with bounds have actions beyond them") {
  for (const auto& [task, bound] : {std::pair("Pendulum-v1", 2.0), {"MountainCarContinuous-v0", 1.0}}) {
    const nlohmann::json actions = oracle_of(task).at("trajectories")[0].at("actions");
    CHECK(std::any_of(actions.begin(), actions.end(), [bound = bound](const nlohmann::json& action) {
      return std::abs(action[0].get<double>()) > bound;
    }));
  }
}

}  // namespace
}  // namespace genkidama::test
