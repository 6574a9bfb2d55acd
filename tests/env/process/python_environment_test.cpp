#include <string>
#include <vector>

#include "env/process/python_process.h"
#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/core/random.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/env/checked_environment.h"
#include "genkidama/env/process_environment.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

// What genkidama_serve makes of objects with Gymnasium's interface.

namespace genkidama::test {
namespace {

std::string task(const std::string& name) {
  return "python:" GENKIDAMA_PYTHON_TASKS ":" + name;
}

std::unique_ptr<Environment> make(const std::string& name) {
  return make_checked(make_process_environment(python(task(name)), {3, 1, EnvironmentPurpose::kTrain}));
}

std::vector<float> copy(Observation observation) {
  return {observation.begin(), observation.end()};
}

std::vector<float> observation_after(Environment& environment, const std::vector<float>& action) {
  environment.reset(0);
  return copy(environment.step(Action(action)).observation);
}

std::string refusal(const std::string& name) {
  try {
    make_process_environment(python(name));
  } catch (const ArgumentError& error) {
    return error.what();
  }
  return "it was not refused with an ArgumentError";
}

TEST_CASE("CartPole in Python plays the trajectories of CartPole in C++", "[forks]") {
  const auto here = make_cart_pole();
  const auto there = make_checked(make_process_environment(python("gymnasium:CartPole-v1")));
  CHECK(there->spec().name == "CartPole-v1");
  CHECK(there->spec().observation_size == 4);
  CHECK(there->spec().action_count == 2);
  CHECK(there->spec().time_limit == 500);
  CHECK(there->spec().reward_threshold == 475);
  Random actions(4);
  int steps = 0;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    auto expected = copy(here->reset(seed));
    CHECK(copy(there->reset(seed)) == expected);
    for (bool plays = true; plays; ++steps) {
      const auto action = static_cast<int>(actions.below(2));
      const StepResult result = here->step(action);
      const StepResult given = there->step(action);
      for (std::size_t i = 0; i < 4; ++i) {
        CHECK(given.observation[i] == Approx(result.observation[i]).margin(1e-6).epsilon(1e-6));
      }
      CHECK(given.reward == result.reward);
      CHECK(given.terminated == result.terminated);
      CHECK_FALSE(given.lost);
      plays = !result.terminated;
    }
  }
  CHECK(steps > 300);
}

TEST_CASE("each of Gymnasium's spaces arrives as what it is", "[forks]") {
  const auto plain = make("Task");
  CHECK(plain->spec().name == "Task");
  CHECK(plain->spec().action_count == 2);
  CHECK(copy(plain->reset(13)) == std::vector<float>{0, 5});
  CHECK(plain->step(1).reward == 0.5f);
  CHECK(plain->step(1).reward == 1.0f);
  CHECK(plain->step(0).terminated);

  const auto started = make("Started");
  CHECK(started->spec().action_count == 3);
  CHECK(observation_after(*started, {0}) == std::vector<float>{-1, 0});

  const auto choices = make("Choices");
  CHECK(choices->spec().action_space.choices == std::vector<int>{2, 5});
  CHECK(choices->spec().observation_shape == std::vector<int>{2, 1});
  CHECK(observation_after(*choices, {1, 4}) == std::vector<float>{1, 4});

  const auto bits = make("Bits");
  CHECK(bits->spec().action_space.choices == std::vector<int>{2, 2});
  CHECK(observation_after(*bits, {0, 1}) == std::vector<float>{0, 1});

  const auto torques = make("Torques");
  CHECK(torques->spec().action_space.low == std::vector<float>{-1, -2});
  CHECK(torques->spec().action_space.high == std::vector<float>{1, 2});
  CHECK(observation_after(*torques, {0.25f, -1.5f}) == std::vector<float>{0.25f, -1.5f});

  const auto image = make("Image");
  CHECK(image->spec().observation_shape == std::vector<int>{3, 2, 2});
  CHECK(copy(image->reset(1))[11] == 11);

  const auto place = make("Place");
  CHECK(place->spec().observation_size == 4);
  CHECK(observation_after(*place, {0}) == std::vector<float>{0, 1, 0, 0});
}

TEST_CASE("an action_mask in info masks actions", "[forks]") {
  const auto masked = make("Masked");
  const auto mask = [&masked] {
    const ActionMask given = masked->action_mask();
    return std::vector<int>(given.begin(), given.end());
  };
  CHECK(masked->spec().masks_actions);
  CHECK_FALSE(make("Task")->spec().masks_actions);
  masked->reset(0);
  CHECK(mask() == std::vector<int>{1, 0, 0});
  masked->step(0);
  CHECK(mask() == std::vector<int>{1, 1, 0});
  CHECK(masked->spec().metrics == std::vector<std::string>{"success", "distance"});
  masked->step(1);
  const StepResult last = masked->step(0);
  CHECK(last.terminated);
  CHECK(copy(last.metrics) == std::vector<float>{1, 2.5f});
}

TEST_CASE("the example of an environment in Python is played", "[forks]") {
  const auto target = make_checked(make_process_environment(
      python("python:" GENKIDAMA_EXAMPLES "/python_environment/target_task.py:TargetTask")));
  CHECK(target->spec().name == "TargetTask");
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    auto observation = copy(target->reset(seed));
    StepResult result;
    int steps = 0;
    for (; !result.terminated && !result.truncated; ++steps) {
      result = target->step(observation[2] > 0 ? 2 : 0);
      observation = copy(result.observation);
    }
    CHECK(result.terminated);
    CHECK(result.reward == 1);
    CHECK(steps <= 11);
  }
}

