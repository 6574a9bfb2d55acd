// A run is gone on with in the environment, with the actions and with the normalisation that it was begun
// with: weights of the same tensors mean something else elsewhere.
#include <fmt/format.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/env/pendulum.h"
#include "genkidama/env/wrapped_environment.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/run/loopback_cluster.h"
#include "genkidama/run/parent_run.h"
#include "genkidama/run/trainer_run.h"
#include "run/resumed_run.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::run;
using namespace genkidama::test;

namespace {

using Path = std::filesystem::path;

/// CartPole by another name.
class Renamed : public WrappedEnvironment {
 public:
  explicit Renamed(std::string name) : WrappedEnvironment(make_cart_pole(), "Renamed") {
    EnvironmentSpec renamed = spec();
    renamed.name = std::move(name);
    set_spec(renamed);
  }
};

CoreOrchestrator trainer_in(EnvironmentFactory environment, const Hyperparameters& hyperparameters = {}) {
  OrchestratorOptions options;
  options.workers = 1;
  options.hyperparameters = hyperparameters;
  options.hyperparameters.batch_size = 50;
  return CoreOrchestrator(std::move(environment), mlp_network({{4}, false}), options);
}

Hyperparameters acting(const std::string& bounds, bool state_dependent = false, double deviation = 0) {
  Hyperparameters hyperparameters;
  if (bounds == "tanh") hyperparameters.action_bounds = ActionBounds::kTanh;
  hyperparameters.state_dependent_deviation = state_dependent;
  hyperparameters.initial_log_deviation = deviation;
  return hyperparameters;
}

/// One round of a run in this directory.
void play(CoreOrchestrator trainer, const Path& directory) {
  TrainerRun run(trainer, options_in(directory));
  run.advance();
  run.finish();
}

std::map<std::string, std::string> contents(const Path& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    std::string& bytes = files[entry.path().string()];
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(file), {});
  }
  return files;
}

/// The error, after which the directory is as it was; empty when the run was taken.
std::string refusal(const Path& directory, const std::function<void()>& go_on) {
  const auto before = contents(directory);
  try {
    go_on();
  } catch (const ArgumentError& error) {
    CHECK(contents(directory) == before);
    return error.what();
  }
  return "";
}

std::string refusal(CoreOrchestrator trainer, const Path& directory) {
  return refusal(directory, [&] { TrainerRun(trainer, options_in(directory)); });
}

}  // namespace

TEST_CASE("a resumed run refuses another normalisation by the names of both", "[forks]") {
  const TemporaryDirectory directory;
  Hyperparameters cut = normalising(true, false);
  cut.observation_clip = 5;
  const std::vector<std::pair<Hyperparameters, std::string>> runs = {
      {normalising(false, false), "'none'"},
      {normalising(true, false), "'observations 10'"},
      {cut, "'observations 5'"},
      {normalising(false, true), "'rewards'"},
      {normalising(true, true), "'observations 10 rewards'"}};
  for (std::size_t made = 0; made < runs.size(); ++made) {
    const Path run = directory / fmt::format("{}", made);
    play(trainer_of({4}, runs[made].first), run);
    for (std::size_t resumed = 0; resumed < runs.size(); ++resumed) {
      CAPTURE(runs[made].second, runs[resumed].second);
      const std::string text = refusal(trainer_of({4}, runs[resumed].first), run);
      if (made == resumed) {
        CHECK(text.empty());
        continue;
      }
      CHECK_THAT(text, Catch::Contains("normalisation is " + runs[made].second + ", and here it is " +
                                       runs[resumed].second));
      CHECK_THAT(text, Catch::Contains("resume " + run.string()) && Catch::Contains("init_from FILE"));
    }
  }
}

