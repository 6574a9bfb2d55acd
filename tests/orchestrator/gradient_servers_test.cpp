// Several servers that each own a slice of the weights (OrchestratorOptions::servers).
#include <signal.h>

#include <array>
#include <chrono>
#include <cmath>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "orchestrator/trained.h"
#include "rl/gradient_queue.h"
#include "support/catch.h"
#include "support/failing_environment.h"
#include "support/patience.h"
#include "support/target_environment.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;
using Fate = GradientQueue::Fate;

namespace {

const ActionSpace kHybrid{.choices = {3}, .low = {-1}, .high = {1}};

OrchestratorOptions options_for(int servers, int workers = 1, WorkerMode mode = WorkerMode::kThreads) {
  OrchestratorOptions options;
  options.mode = mode;
  options.workers = workers;
  options.servers = servers;
  options.worker_timeout = Milliseconds{120'000};
  Hyperparameters& hyper = options.hyperparameters;
  hyper.algorithm = "ppo";
  hyper.sharing = Sharing::kServer;
  hyper.optimizer = "adam";
  hyper.learning_rate = 5e-3;
  hyper.weight_decay = 0;
  hyper.gamma = 0;
  hyper.gae_lambda = 0;
  hyper.round_steps = 500;
  hyper.initial_log_deviation = -0.7;
  hyper.max_gradient_norm = 1;
  return options;
}

std::unique_ptr<CoreOrchestrator> make(const OrchestratorOptions& options) {
  return std::make_unique<CoreOrchestrator>(target_factory(kHybrid, false), mlp_network({.hidden = {16}}),
                                            options);
}

/// Counts for each weight how often a gradient was applied to it. A kill is most likely to come while it is
/// at a gradient, and half of the slice is counted by then.
class CountingOptimizer : public SharedOptimizer {
 public:
  std::size_t state_size(std::size_t parameters) const override { return parameters; }
  void step(std::span<float>, std::span<const float>, std::span<float> state, std::uint64_t,
            double) const override {
    for (std::size_t i = 0; i < state.size(); ++i) {
      if (i == state.size() / 2) std::this_thread::sleep_for(std::chrono::milliseconds(3));
      relaxed_write(state[i], relaxed_read(state[i]) + 1);
    }
  }
};

/// Has a number beside those of each weight.
class OddOptimizer final : public CountingOptimizer {
 public:
  std::size_t state_size(std::size_t parameters) const override { return parameters + 1; }
};

std::vector<float> optimizer_state_of(const CoreOrchestrator& trainer) {
  const SavedState state(trainer);
  const auto values = state.reader().floats("optimizer_state").values;
  return {values.begin(), values.end()};
}

}  // namespace

TEST_CASE("with one worker any number of servers learns the same, bit for bit, and keeps the same state") {
  for (const char* algorithm : {"ppo", "a3c"}) {
    for (const char* optimizer : {"adam", "sgd", "rmsprop"}) {
      std::vector<float> weights, state;
      OptimizerMoments moments;
      for (const int servers : {0, 1, 2, 3, 64}) {
        CAPTURE(algorithm, optimizer, servers);
        OrchestratorOptions options = options_for(std::max(servers, 1));
        options.hyperparameters.algorithm = algorithm;
        options.hyperparameters.optimizer = optimizer;
        if (servers == 0) options.hyperparameters.sharing = Sharing::kHogwild;
        const auto trainer = make(options);
        CHECK(trainer->servers() == servers);
        for (int round = 0; round < 3; ++round) trainer->train_round();
        if (servers == 0) {
          weights = weights_of(*trainer);
          state = optimizer_state_of(*trainer);
          trainer->read_moments(moments);
        }
        CHECK(weights_of(*trainer) == weights);
        CHECK(optimizer_state_of(*trainer) == state);
        OptimizerMoments own;
        trainer->read_moments(own);
        CHECK(own == moments);
        for (float& value : own.values) value *= 2;
        trainer->write_moments(own);
        OptimizerMoments written;
        trainer->read_moments(written);
        CHECK(written == own);
      }
    }
  }
}

TEST_CASE("a run goes on exactly with another number of servers, and with none") {
  const auto whole = make(options_for(2)), first = make(options_for(3));
  for (int i = 0; i < 4; ++i) whole->train_round();
  for (int i = 0; i < 2; ++i) first->train_round();
  const SavedState state(*first);
  for (const int servers : {0, 1, 2, 5}) {
    CAPTURE(servers);
    OrchestratorOptions options = options_for(std::max(servers, 1));
    if (servers == 0) options.hyperparameters.sharing = Sharing::kHogwild;
    const auto resumed = make(options);
    resumed->write_weights(weights_of(*first));
    resumed->restore(state.reader());
    for (int i = 0; i < 2; ++i) resumed->train_round();
    CHECK(weights_of(*resumed) == weights_of(*whole));
  }
}

TEST_CASE("several workers learn through two servers", "[forks]") {
  for (const WorkerMode mode : {WorkerMode::kProcesses, WorkerMode::kThreads}) {
    const auto trainer = make(options_for(2, 3, mode));
    double reached = 0;
    for (int round = 0; round < 60 && reached < 18; ++round) {
      trainer->train_round();
      if (round % 5 != 4) continue;
      reached = 0;
      for (const auto& episode : trainer->evaluate({.episodes = 100, .seed = 7, .greedy = true}))
        reached += episode.episode_return / 100;
    }
    CHECK(reached >= 18);  // of 20
    CHECK(trainer->worker_restarts() == 0);
  }
}

TEST_CASE("a gradient that is too old for one slice or for all counts once") {
  OrchestratorOptions options = options_for(3, 4);
  options.hyperparameters.max_gradient_age = 1;
  const auto trainer = make(options);
  std::uint64_t stale = 0, steps = 0;
  for (int i = 0; i < 4; ++i) {
    const RoundReport round = trainer->train_round();
    stale += round.stale_gradients;
    steps += round.optimizer_steps;
    CHECK(round.lost_gradients == 0);
  }
  // Four workers make each gradient up to three steps old.
  CHECK(stale > 0);
  CHECK(stale < steps);
}

TEST_CASE("a gradient in the queue is there until every server is done with it") {
  GradientQueue queue(2, 3, 2);
  const std::array<std::uint64_t, 2> versions = {5, 6};
  queue.hand_over(1, std::array{1.0f, 2.0f, 3.0f}, versions, 7, 0.5);
  const auto one = queue.first(0), other = queue.first(1);
  REQUIRE(one);
  REQUIRE(other);
  CHECK(other->versions[1] == 6);
  CHECK(queue.begin(*one, 0));
  queue.finish(*one, Fate::kStale, 0);
  CHECK_FALSE(queue.first(0));
  CHECK(queue.first(1));
  CHECK_FALSE(queue.is_free(1));
  // The server dies over it; the one in its place does not take it again.
  CHECK(queue.begin(*other, 1));
  CHECK_FALSE(queue.begin(*other, 1));
  queue.finish(*other, Fate::kApplied, 1);
  CHECK(queue.is_free(1));
  CHECK(queue.take_back(1) == Fate::kStale);
  CHECK(queue.take_back(1) == Fate::kApplied);
  // Each gradient's fate is its own.
  queue.hand_over(1, std::array{1.0f, 2.0f, 3.0f}, versions, 8, 0.5);
  for (int server = 0; server < 2; ++server) {
    CHECK_FALSE(queue.is_free(1));
    const auto next = queue.first(server);
    REQUIRE(next);
    CHECK(next->step == 8);
    CHECK(queue.begin(*next, server));
    queue.finish(*next, Fate::kApplied, server);
  }
  CHECK(queue.take_back(1) == Fate::kApplied);
  // A worker that gives up, and one that takes a dead one's place, know nothing of it.
  queue.hand_over(1, std::array{1.0f, 2.0f, 3.0f}, versions, 9, 0.5);
  queue.finish(*queue.first(0), Fate::kStale, 0);
  CHECK(queue.take_back(1) == Fate::kLost);
  CHECK_FALSE(queue.first(1));
}

TEST_CASE("servers that are killed or stopped are replaced, and no gradient is applied twice", "[forks]") {
  const auto [servers, signal] =
      GENERATE(table<int, int>({{1, SIGKILL}, {2, SIGKILL}, {3, SIGKILL}, {2, SIGSTOP}}));
  CAPTURE(servers, signal);
  OrchestratorOptions options = options_for(servers, 2, WorkerMode::kProcesses);
  options.worker_timeout = patient_seconds(2);
  options.max_crashes_per_minute = 1'000;
  // Long enough for several looks at a round (on_wait).
  options.hyperparameters.round_steps = 4'000;
  options.optimizer = [](const OptimizerOptions&) { return std::make_unique<CountingOptimizer>(); };
  const int most = signal == SIGKILL ? 8 : 1;
  int struck = 0, last_pid = 0;
  CoreOrchestrator* made = nullptr;
  options.on_wait = [&](const RoundProgress& progress) {
    if (made == nullptr || progress.optimizer_steps < 5 || struck == most) return;
    // The one before has been replaced.
    if (made->worker_restarts() != static_cast<std::uint64_t>(struck)) return;
    const int pid = made->worker_pids()[static_cast<std::size_t>(2 + struck % servers)];
    // A restart is counted a moment before the new process has its number.
    if (pid <= 0 || pid == last_pid) return;
    last_pid = pid;
    ++struck;
    ::kill(pid, signal);
  };
  const auto trainer = make(options);
  made = trainer.get();
  REQUIRE(trainer->worker_pids().size() == static_cast<std::size_t>(2 + servers));
  std::uint64_t steps = 0, lost = 0;
  const auto play = [&] {
    const RoundReport round = trainer->train_round();
    steps += round.optimizer_steps;
    lost += round.lost_gradients;
    CHECK(round.stale_gradients == 0);
  };
  for (int round = 0; round < 500 && struck < most; ++round) play();
  REQUIRE(struck == most);
  for (int round = 0; round < 2; ++round) play();
  CHECK(trainer->worker_restarts() == static_cast<std::uint64_t>(most));
  CHECK(lost <= static_cast<std::uint64_t>(most));
  for (const float applied : optimizer_state_of(*trainer)) {
    REQUIRE(applied <= static_cast<float>(steps));
    REQUIRE(applied >= static_cast<float>(steps - lost));
  }
}

TEST_CASE("a worker that dies with a gradient at the servers leaves it to be counted", "[forks]") {
  OrchestratorOptions options = options_for(2, 2, WorkerMode::kProcesses);
  options.max_crashes_per_minute = 1'000;
  // Long enough for several looks at a round (on_wait).
  options.hyperparameters.round_steps = 4'000;
  options.optimizer = [](const OptimizerOptions&) { return std::make_unique<CountingOptimizer>(); };
  int struck = 0, last_pid = 0;
  CoreOrchestrator* made = nullptr;
  options.on_wait = [&](const RoundProgress& progress) {
    if (made == nullptr || progress.optimizer_steps < 5 || struck == 4) return;
    if (made->worker_restarts() != static_cast<std::uint64_t>(struck)) return;
    const int pid = made->worker_pids().front();
    // A restart is counted a moment before the new process has its number.
    if (pid <= 0 || pid == last_pid) return;
    last_pid = pid;
    ++struck;
    ::kill(pid, SIGKILL);
  };
  const auto trainer = make(options);
  made = trainer.get();
  std::uint64_t steps = 0, lost = 0;
  for (int round = 0; round < 500 && struck < 4; ++round) {
    const RoundReport report = trainer->train_round();
    steps += report.optimizer_steps;
    lost += report.lost_gradients;
  }
  REQUIRE(struck == 4);
  const RoundReport last = trainer->train_round();
  steps += last.optimizer_steps;
  lost += last.lost_gradients;
  // A step that a worker began to count and did not hand over is no gradient at all.
  for (const float applied : optimizer_state_of(*trainer)) {
    REQUIRE(applied <= static_cast<float>(steps));
    REQUIRE(applied + static_cast<float>(lost) + 4 >= static_cast<float>(steps));
  }
}

TEST_CASE("a worker thread that fails ends the training, and its servers with it") {
  int made = 0;
  const auto failing = [&made](const EnvironmentContext&) {
    return std::make_unique<FailingEnvironment>(kHybrid, ++made == 2 ? 50 : 0);
  };
  CoreOrchestrator trainer(failing, mlp_network({.hidden = {16}}), options_for(2, 2));
  CHECK_THROWS_WITH(trainer.train_round(), Contains("the motor is gone"));
}

TEST_CASE("a number of servers that cannot be is refused, and one that nobody needs is left out") {
  for (const int servers : {-1, 0, 65}) {
    CHECK_THROWS_WITH(make(options_for(servers)),
                      Contains("servers is " + std::to_string(servers)) && Contains("expected 1 to 64"));
  }
  const auto tiny = [](int servers) {
    return std::make_unique<CoreOrchestrator>(target_factory({.choices = {2}, .low = {}, .high = {}}, false),
                                              mlp_network({.hidden = {1}}), options_for(servers));
  };
  const int weights = static_cast<int>(tiny(1)->layout().size());
  REQUIRE(weights < 64);
  CHECK(tiny(weights)->train_round().optimizer_steps > 0);
  CHECK_THROWS_WITH(tiny(weights + 1), Contains("servers is " + std::to_string(weights + 1)) &&
                                           Contains("expected 1 to " + std::to_string(weights)));

  OrchestratorOptions odd = options_for(2);
  odd.optimizer = [](const OptimizerOptions&) { return std::make_unique<OddOptimizer>(); };
  CHECK_THROWS_WITH(make(odd), Contains("servers is 2") && Contains("the same number of floats"));
  odd.servers = 1;
  CHECK_NOTHROW(make(odd));

  OrchestratorOptions unused = options_for(3);
  unused.hyperparameters.sharing = Sharing::kMutex;
  CHECK(make(unused)->servers() == 0);
}
