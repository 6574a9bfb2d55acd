// Training whose observations and rewards are normalised with running statistics.

#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/nn/networks.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/rl/policy.h"
#include "orchestrator/trained.h"
#include "support/catch.h"
#include "support/chain_environment.h"
#include "support/temporary_directory.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

constexpr double kGamma = 0.9;

/// What one environment gave: observations before each step, and discounted returns after it.
struct Record {
  std::mutex mutex;
  std::map<std::pair<int, int>, RunningStatistics> of;
};

/// A ChainEnvironment whose observations lie far from 0 and have large units, and that keeps a record.
class FarAway : public DiscreteEnvironment {
 public:
  FarAway(std::shared_ptr<Record> record, std::pair<int, int> key) : record_(std::move(record)), key_(key) {}
  const EnvironmentSpec& spec() const override { return chain_.spec(); }
  Observation reset(std::uint64_t seed) override {
    discounted_ = 0;
    return moved(chain_.reset(seed));
  }
  StepResult step(int action) override {
    std::vector<float> counted = observation_;
    StepResult result = chain_.step(action);
    result.reward *= 1000;
    discounted_ = kGamma * discounted_ + result.reward;
    counted.push_back(static_cast<float>(discounted_));
    if (record_) {
      const std::lock_guard lock(record_->mutex);
      record_->of.try_emplace(key_, RunningStatistics(4)).first->second.add(counted);
    }
    result.observation = moved(result.observation);
    return result;
  }

 private:
  Observation moved(Observation from) {
    observation_.assign(from.begin(), from.end());
    observation_[0] = 5000 + 300 * observation_[0];
    return observation_;
  }

  ChainEnvironment chain_;
  std::shared_ptr<Record> record_;
  std::pair<int, int> key_;
  std::vector<float> observation_;
  double discounted_ = 0;
};

EnvironmentFactory far_away(std::shared_ptr<Record> record = {}) {
  return [record](const EnvironmentContext& context) -> std::unique_ptr<Environment> {
    return std::make_unique<FarAway>(record, std::pair(context.worker, context.index));
  };
}

OrchestratorOptions options(int workers = 1, WorkerMode mode = WorkerMode::kThreads) {
  OrchestratorOptions options;
  options.workers = workers;
  options.mode = mode;
  options.hyperparameters = tuned_hyperparameters();
  options.hyperparameters.schedule = LearningRateSchedule::kConstant;
  options.hyperparameters.gamma = kGamma;
  options.hyperparameters.reward_scale = 1;
  options.hyperparameters.round_steps = 256;
  options.hyperparameters.normalise_observations = true;
  options.hyperparameters.normalise_rewards = true;
  return options;
}

NetworkFactory small_network() {
  return mlp_network({.hidden = {16}});
}

double mean_return(CoreOrchestrator& trainer) {
  double sum = 0;
  const auto episodes = trainer.evaluate({.episodes = 20, .seed = 5, .greedy = true});
  for (const EpisodeResult& episode : episodes) sum += episode.episode_return;
  return sum / 20;
}

/// Pays as much as a float holds, step after step.
class Rich : public ChainEnvironment {
 public:
  StepResult step(int action) override {
    StepResult result = ChainEnvironment::step(action);
    result.reward = 3e38f;
    result.terminated = result.truncated = false;
    return result;
  }
};

}  // namespace

TEST_CASE("returns that no float holds are an error that names the environment and the reward", "[forks]") {
  for (const WorkerMode mode : {WorkerMode::kThreads, WorkerMode::kProcesses}) {
    OrchestratorOptions given = options(1, mode);
    given.hyperparameters.normalise_rewards = true;
    given.max_crashes_per_minute = 0;
    CoreOrchestrator trainer([] { return std::make_unique<Rich>(); }, mlp_network(), given);
    CHECK_THROWS_AS(trainer.train_round(), WorkerError);
    CHECK_THAT(trainer.failure(),
               Contains("environment 'Chain' gave the reward 3e+38, with which the discounted return is"));
  }
}

