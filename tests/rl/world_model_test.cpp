#include "rl/model/world_model.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <thread>
#include <vector>

#include "rl/linear_task.h"
#include "rl/model/imagination.h"
#include "rl/model/model_error.h"
#include "rl/model/work_share.h"
#include "support/catch.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

WorldModelOptions options_for(int members = 1, bool is_alone = true) {
  return {.observation = LinearTask::kSize,
          .actions = LinearTask::kActions,
          .members = members,
          .units = 32,
          .learning_rate = 3e-3,
          .is_alone = is_alone};
}

/// A model that learns a task from a buffer of its steps.
class Taught {
 public:
  explicit Taught(const LinearTask& given, const WorldModelOptions& options = options_for())
      : task(given),
        shared(WorldModel::shared_size(options)),
        model(shared, options),
        buffer(1, 2'000, LinearTask::kSize),
        sampler(buffer, {.steps = 1, .gamma = 1}) {
    model.start(7);
    for (int i = 0; i < 2'000; ++i) observe();
  }

  WorldModel::Errors observe() {
    const LinearTask::Step step = task.step(random);
    buffer.store(0, LinearTask::transition(step));
    return model.observe(step.before, step.action, step.reward, step.after);
  }
  void learn(int steps) {
    for (int i = 0; i < steps; ++i) {
      for (std::size_t member = 0; member < model.members(); ++member) {
        sampler.sample(random, 64, batch);
        model.learn(member, batch);
      }
    }
  }
  /// Over steps that it has not learnt from.
  double relative_error() {
    double error = 0, no_change = 0;
    for (int i = 0; i < 300; ++i) {
      const auto errors = observe();
      error += errors.model;
      no_change += errors.no_change;
    }
    return error / no_change;
  }

  LinearTask task;
  std::vector<float> shared;
  WorldModel model;
  ReplayBuffer buffer;
  ReplaySampler sampler;
  Random random{3};
  ReplayBatch batch;
};

}  // namespace

TEST_CASE("a world model learns a linear system, whatever its units are, alone or among others") {
  for (const float unit : {1.0f, 1e-4f, 1e4f}) {
    for (const bool is_alone : {true, false}) {
      Taught taught({.unit = unit, .reward = 1 / unit}, options_for(2, is_alone));
      CHECK(taught.relative_error() > 0.2);
      taught.learn(1'500);
      CHECK(taught.relative_error() < 0.003);
    }
  }
}

TEST_CASE("what lies in a world model's shared floats is the whole model") {
  Taught taught({});
  taught.learn(200);
  std::vector<float> copy = taught.shared;
  for (const bool is_alone : {true, false}) {
    WorldModel other(copy, options_for(1, is_alone));
    REQUIRE(other.read());
    other.start(99);  // there are weights already
    const std::vector<float> observations{0.25f, -0.5f, 0.75f, 0.125f}, actions{0, 2};
    Prediction one, two;
    taught.model.predict(0, observations, actions, one);
    other.predict(0, observations, actions, two);
    CHECK(one.observations == two.observations);
    CHECK(one.rewards == two.rewards);
    CHECK(one.ends == two.ends);
  }
}

TEST_CASE("where a world model's gradient is not finite it begins anew and learns") {
  Taught taught({});
  taught.learn(300);
  std::fill(taught.shared.end() - 3'000, taught.shared.end() - 2'000,
            std::numeric_limits<float>::quiet_NaN());
  CHECK(!std::isfinite(taught.relative_error()));
  taught.learn(1'500);
  CHECK(taught.relative_error() < 0.003);
}

TEST_CASE("a world model learns where a task ends") {
  WorldModelOptions options = options_for();
  std::vector<float> shared(WorldModel::shared_size(options));
  WorldModel model(shared, options);
  model.start(1);
  Random random(5);
  const LinearTask task;
  ReplayBuffer buffer(1, 2'000, LinearTask::kSize);
  for (int i = 0; i < 2'000; ++i) {
    const auto step = task.step(random);
    Transition transition = LinearTask::transition(step);
    transition.terminated = step.after[0] > 0.3f;
    buffer.store(0, transition);
    model.observe(step.before, step.action, step.reward, step.after);
  }
  ReplaySampler sampler(buffer, {.steps = 1, .gamma = 1});
  ReplayBatch batch;
  for (int i = 0; i < 2'000; ++i) {
    sampler.sample(random, 64, batch);
    model.learn(0, batch);
  }
  const std::vector<float> observations{0.9f, -0.5f, -0.9f, 0.5f}, actions{2, 0};
  Prediction prediction;
  model.predict(0, observations, actions, prediction);
  CHECK(prediction.ends[0] > 0.99f);
  CHECK(prediction.ends[1] < 0.01f);
}

TEST_CASE("imagined transitions of a model that knows the task are the real ones") {
  const LinearTask task;
  Taught taught(task, options_for(2));
  taught.learn(4'000);
  constexpr std::size_t kRows = 10, kSteps = 3, kReturn = 2;
  Imagination imagination(taught.model, {.rows = kRows,
                                         .steps = kSteps,
                                         .return_steps = kReturn,
                                         .gamma = 0.5,
                                         .epsilon = 0,
                                         .actions = LinearTask::kActions});
  REQUIRE(imagination.starts() == 4);
  std::vector<float> starts;
  Random random(4);
  for (int i = 0; i < 8; ++i) starts.push_back(static_cast<float>(random.uniform(-0.6, 0.6)));
  const auto policy = [](std::span<const float> x) { return x[0] > 0 ? 0.0f : 2.0f; };
  ReplayBatch batch;
  imagination.imagine(
      starts,
      [&](std::span<const float> observations, std::span<float> actions) {
        for (std::size_t i = 0; i < actions.size(); ++i) actions[i] = policy(observations.subspan(2 * i, 2));
      },
      random, batch);
  REQUIRE(batch.size() == kRows);
  const auto near = [](float value) { return Approx(value).margin(0.03); };
  for (std::size_t row = 0; row < kRows; ++row) {
    std::array<float, 2> x{starts[row % 4 * 2], starts[row % 4 * 2 + 1]};
    for (std::size_t step = 0; step < row / 4; ++step) x = task.next(x, policy(x));
    CHECK(batch.observations[2 * row] == near(x[0]));
    CHECK(batch.observations[2 * row + 1] == near(x[1]));
    CHECK(batch.actions[row] == policy(std::span(batch.observations).subspan(2 * row, 2)));
    double reward = 0, discount = 1;
    for (std::size_t step = row / 4; step < std::min(row / 4 + kReturn, kSteps); ++step) {
      reward += discount * task.paid(x, policy(x));
      discount *= 0.5;
      x = task.next(x, policy(x));
    }
    CHECK(batch.rewards[row] == near(static_cast<float>(reward)));
    CHECK(batch.discounts[row] == near(static_cast<float>(discount)));
    CHECK(batch.next_observations[2 * row] == near(x[0]));
    CHECK(batch.next_observations[2 * row + 1] == near(x[1]));
    CHECK(batch.weights[row] == near(1));
  }
}

TEST_CASE("a model is used once its error is low, stops above the limit and comes back below nine tenths") {
  std::vector<float> shared(ModelError::kSharedSize);
  ModelError error(shared, 0.5), other(shared, 0.5);
  using Change = ModelError::Change;
  for (int i = 0; i < 99; ++i) {
    error.add(0.1f, 1);
    CHECK(error.look() == Change::kNone);
    CHECK(!error.is_used());
  }
  error.add(0.1f, 1);
  CHECK(error.look() == Change::kNone);
  CHECK(error.is_used());
  CHECK(error.relative() == Approx(0.1));
  int stopped = 0, resumed = 0;
  const auto add = [&](float model, int steps) {
    for (int i = 0; i < steps; ++i) {
      error.add(model, 1);
      // Whoever looks first is told.
      for (ModelError* looks : {&error, &other}) {
        const Change change = looks->look();
        stopped += change == Change::kStopped ? 1 : 0;
        resumed += change == Change::kResumed ? 1 : 0;
      }
    }
  };
  add(std::numeric_limits<float>::quiet_NaN(), 3);
  CHECK(!error.is_used());
  CHECK(std::isfinite(error.relative()));
  add(0.48f, 5'000);
  CHECK(!error.is_used());
  CHECK(std::pair(stopped, resumed) == std::pair(1, 0));
  add(0.4f, 1'000);
  CHECK(error.is_used());
  CHECK(std::pair(stopped, resumed) == std::pair(1, 1));
  add(0.48f, 1'000);
  CHECK(error.is_used());
  CHECK(other.changes() == 2);
  add(0.6f, 1'000);
  CHECK(!error.is_used());
  CHECK(std::pair(stopped, resumed) == std::pair(2, 1));
  CHECK(error.changes() == 3);
  CHECK(other.changes() == 3);
}

TEST_CASE("no more is claimed than a ratio allows, and all of that") {
  for (const double ratio : {0.0, 0.1, 0.3, 1.0, 2.5}) {
    std::vector<float> shared(WorkShare::kSharedSize);
    WorkShare share(shared, ratio);
    std::uint64_t claimed = 0;
    for (std::uint64_t real = 1; real <= 1'000; ++real) {
      share.count();
      while (share.claim()) ++claimed;
      REQUIRE(claimed == static_cast<std::uint64_t>(std::floor(ratio * static_cast<double>(real))));
    }
  }
}

TEST_CASE("many that count and claim at once claim what a ratio allows") {
  std::vector<float> shared(WorkShare::kSharedSize);
  std::atomic<std::uint64_t> claimed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      WorkShare share(shared, 0.7);
      for (int k = 0; k < 10'000; ++k) {
        share.count();
        claimed += share.claim() ? 1 : 0;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  WorkShare share(shared, 0.7);
  while (share.claim()) ++claimed;
  CHECK(claimed == 28'000);
}
