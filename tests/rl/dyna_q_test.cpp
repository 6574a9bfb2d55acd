#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/ipc/replay_buffer.h"
#include "genkidama/rl/algorithms.h"
#include "rl/learner_fixture.h"
#include "rl/linear_task.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

const EnvironmentSpec kLinear = completed({"linear", LinearTask::kSize, LinearTask::kActions, 1'000});

/// Counts optimizer steps on real and on imagined transitions.
class Counting : public Recorder {
 public:
  void apply(std::span<const float> given, const LearningStatistics& of_step) override {
    Recorder::apply(given, of_step);
    (of_step.imagined > 0 ? imagined : real) += 1;
  }
  std::uint64_t environment_steps() const override { return played; }

  int real = 0, imagined = 0;
  std::uint64_t played = 0;
};

/// One worker that does everything, and a linear network.
class Setup {
 public:
  explicit Setup(const std::function<void(Hyperparameters&)>& change = {})
      : hyperparameters(with_defaults(change)),
        buffer(1, 2'000, LinearTask::kSize, 1, 0, hyperparameters.priorities_exponent() > 0),
        algorithm(dyna_q(hyperparameters)),
        network(make_network()),
        shared(algorithm->shared_state_for(kLinear, network.weights().size())),
        learner(algorithm->make_learner(context())) {
    learner->begin_round(Random(1));
  }

  LearnerContext context() {
    return {
        .environment = kLinear, .network = network, .sink = sink, .shared_state = shared, .replay = &buffer};
  }

  void play(int steps) {
    for (int i = 0; i < steps; ++i) {
      const LinearTask::Step step = task.step(random);
      buffer.store(0, LinearTask::transition(step));
      ++sink.played;
      Segment segment;
      segment.observations.assign(step.before.begin(), step.before.end());
      segment.actions = {step.action};
      segment.rewards = {step.reward};
      segment.last_observation.assign(step.after.begin(), step.after.end());
      learner->learn_segment(segment);
    }
  }

  LinearTask task;
  Random random{2};
  Hyperparameters hyperparameters;
  ReplayBuffer buffer;
  std::unique_ptr<Algorithm> algorithm;
  LocalNetwork network;
  std::vector<float> shared;
  Counting sink;
  std::unique_ptr<Learner> learner;

 private:
  static Hyperparameters with_defaults(const std::function<void(Hyperparameters&)>& change) {
    Hyperparameters h = dyna_q_hyperparameters();
    h.schedule = Schedule::kConstant;
    h.final_learning_rate = 0;
    h.minibatch_size = 32;
    h.learning_starts = 100;
    h.replay_ratio = 1;
    h.planning_starts = 0;
    h.planning_ratio = 1;
    h.planning_steps = 1;
    h.model_units = 16;
    h.model_learning_rate = 1e-2;
    h.model_error_limit = 0.5;
    h.reward_scale = 1;
    h.gamma = 0.5;
    if (change) change(h);
    h.check();
    return h;
  }
  LocalNetwork make_network() const {
    const NetworkSpec spec = algorithm->network(kLinear);
    return LocalNetwork(mlp_network({.hidden = {}})(spec, 1), spec);
  }
};

/// What is logged while it lives.
class Log {
 public:
  Log() {
    set_log_sink([this](LogLevel, std::string_view message) { lines.emplace_back(message); });
  }
  ~Log() { set_log_sink({}); }
  int count(const std::string& text) const {
    return static_cast<int>(std::count_if(lines.begin(), lines.end(), [&](const std::string& line) {
      return line.find(text) != std::string::npos;
    }));
  }

  std::vector<std::string> lines;
};

}  // namespace

TEST_CASE("dyna_q imagines as many optimizer steps as its ratio allows, once its model is good enough") {
  for (const double ratio : {0.0, 0.3, 1.0, 3.0}) {
    Setup setup([&](Hyperparameters& h) { h.planning_ratio = ratio; });
    setup.play(1'000);
    CHECK(setup.sink.statistics.model_error < 0.5);
    const int real = setup.sink.real, imagined = setup.sink.imagined;
    CHECK(real == 901);
    CHECK(imagined <= ratio * real);
    setup.play(1'000);
    CHECK(setup.sink.real == real + 1'000);
    CHECK(std::abs(setup.sink.imagined - imagined - ratio * 1'000) <= 1);
    CHECK(setup.sink.imagined <= ratio * setup.sink.real);
  }
}

TEST_CASE("nothing is imagined before planning starts, and what was left out is not made up for") {
  Setup setup([](Hyperparameters& h) { h.planning_starts = 1'500; });
  setup.play(1'499);
  CHECK(setup.sink.imagined == 0);
  setup.play(1);
  CHECK(setup.sink.imagined == 1);
  setup.play(100);
  CHECK(setup.sink.imagined == 101);
}

TEST_CASE("the error of a model is reported, and falls as it learns") {
  Setup setup([](Hyperparameters& h) { h.planning_ratio = 0; });
  setup.play(130);
  const double first = setup.sink.statistics.model_error;
  CHECK(first > 0.2);
  setup.play(1'500);
  CHECK(setup.sink.statistics.model_error > 0);
  CHECK(setup.sink.statistics.model_error < 0.1 * first);
}

TEST_CASE("a model that predicts badly stops imagination, real learning goes on, and the log says so once") {
  const Log log;
  Setup setup;
  setup.play(1'000);
  const int imagined = setup.sink.imagined;
  CHECK(imagined > 500);
  CHECK(log.lines.empty());
  setup.task.surprise = 3;
  setup.play(1'500);
  CHECK(log.count("nothing is imagined") == 1);
  CHECK(log.lines.size() == 1);
  const int stopped_at = setup.sink.imagined;
  CHECK(stopped_at < imagined + 1'000);
  const int real = setup.sink.real;
  setup.play(200);
  CHECK(setup.sink.imagined == stopped_at);
  CHECK(setup.sink.real == real + 200);
  setup.task.surprise = 0;
  setup.play(10'000);
  CHECK(log.count("imagining goes on") == 1);
  CHECK(log.lines.size() == 2);
  CHECK(setup.sink.imagined > stopped_at + 1'000);
}

TEST_CASE("a model that is stopped and used again many times is told of six times, and then no more") {
  const Log log;
  Setup setup;
  setup.play(1'000);
  int changes = 0;
  bool is_used = true;
  for (int i = 0; i < 200'000 && changes < 10; ++i) {
    // The task cannot be foretold while the model is used, and can be while it is not.
    setup.task.surprise = is_used ? 3 : 0;
    const int imagined = setup.sink.imagined;
    setup.play(1);
    const bool was_used = is_used;
    is_used = setup.sink.imagined > imagined;
    changes += is_used != was_used ? 1 : 0;
  }
  CHECK(changes == 10);
  CHECK(log.lines.size() == 6);
  CHECK(log.count("nothing is imagined") == 3);
  CHECK(log.count("imagining goes on") == 3);
  CHECK(log.count("further changes are only in metrics.csv") == 1);
  CHECK(log.lines.back().find("further changes are only in metrics.csv") != std::string::npos);
}

TEST_CASE("a model that diverges is never imagined with, and Q learns on") {
  const Log log;
  Setup setup([](Hyperparameters& h) { h.model_learning_rate = 1e30; });
  setup.play(1'000);
  CHECK(setup.sink.real == 901);
  CHECK(setup.sink.imagined == 0);
  CHECK(std::isfinite(setup.sink.statistics.model_error));
  for (const float weight : setup.network.weights()) CHECK(std::isfinite(weight));
}

TEST_CASE("prioritized sweeping imagines from what has the largest error") {
  Setup setup([](Hyperparameters& h) { h.planning_ratio = 0; });
  setup.play(1'000);
  for (std::uint64_t row = 0; row < 1'000; ++row)
    setup.buffer.set_priority({0, row}, row == 123 ? 1e6f : 1e-3f);
  // A second learner over the same state imagines, as a planner does.
  Hyperparameters h = setup.hyperparameters;
  h.planning_ratio = 1;
  h.planners = 1;
  const auto planner = dyna_q(h);
  CHECK(planner->helpers() == 1);
  const auto learner = planner->make_learner(setup.context());
  const auto helper = planner->make_helper(setup.context(), 0);
  learner->begin_round(Random(4));
  helper->begin_round(Random(5));
  CHECK(!helper->help());
  const LinearTask::Step step = setup.task.step(setup.random);
  setup.buffer.store(0, LinearTask::transition(step));
  setup.buffer.set_priority({0, 1'000}, 1e-3f);
  ++setup.sink.played;
  Segment segment;
  segment.observations.assign(step.before.begin(), step.before.end());
  segment.actions = {step.action};
  segment.rewards = {step.reward};
  segment.last_observation.assign(step.after.begin(), step.after.end());
  learner->learn_segment(segment);  // one real step, which allows an imagined one
  CHECK(setup.sink.imagined == 0);
  setup.buffer.set_priority({0, 123}, 1e6f);
  std::vector<float> before;
  for (std::uint64_t row = 0; row <= 1'000; ++row) before.push_back(setup.buffer.priority({0, row}));
  CHECK(helper->help());
  CHECK(setup.sink.imagined == 1);
  CHECK(!helper->help());
  int changed = 0;
  for (std::uint64_t row = 0; row <= 1'000; ++row)
    changed += setup.buffer.priority({0, row}) != before[row] ? 1 : 0;
  CHECK(changed == 1);
  CHECK(setup.buffer.priority({0, 123}) < 1'000);
}

TEST_CASE("a modeller learns the model and nothing else") {
  Setup setup([](Hyperparameters& h) {
    h.modellers = 1;
    h.planning_ratio = 0;
  });
  const auto helper = setup.algorithm->make_helper(setup.context(), 0);
  helper->begin_round(Random(5));
  CHECK(!helper->help());
  setup.play(500);
  CHECK(setup.sink.statistics.model_error > 0.2);
  const int real = setup.sink.real;
  int steps = 0;
  while (helper->help()) ++steps;
  CHECK(steps == real);
  CHECK(setup.sink.real == real);
  setup.play(400);
  while (helper->help()) ++steps;
  setup.play(300);
  CHECK(setup.sink.statistics.model_error < 0.3);
}

TEST_CASE("where real steps are drawn by priority, imagined ones leave the priorities to them") {
  Setup setup([](Hyperparameters& h) {
    h.priority_exponent = 0.6;
    h.planning_steps = 4;
  });
  setup.play(1'000);
  CHECK(setup.sink.imagined > 500);
}

TEST_CASE("dyna_q refuses what it cannot learn, with the algorithms that can") {
  const auto algorithm = dyna_q({});
  EnvironmentSpec box{"box", 3, 0, 100};
  box.action_space = {.choices = {}, .low = {-1}, .high = {1}};
  CHECK_THROWS_AS(algorithm->network(box), ArgumentError);
  CHECK_THROWS_WITH(algorithm->network(box), Catch::Contains("dyna_q takes one choice among alternatives") &&
                                                 Catch::Contains("expected a3c, ppo, sac or td3"));
  EnvironmentSpec masked{"masked", 3, 4, 100};
  masked.masks_actions = true;
  CHECK_THROWS_AS(algorithm->network(masked), ArgumentError);
  CHECK_THROWS_WITH(algorithm->network(masked),
                    Catch::Contains("masks actions") && Catch::Contains("or dqn"));
}
