// Workers that play for one learner: in this machine, or elsewhere.
#include <signal.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "orchestrator/ppo_with.h"
#include "orchestrator/process_probes.h"
#include "orchestrator/trained.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

OrchestratorOptions options_for(Learning learning, int workers = 1) {
  OrchestratorOptions options;
  options.mode = WorkerMode::kThreads;
  options.workers = workers;
  options.learning = learning;
  options.worker_timeout = Milliseconds{120'000};
  options.hyperparameters = tuned_hyperparameters();
  options.hyperparameters.schedule_steps = 10'000;
  options.hyperparameters.round_end = RoundEnd::kStep;
  options.hyperparameters.round_steps = 256;
  return options;
}

std::unique_ptr<CoreOrchestrator> make_trainer(const OrchestratorOptions& options, int memory = 0) {
  return std::make_unique<CoreOrchestrator>([] { return make_cart_pole(); },
                                            mlp_network({.hidden = {16}, .memory = memory}), options);
}

void check_same_bits(const std::vector<float>& left, const std::vector<float>& right) {
  REQUIRE(left.size() == right.size());
  CHECK(std::memcmp(left.data(), right.data(), left.size() * sizeof(float)) == 0);
}

std::uint64_t steps_in(const std::vector<Segment>& segments) {
  std::uint64_t steps = 0;
  for (const Segment& segment : segments) steps += segment.size();
  return steps;
}

/// One trainer that plays and one that learns, as two machines do it, for some rounds.
std::vector<float> learnt_apart(OrchestratorOptions options, int rounds, int memory = 0) {
  options.learning = Learning::kElsewhere;
  const auto actor = make_trainer(options, memory);
  options.learning = Learning::kGiven;
  const auto learner = make_trainer(options, memory);
  std::vector<Segment> segments;
  for (int i = 0; i < rounds; ++i) {
    const RoundReport played =
        actor->play_round(static_cast<std::uint64_t>(options.hyperparameters.round_steps), segments);
    CHECK(played.optimizer_steps == 0);
    const RoundReport learnt = learner->learn_round(segments, played.steps_in_round);
    CHECK(learnt.steps_in_round == played.steps_in_round);
    CHECK(learnt.episodes.empty());
    actor->write_weights(weights_of(*learner));
  }
  CHECK(learner->rounds() == static_cast<std::uint64_t>(rounds));
  return weights_of(*learner);
}

}  // namespace

TEST_CASE("a central learner with one worker learns bit for bit what that worker would") {
  const int memory = GENERATE(0, 8);
  const bool normalise = GENERATE(false, true);
  OrchestratorOptions options = options_for(Learning::kWorkers);
  options.hyperparameters.normalise_observations = options.hyperparameters.normalise_rewards = normalise;
  const auto alone = make_trainer(options, memory);
  options.learning = Learning::kCentral;
  const auto central = make_trainer(options, memory);
  for (int i = 0; i < 4; ++i) {
    const RoundReport expected = alone->train_round();
    const RoundReport round = central->train_round();
    CHECK(round.steps_in_round == expected.steps_in_round);
    CHECK(round.optimizer_steps == expected.optimizer_steps);
    CHECK(round.episodes.size() == expected.episodes.size());
    CHECK(round.policy_loss == expected.policy_loss);
    CHECK(round.learning_rate == expected.learning_rate);
  }
  check_same_bits(weights_of(*central), weights_of(*alone));
  CHECK(central->environment_steps() == alone->environment_steps());
}

TEST_CASE("what is played in one trainer and learnt in another is the same, bit for bit") {
  const int memory = GENERATE(0, 8);
  const OrchestratorOptions options = options_for(Learning::kCentral, GENERATE(1, 3));
  const auto central = make_trainer(options, memory);
  for (int i = 0; i < 4; ++i) central->train_round();
  check_same_bits(learnt_apart(options, 4, memory), weights_of(*central));
}

TEST_CASE("all workers together play the steps of a round") {
  const auto trainer = make_trainer(options_for(Learning::kCentral, 4));
  for (int i = 0; i < 3; ++i) CHECK(trainer->train_round().steps_in_round == 256);
  CHECK(trainer->environment_steps() == 3 * 256);
  // As many episodes as asked for: the learner plays none.
  CHECK(trainer->evaluate({.episodes = 9}).size() == 9);
}

