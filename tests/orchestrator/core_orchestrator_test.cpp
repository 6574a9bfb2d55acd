#include "genkidama/orchestrator/core_orchestrator.h"

#include <signal.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/ipc/replay_buffer.h"
#include "orchestrator/trained.h"
#include "support/catch.h"
#include "support/chain_environment.h"

using namespace genkidama;
using namespace genkidama::test;
using genkidama::test::chain_factory;

namespace {

OrchestratorOptions options_for(WorkerMode mode, int workers, std::uint64_t seed = 1) {
  OrchestratorOptions options;
  options.mode = mode;
  options.workers = workers;
  options.seed = seed;
  options.worker_timeout = Milliseconds{120'000};
  return options;
}

double mean_return(const std::vector<EpisodeResult>& episodes) {
  double sum = 0;
  for (const auto& episode : episodes) sum += episode.episode_return;
  return sum / static_cast<double>(episodes.size());
}

Hyperparameters quick_learning() {
  Hyperparameters hyper;
  hyper.optimizer = "adam";
  hyper.learning_rate = 3e-3;
  hyper.weight_decay = 0;
  hyper.gamma = 0.95;
  hyper.batch_size = 20;
  return hyper;
}

void check_rounds(WorkerMode mode) {
  CoreOrchestrator trainer(chain_factory(), thesis_network(), options_for(mode, 3));
  const auto before = weights_of(trainer);
  std::uint64_t steps = 0;
  for (int i = 0; i < 5; ++i) {
    const RoundReport report = trainer.train_round();
    REQUIRE(report.episodes.size() == 3);
    std::uint64_t lengths = 0;
    for (const auto& episode : report.episodes) {
      REQUIRE(episode.length >= 1);
      lengths += episode.length;
    }
    REQUIRE(report.steps_in_round == lengths);
    REQUIRE(report.optimizer_steps >= 3);
    REQUIRE(report.entropy > 0);
    steps += lengths;
  }
  REQUIRE(trainer.rounds() == 5);
  REQUIRE(trainer.environment_steps() == steps);
  REQUIRE(weights_of(trainer) != before);
}

void check_learning(WorkerMode mode) {
  auto options = options_for(mode, 2);
  options.hyperparameters = quick_learning();
  CoreOrchestrator trainer(chain_factory(), mlp_network({{16}, true}), options);
  const double before = mean_return(trainer.evaluate({200, 5, false}));
  for (int i = 0; i < 400; ++i) trainer.train_round();
  const double after = mean_return(trainer.evaluate({200, 5, true}));
  REQUIRE(before < 0);
  // Always to the right: 6 or 7 steps, of which the last gives 1.
  REQUIRE(after == Approx(1 - 0.1 * 5.5).margin(0.1));
}

}  // namespace

TEST_CASE("a round is one episode of every worker process and changes the weights", "[forks]") {
  check_rounds(WorkerMode::kProcesses);
}
TEST_CASE("a round is one episode of every worker thread and changes the weights") {
  check_rounds(WorkerMode::kThreads);
}

TEST_CASE("worker processes learn a small task", "[forks]") {
  check_learning(WorkerMode::kProcesses);
}
TEST_CASE("worker threads learn a small task") {
  check_learning(WorkerMode::kThreads);
}

TEST_CASE("a round may be made of several whole episodes") {
  auto options = options_for(WorkerMode::kThreads, 2);
  options.hyperparameters.round_steps = 100;
  CoreOrchestrator trainer(chain_factory(), thesis_network(), options);
  const RoundReport report = trainer.train_round();
  REQUIRE(report.episodes.size() >= 4);  // at most 60 steps each
  std::uint64_t steps = 0;
  for (const auto& episode : report.episodes) steps += episode.length;
  REQUIRE(report.steps_in_round == steps);
  REQUIRE(steps >= 200);
  REQUIRE(trainer.environment_steps() == steps);
}

TEST_CASE("environments side by side play the episodes that one environment plays one after another") {
  // Each episode has correlated noise of its own, too.
  const double correlation = GENERATE(0.0, 0.9);
  // Too small a step to change a choice of action.
  const auto play = [&](int environments, int round_steps) {
    auto options = options_for(WorkerMode::kThreads, 1);
    options.hyperparameters.learning_rate = 1e-20;
    options.hyperparameters.environments_per_worker = environments;
    options.hyperparameters.round_steps = round_steps;
    options.hyperparameters.noise_correlation = correlation;
    CoreOrchestrator trainer(chain_factory(), thesis_network(), options);
    const RoundReport report = trainer.train_round();
    std::uint64_t steps = 0;
    std::multiset<std::pair<double, std::uint32_t>> episodes;
    for (const auto& episode : report.episodes) {
      steps += episode.length;
      episodes.emplace(episode.episode_return, episode.length);
    }
    REQUIRE(report.steps_in_round == steps);
    REQUIRE(trainer.environment_steps() == steps);
    return episodes;
  };
  const auto side_by_side = play(5, 0);
  REQUIRE(side_by_side.size() == 5);
  auto one_by_one = play(1, 1000);
  REQUIRE(one_by_one.size() > 5);
  for (const auto& episode : side_by_side) REQUIRE(one_by_one.count(episode) > 0);
  REQUIRE(play(5, 0) == side_by_side);
  // Every seat goes on until there are enough steps.
  const auto more = play(3, 200);
  REQUIRE(more.size() > 3);
  for (const auto& episode : more) REQUIRE(one_by_one.count(episode) > 0);
}

TEST_CASE("the clipped surrogate learns a small task") {
  auto options = options_for(WorkerMode::kThreads, 2);
  options.hyperparameters = quick_learning();
  options.hyperparameters.algorithm = "ppo";
  options.hyperparameters.round_steps = 200;
  options.hyperparameters.gae_lambda = 0.95;
  CoreOrchestrator trainer(chain_factory(), mlp_network({{16}, true}), options);
  for (int i = 0; i < 30; ++i) trainer.train_round();
  REQUIRE(mean_return(trainer.evaluate({200, 5, true})) == Approx(1 - 0.1 * 5.5).margin(0.1));
}

TEST_CASE("one worker and one seed give the same weights twice, as a process and as a thread", "[forks]") {
  std::vector<std::vector<float>> results;
  for (const WorkerMode mode : {WorkerMode::kProcesses, WorkerMode::kProcesses, WorkerMode::kThreads}) {
    CoreOrchestrator trainer(make_cart_pole, thesis_network(), options_for(mode, 1, 9));
    for (int i = 0; i < 20; ++i) trainer.train_round();
    results.push_back(weights_of(trainer));
  }
  REQUIRE(results[0] == results[1]);
  REQUIRE(results[0] == results[2]);
  CoreOrchestrator other(make_cart_pole, thesis_network(), options_for(WorkerMode::kThreads, 1, 10));
  for (int i = 0; i < 20; ++i) other.train_round();
  REQUIRE(weights_of(other) != results[0]);
}

TEST_CASE("workers do not play the same episodes") {
  CoreOrchestrator trainer(make_cart_pole, thesis_network(), options_for(WorkerMode::kThreads, 4));
  std::set<std::vector<std::uint32_t>> lengths_by_worker;
  std::vector<std::vector<std::uint32_t>> lengths(4);
  for (int i = 0; i < 20; ++i) {
    const auto report = trainer.train_round();
    for (std::size_t w = 0; w < 4; ++w) lengths[w].push_back(report.episodes[w].length);
  }
  for (auto& l : lengths) lengths_by_worker.insert(l);
  REQUIRE(lengths_by_worker.size() == 4);
}

namespace {

/// Pays 1 a step, always looks the same, and is cut off after five steps.
class Annuity : public DiscreteEnvironment {
 public:
  const EnvironmentSpec& spec() const override {
    static const EnvironmentSpec kSpec{"Annuity", 1, 2, 5};
    return kSpec;
  }
  Observation reset(std::uint64_t) override {
    steps_ = 0;
    return observation_;
  }
  StepResult step(int) override { return {observation_, 1.0f, false, ++steps_ == 5}; }