TEST_CASE("the statistics of all workers and environments are those of one stream") {
  const auto record = std::make_shared<Record>();
  auto two = options(2);
  two.hyperparameters.environments_per_worker = 2;
  CoreOrchestrator trainer(far_away(record), small_network(), two);
  CHECK(trainer.statistics_components() == 4);
  CHECK(trainer.own_statistics().statistics.count() == 0);
  std::uint64_t steps = 0;
  for (int round = 0; round < 3; ++round) steps += trainer.train_round().steps_in_round;
  RunningStatistics whole(4);
  for (const auto& [key, statistics] : record->of) whole.merge(statistics);
  const RunningStatistics own = trainer.own_statistics().statistics;
  CHECK(record->of.size() == 4);
  CHECK(own.count() == static_cast<double>(steps));
  CHECK(own.count() == whole.count());
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(own.mean(i) == Approx(whole.mean(i)).epsilon(1e-9));
    CHECK(own.variance(i) == Approx(whole.variance(i)).epsilon(1e-9));
  }

  SECTION("and evaluations count nothing") {
    trainer.evaluate({.episodes = 5, .seed = 1, .greedy = false});
    CHECK(trainer.own_statistics().statistics == own);
  }
}

TEST_CASE("the first round of a run only counts") {
  CoreOrchestrator trainer(far_away(), small_network(), options());
  const auto first = weights_of(trainer);
  const RoundReport round = trainer.train_round();
  CHECK(round.optimizer_steps == 0);
  CHECK(round.steps_in_round >= 256);
  CHECK(weights_of(trainer) == first);
  CHECK(trainer.train_round().optimizer_steps > 0);
  CHECK(weights_of(trainer) != first);

  SECTION("unless others have counted before") {
    CoreOrchestrator later(far_away(), small_network(), options());
    later.write_other_statistics(trainer.own_statistics().statistics);
    CHECK(later.train_round().optimizer_steps > 0);
  }
}

TEST_CASE("observations far from 0 and large rewards are learnt from when they are normalised") {
  CoreOrchestrator trainer(far_away(), small_network(), options());
  for (int round = 0; round < 25; ++round) trainer.train_round();
  // Seven or six steps to the right end: 1000 - 100 * (steps - 1).
  CHECK(mean_return(trainer) >= 400);
}

TEST_CASE("a normalised run goes on from its state bit for bit", "[forks]") {
  for (const WorkerMode mode : {WorkerMode::kThreads, WorkerMode::kProcesses}) {
    CoreOrchestrator whole(far_away(), small_network(), options(1, mode));
    for (int round = 0; round < 5; ++round) whole.train_round();
    CoreOrchestrator before(far_away(), small_network(), options(1, mode));
    for (int round = 0; round < 3; ++round) before.train_round();
    RunningStatistics others(4);
    CoreOrchestrator after(far_away(), small_network(), options(1, mode));
    after.write_weights(weights_of(before));
    after.restore(SavedState(before).reader());
    CHECK(after.own_statistics().stream == before.own_statistics().stream);
    CHECK(after.own_statistics().statistics == before.own_statistics().statistics);
    for (int round = 0; round < 2; ++round) after.train_round();
    CHECK(weights_of(after) == weights_of(whole));
    CHECK(after.own_statistics().statistics == whole.own_statistics().statistics);
  }
}

TEST_CASE("a worker that died counts its round once", "[forks]") {
  const auto count = [](bool dies) {
    auto two = options(2, WorkerMode::kProcesses);
    TemporaryDirectory directory;
    const auto mark = directory.path() / "died";
    CoreOrchestrator trainer(
        [&mark, dies](const EnvironmentContext& context) -> std::unique_ptr<Environment> {
          Mischief mischief;
          if (dies && context.worker == 1) {
            mischief.at_step = [mark, steps = 0]() mutable {
              if (++steps != 100 || std::filesystem::exists(mark)) return;
              std::filesystem::create_directory(mark);
              _exit(3);
            };
          }
          return std::make_unique<ChainEnvironment>(mischief);
        },
        small_network(), two);
    trainer.train_round();
    return trainer.own_statistics().statistics;
  };
  CHECK(count(true) == count(false));
}