TEST_CASE("an actor plays as many steps as it is asked for") {
  const auto actor = make_trainer(options_for(Learning::kElsewhere, 3));
  std::vector<Segment> segments;
  for (const std::uint64_t steps : {1, 60, 61, 256}) {
    const RoundReport round = actor->play_round(steps, segments);
    // Each worker the same number, so that they come out even.
    CHECK(round.steps_in_round == (steps + 2) / 3 * 3);
    CHECK(steps_in(segments) == round.steps_in_round);
    for (const Segment& segment : segments) CHECK(actor->segment_shape().fits(segment));
  }
  // No more than the rounds for which there is room.
  CHECK(actor->play_round(1'000'000, segments).steps_in_round == 86 * 3);
}

TEST_CASE("a round that only counts what to normalise with gives no segments") {
  OrchestratorOptions options = options_for(Learning::kElsewhere);
  options.hyperparameters.normalise_observations = true;
  const auto actor = make_trainer(options);
  std::vector<Segment> segments(1);
  CHECK(actor->play_round(100, segments).steps_in_round == 100);
  CHECK(segments.empty());
  CHECK(actor->own_statistics().statistics.count() == 100);
  actor->play_round(100, segments);
  CHECK(steps_in(segments) == 100);
  // The learner counts the round, and learns nothing.
  options.learning = Learning::kGiven;
  const auto learner = make_trainer(options);
  const auto before = weights_of(*learner);
  const RoundReport round = learner->learn_round({}, 100);
  CHECK(round.steps_in_round == 100);
  CHECK(round.optimizer_steps == 0);
  check_same_bits(weights_of(*learner), before);
}

