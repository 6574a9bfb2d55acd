// Workers and actors whose steps go into the replay buffer of one learner.
#include <signal.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/env/pendulum.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/rl/algorithms.h"
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
  options.hyperparameters = dqn_hyperparameters();
  options.hyperparameters.round_end = RoundEnd::kStep;
  options.hyperparameters.round_steps = 100;
  options.hyperparameters.minibatch_size = 16;
  options.hyperparameters.learning_starts = 150;
  options.hyperparameters.replay_ratio = 0.5;
  options.hyperparameters.schedule = Schedule::kConstant;
  options.hyperparameters.epsilon_steps = 400;
  if (learning != Learning::kElsewhere) options.replay_capacity = 1'000;
  return options;
}

std::unique_ptr<CoreOrchestrator> make_trainer(const OrchestratorOptions& options) {
  return std::make_unique<CoreOrchestrator>([] { return make_cart_pole(); }, mlp_network({.hidden = {16}}),
                                            options);
}

void check_same_bits(const std::vector<float>& left, const std::vector<float>& right) {
  REQUIRE(left.size() == right.size());
  CHECK(std::memcmp(left.data(), right.data(), left.size() * sizeof(float)) == 0);
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

TEST_CASE("a learner puts what it is given into its replay buffer, and learns by the replay ratio") {
  OrchestratorOptions options = options_for(Learning::kElsewhere, 2);
  options.hyperparameters.environments_per_worker = GENERATE(1, 3);
  const auto actor = make_trainer(options);
  options = options_for(Learning::kGiven);
  const auto learner = make_trainer(options);
  std::vector<Segment> segments;
  std::uint64_t steps = 0, optimizer_steps = 0;
  for (int i = 0; i < 4; ++i) {
    const RoundReport played = actor->play_round(100, segments);
    steps += played.steps_in_round;
    for (const Segment& segment : segments) CHECK(actor->segment_shape().fits(segment));
    const RoundReport learnt = learner->learn_round(segments, played.steps_in_round);
    optimizer_steps += learnt.optimizer_steps;
    CHECK(learner->replay_buffer()->stored(0) == steps);
    CHECK(learner->replay_buffer()->cores() == 1);
    // The newest rows are those of the segments, in their order.
    const auto rows = learner->replay_buffer()->in_time_order(0, played.steps_in_round);
    std::size_t row = 0;
    for (const Segment& segment : segments) {
      for (std::size_t step = 0; step < segment.size(); ++step, ++row) {
        CHECK(rows.rewards[row] == segment.rewards[step]);
        CHECK(rows.actions[row] == segment.actions[step]);
        CHECK(rows.observations[4 * row] == segment.observations[4 * step]);
        const bool is_last = step + 1 == segment.size();
        const auto& after = is_last ? segment.last_observation : segment.observations;
        CHECK(rows.next_observations[4 * row] == after[is_last ? 0 : 4 * (step + 1)]);
        CHECK((rows.terminated[row] != 0) == (is_last && segment.end == SegmentEnd::kTerminated));
      }
    }
    actor->write_weights(weights_of(*learner));
  }
  // None before 150 steps, and then one after every second step.
  CHECK(optimizer_steps == steps / 2 - 74);
}

TEST_CASE("replay learnt in this machine or in another one is the same, bit for bit") {
  const int workers = GENERATE(1, 3);
  const auto options = [workers](Learning learning) {
    OrchestratorOptions made = options_for(learning, workers);
    // How far epsilon has fallen depends on how far the other workers are at the moment.
    if (workers > 1) made.hyperparameters.epsilon_steps = 0;
    return made;
  };
  const auto central = make_trainer(options(Learning::kCentral));
  for (int i = 0; i < 5; ++i) central->train_round();
  const auto actor = make_trainer(options(Learning::kElsewhere));
  const auto learner = make_trainer(options(Learning::kGiven));
  std::vector<Segment> segments;
  for (int i = 0; i < 5; ++i) {
    actor->follow_run({learner->environment_steps(), 0, 1});
    const RoundReport played = actor->play_round(100, segments);
    learner->learn_round(segments, played.steps_in_round);
    actor->write_weights(weights_of(*learner));
  }
  check_same_bits(weights_of(*learner), weights_of(*central));
}

TEST_CASE("the replay buffer of a learner is in its state, from which it goes on bit for bit") {
  const auto actor = make_trainer(options_for(Learning::kElsewhere));
  std::vector<std::vector<Segment>> rounds(6);
  for (auto& segments : rounds) actor->play_round(100, segments);
  OrchestratorOptions options = options_for(Learning::kGiven);
  options.hyperparameters.priority_exponent = GENERATE(0.0, 0.6);
  const auto whole = make_trainer(options);
  for (int i = 0; i < 3; ++i) whole->learn_round(rounds[i], 100);
  const SavedState state(*whole);
  const auto weights = weights_of(*whole);
  for (int i = 3; i < 6; ++i) whole->learn_round(rounds[i], 100);
  const auto resumed = make_trainer(options);
  resumed->restore(state.reader());
  resumed->write_weights(weights);
  CHECK(resumed->replay_buffer()->size() == 300);
  for (int i = 3; i < 6; ++i) resumed->learn_round(rounds[i], 100);
  check_same_bits(weights_of(*resumed), weights_of(*whole));
}

namespace {

/// DQN whose process dies when it is given a step for the n-th time.
class DeadlyDqn final : public Algorithm {
 public:
  static inline const SharedCount* given = nullptr;
  explicit DeadlyDqn(const Hyperparameters& hyperparameters) : dqn_(dqn(hyperparameters)) {}
  NetworkSpec network(const EnvironmentSpec& spec) const override { return dqn_->network(spec); }
  bool learns_from_replay() const override { return true; }
  std::size_t shared_state_size(std::size_t parameters) const override {
    return dqn_->shared_state_size(parameters);
  }
  std::unique_ptr<Behaviour> make_behaviour(const EnvironmentSpec& spec) const override {
    return dqn_->make_behaviour(spec);
  }
  std::unique_ptr<Learner> make_learner(const LearnerContext& context) const override {
    return std::make_unique<Deadly>(dqn_->make_learner(context));
  }

 private:
  class Deadly final : public Learner {
   public:
    explicit Deadly(std::unique_ptr<Learner> inner) : inner_(std::move(inner)) {}
    void begin_round(const Random& random) override { inner_->begin_round(random); }
    std::size_t segment_steps() const override { return inner_->segment_steps(); }
    void learn_segment(const Segment& segment) override {
      if (given->next() == 250) ::raise(SIGKILL);
      inner_->learn_segment(segment);
    }
    void learn_round(Random& random) override { inner_->learn_round(random); }

   private:
    std::unique_ptr<Learner> inner_;
  };
  std::unique_ptr<Algorithm> dqn_;
};

}  // namespace

TEST_CASE("a learner that dies stores no step twice") {
  const SharedCount given;
  DeadlyDqn::given = &given;
  std::vector<std::vector<Segment>> rounds(4);
  {
    const auto actor = make_trainer(options_for(Learning::kElsewhere));
    for (auto& segments : rounds) actor->play_round(100, segments);
  }
  OrchestratorOptions options = options_for(Learning::kGiven);
  options.mode = WorkerMode::kProcesses;
  options.algorithm = [](const Hyperparameters& hyper) { return std::make_unique<DeadlyDqn>(hyper); };
  const auto learner = make_trainer(options);
  std::uint64_t restarts = 0;
  for (const auto& segments : rounds) restarts += learner->learn_round(segments, 100).worker_restarts;
  CHECK(restarts == 1);
  CHECK(learner->replay_buffer()->stored(0) == 400);
  const auto rows = learner->replay_buffer()->in_time_order(0, 400);
  std::size_t row = 0;
  for (const auto& segments : rounds) {
    for (const Segment& segment : segments) {
      for (std::size_t step = 0; step < segment.size(); ++step, ++row)
        CHECK(rows.observations[4 * row] == segment.observations[4 * step]);
    }
  }
}

TEST_CASE("asynchronous workers fill one replay buffer, and the learner keeps to the replay ratio") {
  OrchestratorOptions options = options_for(Learning::kCentral, 2);
  options.actor_mode = ActorMode::kAsynchronous;
  options.max_policy_lag = ~std::uint64_t{0};
  const auto trainer = make_trainer(options);
  std::uint64_t steps = 0, optimizer_steps = 0;
  for (int i = 0; i < 6; ++i) {
    const RoundReport round = trainer->train_round();
    steps += round.steps_in_round;
    optimizer_steps += round.optimizer_steps;
    CHECK(trainer->replay_buffer()->stored(0) == steps);
  }
  CHECK(optimizer_steps == steps / 2 - 74);
}

TEST_CASE("continuous actions are stored as the environment was given them") {
  OrchestratorOptions options = options_for(Learning::kElsewhere);
  options.hyperparameters = sac_hyperparameters();
  options.hyperparameters.round_end = RoundEnd::kStep;
  options.hyperparameters.round_steps = 100;
  options.hyperparameters.schedule = Schedule::kConstant;
  options.hyperparameters.learning_starts = GENERATE(0, 1'000);
  const auto make = [](const OrchestratorOptions& given) {
    return std::make_unique<CoreOrchestrator>([] { return make_pendulum(); }, mlp_network({.hidden = {16}}),
                                              given);
  };
  const auto actor = make(options);
  std::vector<Segment> segments;
  actor->play_round(100, segments);
  options.learning = Learning::kGiven;
  options.replay_capacity = 1'000;
  const auto learner = make(options);
  learner->learn_round(segments, 100);
  const auto rows = learner->replay_buffer()->in_time_order(0, 100);
  REQUIRE(rows.actions.size() == 100);
  std::size_t row = 0;
  for (const Segment& segment : segments) {
    for (std::size_t step = 0; step < segment.size(); ++step, ++row) {
      // Pendulum's torque goes from -2 to 2, and what was chosen is squashed by tanh.
      CHECK(rows.actions[row] == Approx(2 * std::tanh(segment.actions[step])).margin(1e-5));
    }
  }
}

TEST_CASE("an actor explores by its place among all actors, and by the steps of the run") {
  OrchestratorOptions options = options_for(Learning::kElsewhere);
  options.hyperparameters.first_epsilon = 1;
  options.hyperparameters.epsilon = 0.5;
  options.hyperparameters.epsilon_steps = 1'000;
  options.hyperparameters.epsilon_ladder = 60;
  const auto actor = make_trainer(options);
  std::vector<Segment> segments;
  // Of DQN: log(epsilon / 2) of the other action, log(1 - epsilon / 2) of the best one.
  const auto least_probability = [&](const ActorPlace& place) {
    actor->follow_run(place);
    actor->play_round(100, segments);
    float least = 0;
    for (const Segment& segment : segments) {
      for (const float probability : segment.log_probabilities) least = std::min(least, probability);
    }
    return std::exp(least);
  };
  // Epsilon is 0.95 after 100 steps.
  CHECK(least_probability({0, 0, 1}) == Approx(0.5).margin(0.03));
  CHECK(least_probability({5'000, 0, 1}) == Approx(0.25).margin(0.001));
  // The first of ten actors explores with epsilon itself, and the last one with 0.5 to the power 61.
  CHECK(least_probability({5'000, 0, 10}) == Approx(0.25).margin(0.001));
  CHECK(least_probability({5'000, 9, 10}) > 0.999);
  CHECK_THROWS_AS(actor->follow_run({0, 1, 1}), ArgumentError);
  CHECK_THROWS_AS(actor->follow_run({0, 0, std::uint64_t{1} << 60}), ArgumentError);
}

TEST_CASE("replay at a learner that cannot be is refused") {
  OrchestratorOptions options = options_for(Learning::kElsewhere);
  options.replay_capacity = 100;
  CHECK_THAT(refused(options), Contains("which its learner has, and replay_capacity is 100; expected 0"));
  options = options_for(Learning::kGiven);
  options.replay_capacity = 15;
  CHECK_THAT(refused(options), Contains("replay_capacity is 15; expected at least minibatch_size, 16 steps"));
  options.purpose = EnvironmentPurpose::kEvaluate;
  CHECK_THAT(refused(options), Contains("replay_capacity is 15"));
  options = options_for(Learning::kCentral);
  options.hyperparameters.normalise_observations = true;
  CHECK_THAT(refused(options), Contains("normalise_observations is set"));
  options = options_for(Learning::kCentral);
  options.environment_spec = make_cart_pole()->spec();
  options.environment_spec->masks_actions = true;
  CHECK_THAT(refused(options), Contains("masks actions, and learning is 'central'"));
}