 private:
  std::array<float, 1> observation_{1.0f};
  int steps_ = 0;
};

double learnt_value_of_annuity(bool bootstrap_truncated) {
  auto options = options_for(WorkerMode::kThreads, 1);
  options.hyperparameters = quick_learning();
  options.hyperparameters.gamma = 0.9;
  options.hyperparameters.bootstrap_truncated = bootstrap_truncated;
  CoreOrchestrator trainer([] { return std::make_unique<Annuity>(); }, mlp_network({{8}, true}), options);
  for (int i = 0; i < 1500; ++i) trainer.train_round();
  const auto network = mlp_network({{8}, true})(actor_critic_network(trainer.environment_spec()), 1);
  const auto function = network->make_policy_function();
  const std::vector<float> observation{1.0f};
  return function->value(weights_of(trainer), observation);
}

}  // namespace

TEST_CASE("the value of a truncated episode is bootstrapped, unless the limit counts as an end") {
  // 1 / (1 - 0.9), or the mean over the five steps of (1 - 0.9^left) / (1 - 0.9).
  REQUIRE(learnt_value_of_annuity(true) == Approx(10.0).margin(0.5));
  REQUIRE(learnt_value_of_annuity(false) == Approx(2.63).margin(0.3));
}

namespace {

/// Has every field of a spec, and a given action space.
class Described : public Environment {
 public:
  explicit Described(ActionSpace actions) {
    spec_.name = "Described";
    spec_.observation_shape = {1, 2, 3};
    spec_.action_space = std::move(actions);
    spec_.time_limit = 7;
    spec_.reward_threshold = 1.5;
  }
  const EnvironmentSpec& spec() const override { return spec_; }
  Observation reset(std::uint64_t) override { return observation_; }
  StepResult step(Action) override { return {observation_, 0, true, false}; }

