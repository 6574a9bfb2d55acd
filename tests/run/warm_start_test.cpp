// Runs that begin with another run's policy.
#include <fstream>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/run/child_run.h"
#include "genkidama/run/loopback_cluster.h"
#include "genkidama/run/parent_run.h"
#include "genkidama/run/trainer_run.h"
#include "rl/policy_record.h"
#include "run/resumed_run.h"
#include "support/catch.h"
#include "support/json_file.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::run;
using namespace genkidama::test;

namespace {

RunOptions begun_with(const std::filesystem::path& directory, const std::filesystem::path& file) {
  RunOptions options = options_in(directory);
  options.updates = 3;
  options.init_from = file;
  return options;
}

/// The policy of a run of this network, as other runs find it.
std::filesystem::path make_policy(const std::filesystem::path& directory, std::vector<int> hidden = {4},
                                  const Hyperparameters& hyperparameters = {}) {
  CoreOrchestrator trainer = trainer_of(std::move(hidden), hyperparameters);
  RunOptions options = options_in(directory);
  options.updates = 5;
  train(trainer, options);
  return directory / "final.safetensors";
}

std::vector<float> weights_of(const CoreOrchestrator& trainer) {
  std::vector<float> weights(trainer.layout().size());
  trainer.read_weights(weights);
  return weights;
}

std::vector<double> returns_of(CoreOrchestrator& trainer) {
  std::vector<double> returns;
  for (const EpisodeResult& each : trainer.evaluate({.episodes = 20, .seed = 3, .greedy = false}))
    returns.push_back(each.episode_return);
  return returns;
}

/// What whoever plays the file sees: its weights, and its normalisation unless that is left out.
std::vector<double> returns_of(const std::filesystem::path& file, bool as_recorded = true) {
  CoreOrchestrator player = trainer_of({4});
  const Checkpoint policy = read_safetensors(file);
  player.write_weights(policy.weights);
  if (as_recorded) player.normalise_as(policy.metadata);
  return returns_of(player);
}

RunningStatistics statistics_of(const CoreOrchestrator& trainer) {
  const auto record = policy_record("trainer", trainer.policy_metadata());
  return record.normalisation ? record.normalisation->statistics : RunningStatistics();
}

RunningStatistics statistics_of(const std::filesystem::path& file) {
  return policy_record(file, read_safetensors(file).metadata).normalisation.value().statistics;
}

template <typename Run>
std::string refusal_of(const Run& run) {
  try {
    run();
  } catch (const ArgumentError& error) {
    return error.what();
  }
  return "taken";
}

}  // namespace

TEST_CASE("a run begins with the weights of a policy file, and with nothing else of that run", "[forks]") {
  const TemporaryDirectory directory;
  const auto file = make_policy(directory / "first");
  CoreOrchestrator trainer = trainer_of({4});
  const auto own = weights_of(trainer);
  TrainerRun run(trainer, begun_with(directory / "run", file));
  CHECK(weights_of(trainer) == read_safetensors(file).weights);
  CHECK(weights_of(trainer) != own);
  CHECK(run.totals().updates == 0);
  CHECK(run.totals().in_run == Played{});
  while (run.advance()) {
  }
  CHECK(run.finish().totals.updates == 3);
  CHECK(json_of(directory / "run" / "summary.json")["init_from"] == file.string());
  // The order of a file's tensors is its own affair.
  Checkpoint turned = read_safetensors(file);
  std::vector<ParameterLayout::Tensor> tensors;
  std::vector<float> weights;
  const auto infos = turned.layout.tensors();
  for (auto tensor = infos.rbegin(); tensor != infos.rend(); ++tensor) {
    tensors.push_back({tensor->name, tensor->shape});
    const auto values = std::span(turned.weights).subspan(tensor->offset, tensor->count);
    weights.insert(weights.end(), values.begin(), values.end());
  }
  write_safetensors(directory / "turned.safetensors", {ParameterLayout(tensors), weights, turned.metadata});
  CoreOrchestrator other = trainer_of({4});
  TrainerRun again(other, begun_with(directory / "again", directory / "turned.safetensors"));
  CHECK(weights_of(other) == read_safetensors(file).weights);
}

