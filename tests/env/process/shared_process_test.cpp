#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "env/process/foreign_group.h"
#include "env/process/python_process.h"
#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/core/random.h"
#include "genkidama/env/checked_environment.h"
#include "genkidama/env/process_environment.h"
#include "genkidama/nn/networks.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

// Several environments that one process serves.

namespace genkidama::test {
namespace {

const std::string kCartPole = "gymnasium:CartPole-v1";

/// Each environment's episodes of 300 steps, in the order in which a worker plays them.
std::vector<std::vector<float>> trajectories(const EnvironmentFactory& factory, int count) {
  std::vector<std::unique_ptr<Environment>> environments;
  std::vector<std::vector<float>> seen(static_cast<std::size_t>(count));
  std::vector<float> actions(static_cast<std::size_t>(count));
  std::uint64_t episodes = 0;
  for (int i = 0; i < count; ++i)
    environments.push_back(make_checked(factory({2, i, EnvironmentPurpose::kTrain})));
  const auto note = [&](std::size_t i, Observation observation) {
    seen[i].insert(seen[i].end(), observation.begin(), observation.end());
  };
  for (std::size_t i = 0; i < environments.size(); ++i) note(i, environments[i]->reset(++episodes));
  Random random(4);
  for (int step = 0; step < 300; ++step) {
    for (std::size_t i = 0; i < environments.size(); ++i) {
      actions[i] = static_cast<float>(random.below(2));
      environments[i]->prepare_step(Action(&actions[i], 1));
    }
    for (std::size_t i = 0; i < environments.size(); ++i) {
      const StepResult result = environments[i]->step(Action(&actions[i], 1));
      note(i, result.observation);
      seen[i].push_back(result.reward);
      if (result.terminated || result.truncated) note(i, environments[i]->reset(++episodes));
    }
  }
  return seen;
}

EnvironmentFactory apart(const ProcessEnvironmentOptions& options) {
  return [options](const EnvironmentContext& context) { return make_process_environment(options, context); };
}

/// How often a program was started that leaves a file with its number.
std::size_t starts_in(const std::filesystem::path& folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

/// Dies in every 40th step of the first environment of each process.
std::filesystem::path dying_task(const TemporaryDirectory& directory) {
  std::filesystem::create_directory(directory / "starts");
  std::ofstream(directory / "task.py") << R"(
import os
import time
from gymnasium import spaces

class Dying:
    observation_space = spaces.Box(-9, 9, (2,))
    action_space = spaces.Discrete(2)
    made = 0

    def __init__(self):
        self.number, self.played = Dying.made, 0
        if Dying.made == 0:
            open(')" + (directory / "starts").string() +
                                              R"(/%d' % os.getpid(), 'w').close()
        Dying.made += 1

    def reset(self, *, seed=None, options=None):
        self.steps = 0
        return [0.0, 0.0], {}

    def step(self, action):
        if self.number == 0 and self.played == 39:
            os._exit(3)
        self.steps, self.played = self.steps + 1, self.played + 1
        return [float(self.number), self.steps / 8], 1.0, self.steps == 8, False, {}
)";
  return directory / "task.py";
}

TEST_CASE("environments of one process play what each plays in a process of its own", "[forks]") {
  const auto options = python(kCartPole);
  const auto expected = trajectories(apart(options), 5);
  CHECK(trajectories(process_environments(options, 5), 5) == expected);
  // The last process serves one that nobody plays.
  CHECK(trajectories(process_environments(options, 3), 5) == expected);
  CHECK(trajectories(process_environments(options, 1), 5) == expected);
}

TEST_CASE("prepared steps are played in one turn", "[forks]") {
  const TemporaryDirectory directory;
  const auto file = dying_task(directory);
  ForeignGroup group(python("python:" + file.string() + ":Dying"), {}, 3);
  for (std::size_t i = 0; i < 3; ++i) group.reset(i, 1);
  const float action = 1;
  group.prepare(1, Action(&action, 1));
  group.prepare(2, Action(&action, 1));
  CHECK(group.step(0, Action(&action, 1)).observation == std::vector<float>{0, 0.125f});
  // What the others gave has come with the same turn: no further one is needed.
  REQUIRE(starts_in(directory / "starts") == 1);
  const auto process = std::filesystem::directory_iterator(directory / "starts")->path().filename().string();
  REQUIRE(::kill(std::stoi(process), SIGKILL) == 0);
  CHECK(group.step(2, Action(&action, 1)).observation == std::vector<float>{2, 0.125f});
  CHECK(group.step(1, Action(&action, 1)).observation == std::vector<float>{1, 0.125f});
  CHECK_THROWS_AS(group.step(1, Action(&action, 1)), ForeignFault);
}

TEST_CASE("a step that was prepared and is not played is forgotten with the episode", "[forks]") {
  const auto factory = process_environments(python(kCartPole), 2);
  const auto one = factory({0, 0, EnvironmentPurpose::kTrain});
  const auto other = factory({0, 1, EnvironmentPurpose::kTrain});
  const auto copy = [](Observation observation) {
    return std::vector<float>(observation.begin(), observation.end());
  };
  const auto first = copy(one->reset(5));
  other->reset(6);
  const float left = 0, right = 1;
  const auto after_left = copy(one->step(Action(&left, 1)).observation);
  CHECK(copy(one->reset(5)) == first);
  one->prepare_step(Action(&right, 1));
  other->step(Action(&left, 1));  // plays both
  CHECK(copy(one->reset(5)) == first);
  other->step(Action(&left, 1));
  CHECK(copy(one->step(Action(&left, 1)).observation) == after_left);
  // An action that is given in place of the prepared one, before any turn, is the one that counts.
  one->reset(5);
  one->prepare_step(Action(&right, 1));
  CHECK(copy(one->step(Action(&left, 1)).observation) == after_left);
}

TEST_CASE("a process that dies loses an episode of each environment that it serves, and starts once more",
          "[forks]") {
  const TemporaryDirectory directory;
  const auto file = dying_task(directory);
  set_log_level(LogLevel::kError);
  OrchestratorOptions options;
  options.workers = 1;
  options.mode = WorkerMode::kThreads;
  options.hyperparameters.environments_per_worker = 4;
  options.hyperparameters.round_steps = 300;
  CoreOrchestrator trainer(process_environments(python("python:" + file.string() + ":Dying"), 4),
                           mlp_network(), options);
  std::uint64_t lost = 0;
  for (int round = 0; round < 2; ++round) {
    const RoundReport report = trainer.train_round();
    lost += report.lost_episodes;
    for (const EpisodeResult& episode : report.episodes) CHECK(episode.length == 8);
  }
  CHECK(lost > 0);
  CHECK(lost % 4 == 0);
  // One described the environment, and one was the first. The last one that died has no successor when its
  // death ended the round.
  const std::size_t starts = starts_in(directory / "starts");
  CHECK(starts >= 1 + lost / 4);
  CHECK(starts <= 2 + lost / 4);
  set_log_level(LogLevel::kInfo);
}

TEST_CASE("a worker learns alike from environments of one process and of several", "[forks]") {
  const auto weights_with = [](const EnvironmentFactory& factory) {
    OrchestratorOptions options;
    options.workers = 1;
    options.hyperparameters.environments_per_worker = 4;
    options.hyperparameters.round_steps = 200;
    CoreOrchestrator trainer(factory, mlp_network({.hidden = {8}}), options);
    for (int round = 0; round < 3; ++round) trainer.train_round();
    std::vector<float> weights(trainer.layout().size());
    trainer.read_weights(weights);
    return weights;
  };
  const auto options = python(kCartPole);
  CHECK(weights_with(process_environments(options, 4)) == weights_with(apart(options)));
}

TEST_CASE("a number of environments that no process serves is refused") {
  for (const int bad : {0, -1, 1025}) {
    CHECK_THROWS_WITH(process_environments(python(kCartPole), bad),
                      Catch::Contains(std::to_string(bad) + " environments for each process, expected 1 to"));
  }
  ProcessEnvironmentOptions options = python(kCartPole);
  options.step_timeout = Milliseconds(0);
  CHECK_THROWS_AS(process_environments(options, 2), ArgumentError);
}

}  // namespace
}  // namespace genkidama::test
