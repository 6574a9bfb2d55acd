// Options that have an effect only together with others, and what a cluster's user is told of them.
#include "cli/commands/dependent_options.h"

#include <filesystem>
#include <string>
#include <vector>

#include "fixture.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::cli;
using namespace genkidama::test;
using Catch::Contains;

namespace {

/// A run of dqn on one worker, in which every option was given.
Settings dqn_settings(std::vector<std::string> options) {
  Settings settings;
  settings.learning.workers = 1;
  settings.learning.hyperparameters.algorithm = "dqn";
  settings.learning.hyperparameters.optimizer = "adam";
  settings.network.emplace();
  for (std::string& option : options) settings.command_line.push_back("--" + std::move(option));
  return settings;
}

std::vector<std::string> idle(const Settings& settings) {
  std::vector<std::string> names;
  for (const DependentOption& each : idle_dependent_options(settings)) names.push_back(each.option);
  return names;
}

}  // namespace

TEST_CASE("an option that needs another one is idle without it, and not with it") {
  Settings settings = dqn_settings({"momentum=0.5", "rms-decay=0.5", "adam-beta1=0.5", "burn-in=3",
                                    "importance-exponent=1", "merge-every=3", "target-rate=0.1"});
  Hyperparameters& hyper = settings.learning.hyperparameters;
  hyper.priority_exponent = 0;
  hyper.target_period = 10;
  CHECK(idle(settings) == std::vector<std::string>{"momentum", "rms-decay", "merge-every",
                                                   "importance-exponent", "target-rate", "burn-in"});
  hyper.optimizer = "rmsprop";
  hyper.priority_exponent = 0.5;
  hyper.target_period = 0;
  hyper.sharing = Sharing::kLocal;
  settings.network->memory = 8;
  CHECK(idle(settings) == std::vector<std::string>{"adam-beta1"});
  hyper.optimizer = "my_own";
  CHECK(idle(settings).empty());
}

TEST_CASE("an option that was not given is never called idle") {
  Settings settings = dqn_settings({"gamma=0.9"});
  settings.learning.hyperparameters.optimizer = "sgd";
  settings.learning.hyperparameters.target_period = 10;
  CHECK(idle(settings).empty());
}

TEST_CASE("one worker has nobody to share steps or a ladder with") {
  Settings settings = dqn_settings({"epsilon-ladder=7", "replay=local", "sharing=mutex"});
  settings.learning.hyperparameters.epsilon_ladder = 7;
  CHECK(idle(settings) == std::vector<std::string>{"epsilon-ladder", "replay"});
  settings.learning.workers = 2;
  CHECK(idle(settings).empty());
  settings.learning.learning = Learning::kCentral;
  CHECK(idle(settings) == std::vector<std::string>{"sharing", "replay"});
  settings.command = kActor;
  settings.learning.workers = 1;
  CHECK(idle(settings) == std::vector<std::string>{"sharing", "replay"});
}

TEST_CASE("noise that is there already, a ladder of nothing, and steps that nobody learns from are told") {
  Settings settings = dqn_settings({"noisy-deviation=0.9", "epsilon-ladder=7", "replay-capacity=1000"});
  Hyperparameters& hyper = settings.learning.hyperparameters;
  hyper.noisy_layers = true;
  hyper.epsilon_ladder = 7;
  settings.learning.replay_capacity = 1000;
  settings.learning.workers = 2;
  CHECK(idle(settings).empty());
  settings.resume = "runs/a";
  hyper.epsilon = 0;
  CHECK(idle(settings) == std::vector<std::string>{"noisy-deviation", "epsilon-ladder"});
  hyper.algorithm = "ppo";
  hyper.noisy_layers = false;
  CHECK(idle(settings) == std::vector<std::string>{"replay-capacity"});
  hyper.algorithm = "my_own";
  CHECK(idle(settings).empty());
}

TEST_CASE("the weights of a learner with shards are theirs, and only such a learner waits for one") {
  Settings settings = dqn_settings({"init-from=a", "away-timeout=3"});
  settings.command = kTrain;
  CHECK(idle(settings) == std::vector<std::string>{"away-timeout"});
  settings.links.shards = {"host:1"};
  CHECK(idle(settings) == std::vector<std::string>{"init-from"});
}

TEST_CASE("a temperature that is not learnt has no target, and no model imagines nothing") {
  Settings settings = dqn_settings({"target-entropy=-2", "planners=2", "planning-ratio=1"});
  Hyperparameters& hyper = settings.learning.hyperparameters;
  hyper.algorithm = "sac";
  hyper.learn_temperature = false;
  CHECK(idle(settings) == std::vector<std::string>{"target-entropy"});
  hyper.algorithm = "dyna_q";
  hyper.planners = 2;
  hyper.planning_ratio = 0;
  CHECK(idle(settings) == std::vector<std::string>{"planners"});
  hyper.planning_ratio = 1;
  hyper.model_ratio = 0;
  CHECK(idle(settings) == std::vector<std::string>{"planning-ratio"});
}

TEST_CASE("a cluster tells of an idle option once, and of none that was not given", "[forks]") {
  const TemporaryDirectory directory;
  for (const char* const exchange : {"each", "segments"}) {
    CAPTURE(exchange);
    const auto cluster = [&](std::vector<std::string> words) {
      std::filesystem::remove_all(directory / "run");
      std::vector<std::string> all =
          call("cluster", "--preset", "dqn", "--exchange", exchange, "--children", "2", "--workers", "1",
               "--max-steps", "2000", "--eval-episodes", "0", "--run-dir", (directory / "run").string());
      all.insert(all.end(), words.begin(), words.end());
      const auto result = run_program(all);
      CAPTURE(result.errors);
      CHECK(result.exit_code == 0);
      return result.errors;
    };
    CHECK_THAT(cluster({}), !Contains("no effect"));
    const std::string said = cluster({"--critics", "3"});
    const std::string warning = "--critics has no effect: --loss is 'dqn'";
    const auto first = said.find(warning);
    REQUIRE(first != std::string::npos);
    CHECK(said.find("no effect", first + warning.size()) == std::string::npos);
  }
}

TEST_CASE("timeouts of links are idle without shards") {
  Settings settings = dqn_settings({"join-timeout=3", "exchange-timeout=3", "away-timeout=3"});
  settings.command = kTrain;
  CHECK(idle(settings) == std::vector<std::string>{"away-timeout", "join-timeout", "exchange-timeout"});
  settings.links.shards = {"127.0.0.1:1"};
  settings.learning.hyperparameters.sharing = Sharing::kServer;
  CHECK(idle(settings).empty());
  settings.links.shards.clear();
  settings.command = kServer;
  CHECK(idle(settings).empty());
}

TEST_CASE("a preset for a network with memory says so when it is given none") {
  const TemporaryDirectory directory;
  const auto run = [&](const char* memory) {
    const auto result =
        run_program(call("train", "--preset", "r2d2", "--memory", memory, "--workers", "1", "--updates", "1",
                         "--eval-episodes", "0", "--run-dir", (directory / memory).string()));
    CHECK(result.exit_code == 0);
    return result.errors;
  };
  CHECK_THAT(run("none"),
             Contains("--memory is 'none', and the preset 'r2d2' is for a network with memory") &&
                 Contains("expected gru:64, or another preset"));
  CHECK_THAT(run("gru:8"), !Contains("is for a network with memory"));
}
