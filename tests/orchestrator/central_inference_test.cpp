// Workers whose outputs are computed by predictors.
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "orchestrator/trained.h"
#include "support/catch.h"
#include "support/failing_environment.h"
#include "support/patience.h"
#include "support/target_environment.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

const ActionSpace kHybrid{.choices = {3}, .low = {-1}, .high = {1}};
const ActionSpace kChoice{.choices = {3}, .low = {}, .high = {}};

OrchestratorOptions options_for(int predictors, Learning learning = Learning::kCentral, int workers = 1) {
  OrchestratorOptions options;
  options.mode = WorkerMode::kThreads;
  options.workers = workers;
  options.learning = learning;
  options.inference.predictors = predictors;
  options.worker_timeout = Milliseconds{120'000};
  Hyperparameters& hyper = options.hyperparameters;
  hyper.algorithm = "ppo";
  hyper.optimizer = "adam";
  hyper.learning_rate = 5e-3;
  hyper.weight_decay = 0;
  hyper.gamma = 0;
  hyper.gae_lambda = 0;
  hyper.round_end = RoundEnd::kStep;
  hyper.round_steps = 500;
  hyper.initial_log_deviation = -0.7;
  hyper.max_gradient_norm = 1;
  return options;
}

std::unique_ptr<CoreOrchestrator> make(const OrchestratorOptions& options, const ActionSpace& space = kHybrid,
                                       bool masks = false, int memory = 0) {
  return std::make_unique<CoreOrchestrator>(target_factory(space, masks),
                                            mlp_network({.hidden = {16}, .memory = memory}), options);
}

std::vector<float> weights_after(const OrchestratorOptions& options, int rounds,
                                 const ActionSpace& space = kHybrid, bool masks = false, int memory = 0) {
  const auto trainer = make(options, space, masks, memory);
  for (int i = 0; i < rounds; ++i) trainer->train_round();
  return weights_of(*trainer);
}

/// Gets its first observation of an episode from elsewhere, which takes some looks.
class SlowReset final : public Environment {
 public:
  explicit SlowReset(const EnvironmentContext& context)
      : inner_(kChoice), keep_waiting_(context.keep_waiting) {}
  const EnvironmentSpec& spec() const override { return inner_.spec(); }
  void prepare_reset(std::uint64_t seed) override {
    prepared_ = seed;
    looks_ = 0;
  }
  bool is_ready() const override { return ++looks_ > 3; }
  Observation reset(std::uint64_t seed) override {
    if (keep_waiting_ && !keep_waiting_()) waits_ended_ = true;
    CHECK(seed == prepared_);
    return inner_.reset(seed);
  }
  StepResult step(Action action) override { return inner_.step(action); }

 private:
  TargetEnvironment inner_;
  std::function<bool()> keep_waiting_;
  std::uint64_t prepared_ = 0;
  mutable int looks_ = 0;
  bool waits_ended_ = false;
};

/// May begin no episode, as one whose machine is away.
class UnservedEnvironment final : public Environment {
 public:
  explicit UnservedEnvironment(bool is_unserved) : inner_(kChoice), is_unserved_(is_unserved) {}
  const EnvironmentSpec& spec() const override { return inner_.spec(); }
  bool is_ready() const override { return !is_unserved_; }
  Observation reset(std::uint64_t seed) override {
    CHECK_FALSE(is_unserved_);
    return inner_.reset(seed);
  }
  StepResult step(Action action) override { return inner_.step(action); }

 private:
  TargetEnvironment inner_;
  bool is_unserved_;
};

}  // namespace

TEST_CASE("with one worker it makes no difference who computes the outputs") {
  const int memory = GENERATE(0, 8);
  const bool masks = GENERATE(false, true);
  for (const Learning learning : {Learning::kWorkers, Learning::kCentral}) {
    for (const int environments : {1, 4}) {
      CAPTURE(memory, masks, learning, environments);
      OrchestratorOptions local = options_for(0, learning), central = options_for(1, learning);
      local.hyperparameters.environments_per_worker = environments;
      central.hyperparameters.environments_per_worker = environments;
      CHECK(weights_after(central, 3, kHybrid, masks, memory) ==
            weights_after(local, 3, kHybrid, masks, memory));
    }
  }
}

TEST_CASE("the predictor has the newest weights of a worker that learns while it plays") {
  for (const char* algorithm : {"a3c", "dqn"}) {
    CAPTURE(algorithm);
    OrchestratorOptions local = options_for(0, Learning::kWorkers),
                        central = options_for(1, Learning::kWorkers);
    for (OrchestratorOptions* options : {&local, &central}) {
      options->hyperparameters.algorithm = algorithm;
      options->hyperparameters.batch_size = 5;
      options->hyperparameters.pull_every = 1;
      options->hyperparameters.learning_starts = 100;
      if (std::string(algorithm) == "dqn") options->replay_capacity = 1'000;
      // Whatever was learnt is shared at once.
      options->hyperparameters.sharing = Sharing::kMutex;
    }
    CHECK(weights_after(central, 3, kChoice) == weights_after(local, 3, kChoice));
  }
}