TEST_CASE("a run that goes on has its own weights, and is not begun with others", "[forks]") {
  const TemporaryDirectory directory;
  const auto file = make_policy(directory / "first");
  RunOptions options = begun_with(directory / "run", file);
  {
    CoreOrchestrator trainer = trainer_of({4});
    train(trainer, options);
  }
  const auto learnt = read_safetensors(directory / "run" / "final.safetensors").weights;
  options.updates = 6;
  options.resume = Resume::kRequired;
  CoreOrchestrator trainer = trainer_of({4});
  const std::string refusal = refusal_of([&] { TrainerRun(trainer, options); });
  CHECK(refusal.find("init_from " + file.string() + ": the run in " + (directory / "run").string() +
                     " goes on from its own state; leave init_from out") == 0);
  // The same program that is started again goes on, even when the file is gone.
  std::filesystem::remove(file);
  options.resume = Resume::kIfPossible;
  TrainerRun run(trainer, options);
  CHECK(run.totals().updates == 3);
  CHECK(weights_of(trainer) == learnt);
}

TEST_CASE("a run that was killed before its first state begins with the file again", "[forks]") {
  const TemporaryDirectory directory;
  const auto file = make_policy(directory / "first");
  std::filesystem::create_directories(directory / "run");
  std::ofstream(directory / "run" / "config.json") << "{}";
  RunOptions options = begun_with(directory / "run", file);
  options.resume = Resume::kRequired;
  CoreOrchestrator trainer = trainer_of({4});
  TrainerRun run(trainer, options);
  CHECK(weights_of(trainer) == read_safetensors(file).weights);
}

TEST_CASE("a file that no run can begin with is refused before anything is made", "[forks]") {
  const TemporaryDirectory directory;
  const auto good = make_policy(directory / "first");
  CoreOrchestrator trainer = trainer_of({4});
  const auto refused = [&](const std::filesystem::path& file) {
    const std::string text = refusal_of([&] { TrainerRun(trainer, begun_with(directory / "run", file)); });
    CAPTURE(text);
    CHECK(text.find("init_from " + file.string() + ": ") == 0);
    CHECK_FALSE(std::filesystem::exists(directory / "run"));
    return text;
  };
  CHECK(refused(directory / "none").find("No such file") != std::string::npos);
  CHECK(refused(directory / "first").find("expected a policy file, such as") != std::string::npos);
  CHECK(refused(directory / "first" / "state.safetensors").find("state of a run") != std::string::npos);
  std::ofstream(directory / "text") << "no tensors";
  refused(directory / "text");
  CHECK(refused(make_policy(directory / "wide", {5})).find("this network is") != std::string::npos);
  Checkpoint renamed = read_safetensors(good);
  renamed.metadata["network"] = "mlp 4 relu";
  write_safetensors(directory / "renamed", renamed);
  CHECK(refused(directory / "renamed").find("'mlp 4 relu'") != std::string::npos);
  // No file of this library holds such weights; another program's may.
  std::filesystem::copy_file(good, directory / "diverged");
  std::fstream bytes(directory / "diverged", std::ios::in | std::ios::out | std::ios::binary);
  bytes.seekp(-4, std::ios::end);
  const float infinite = std::numeric_limits<float>::infinity();
  bytes.write(reinterpret_cast<const char*>(&infinite), sizeof infinite);
  bytes.close();
  CHECK(refused(directory / "diverged").find("finite") != std::string::npos);
}

TEST_CASE("a Parent begins with the file, and a Child with its Parent's weights", "[forks]") {
  const TemporaryDirectory directory;
  const auto file = make_policy(directory / "first");
  CoreOrchestrator trainer = trainer_of({4});
  CHECK(refusal_of([&] {
          ChildRun(trainer, begun_with(directory / "child", file), ChildOptions{});
        }).find("a Child begins with its Parent's weights") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(directory / "child"));
  MemberContext member;
  member.number = 1;
  RunOptions options = begun_with(directory / "child", file);
  apply(member, options);
  CHECK(options.init_from.empty());
  member.number = 0;
  options.init_from = file;
  apply(member, options);
  CHECK(options.init_from == file);

  RunOptions parent = begun_with(directory / "parent", file);
  parent.end_reason = [] { return "enough"; };
  ParentOptions links;
  links.listen = {Endpoint::parse("127.0.0.1:0")};
  CHECK(ParentRun(trainer, parent, links).run().ended_by == "enough");
  CHECK(read_safetensors(directory / "parent" / "final.safetensors").weights ==
        read_safetensors(file).weights);
}