TEST_CASE("a resumed run refuses another way from outputs to actions by the names of both", "[forks]") {
  const TemporaryDirectory directory;
  const Path run = directory / "clip", state = directory / "state";
  play(trainer_in(make_pendulum, acting("clip")), run);
  CHECK_THAT(refusal(trainer_in(make_pendulum, acting("tanh")), run),
             Catch::Contains("'gaussian clip', and here it is 'gaussian tanh'"));
  CHECK(refusal(trainer_in(make_pendulum, acting("clip")), run).empty());
  // Free outputs begin with these numbers, and then learn; outputs of the network are added to them for ever.
  CHECK(refusal(trainer_in(make_pendulum, acting("clip", false, -1)), run).empty());
  play(trainer_in(make_pendulum, acting("clip", true, -0.5)), state);
  CHECK_THAT(refusal(trainer_in(make_pendulum, acting("clip", true, -1)), state),
             Catch::Contains("'gaussian clip state -0.5', and here it is 'gaussian clip state -1'"));
}

TEST_CASE("a resumed run refuses another environment by the names of both", "[forks]") {
  const TemporaryDirectory directory;
  const auto named = [](const std::string& name) {
    return trainer_in([name] { return std::make_unique<Renamed>(name); });
  };
  const Path run = directory / "run";
  play(named("Pole-A"), run);
  CHECK_THAT(refusal(named("Pole-B"), run),
             Catch::Contains("environment is 'Pole-A', and here it is 'Pole-B'"));
  CHECK(refusal(named("Pole-A"), run).empty());
  // Names need not be UTF-8.
  play(named("Pole \xff"), directory / "bytes");
  CHECK(refusal(named("Pole \xff"), directory / "bytes").empty());
}

TEST_CASE("learning constants may change when a run goes on", "[forks]") {
  const TemporaryDirectory directory;
  play(trainer_of({4}), directory / "run");
  Hyperparameters other;
  other.learning_rate = 0.5;
  other.gamma = 0.5;
  CHECK(refusal(trainer_of({4}, other), directory / "run").empty());
}

TEST_CASE("a state that does not say what it is of goes on as it did", "[forks]") {
  const TemporaryDirectory directory;
  CoreOrchestrator writer = trainer_of({4});
  write_state(directory / "old", writer, {}, true);
  const auto metadata = read_safetensors(directory / "old" / "state.safetensors").metadata;
  for (const char* key : {"environment", "network", "behaviour", "normalisation"})
    CHECK(metadata.count(key) == 0);
  Hyperparameters normalises;
  normalises.normalise_observations = normalises.normalise_rewards = true;
  CHECK(refusal(trainer_of({4}, normalises), directory / "old").empty());
}

TEST_CASE("a Parent's run refuses another normalisation and environment", "[forks]") {
  const TemporaryDirectory directory;
  RunOptions options = options_in(directory / "parent");
  options.end_reason = [] { return std::string("signal"); };
  ParentOptions parent;
  parent.listen = {Endpoint::parse("127.0.0.1:0")};
  CoreOrchestrator before = trainer_of({4}, normalising());
  ParentRun(before, options, parent).run();
  CoreOrchestrator plain = trainer_of({4}),
                   renamed = trainer_in([] { return std::make_unique<Renamed>("B"); }, normalising());
  const auto refused = [&](CoreOrchestrator& after) {
    return refusal(directory / "parent", [&] { ParentRun(after, options, parent); });
  };
  CHECK_THAT(refused(plain), Catch::Contains("'observations 10 rewards', and here it is 'none'"));
  CHECK_THAT(refused(renamed), Catch::Contains("and here it is 'B'"));
  CHECK(refused(before).empty());
}

TEST_CASE("a cluster whose Parent refuses to go on leaves config.json as it was", "[forks]") {
  const TemporaryDirectory directory;
  const RunDirectory run(directory / "run");
  {
    CoreOrchestrator writer = trainer_of({4});
    write_state(run.path(), writer, {}, false);
  }
  const auto before = contents(run.path()).at(run.config().string());
  LoopbackClusterOptions options;
  options.directory = run.path();
  options.resume = Resume::kRequired;
  options.children = 1;
  options.run_member = [](const MemberContext& member) { return member.number == 0 ? 2 : 0; };
  const ClusterSummary summary = LoopbackCluster(options).run();
  CHECK(summary.parent_exit_code == 2);
  CHECK(contents(run.path()).at(run.config().string()) == before);
}