TEST_CASE("two halves of a worker's environments take turns, and a run is repeatable") {
  OrchestratorOptions options = options_for(1);
  options.hyperparameters.environments_per_worker = 5;
  options.inference.double_buffering = true;
  CHECK(weights_after(options, 3) == weights_after(options, 3));
  CHECK(weights_after(options, 3, kHybrid, false, 8) == weights_after(options, 3, kHybrid, false, 8));
  const auto trainer = make(options);
  const RoundReport round = trainer->train_round();
  // Halves of two and of three, and the last step of each may be too many.
  CHECK(round.inference_rows >= round.steps_in_round);
  CHECK(round.inference_rows <= round.steps_in_round + 5);
  // A predictor that was busy takes both halves at once.
  CHECK(round.inference_batches >= round.steps_in_round / 5);
  CHECK(round.steps_in_round >= 500);
  CHECK(round.steps_in_round <= 505);
}

TEST_CASE("several workers learn through predictors", "[forks]") {
  const WorkerMode mode = GENERATE(WorkerMode::kProcesses, WorkerMode::kThreads);
  const auto actor_mode = GENERATE(ActorMode::kWaiting, ActorMode::kAsynchronous);
  CAPTURE(mode, actor_mode);
  OrchestratorOptions options = options_for(2, Learning::kCentral, 3);
  options.mode = mode;
  options.actor_mode = actor_mode;
  options.hyperparameters.vtrace = actor_mode == ActorMode::kAsynchronous;
  options.hyperparameters.environments_per_worker = 4;
  options.inference.double_buffering = true;
  const auto trainer = make(options, kHybrid, true);
  double reached = 0;
  for (int round = 0; round < 80 && reached < 17; ++round) {
    CHECK(trainer->train_round().inference_rows > 0);
    if (round % 5 == 4) reached = mean_greedy_return(*trainer);
  }
  CHECK(reached >= 17);  // of 20
  CHECK(trainer->worker_restarts() == 0);
}

TEST_CASE("a predictor waits for a batch as long as it is told to") {
  OrchestratorOptions options = options_for(1, Learning::kCentral, 4);
  options.inference.batch = 4;
  options.inference.wait = std::chrono::seconds(1);
  const auto trainer = make(options);
  const RoundReport round = trainer->train_round();
  // All but the end, where some workers have played enough.
  CHECK(round.inference_rows >= 3 * round.inference_batches);
  options.inference.batch = 1;
  const RoundReport single = make(options)->train_round();
  CHECK(single.inference_rows == single.inference_batches);
}

TEST_CASE("an actor's segments are the same with a predictor") {
  std::vector<std::vector<Segment>> played;
  for (const int predictors : {0, 1}) {
    const auto actor = make(options_for(predictors, Learning::kElsewhere), kHybrid, true, 4);
    actor->play_round(300, played.emplace_back());
  }
  REQUIRE(played[0].size() == played[1].size());
  for (std::size_t i = 0; i < played[0].size(); ++i) {
    CHECK(played[0][i].actions == played[1][i].actions);
    CHECK(played[0][i].log_probabilities == played[1][i].log_probabilities);
    CHECK(played[0][i].last_state == played[1][i].last_state);
  }
}

