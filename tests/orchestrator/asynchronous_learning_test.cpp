// Workers that play on while one learner learns from what they have played.
#include <signal.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "orchestrator/ppo_with.h"
#include "orchestrator/process_probes.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

constexpr std::uint64_t kRound = 256;

OrchestratorOptions asynchronous_options(int workers, WorkerMode mode = WorkerMode::kThreads) {
  OrchestratorOptions options;
  options.mode = mode;
  options.workers = workers;
  options.learning = Learning::kCentral;
  options.actor_mode = ActorMode::kAsynchronous;
  options.worker_timeout = Milliseconds{120'000};
  options.hyperparameters = tuned_hyperparameters();
  options.hyperparameters.vtrace = true;
  options.hyperparameters.schedule_steps = 100'000;
  options.hyperparameters.round_end = RoundEnd::kStep;
  options.hyperparameters.round_steps = static_cast<int>(kRound);
  return options;
}

/// Counts its steps, and its process dies at one of them.
class CountedPole final : public Environment {
 public:
  CountedPole(const SharedCount& steps, std::uint32_t deadly) : steps_(steps), deadly_(deadly) {}
  const EnvironmentSpec& spec() const override { return pole_->spec(); }
  Observation reset(std::uint64_t seed) override { return pole_->reset(seed); }
  StepResult step(Action action) override {
    if (steps_.next() == deadly_) ::raise(SIGKILL);
    return pole_->step(action);
  }

 private:
  std::unique_ptr<Environment> pole_ = make_cart_pole();
  const SharedCount& steps_;
  const std::uint32_t deadly_;
};

/// What a learner of these tests does in a round, beside counting what it is given.
struct Probes {
  const SharedCount played, learnt, rounds;
  std::uint32_t deadly_step = 0, deadly_round = 0;
  /// Each round is learnt from when so many more steps are played than learnt from.
  std::uint32_t lead = 0;
};

class ProbingLearner final : public Learner {
 public:
  static inline const Probes* probes = nullptr;
  explicit ProbingLearner(const LearnerContext&) {}
  std::size_t segment_steps() const override { return 64; }
  void learn_segment(const Segment& segment) override { taken_ += segment.size(); }
  void learn_round(Random&) override {
    if (probes->rounds.next() == probes->deadly_round) ::raise(SIGKILL);
    while (probes->played.value() < probes->learnt.value() + probes->lead) std::this_thread::yield();
    for (; taken_ > 0; --taken_) probes->learnt.next();
  }

 private:
  std::size_t taken_ = 0;
};

std::unique_ptr<CoreOrchestrator> make_trainer(OrchestratorOptions options, const Probes& probes) {
  ProbingLearner::probes = &probes;
  options.algorithm = [](const Hyperparameters& hyper) {
    return std::make_unique<PpoWith<ProbingLearner>>(hyper);
  };
  return std::make_unique<CoreOrchestrator>(
      [&probes] { return std::make_unique<CountedPole>(probes.played, probes.deadly_step); },
      mlp_network({.hidden = {16}}), options);
}

std::unique_ptr<CoreOrchestrator> make_trainer(const OrchestratorOptions& options) {
  return std::make_unique<CoreOrchestrator>([] { return make_cart_pole(); }, mlp_network({.hidden = {16}}),
                                            options);
}

SegmentCounts train(CoreOrchestrator& trainer, int rounds) {
  SegmentCounts all;
  for (int i = 0; i < rounds; ++i) {
    const RoundReport round = trainer.train_round();
    REQUIRE(round.segments);
    CHECK(round.steps_in_round == round.segments->learnt_steps);
    all += *round.segments;
  }
  return all;
}

std::string refused(const OrchestratorOptions& options) {
  try {
    make_trainer(options);
  } catch (const ArgumentError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("asynchronous workers play on while the learner learns, until the queue is full") {
  const WorkerMode mode = GENERATE(WorkerMode::kThreads, WorkerMode::kProcesses);
  const int workers = GENERATE(1, 3);
  OrchestratorOptions options = asynchronous_options(workers, mode);
  options.queued_rounds = 2;
  Probes probes;
  // The round that is learnt from, the queue, and one part of each worker.
  probes.lead = 4 * kRound;
  const auto trainer = make_trainer(options, probes);
  const SegmentCounts counts = train(*trainer, 6);
  CHECK(counts.learnt_steps == probes.learnt.value());
  CHECK(trainer->environment_steps() == counts.learnt_steps);
  CHECK(trainer->rounds() == 6);
  CHECK(counts.learnt_steps >= 6 * kRound);
  CHECK(counts.all_dropped_steps() == 0);
  // Three rounds were played with the first weights, and each further one is three rounds late. A part that a
  // worker has in hand while it does not run is later, by so many rounds as the other workers play meanwhile.
  CHECK(counts.max_lag >= 3);
  if (workers == 1) CHECK(counts.max_lag <= 4);
  // Each worker has played a step too many in each part at most. The last round is longer than kRound where
  // its parts were rounded up.
  const std::uint64_t ahead = probes.played.value() - counts.learnt_steps;
  CHECK(ahead + static_cast<std::uint64_t>(workers - 1) >= 3 * kRound);
  CHECK(ahead <= 3 * (kRound + 3 * static_cast<std::uint64_t>(workers)));
}

TEST_CASE("a full queue drops its oldest steps when it is told to, and counts them") {
  const WorkerMode mode = GENERATE(WorkerMode::kThreads, WorkerMode::kProcesses);
  OrchestratorOptions options = asynchronous_options(2, mode);
  options.when_full = FullQueue::kDropOldest;
  Probes probes;
  probes.lead = 12 * kRound;
  const auto trainer = make_trainer(options, probes);
  SegmentCounts all;
  std::uint64_t queued = 0;
  for (int i = 0; i < 3; ++i) {
    const RoundReport round = trainer->train_round();
    all += *round.segments;
    queued = round.queued_steps;
    // Two rounds' parts beside what is learnt from, and two of them may be filled at the moment.
    CHECK(queued <= 2 * kRound + 8);
  }
  CHECK(all.queue_dropped_steps > 0);
  CHECK(all.learnt_steps == probes.learnt.value());
  CHECK(trainer->environment_steps() == all.learnt_steps);
  // Nothing else is lost: the rest is in the parts that workers are filling.
  const std::uint64_t told = all.learnt_steps + all.all_dropped_steps() + queued;
  CHECK(told <= probes.played.value());
  CHECK(probes.played.value() - told <= kRound + 8);
}

TEST_CASE("segments of asynchronous workers that lag too far are not learnt from") {
  OrchestratorOptions options = asynchronous_options(2);
  options.max_policy_lag = GENERATE(0, 1);
  options.queued_rounds = 3;
  Probes probes;
  probes.lead = 5 * kRound;
  const auto trainer = make_trainer(options, probes);
  const RoundReport first = trainer->train_round();
  CHECK(first.segments->late_steps == 0);
  CHECK(first.segments->learnt_steps >= kRound);
  SegmentCounts all = *first.segments;
  for (int i = 0; i < 4; ++i) all += *trainer->train_round().segments;
  CHECK(all.late_steps >= 2 * kRound);
  CHECK(all.max_lag == options.max_policy_lag);
  CHECK(all.learnt_steps == probes.learnt.value());
  CHECK(trainer->environment_steps() == all.learnt_steps);
}

TEST_CASE("an asynchronous worker that dies is replaced, and nothing is learnt from twice") {
  Probes probes;
  probes.deadly_step = 300;
  const auto trainer = make_trainer(asynchronous_options(2, WorkerMode::kProcesses), probes);
  const SegmentCounts all = train(*trainer, 5);
  CHECK(trainer->worker_restarts() == 1);
  CHECK(all.learnt_steps == probes.learnt.value());
  CHECK(all.learnt_steps + all.all_dropped_steps() <= probes.played.value());
}

TEST_CASE("a learner that dies beside asynchronous workers learns from the whole round again") {
  Probes probes;
  probes.deadly_round = 2;
  const auto trainer = make_trainer(asynchronous_options(2, WorkerMode::kProcesses), probes);
  const SegmentCounts all = train(*trainer, 4);
  CHECK(trainer->worker_restarts() == 1);
  CHECK(probes.rounds.value() == 5);
  CHECK(all.learnt_steps == probes.learnt.value());
}

TEST_CASE("between two rounds of asynchronous workers weights stand still, and are evaluated") {
  const auto trainer = make_trainer(asynchronous_options(2));
  train(*trainer, 2);
  std::vector<float> before(trainer->layout().size()), after(before.size());
  trainer->read_weights(before);
  CHECK(trainer->evaluate({.episodes = 9}).size() == 9);
  trainer->read_weights(after);
  CHECK(before == after);
  train(*trainer, 1);
  trainer->read_weights(after);
  CHECK(before != after);
}

TEST_CASE("asynchronous workers play new episodes in each round, and learn CartPole") {
  const auto trainer = make_trainer(asynchronous_options(2));
  double first = 0, last = 0;
  constexpr int kRounds = 120;
  for (int i = 0; i < kRounds; ++i) {
    double sum = 0;
    const RoundReport round = trainer->train_round();
    for (const EpisodeResult& episode : round.episodes) sum += episode.length;
    const double mean = sum / static_cast<double>(std::max<std::size_t>(1, round.episodes.size()));
    if (i < 10) first += mean / 10;
    if (i >= kRounds - 10) last += mean / 10;
  }
  CAPTURE(first, last);
  CHECK(last > 2 * first);
}

TEST_CASE("a run of asynchronous workers goes on from its state, with an empty queue") {
  const OrchestratorOptions options = asynchronous_options(2);
  const auto first = make_trainer(options);
  train(*first, 3);
  const SavedState state(*first);
  std::vector<float> weights(first->layout().size());
  first->read_weights(weights);
  const auto resumed = make_trainer(options);
  train(*resumed, 1);
  resumed->restore(state.reader());
  resumed->write_weights(weights);
  CHECK(resumed->rounds() == 3);
  CHECK(resumed->environment_steps() == first->environment_steps());
  const RoundReport round = resumed->train_round();
  // All of it was played with the weights of the state.
  CHECK(round.segments->max_lag == 0);
  CHECK(round.segments->all_dropped_steps() == 0);
  // Workers that have waited may go on as asynchronous ones.
  OrchestratorOptions waiting = options;
  waiting.actor_mode = ActorMode::kWaiting;
  const auto before = make_trainer(waiting);
  before->train_round();
  const auto after = make_trainer(options);
  after->restore(SavedState(*before).reader());
  CHECK(train(*after, 1).learnt_steps >= kRound);
}

TEST_CASE("the first round of asynchronous workers only counts what to normalise with") {
  OrchestratorOptions options = asynchronous_options(2);
  options.hyperparameters.normalise_observations = true;
  const auto trainer = make_trainer(options);
  const RoundReport first = trainer->train_round();
  CHECK(first.optimizer_steps == 0);
  CHECK(first.steps_in_round == kRound);
  CHECK(trainer->own_statistics().statistics.count() == kRound);
  CHECK(trainer->train_round().optimizer_steps > 0);
}

TEST_CASE("options that do not go with asynchronous workers are refused") {
  const auto with = [](auto change) {
    OrchestratorOptions options = asynchronous_options(1);
    change(options);
    return refused(options);
  };
  CHECK_THAT(with([](auto& o) { o.learning = Learning::kWorkers; }),
             Contains("actor_mode is 'asynchronous', and learning is 'workers'"));
  CHECK_THAT(with([](auto& o) { o.learning = Learning::kGiven; }), Contains("learning is 'given'"));
  CHECK_THAT(with([](auto& o) { o.mode = WorkerMode::kCaller; }), Contains("kCaller"));
  CHECK_THAT(with([](auto& o) { o.queued_rounds = 0; }), Contains("queued_rounds is 0"));
  CHECK_THAT(with([](auto& o) { o.queued_rounds = 1'000'000; }), Contains("queued_rounds is 1000000"));
}