TEST_CASE("a maker is told its worker and its index", "[forks]") {
  CHECK(copy(make("told")->reset(0)) == std::vector<float>{3, 1});
}

TEST_CASE("without NumPy, observations and actions are lists", "[forks]") {
  ProcessEnvironmentOptions options = python(task("Torques"));
  TemporaryDirectory directory;
  const auto blocked = directory / "numpy.py";
  std::FILE* const file = std::fopen(blocked.c_str(), "w");
  std::fputs("raise ImportError('not here')\n", file);
  std::fclose(file);
  options.variables[0].second = directory.path().string() + ":" + options.variables[0].second;
  const auto torques = make_process_environment(options);
  CHECK(observation_after(*torques, {0.25f, -1.5f}) == std::vector<float>{0.25f, -1.5f});
  options.command.back() = task("Image");
  const auto image = make_process_environment(options);
  CHECK(copy(image->reset(1))[11] == 11);
}

TEST_CASE("an exception of the environment loses the episode, and is told", "[forks]") {
  TemporaryDirectory directory;
  ProcessEnvironmentOptions options = python(task("RaisesInStep"));
  options.variables.emplace_back("MARKER", (directory / "marker").string());
  std::string last;
  set_log_sink([&last](LogLevel, std::string_view text) { last = text; });
  const auto environment = make_process_environment(options);
  environment->reset(0);
  CHECK(environment->step(1).lost);
  set_log_sink({});
  CHECK_THAT(last, Catch::Contains("failed: RuntimeError: the gripper is stuck"));
  environment->reset(0);
  CHECK_FALSE(environment->step(1).lost);
}

