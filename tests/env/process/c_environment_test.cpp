#include <vector>

#include "genkidama/env/process_environment.h"
#include "support/catch.h"

// A process in C, which has nothing of Genkidama but one header.

namespace genkidama::test {
namespace {

TEST_CASE("a process in C is described and played", "[forks]") {
  ProcessEnvironmentOptions options;
  options.command = {GENKIDAMA_C_ENVIRONMENT};
  make_process_environment(options, {0, 0, EnvironmentPurpose::kDescribe});
  const auto environment = make_process_environment(options);
  const EnvironmentSpec& spec = environment->spec();
  CHECK(spec.name == "walk in C");
  CHECK(spec.observation_shape == std::vector<int>{2});
  CHECK(spec.action_space.choices == std::vector<int>{3});
  CHECK(spec.action_space.low == std::vector<float>{0});
  CHECK(spec.action_space.high == std::vector<float>{2});
  CHECK(spec.time_limit == 20);
  CHECK(spec.reward_threshold == 4.5);
  const auto play = [&environment](float direction, float length) {
    const std::vector<float> action{direction, length};
    return environment->step(Action(action));
  };
  const auto mask = [&environment] {
    const ActionMask given = environment->action_mask();
    return std::vector<int>(given.begin(), given.end());
  };
  CHECK(spec.masks_actions);
  const Observation start = environment->reset(3);
  CHECK(start[0] == 1);
  CHECK(start[1] == 4);
  CHECK(mask() == std::vector<int>{1, 1, 1});
  const StepResult back = play(0, 0.25f);
  CHECK(back.observation[0] == 0.75f);
  CHECK(back.reward == -0.25f);
  CHECK_FALSE(back.terminated);
  for (int i = 0; i < 2; ++i) CHECK_FALSE(play(2, 2).terminated);
  const StepResult last = play(2, 2);
  CHECK(last.terminated);
  CHECK(spec.metrics == std::vector<std::string>{"way"});
  REQUIRE(last.metrics.size() == 1);
  CHECK(last.metrics[0] == 6.25f);
  CHECK(last.observation[1] == 5 - 6.75f);
  environment->reset(2);
  CHECK(mask() == std::vector<int>{0, 1, 1});  // a wall is to the left
  for (int i = 1; i < 20; ++i) CHECK_FALSE(play(1, 1).truncated);
  CHECK(play(1, 1).truncated);
}

}  // namespace
}  // namespace genkidama::test