 private:
  EnvironmentSpec spec_;
  std::array<float, 6> observation_{};
};

}  // namespace

TEST_CASE("the lead knows every field of the spec, from a process and from a thread", "[forks]") {
  for (const WorkerMode mode : {WorkerMode::kProcesses, WorkerMode::kThreads}) {
    const auto make = [] { return std::make_unique<Described>(ActionSpace{{4}, {}, {}}); };
    CoreOrchestrator trainer(make, thesis_network(), options_for(mode, 1));
    const EnvironmentSpec& spec = trainer.environment_spec();
    CHECK(spec.name == "Described");
    CHECK(spec.observation_size == 6);
    CHECK(spec.observation_shape == std::vector<int>{1, 2, 3});
    CHECK(spec.action_count == 4);
    CHECK(spec.action_space == ActionSpace{{4}, {}, {}});
    CHECK(spec.time_limit == 7);
    CHECK(spec.reward_threshold == 1.5);
    CHECK_NOTHROW(trainer.train_round());
  }
}

TEST_CASE("an action space that is none is refused by the environment's name", "[forks]") {
  for (const WorkerMode mode : {WorkerMode::kProcesses, WorkerMode::kThreads}) {
    for (const auto& [space, text] : {std::pair(ActionSpace{{}, {1}, {1}}, "bounds 1 and 1"),
                                      std::pair(ActionSpace{{2, 0}, {}, {}}, "0 alternatives"),
                                      std::pair(ActionSpace{{}, {0, 1}, {1}}, "2 lowest and 1 highest"),
                                      std::pair(ActionSpace{}, "action_count is 0")}) {
      const auto make = [&space = space] { return std::make_unique<Described>(space); };
      REQUIRE_THROWS_WITH(CoreOrchestrator(make, thesis_network(), options_for(mode, 1)),
                          Catch::Contains("Described") && Catch::Contains(text));
    }
  }
}

namespace {

/// Counts its segments in the shared state, and learns nothing.
class Counting : public Algorithm {
 public:
  class Counter : public Learner {
   public:
    explicit Counter(const LearnerContext& context) : context_(context) {}
    std::size_t segment_steps() const override { return 7; }
    void learn_segment(const Segment& segment) override {
      float& steps = context_.shared_state[0];
      relaxed_write(steps, relaxed_read(steps) + static_cast<float>(segment.size()));
      float& last = context_.shared_state[1];
      relaxed_write(last, static_cast<float>(context_.environment.action_count));
    }
    void learn_round(Random&) override {}

   private:
    LearnerContext context_;
  };