TEST_CASE("predictors and workers that are killed are replaced, and the training goes on", "[forks]") {
  const bool strikes_predictors = GENERATE(true, false);
  const auto actor_mode = GENERATE(ActorMode::kWaiting, ActorMode::kAsynchronous);
  CAPTURE(strikes_predictors, actor_mode);
  constexpr int kWorkers = 2, kPredictors = 2, kMost = 10;
  OrchestratorOptions options = options_for(kPredictors, Learning::kCentral, kWorkers);
  options.mode = WorkerMode::kProcesses;
  options.actor_mode = actor_mode;
  options.hyperparameters.vtrace = actor_mode == ActorMode::kAsynchronous;
  options.max_crashes_per_minute = 1'000;
  options.hyperparameters.round_steps = 20'000;
  options.hyperparameters.epochs = 1;
  options.hyperparameters.environments_per_worker = 4;
  options.inference.double_buffering = true;
  int struck = 0, last_pid = 0;
  CoreOrchestrator* made = nullptr;
  options.on_wait = [&](const RoundProgress& progress) {
    if (made == nullptr || progress.so_far.steps < 5 || struck == kMost) return;
    if (made->worker_restarts() != static_cast<std::uint64_t>(struck)) return;
    // The learner is between workers and predictors.
    const int index = strikes_predictors ? kWorkers + 1 + struck % kPredictors : struck % kWorkers;
    const int pid = made->worker_pids()[static_cast<std::size_t>(index)];
    // A restart is counted a moment before the new process has its number.
    if (pid <= 0 || pid == last_pid) return;
    last_pid = pid;
    ++struck;
    ::kill(pid, SIGKILL);
  };
  const auto trainer = make(options, kHybrid, true, 4);
  made = trainer.get();
  REQUIRE(trainer->worker_pids().size() == kWorkers + 1 + kPredictors);
  for (int round = 0; round < 200 && struck < kMost; ++round)
    CHECK(trainer->train_round().steps_in_round > 0);
  REQUIRE(struck == kMost);
  CHECK(trainer->train_round().steps_in_round >= 20'000);
  CHECK(trainer->worker_restarts() == kMost);
  CHECK(trainer->evaluate({.episodes = 10}).size() == 10);
}

TEST_CASE("a predictor that hangs is replaced while its workers wait", "[forks]") {
  OrchestratorOptions options = options_for(1, Learning::kCentral, 2);
  options.mode = WorkerMode::kProcesses;
  options.worker_timeout = patient_seconds(2);
  options.max_crashes_per_minute = 1'000;
  options.hyperparameters.round_steps = 100'000;
  options.hyperparameters.epochs = 1;
  bool stopped = false;
  CoreOrchestrator* made = nullptr;
  options.on_wait = [&](const RoundProgress& progress) {
    if (made == nullptr || stopped || progress.so_far.steps < 5) return;
    stopped = true;
    ::kill(made->worker_pids()[3], SIGSTOP);
  };
  const auto trainer = make(options);
  made = trainer.get();
  for (int round = 0; round < 50 && !stopped; ++round) trainer->train_round();
  REQUIRE(stopped);
  trainer->train_round();
  CHECK(trainer->worker_restarts() == 1);
}

TEST_CASE("a worker thread that fails ends the training, and its predictors with it") {
  OrchestratorOptions options = options_for(2, Learning::kCentral, 2);
  int made = 0;
  const auto failing = [&made](const EnvironmentContext&) {
    return std::make_unique<FailingEnvironment>(kChoice, ++made == 2 ? 50 : 0);
  };
  CoreOrchestrator trainer(failing, mlp_network({.hidden = {16}}), options);
  CHECK_THROWS_WITH(trainer.train_round(), Contains("the motor is gone"));
}

TEST_CASE("an environment whose reset takes long does not hold up the others of its worker") {
  for (const int predictors : {0, 1}) {
    OrchestratorOptions options = options_for(predictors, Learning::kCentral, 1);
    options.hyperparameters.environments_per_worker = 4;
    options.inference.double_buffering = predictors > 0;
    CoreOrchestrator trainer(
        [](const EnvironmentContext& context) { return std::make_unique<SlowReset>(context); },
        mlp_network({.hidden = {16}}), options);
    for (int i = 0; i < 3; ++i) CHECK(trainer.train_round().steps_in_round >= 500);
    CHECK(trainer.evaluate({.episodes = 3}).size() == 3);
  }
}

TEST_CASE("an environment that nobody serves holds up neither rounds nor evaluations") {
  const auto round_end = GENERATE(RoundEnd::kEpisode, RoundEnd::kStep);
  const auto unserved = GENERATE(0, 3);
  CAPTURE(round_end, unserved);
  OrchestratorOptions options =
      options_for(0, round_end == RoundEnd::kStep ? Learning::kCentral : Learning::kWorkers);
  options.hyperparameters.round_end = round_end;
  options.hyperparameters.environments_per_worker = 4;
  CoreOrchestrator trainer(
      [unserved](const EnvironmentContext& context) {
        return std::make_unique<UnservedEnvironment>(context.index == unserved);
      },
      mlp_network({.hidden = {16}}), options);
  for (int i = 0; i < 3; ++i) CHECK(trainer.train_round().steps_in_round >= 500);
  CHECK(trainer.evaluate({.episodes = 3}).size() == 3);
  CHECK(trainer.train_round().steps_in_round >= 500);
}

TEST_CASE("options of central inference that cannot be are refused by name") {
  const auto refused = [](auto change, const std::string& given, const std::string& expected) {
    OrchestratorOptions options = options_for(1);
    change(options);
    CHECK_THROWS_WITH(make(options), Contains(given) && Contains(expected));
  };
  refused([](auto& o) { o.inference.predictors = -1; }, "predictors is -1", "expected 0 to 1024");
  refused([](auto& o) { o.inference.predictors = 1025; }, "predictors is 1025", "expected 0 to 1024");
  refused([](auto& o) { o.inference.batch = -1; }, "inference_batch is -1", "expected 0");
  refused([](auto& o) { o.inference.wait = std::chrono::microseconds(-1); }, "inference_wait is -1",
          "expected 0");
  refused([](auto& o) { o.inference.double_buffering = true; }, "environments_per_worker is 1", "at least 2");
  refused(
      [](auto& o) {
        o.inference.predictors = 0;
        o.inference.double_buffering = true;
      },
      "predictors is 0", "expected at least 1");
  refused([](auto& o) { o.mode = WorkerMode::kCaller; }, "predictors is 1", "expected 0");
  refused([](auto& o) { o.learning = Learning::kGiven; }, "learning is 'given'", "expected 0");
}