TEST_CASE("a wrong value from the environment loses the episode, and is told", "[forks]") {
  const auto [name, text] = GENERATE(table<const char*, const char*>({
      // The shapes where there is NumPy, the counts of numbers elsewhere.
      {"WrongShape", "the observation [0.0] was returned, which has "},
      {"TextObservation", "the observation ['left', 'right'] was returned; expected numbers"},
      {"FourValues", "a tuple of 4 was returned; expected step()"},
      {"NothingFromStep", "a NoneType was returned; expected step() -> (observation, reward,"},
      {"NoReward", "step() returned the reward None; expected a number"},
      {"TextReward", "step() returned the reward 'high'; expected a number"},
      {"TextTerminated", "step() returned 'no' as terminated; expected True or False"},
      {"TextTruncated", "step() returned 'yes' as truncated; expected True or False"},
      {"NoTruncated", "step() returned None as truncated; expected True or False"},
      {"NoLaterMask",
       "an info with the keys ['distance', 'success'] was returned; expected 'action_mask' in it"},
      {"HalfMask", "the action_mask [0.5, 2, 0] was returned; expected 0 or 1 for each alternative"},
      {"ShortMask", "the action_mask [1] was returned, which has 1 entries; expected 3"},
      {"NoMetric", "an info with the keys ['height'] was returned; expected 'distance' in it"},
      {"TextMetric", "info['distance'] is 'far'; expected a number"},
      {"NoInfo", "an info with None was returned; expected 'distance' in it"},
  }));
  CAPTURE(name);
  std::string last;
  set_log_sink([&last](LogLevel, std::string_view line) { last = line; });
  const auto environment = make_process_environment(python(task(name)));
  environment->reset(0);
  bool lost = false;
  for (int step = 0; step < 2 && !lost; ++step) lost = environment->step(1).lost;
  set_log_sink({});
  CHECK(lost);
  CHECK_THAT(last, Catch::Contains(text));
}

TEST_CASE("what cannot be served is refused with a reason", "[forks]") {
  CHECK_THAT(refusal(task("Undescribable")), Catch::Contains("observation space is Dict(camera, joints)"));
  CHECK_THAT(refusal(task("UnknownActions")), Catch::Contains("action space is Dict(left)"));
  CHECK_THAT(refusal(task("NoInterface")), Catch::Contains("a NoInterface has no reset"));
  CHECK_THAT(refusal(task("Nobody")), Catch::Contains("has no class or function 'Nobody'"));
  CHECK_THAT(refusal("python:no_such_module:Task"), Catch::Contains("'no_such_module' cannot be imported"));
  CHECK_THAT(refusal("python:Task"), Catch::Contains("expected python:MODULE:CLASS"));
  CHECK_THAT(refusal("julia:Task"), Catch::Contains("expected gymnasium:ID or python:MODULE:CLASS"));
  CHECK_THAT(refusal("gymnasium:Moon-v9"),
             Catch::Contains("gymnasium cannot make 'Moon-v9'") && Catch::Contains("doesn't exist"));
  CHECK_THAT(refusal(task("OldReset")), Catch::Contains("expected reset() -> (observation, info)"));
  CHECK_THAT(refusal(task("Exits")), Catch::Contains("ended with exit code 4"));
  CHECK_THAT(refusal(task("Huge")),
             Catch::Contains("expected at most 2147483647 numbers, and it has 10000000000"));
  CHECK_THAT(refusal(task("Empty")), Catch::Contains("expected at least one number"));
}

TEST_CASE("ends that stand for true or false are taken", "[forks]") {
  const auto environment = make("NumberEnds");
  for (int episode = 0; episode < 2; ++episode) {
    environment->reset(0);
    CHECK_FALSE(environment->step(1).terminated);
    CHECK_FALSE(environment->step(1).terminated);
    CHECK(environment->step(1).terminated);
  }
}

TEST_CASE("a Python without Gymnasium is named in one line", "[forks]") {
  ProcessEnvironmentOptions options = python("gymnasium:CartPole-v1");
  options.command.insert(options.command.begin() + 1, "-S");  // nothing but the standard library
  options.variables = {{"PYTHONPATH", GENKIDAMA_PYTHON_MODULE}};
  CHECK_THROWS_WITH(make_process_environment(options),
                    Catch::Contains("cannot import gymnasium") && Catch::Contains("GENKIDAMA_PYTHON"));
}

TEST_CASE("what a Python environment prints does not touch the protocol", "[forks]") {
  const auto environment = make("Prints");
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    environment->reset(seed);
    for (int step = 1; step <= 3; ++step) CHECK_FALSE(environment->step(1).lost);
  }
}

}  // namespace
}  // namespace genkidama::test