TEST_CASE("a state with statistics of another size is refused") {
  CoreOrchestrator trainer(far_away(), small_network(), options());
  trainer.train_round();
  const SavedState saved(trainer);
  auto writer_of = [&](std::size_t components) {
    StateWriter writer;
    writer.floats("optimizer_state", saved.reader().floats("optimizer_state").values);
    writer.u64("optimizer_steps", 1);
    writer.u64("trainer_environment_steps", 1);
    writer.u64("rounds", 1);
    writer.u64("statistics_stream", 7);
    writer.f64s("own_statistics", RunningStatistics(components).values());
    writer.f64s("other_statistics", RunningStatistics(components).values());
    return writer.take();
  };
  const Checkpoint right = writer_of(4), wrong = writer_of(5);
  trainer.restore(StateReader(right, "state"));
  CHECK(trainer.own_statistics().stream == 7);
  CHECK_THROWS_AS(trainer.restore(StateReader(wrong, "state")), LayoutError);
  CHECK_THROWS_AS(trainer.write_other_statistics(RunningStatistics(5)), ArgumentError);
}

TEST_CASE("a policy's statistics of other observations are refused by who plays it") {
  CoreOrchestrator trainer(far_away(), small_network(), options());
  trainer.train_round();
  auto metadata = trainer.policy_metadata();
  CHECK_NOTHROW(trainer.normalise_as(metadata));
  // As many numbers as its own sizes ask for, and others than this environment's.
  metadata.insert_or_assign("observation_shape", std::string(1, '1'));
  metadata.insert_or_assign("observation_statistics", std::string("5 0 0 1 1"));
  CHECK_THROWS_WITH(trainer.normalise_as(metadata),
                    Contains("observations of 1 floats, and those of this environment have 3"));
  CHECK_THROWS_AS(trainer.normalise_as(metadata), LayoutError);
  metadata.insert_or_assign("observation_shape", std::string(1, '3'));
  CHECK_THROWS_AS(trainer.normalise_as(metadata), FormatError);
}

TEST_CASE("a policy file carries its normalisation to whoever plays it") {
  CoreOrchestrator trainer(far_away(), small_network(), options());
  for (int round = 0; round < 25; ++round) trainer.train_round();
  TemporaryDirectory directory;
  const auto path = directory.path() / "policy.safetensors";
  Checkpoint file;
  file.layout = trainer.layout();
  file.weights = weights_of(trainer);
  file.metadata = trainer.policy_metadata();
  write_safetensors(path, file);
  const auto expected = trainer.evaluate({.episodes = 10, .seed = 9, .greedy = true});

  SECTION("a trainer of another run, which normalises nothing itself") {
    auto plain = options();
    plain.hyperparameters.normalise_observations = plain.hyperparameters.normalise_rewards = false;
    CoreOrchestrator other(far_away(), small_network(), plain);
    CHECK(other.statistics_components() == 0);
    other.write_weights(file.weights);
    other.normalise_as(read_safetensors(path).metadata);
    const auto played = other.evaluate({.episodes = 10, .seed = 9, .greedy = true});
    for (std::size_t i = 0; i < played.size(); ++i)
      CHECK(played[i].episode_return == expected[i].episode_return);
  }
  SECTION("load_policy()") {
    Policy policy = load_policy(path, {});
    FarAway environment({}, {0, 0});
    double best = -1e9;
    for (std::uint64_t seed : {0, 1}) {
      const auto first = environment.reset(seed);
      std::vector<float> observation(first.begin(), first.end());
      double sum = 0;
      for (bool over = false; !over;) {
        const auto step = environment.step(static_cast<int>(policy.act(observation)[0]));
        observation.assign(step.observation.begin(), step.observation.end());
        sum += step.reward;
        over = step.terminated || step.truncated;
      }
      best = std::max(best, sum);
    }
    CHECK(best >= 400);
  }
}