  NetworkSpec network(const EnvironmentSpec& environment) const override {
    return actor_critic_network(environment);
  }
  std::size_t shared_state_size(std::size_t parameters) const override { return parameters; }
  std::unique_ptr<Behaviour> make_behaviour(const EnvironmentSpec&) const override { return categorical(); }
  std::unique_ptr<Learner> make_learner(const LearnerContext& context) const override {
    return std::make_unique<Counter>(context);
  }
};

}  // namespace

TEST_CASE(
    "an algorithm of the user's own learns in the workers, and its shared state is part of the trainer's",
    "[forks]") {
  auto options = options_for(WorkerMode::kProcesses, 1);
  std::string given;
  options.hyperparameters.algorithm = "counting";
  options.algorithm = [&given](const Hyperparameters& hyperparameters) {
    given = hyperparameters.algorithm;
    return std::make_unique<Counting>();
  };
  CoreOrchestrator trainer(chain_factory(), thesis_network(), options);
  CHECK(given == "counting");
  const auto before = weights_of(trainer);
  for (int i = 0; i < 3; ++i) trainer.train_round();
  CHECK(weights_of(trainer) == before);
  const auto algorithm_state = [](const SavedState& state) {
    const auto values = state.reader().floats("algorithm_state").values;
    return std::vector<float>(values.begin(), values.end());
  };
  const SavedState state(trainer);
  REQUIRE(algorithm_state(state).size() == trainer.layout().size());
  CHECK(algorithm_state(state)[0] == static_cast<float>(trainer.environment_steps()));
  CHECK(algorithm_state(state)[1] == 2);

  CoreOrchestrator resumed(chain_factory(), thesis_network(), options);
  resumed.restore(state.reader());
  resumed.train_round();
  CHECK(algorithm_state(SavedState(resumed))[0] == static_cast<float>(resumed.environment_steps()));
  const SavedState after(resumed);
  StateWriter fields;
  fields.floats("optimizer_state", state.reader().floats("optimizer_state").values);
  fields.floats("algorithm_state", state.reader().floats("algorithm_state").values.subspan(1));
  for (const char* name : {"optimizer_steps", "rounds", "environment_steps"}) fields.u64(name, 0);
  const Checkpoint other = fields.take();
  REQUIRE_THROWS_AS(resumed.restore(StateReader(other, "other")), LayoutError);
  REQUIRE_THROWS_WITH(resumed.restore(StateReader(other, "other")),
                      Catch::Contains("algorithm") && Catch::Contains("other: "));
  CHECK(algorithm_state(SavedState(resumed)) == algorithm_state(after));
  CHECK(resumed.rounds() == 4);
  options.algorithm = [](const Hyperparameters&) { return std::unique_ptr<Algorithm>(); };
  REQUIRE_THROWS_WITH(CoreOrchestrator(chain_factory(), thesis_network(), options),
                      Catch::Contains("null pointer"));
}

TEST_CASE("a round reports the learning rate and how PPO's policy moved") {
  auto options = options_for(WorkerMode::kThreads, 1);
  options.hyperparameters.algorithm = "ppo";
  options.hyperparameters.learning_rate = 1e-2;
  options.hyperparameters.optimizer = "adam";
  options.hyperparameters.schedule = LearningRateSchedule::kLinear;
  options.hyperparameters.schedule_steps = 1'000;
  CoreOrchestrator trainer(make_cart_pole, mlp_network(), options);
  const RoundReport first = trainer.train_round();
  const double steps = static_cast<double>(first.steps_in_round);
  CHECK(first.learning_rate == Approx(1e-2 * (1 - steps / 1'000)));
  CHECK(first.approximate_kl > 0);
  CHECK(first.clip_fraction >= 0);
  CHECK(first.explained_variance <= 1);
  CHECK(first.gradient_norm > 0);
  CHECK(first.deviation == 0);  // a choice has none
  CHECK(trainer.train_round().learning_rate < first.learning_rate);
  options.hyperparameters.schedule = Schedule::kCosine;
  CoreOrchestrator cosine(make_cart_pole, mlp_network(), options);
  const RoundReport of_cosine = cosine.train_round();
  REQUIRE(of_cosine.steps_in_round == first.steps_in_round);
  CHECK(of_cosine.learning_rate == Approx(scheduled(Schedule::kCosine, 1e-2, steps / 1'000)));
  options.hyperparameters = {};
  CoreOrchestrator a3c_trainer(make_cart_pole, thesis_network(), options);
  const RoundReport round = a3c_trainer.train_round();
  CHECK(round.learning_rate == Approx(1e-4));
  CHECK(round.approximate_kl == 0);
  CHECK(round.clip_fraction == 0);
  CHECK(round.gradient_norm > 0);
}

namespace {

/// The thesis' network, whose policy outputs one bad number.
class BadOutput : public Network {
 public:
  BadOutput(const NetworkSpec& spec, float bad) : right_(thesis_network()(spec, 1)), bad_(bad) {}
  const ParameterLayout& layout() const override { return right_->layout(); }
  std::vector<float> first_weights() const override { return right_->first_weights(); }
  std::unique_ptr<PolicyFunction> make_policy_function() override {
    class Function : public PolicyFunction {
     public:
      Function(std::unique_ptr<PolicyFunction> right, float bad) : right_(std::move(right)), bad_(bad) {}
      void logits(std::span<const float> weights, std::span<const float> observation,
                  std::span<float> logits) override {
        right_->logits(weights, observation, logits);
        logits.back() = bad_;
      }
      float value(std::span<const float> weights, std::span<const float> observation) override {
        return right_->value(weights, observation);
      }

     private:
      std::unique_ptr<PolicyFunction> right_;
      float bad_;
    };
    return std::make_unique<Function>(right_->make_policy_function(), bad_);
  }
  std::unique_ptr<GradientFunction> make_gradient_function() override {
    return right_->make_gradient_function();
  }

 private:
  std::unique_ptr<Network> right_;
  float bad_;
};

}  // namespace

TEST_CASE("a network whose policy outputs are not finite is named, in training and in either evaluation") {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), infinity, -infinity}) {
    const auto factory = [bad](const NetworkSpec& spec, std::uint64_t) {
      return std::make_unique<BadOutput>(spec, bad);
    };
    for (const int way : {0, 1, 2}) {
      CoreOrchestrator trainer(chain_factory(), factory, options_for(WorkerMode::kThreads, 1));
      const auto play = [&] {
        if (way == 0) trainer.train_round();
        if (way > 0) trainer.evaluate({10, 1, way == 1});
      };
      REQUIRE_THROWS_WITH(play(), Catch::Contains("the network gave") && Catch::Contains("policy output 1") &&
                                      Catch::Contains("'Chain'") && Catch::Contains("expected finite"));
    }
  }
}

TEST_CASE("written weights are what is read, evaluated and trained from") {
  CoreOrchestrator trainer(chain_factory(), thesis_network(), options_for(WorkerMode::kThreads, 2));
  std::vector<float> weights(trainer.layout().size(), 0.0f);
  trainer.write_weights(weights);
  REQUIRE(weights_of(trainer) == weights);
  // All logits equal: greedy is always action 0, to the left.
  for (const auto& episode : trainer.evaluate({10, 1, true})) REQUIRE(episode.length <= 3);
  weights[0] = std::numeric_limits<float>::quiet_NaN();
  REQUIRE_THROWS_AS(trainer.write_weights(weights), ArgumentError);
  weights.pop_back();
  REQUIRE_THROWS_AS(trainer.write_weights(weights), ArgumentError);
  REQUIRE_THROWS_AS(trainer.read_weights(weights), ArgumentError);
}

TEST_CASE("an evaluation depends on its seed but not on the number of workers") {
  std::vector<std::vector<double>> returns;
  for (const int workers : {1, 3}) {
    CoreOrchestrator trainer(make_cart_pole, thesis_network(), options_for(WorkerMode::kThreads, workers));
    for (const std::uint64_t seed : {7u, 8u}) {
      std::vector<double> r;
      for (const auto& episode : trainer.evaluate({50, seed, false})) r.push_back(episode.episode_return);
      returns.push_back(r);
    }
  }
  REQUIRE(returns[0] == returns[2]);
  REQUIRE(returns[1] == returns[3]);
  REQUIRE(returns[0] != returns[1]);
}

TEST_CASE("an evaluation may be played in parts") {
  CoreOrchestrator trainer(chain_factory(), thesis_network(), options_for(WorkerMode::kThreads, 2));
  const auto returns = [&](int episodes, std::uint64_t first) {
    std::vector<double> result;
    for (const auto& episode : trainer.evaluate({.episodes = episodes, .seed = 3, .first_episode = first}))
      result.push_back(episode.episode_return);
    return result;
  };
  auto parts = returns(10, 0);
  for (const double other : returns(20, 10)) parts.push_back(other);
  REQUIRE(parts == returns(30, 0));
  REQUIRE(parts != returns(30, 1));
}

TEST_CASE("an evaluation leaves the weights and the training untouched, and may be longer than one chunk") {
  CoreOrchestrator a(chain_factory(), thesis_network(), options_for(WorkerMode::kThreads, 1));
  CoreOrchestrator b(chain_factory(), thesis_network(), options_for(WorkerMode::kThreads, 1));
  a.train_round();
  b.train_round();
  const auto before = weights_of(a);
  REQUIRE(a.evaluate({5000, 1, false}).size() == 5000);
  REQUIRE(weights_of(a) == before);
  a.train_round();
  b.train_round();
  REQUIRE(weights_of(a) == weights_of(b));
  REQUIRE_THROWS_AS(a.evaluate({0, 1, false}), ArgumentError);
}

TEST_CASE("a restored trainer with one worker goes on as the uninterrupted one", "[forks]") {
  for (const char* name : {"sgd", "rmsprop", "adam", "adamw", "ppo"}) {
    auto options = options_for(WorkerMode::kProcesses, 1, 4);
    const bool clipped = std::string(name) == "ppo";
    options.hyperparameters.optimizer = clipped ? "adam" : name;
    if (clipped) options.hyperparameters.algorithm = "ppo";
    CoreOrchestrator whole(make_cart_pole, thesis_network(), options);
    for (int i = 0; i < 10; ++i) whole.train_round();
    const auto weights = weights_of(whole);
    const SavedState state(whole);
    for (int i = 0; i < 10; ++i) whole.train_round();

    CoreOrchestrator resumed(make_cart_pole, thesis_network(), options);
    resumed.write_weights(weights);
    resumed.restore(state.reader());
    for (int i = 0; i < 10; ++i) resumed.train_round();
    REQUIRE(weights_of(resumed) == weights_of(whole));
    REQUIRE(resumed.environment_steps() == whole.environment_steps());
    const SavedState a(resumed), b(whole);
    REQUIRE(a.reader().u64("optimizer_steps") == b.reader().u64("optimizer_steps"));
  }
}

TEST_CASE("an optimizer state of another size is refused") {
  CoreOrchestrator trainer(chain_factory(), thesis_network(), options_for(WorkerMode::kThreads, 1));
  auto options = options_for(WorkerMode::kThreads, 1);
  options.hyperparameters.optimizer = "adam";
  const SavedState state(CoreOrchestrator(chain_factory(), thesis_network(), options));
  REQUIRE_THROWS_AS(trainer.restore(state.reader()), LayoutError);
  REQUIRE_THROWS_WITH(trainer.restore(state.reader()), Catch::Contains("optimizer_state"));
}

TEST_CASE("the workers fill the replay buffer when asked, each its own share", "[forks]") {
  auto options = options_for(WorkerMode::kProcesses, 2);
  options.replay_capacity = 50;
  CoreOrchestrator trainer(chain_factory(), thesis_network(), options);
  REQUIRE(trainer.replay_buffer() != nullptr);
  std::vector<std::uint64_t> steps(2, 0);
  for (int i = 0; i < 10; ++i) {
    const auto report = trainer.train_round();
    for (std::size_t w = 0; w < 2; ++w) steps[w] += report.episodes[w].length;
  }
  for (int w = 0; w < 2; ++w) {
    REQUIRE(trainer.replay_buffer()->stored(w) == steps[static_cast<std::size_t>(w)]);
    const TransitionBatch batch = trainer.replay_buffer()->in_time_order(w, 50);
    REQUIRE(batch.size() == std::min<std::uint64_t>(50, steps[static_cast<std::size_t>(w)]));
    for (std::size_t i = 0; i + 1 < batch.size(); ++i) {
      if (batch.terminated[i] || batch.truncated[i]) continue;
      REQUIRE(batch.next_observations[3 * i] == batch.observations[3 * (i + 1)]);
    }
  }
  CoreOrchestrator without(chain_factory(), thesis_network(), options_for(WorkerMode::kThreads, 1));
  REQUIRE(without.replay_buffer() == nullptr);
}

TEST_CASE("a linear schedule ends learning at its last step") {
  auto options = options_for(WorkerMode::kThreads, 1);
  options.hyperparameters.schedule = LearningRateSchedule::kLinear;
  options.hyperparameters.schedule_steps = 100;
  CoreOrchestrator trainer(chain_factory(), thesis_network(), options);
  const auto start = weights_of(trainer);
  while (trainer.environment_steps() < 100) trainer.train_round();
  const auto at_end = weights_of(trainer);
  REQUIRE(at_end != start);
  trainer.train_round();
  REQUIRE(weights_of(trainer) == at_end);
}

TEST_CASE("options out of range are refused before any process is started") {
  auto options = options_for(WorkerMode::kThreads, -1);
  REQUIRE_THROWS_AS(CoreOrchestrator(chain_factory(), thesis_network(), options), ArgumentError);
  options = options_for(WorkerMode::kThreads, 1);
  options.max_crashes_per_minute = -1;
  REQUIRE_THROWS_WITH(CoreOrchestrator(chain_factory(), thesis_network(), options),
                      Catch::Contains("-1 crashes"));
  options = options_for(WorkerMode::kThreads, 1);
  options.hyperparameters.gamma = 2;
  REQUIRE_THROWS_WITH(CoreOrchestrator(chain_factory(), thesis_network(), options), Catch::Contains("gamma"));
  options.hyperparameters = {};
  options.hyperparameters.optimizer = "lion";
  REQUIRE_THROWS_WITH(CoreOrchestrator(chain_factory(), thesis_network(), options), Catch::Contains("lion"));
  options.hyperparameters = {};
  REQUIRE_THROWS_AS(CoreOrchestrator({}, thesis_network(), options), ArgumentError);
  REQUIRE_THROWS_AS(CoreOrchestrator(chain_factory(), {}, options), ArgumentError);
}

TEST_CASE("a state carries the replay buffer, also to another number of workers", "[forks]") {
  auto options = options_for(WorkerMode::kProcesses, 2, 3);
  options.replay_capacity = 40;
  CoreOrchestrator trainer(make_cart_pole, thesis_network(), options);
  for (int i = 0; i < 6; ++i) trainer.train_round();
  const SavedState state(trainer);
  REQUIRE(state.reader().u64s("replay_stored").size() == 2);
  REQUIRE(state.reader().floats("replay.0").shape.front() == 40);

  CoreOrchestrator same(make_cart_pole, thesis_network(), options);
  same.restore(state.reader());
  for (int worker = 0; worker < 2; ++worker) {
    const auto rows = trainer.replay_buffer()->in_time_order(worker, 40);
    REQUIRE(same.replay_buffer()->in_time_order(worker, 40).observations == rows.observations);
    REQUIRE(same.replay_buffer()->stored(worker) == trainer.replay_buffer()->stored(worker));
  }
  options.workers = 3;
  CoreOrchestrator more(make_cart_pole, thesis_network(), options);
  more.restore(state.reader());
  REQUIRE(more.replay_buffer()->stored(1) == trainer.replay_buffer()->stored(1));
  REQUIRE(more.replay_buffer()->stored(2) == 0);
  options.workers = 1;
  CoreOrchestrator fewer(make_cart_pole, thesis_network(), options);
  fewer.restore(state.reader());
  REQUIRE(fewer.replay_buffer()->stored(0) == trainer.replay_buffer()->stored(0));
  options.replay_capacity = 0;
  CoreOrchestrator without(make_cart_pole, thesis_network(), options);
  REQUIRE_NOTHROW(without.restore(state.reader()));
}

TEST_CASE("giving up on a round or an evaluation that does not end returns without waiting for it",
          "[forks]") {
  // Rounds without an end that anybody would live to see.
  auto options = options_for(WorkerMode::kProcesses, 1);
  options.hyperparameters = tuned_hyperparameters();
  options.hyperparameters.schedule = LearningRateSchedule::kConstant;
  options.hyperparameters.epochs = 1'000'000'000;
  int asked = 0;
  bool patient = true;
  options.give_up = [&] { return !patient && ++asked > 2; };
  std::vector<int> workers;
  {
    CoreOrchestrator trainer(make_cart_pole, mlp_network(), options);
    workers = trainer.worker_pids();
    patient = false;
    REQUIRE_THROWS_AS(trainer.train_round(), StoppedError);
    REQUIRE(trainer.rounds() == 0);
    // The cores are free for whoever writes the weights.
    REQUIRE(workers.size() == 1);
    REQUIRE(::kill(workers[0], 0) != 0);
    std::vector<float> weights(trainer.layout().size());
    trainer.read_weights(weights);
    trainer.write_weights(weights);
    REQUIRE(SavedState(trainer).reader().floats("optimizer_state").values.size() >= weights.size());
    REQUIRE_THROWS_AS(trainer.train_round(), StoppedError);
  }
  patient = true;
  asked = 0;
  CoreOrchestrator trainer(make_cart_pole, mlp_network(), options);
  patient = false;
  REQUIRE_THROWS_AS(trainer.evaluate({10'000'000, 1, false}), StoppedError);
}