TEST_CASE("a run that normalises goes on with the statistics of the file", "[forks]") {
  const TemporaryDirectory directory;
  const auto file = make_policy(directory / "first", {4}, normalising());
  const auto expected = returns_of(file);
  CHECK(returns_of(file, /*as_recorded=*/false) != expected);
  RunOptions options = begun_with(directory / "run", file);
  {
    CoreOrchestrator trainer = trainer_of({4}, normalising());
    TrainerRun run(trainer, options);
    CHECK(returns_of(trainer) == expected);
    CHECK(statistics_of(trainer) == statistics_of(file));
    // There is something to normalise with, so the first round learns.
    REQUIRE(run.advance());
    CHECK(weights_of(trainer) != read_safetensors(file).weights);
    CHECK(statistics_of(trainer).count() ==
          statistics_of(file).count() + static_cast<double>(run.totals().in_run.steps));
    while (run.advance()) {
    }
    run.finish();
  }
  // A run that goes on has counted them once.
  CoreOrchestrator resumed = trainer_of({4}, normalising());
  TrainerRun again(resumed, options);
  CHECK(statistics_of(resumed) == statistics_of(directory / "run" / "final.safetensors"));
  CHECK(statistics_of(resumed).count() ==
        statistics_of(file).count() + static_cast<double>(again.totals().in_run.steps));
}

TEST_CASE("a Parent goes on with the statistics of the file", "[forks]") {
  const TemporaryDirectory directory;
  const auto file = make_policy(directory / "first", {4}, normalising());
  const auto final = directory / "parent" / "final.safetensors";
  RunOptions options = begun_with(directory / "parent", file);
  ParentOptions links;
  links.listen = {Endpoint::parse("127.0.0.1:0")};
  for (int start = 0; start < 2; ++start) {
    CAPTURE(start);
    options.end_reason = [] { return "enough"; };
    CoreOrchestrator evaluator = trainer_of({4}, normalising());
    CHECK(ParentRun(evaluator, options, links).run().ended_by == "enough");
    CHECK(statistics_of(final) == statistics_of(file));
    CHECK(statistics_of(evaluator) == statistics_of(file));
    CHECK(returns_of(final) == returns_of(file));
  }
}

TEST_CASE("a run that normalises otherwise than the run of the file is refused", "[forks]") {
  const TemporaryDirectory directory;
  const auto normalised = make_policy(directory / "normalised", {4}, normalising());
  const auto observed = make_policy(directory / "observed", {4}, normalising(true, false));
  const auto plain = make_policy(directory / "plain");
  const auto refused = [&](const std::filesystem::path& file, const Hyperparameters& hyperparameters) {
    CoreOrchestrator trainer = trainer_of({4}, hyperparameters);
    const std::string text = refusal_of([&] { TrainerRun(trainer, begun_with(directory / "run", file)); });
    CHECK(text.find("init_from " + file.string() + ": ") == 0);
    CHECK_FALSE(std::filesystem::exists(directory / "run"));
    return text;
  };
  CHECK_THAT(
      refused(plain, normalising()),
      Catch::Contains("has learnt from observations and rewards as they are, and this run would go on "
                      "with normalised observations (cut to 10 deviations) and normalised rewards; set "
                      "normalise_observations false and normalise_rewards false"));
  CHECK_THAT(refused(normalised, {}),
             Catch::Contains("set normalise_observations true and normalise_rewards true"));
  CHECK_THAT(refused(observed, normalising()),
             Catch::Contains("set normalise_observations true and normalise_rewards false"));
  CHECK_THAT(refused(normalised, normalising(false, true)),
             Catch::Contains("set normalise_observations true and normalise_rewards true"));
  Hyperparameters clipped = normalising();
  clipped.observation_clip = 5;
  CHECK_THAT(refused(normalised, clipped), Catch::Contains("and observation_clip 10"));

  Checkpoint other = read_safetensors(normalised);
  other.metadata["observation_shape"] = "2";
  other.metadata["observation_statistics"] = "3 0 0 0 1 1 1";
  write_safetensors(directory / "other", other);
  CHECK_THAT(refused(directory / "other", normalising()),
             Catch::Contains("observations of 2 floats, and those of this environment have 4"));
  other.metadata["observation_shape"] = "4";
  write_safetensors(directory / "torn", other);
  CHECK_THAT(refused(directory / "torn", normalising()), Catch::Contains("does not say what"));
}