TEST_CASE("a learner takes rounds that are larger than its memory for segments") {
  OrchestratorOptions options = options_for(Learning::kElsewhere);
  options.hyperparameters.round_steps = 4'096;
  const auto actor = make_trainer(options);
  std::vector<Segment> segments;
  actor->play_round(4'096, segments);
  options.learning = Learning::kGiven;
  const auto large = make_trainer(options);
  options.hyperparameters.round_steps = 32;  // 1,056 steps at once
  const auto small = make_trainer(options);
  for (CoreOrchestrator* learner : {large.get(), small.get()}) {
    CHECK(learner->learn_round(segments, 4'096).optimizer_steps == 5 * 4'096 / 64);
  }
  check_same_bits(weights_of(*small), weights_of(*large));
}

TEST_CASE("a central learner's run goes on from its state bit for bit") {
  const OrchestratorOptions options = options_for(Learning::kCentral, 2);
  const auto whole = make_trainer(options);
  for (int i = 0; i < 2; ++i) whole->train_round();
  const SavedState state(*whole);
  const auto weights = weights_of(*whole);
  for (int i = 0; i < 2; ++i) whole->train_round();
  const auto resumed = make_trainer(options);
  resumed->restore(state.reader());
  resumed->write_weights(weights);
  for (int i = 0; i < 2; ++i) resumed->train_round();
  check_same_bits(weights_of(*resumed), weights_of(*whole));
}

TEST_CASE("a trainer does only what it was made for") {
  std::vector<Segment> segments;
  for (const Learning learning :
       {Learning::kWorkers, Learning::kCentral, Learning::kGiven, Learning::kElsewhere}) {
    const auto trainer = make_trainer(options_for(learning));
    const bool trains = learning == Learning::kWorkers || learning == Learning::kCentral;
    if (!trains) CHECK_THROWS_AS(trainer->train_round(), ArgumentError);
    if (learning != Learning::kElsewhere) CHECK_THROWS_AS(trainer->play_round(10, segments), ArgumentError);
    if (learning != Learning::kGiven) CHECK_THROWS_AS(trainer->learn_round(segments, 10), ArgumentError);
  }
}

TEST_CASE("options that do not go with a learner apart are refused") {
  const auto refused = [](auto change) {
    OrchestratorOptions options = options_for(Learning::kCentral);
    change(options);
    try {
      make_trainer(options);
    } catch (const ArgumentError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK_THAT(refused([](auto& o) { o.hyperparameters.round_end = RoundEnd::kEpisode; }),
             Contains("round_end"));
  CHECK_THAT(refused([](auto& o) { o.hyperparameters.algorithm = "a3c"; }), Contains("'a3c'"));
  CHECK_THAT(refused([](auto& o) { o.replay_capacity = 10; }), Contains("replay_capacity is 10"));
  CHECK(refused([](auto& o) { o.hyperparameters.sharing = Sharing::kServer; }).empty());
}

TEST_CASE("segments that are not of the learner's shape are refused") {
  const auto learner = make_trainer(options_for(Learning::kGiven));
  const auto actor = make_trainer(options_for(Learning::kElsewhere));
  std::vector<Segment> sound;
  actor->play_round(100, sound);
  const auto before = weights_of(*learner);
  const auto refused = [&](auto change) {
    std::vector<Segment> segments = sound;
    change(segments.back());
    CHECK_THROWS_AS(learner->learn_round(segments, 100), ArgumentError);
  };
  refused([](Segment& s) { s.observations.pop_back(); });
  refused([](Segment& s) { s.masks.push_back(1); });
  refused([](Segment& s) { s.last_state.push_back(1); });
  refused([](Segment& s) { s.clear(); });
  refused([](Segment& s) {
    const std::size_t n = 256 + 1'024 + 1;
    s.observations.resize(4 * n);
    s.actions.resize(n), s.rewards.resize(n), s.log_probabilities.resize(n);
  });
  CHECK(learner->rounds() == 0);
  check_same_bits(weights_of(*learner), before);
}

namespace {

/// A pole whose process dies at one of its steps, once.
class Deadly final : public Environment {
 public:
  explicit Deadly(const SharedCount& steps) : steps_(steps) {}
  const EnvironmentSpec& spec() const override { return pole_->spec(); }
  Observation reset(std::uint64_t seed) override { return pole_->reset(seed); }
  StepResult step(Action action) override {
    if (steps_.next() == 150) ::raise(SIGKILL);
    return pole_->step(action);
  }

 private:
  std::unique_ptr<Environment> pole_ = make_cart_pole();
  const SharedCount& steps_;
};

/// Its process dies the first time that it learns.
class DeadlyLearner final : public Learner {
 public:
  static inline const SharedCount* rounds = nullptr;
  static inline const SharedCount* steps = nullptr;
  explicit DeadlyLearner(const LearnerContext&) {}
  std::size_t segment_steps() const override { return SIZE_MAX; }
  void learn_segment(const Segment& segment) override {
    for (std::size_t i = 0; i < segment.size(); ++i) ++taken_;
  }
  void learn_round(Random&) override {
    if (rounds->next() == 1) ::raise(SIGKILL);
    for (; taken_ > 0; --taken_) steps->next();
  }

 private:
  std::size_t taken_ = 0;
};

}  // namespace

TEST_CASE("what a worker had played before it died is not handed over twice") {
  const SharedCount steps;
  OrchestratorOptions options = options_for(Learning::kElsewhere, 2);
  options.mode = WorkerMode::kProcesses;
  CoreOrchestrator actor([&steps] { return std::make_unique<Deadly>(steps); }, mlp_network({.hidden = {16}}),
                         options);
  std::vector<Segment> segments;
  const RoundReport round = actor.play_round(256, segments);
  CHECK(round.worker_restarts == 1);
  CHECK(steps_in(segments) == 256);
  CHECK(actor.play_round(256, segments).worker_restarts == 0);
  CHECK(steps_in(segments) == 256);
}

TEST_CASE("a learner that dies is replaced, and learns from the whole round") {
  const SharedCount rounds, learnt;
  DeadlyLearner::rounds = &rounds;
  DeadlyLearner::steps = &learnt;
  const int learner_steps = GENERATE(2'048, 4);
  OrchestratorOptions options = options_for(Learning::kElsewhere);
  // They fit into the memory for segments, or do not.
  std::vector<Segment> segments, all;
  {
    // Its threads are gone before anything is forked.
    const auto actor = make_trainer(options);
    for (int i = 0; i < 8; ++i) {
      actor->play_round(256, segments);
      all.insert(all.end(), segments.begin(), segments.end());
    }
  }
  options.learning = Learning::kGiven;
  options.mode = WorkerMode::kProcesses;
  options.hyperparameters.round_steps = learner_steps;
  options.algorithm = [](const Hyperparameters& hyper) {
    return std::make_unique<PpoWith<DeadlyLearner>>(hyper);
  };
  CoreOrchestrator learner([] { return make_cart_pole(); }, mlp_network({.hidden = {16}}), options);
  const RoundReport round = learner.learn_round(all, 8 * 256);
  CHECK(round.worker_restarts == 1);
  // The last one that learnt had them all.
  if (learner_steps > 4) CHECK(learnt.value() == 8 * 256);
  CHECK(learnt.value() >= 8 * 256);
  CHECK(learner.rounds() == 1);
}
