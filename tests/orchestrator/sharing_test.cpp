// Ways in which the workers of one machine share what they learn.
#include "genkidama/rl/sharing.h"

#include <signal.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "orchestrator/trained.h"
#include "rl/shared_training.h"
#include "rl/worker_sink.h"
#include "support/catch.h"
#include "support/patience.h"
#include "support/target_environment.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

const ActionSpace kHybrid{.choices = {3}, .low = {-1}, .high = {1}};

OrchestratorOptions options_for(Sharing sharing, int merge_every, int workers = 1,
                                WorkerMode mode = WorkerMode::kThreads) {
  OrchestratorOptions options;
  options.mode = mode;
  options.workers = workers;
  options.worker_timeout = Milliseconds{120'000};
  Hyperparameters& hyper = options.hyperparameters;
  hyper.algorithm = "ppo";
  hyper.sharing = sharing;
  hyper.merge_every = merge_every;
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

/// The shared memory of `workers` workers with a few weights, and their sinks.
class Sinks {
 public:
  Sinks(Sharing sharing, int merge_every, int workers)
      : shared_(workers, sharing, kWeights, 0, 0, 0, 0, spec()) {
    Hyperparameters hyper;
    hyper.sharing = sharing;
    hyper.merge_every = merge_every;
    hyper.optimizer = "sgd";
    hyper.momentum = 0;
    hyper.weight_decay = 0;
    hyper.learning_rate = 1;
    for (int i = 0; i < workers; ++i)
      sinks_.push_back(make_worker_sink(hyper, make_shared_optimizer(hyper), shared_, i));
  }

  // More than the chunks in which weights are merged.
  static constexpr std::size_t kWeights = 600;
  WorkerSink& operator[](std::size_t i) { return *sinks_[i]; }
  /// All weights are the same in these tests.
  float weight() const {
    for (const float weight : shared_.weights.span()) REQUIRE(weight == shared_.weights[0]);
    return shared_.weights[0];
  }
  /// What a worker learns with next.
  float pulled(std::size_t i) {
    std::vector<float> weights(kWeights);
    sinks_[i]->pull(weights);
    return weights[0];
  }
  /// Steps the weight of one worker by -gradient.
  void apply(std::size_t i, float gradient) { sinks_[i]->apply(std::vector<float>(kWeights, gradient), {}); }

 private:
  static EnvironmentSpec spec() {
    EnvironmentSpec spec;
    spec.name = "none";
    spec.observation_size = spec.action_count = spec.time_limit = 1;
    return completed(spec);
  }
  SharedTraining shared_;
  std::vector<std::unique_ptr<WorkerSink>> sinks_;
};

}  // namespace

TEST_CASE("one worker learns the same, bit for bit, whatever the way of sharing") {
  for (const char* algorithm : {"ppo", "a3c"}) {
    for (const char* optimizer : {"adam", "sgd"}) {
      std::vector<float> expected;
      for (const auto& [sharing, merge_every] :
           {std::pair(Sharing::kHogwild, 4), std::pair(Sharing::kMutex, 4), std::pair(Sharing::kLocal, 0),
            std::pair(Sharing::kLocal, 1), std::pair(Sharing::kLocal, 3), std::pair(Sharing::kServer, 0),
            std::pair(Sharing::kOneBuffer, 0)}) {
        auto options = options_for(sharing, merge_every);
        options.hyperparameters.algorithm = algorithm;
        options.hyperparameters.optimizer = optimizer;
        const auto trainer = make(options);
        for (int round = 0; round < 3; ++round) trainer->train_round();
        const auto weights = weights_of(*trainer);
        if (expected.empty()) expected = weights;
        CAPTURE(algorithm, optimizer, sharing_name(sharing), merge_every);
        CHECK(weights == expected);
      }
    }
  }
}

TEST_CASE("several workers learn in every way of sharing", "[forks]") {
  const auto [sharing, merge_every] = GENERATE(table<Sharing, int>({{Sharing::kHogwild, 4},
                                                                    {Sharing::kMutex, 4},
                                                                    {Sharing::kLocal, 4},
                                                                    {Sharing::kLocal, 0},
                                                                    {Sharing::kServer, 0},
                                                                    {Sharing::kOneBuffer, 0}}));
  CAPTURE(sharing_name(sharing), merge_every);
  const auto trainer = make(options_for(sharing, merge_every, 3, WorkerMode::kProcesses));
  double reached = 0;
  for (int round = 0; round < 60 && reached < 18; ++round) {
    trainer->train_round();
    if (round % 5 != 4) continue;
    reached = 0;
    for (const auto& episode : trainer->evaluate({.episodes = 100, .seed = 7, .greedy = true}))
      reached += episode.episode_return / 100;
  }
  CHECK(reached >= 18);  // of 20
}

TEST_CASE("an evaluation is of the weights that were written last, whatever the way of sharing") {
  const auto returns = [](CoreOrchestrator& trainer, std::span<const float> weights) {
    trainer.write_weights(weights);
    std::vector<double> result;
    for (const auto& episode : trainer.evaluate({.episodes = 40, .seed = 3, .greedy = true}))
      result.push_back(episode.episode_return);
    return result;
  };
  const auto untrained = make(options_for(Sharing::kHogwild, 4));
  const auto first = weights_of(*untrained);
  std::vector<float> others = first;
  for (std::size_t i = 0; i < others.size(); i += 2) others[i] = -others[i];
  for (const auto& [sharing, workers] :
       {std::pair(Sharing::kHogwild, 1), std::pair(Sharing::kHogwild, 2), std::pair(Sharing::kMutex, 2),
        std::pair(Sharing::kLocal, 1), std::pair(Sharing::kLocal, 3), std::pair(Sharing::kServer, 2)}) {
    const auto trainer = make(options_for(sharing, 4, workers));
    trainer->train_round();
    CAPTURE(sharing_name(sharing), workers);
    CHECK(returns(*trainer, others) == returns(*untrained, others));
    trainer->train_round();
    CHECK(returns(*trainer, first) == returns(*untrained, first));
  }
}

TEST_CASE("no change of another worker is lost, but with hogwild") {
  constexpr int kWorkers = 4, kSteps = 2'000;
  const auto [sharing, merge_every] =
      GENERATE(table<Sharing, int>({{Sharing::kMutex, 4}, {Sharing::kLocal, 1}, {Sharing::kLocal, 3}}));
  CAPTURE(sharing_name(sharing), merge_every);
  Sinks sinks(sharing, merge_every, kWorkers);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kWorkers; ++i) {
    threads.emplace_back([&sinks, i] {
      sinks[i].begin_round();
      for (int step = 0; step < kSteps; ++step) sinks.apply(i, -1);
      sinks[i].end_round();
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(sinks.weight() == kWorkers * kSteps);
}

TEST_CASE("a local worker sees what others have merged when it merges itself") {
  Sinks sinks(Sharing::kLocal, 2, 2);
  for (std::size_t i = 0; i < 2; ++i) sinks[i].begin_round();
  sinks.apply(0, -1);
  CHECK(sinks.pulled(0) == 1);
  CHECK(sinks.weight() == 0);
  sinks.apply(0, -1);
  CHECK(sinks.weight() == 2);
  sinks.apply(1, -10);
  CHECK(sinks.pulled(1) == 10);
  sinks.apply(1, -10);
  CHECK(sinks.weight() == 22);
  CHECK(sinks.pulled(1) == 22);
  CHECK(sinks.pulled(0) == 2);
  sinks.apply(0, -1);
  sinks[0].end_round();
  CHECK(sinks.weight() == 23);
  sinks[0].end_round();
  CHECK(sinks.weight() == 23);
}

TEST_CASE("merges at a round's end take the mean of all workers' changes") {
  Sinks sinks(Sharing::kLocal, 0, 2);
  for (std::size_t i = 0; i < 2; ++i) sinks[i].begin_round();
  for (int step = 0; step < 10; ++step) {
    sinks.apply(0, -1);
    sinks.apply(1, -3);
  }
  CHECK(sinks.weight() == 0);
  for (std::size_t i = 0; i < 2; ++i) sinks[i].end_round();
  CHECK(sinks.weight() == 20);
}

TEST_CASE("a state has the optimizer of each local worker, and other ways of sharing go on from it") {
  auto options = options_for(Sharing::kLocal, 2, 1, WorkerMode::kThreads);
  const auto whole = make(options), first = make(options), second = make(options);
  for (int i = 0; i < 4; ++i) whole->train_round();
  for (int i = 0; i < 2; ++i) first->train_round();
  const SavedState state(*first);
  const auto go_on = [&](CoreOrchestrator& trainer, const SavedState& from) {
    trainer.write_weights(weights_of(*first));
    trainer.restore(from.reader());
    for (int i = 0; i < 2; ++i) trainer.train_round();
  };
  go_on(*second, state);
  CHECK(weights_of(*second) == weights_of(*whole));

  // One state is everybody's, and the first of several is that of the only one.
  const auto shared = make(options_for(Sharing::kHogwild, 2));
  go_on(*shared, state);
  CHECK(weights_of(*shared) == weights_of(*whole));
  const auto three = make(options_for(Sharing::kLocal, 2, 3));
  go_on(*three, state);
  const SavedState of_three(*three);
  CHECK(of_three.reader().u64s("local_optimizer_steps").size() == 3);
  const std::size_t floats = 2 * three->layout().size();
  CHECK(of_three.reader().floats("optimizer_state").values.size() == 3 * floats);
  const auto again = make(options_for(Sharing::kLocal, 2, 2));
  CHECK_NOTHROW(go_on(*again, of_three));
  auto one = make(options_for(Sharing::kHogwild, 2));
  one->restore(of_three.reader());
  const SavedState of_one(*one);
  const auto kept = of_one.reader().floats("optimizer_state").values;
  const auto all = of_three.reader().floats("optimizer_state").values;
  REQUIRE(kept.size() == floats);
  CHECK(std::equal(kept.begin(), kept.end(), all.begin()));

  options.hyperparameters.optimizer = "sgd";
  CHECK_THROWS_AS(make(options)->restore(of_three.reader()), LayoutError);
}

TEST_CASE("a gradient queue gives gradients in the order of their arrival, and takes a dead worker's back") {
  GradientQueue queue(3, 2);
  CHECK_FALSE(queue.first());
  const std::vector<std::uint64_t> versions = {5, 6};
  queue.hand_over(2, std::array{2.0f, 3.0f}, versions, 7, 0.5);
  queue.hand_over(0, std::array{4.0f, 5.0f}, {}, 8, 0.25);
  CHECK_FALSE(queue.is_free(2));
  CHECK(queue.is_free(1));
  const auto first = queue.first();
  REQUIRE(first);
  CHECK(first->worker == 2);
  CHECK(std::vector<float>(first->gradient.begin(), first->gradient.end()) == std::vector<float>{2, 3});
  CHECK(first->step == 7);
  CHECK(first->learning_rate == 0.5);
  REQUIRE(first->versions.size() == kMostShards);
  CHECK(first->versions[1] == 6);
  std::vector<GradientQueue::Item> all;
  queue.all(all);
  REQUIRE(all.size() == 2);
  CHECK(all[0].worker == 2);
  CHECK(all[1].worker == 0);
  // The worker dies, and the one in its place is quicker than the server.
  queue.take_back(2);
  queue.hand_over(2, std::array{6.0f, 7.0f}, versions, 9, 0.5);
  queue.finish(*first);
  CHECK_FALSE(queue.is_free(2));
  const auto second = queue.first();
  REQUIRE(second);
  CHECK(second->worker == 0);
  queue.finish(*second);
  queue.wait_until_free(0, Deadline::after(Milliseconds{60'000}));
  CHECK(queue.is_free(0));
  CHECK(queue.first()->step == 9);
}

TEST_CASE("a gradient server that is killed or stopped is replaced, and the workers go on", "[forks]") {
  const int signal = GENERATE(SIGKILL, SIGSTOP);
  CAPTURE(signal);
  auto options = options_for(Sharing::kServer, 0, 2, WorkerMode::kProcesses);
  options.worker_timeout = patient_seconds(2);
  options.hyperparameters.round_steps = 3'000;
  int struck = 0;
  CoreOrchestrator* made = nullptr;
  options.on_wait = [&](const RoundProgress& progress) {
    if (made == nullptr || progress.optimizer_steps < 20 || struck != 0) return;
    struck = made->worker_pids().back();
    ::kill(struck, signal);
  };
  const auto trainer = make(options);
  made = trainer.get();
  CHECK(trainer->worker_pids().size() == 3);
  RoundReport report;
  for (int round = 0; round < 50 && struck == 0; ++round) report = trainer->train_round();
  REQUIRE(struck != 0);
  if (report.worker_restarts == 0) report = trainer->train_round();
  CHECK(report.worker_restarts == 1);
  CHECK(trainer->train_round().optimizer_steps > 0);
  for (const float weight : weights_of(*trainer)) REQUIRE(std::isfinite(weight));
}

TEST_CASE("a number of steps between merges that is none is refused") {
  CHECK_THROWS_WITH(make(options_for(Sharing::kLocal, -1)),
                    Catch::Contains("merge_every is -1; expected at least 0"));
}
