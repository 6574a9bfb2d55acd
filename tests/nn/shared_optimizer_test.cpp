#include "genkidama/nn/shared_optimizer.h"

#include <atomic>
#include <cmath>
#include <thread>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "support/catch.h"

using namespace genkidama;

TEST_CASE(
    "several threads stepping one shared array without a lock keep every value finite and all reach it") {
  for (const char* name : {"sgd", "rmsprop", "adam", "adamw"}) {
    OptimizerOptions options;
    options.optimizer = name;
    options.weight_decay = 0;
    options.learning_rate = 1e-3;
    std::vector<float> weights(64, 1.0f);
    const auto optimizer = make_shared_optimizer(options);
    std::vector<float> state(optimizer->state_size(weights.size()), 0.0f);
    std::atomic<std::uint64_t> steps{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        std::vector<float> gradient(weights.size());
        for (int i = 0; i < 500; ++i) {
          // The gradient of |w|^2 / 2 pulls towards zero.
          for (std::size_t k = 0; k < weights.size(); ++k) gradient[k] = relaxed_read(weights[k]);
          optimizer->step(weights, gradient, state, ++steps, options.learning_rate);
        }
      });
    }
    for (auto& thread : threads) thread.join();
    for (const float w : weights) {
      REQUIRE(std::isfinite(w));
      REQUIRE(std::abs(w) < 0.9f);
    }
  }
}

namespace {

/// AdamW as its paper writes it (Loshchilov and Hutter 2019, algorithm 2), in double precision, for one
/// weight.
struct ReferenceAdamW {
  double weight, m = 0, v = 0;

  void step(const OptimizerOptions& o, double gradient, int t, double rate) {
    m = o.adam_beta1 * m + (1 - o.adam_beta1) * gradient;
    v = o.adam_beta2 * v + (1 - o.adam_beta2) * gradient * gradient;
    const double mean = m / (1 - std::pow(o.adam_beta1, t));
    const double square = v / (1 - std::pow(o.adam_beta2, t));
    weight -= rate * o.weight_decay * weight + rate * mean / (std::sqrt(square) + o.denominator_epsilon);
  }
};

}  // namespace

TEST_CASE("adamw follows its paper's formula, also where the learning rate falls") {
  OptimizerOptions options;
  options.optimizer = "adamw";
  options.weight_decay = 0.1;
  const auto optimizer = make_shared_optimizer(options);
  constexpr std::size_t kWeights = 130;  // more than one chunk, and no multiple of one
  Random random(5);
  std::vector<float> weights(kWeights), gradient(kWeights);
  std::vector<ReferenceAdamW> expected;
  for (float& w : weights) {
    w = static_cast<float>(random.uniform(-1, 1));
    expected.push_back({w});
  }
  std::vector<float> state(optimizer->state_size(kWeights), 0.0f);
  REQUIRE(state.size() == 2 * kWeights);
  for (int t = 1; t <= 200; ++t) {
    const double rate = 1e-2 * (1 - t / 400.0);
    for (std::size_t i = 0; i < kWeights; ++i) {
      gradient[i] = static_cast<float>(random.uniform(-2, 2));
      expected[i].step(options, gradient[i], t, rate);
    }
    optimizer->step(weights, gradient, state, static_cast<std::uint64_t>(t), rate);
  }
  for (std::size_t i = 0; i < kWeights; ++i) {
    CHECK(weights[i] == Approx(expected[i].weight).margin(2e-5));
    CHECK(state[i] == Approx(expected[i].m).margin(1e-5));
    CHECK(state[kWeights + i] == Approx(expected[i].v).margin(1e-5));
  }
}

TEST_CASE("the decay of adamw pulls on weights whose gradient is zero, and adam's is not the same") {
  OptimizerOptions options;
  options.optimizer = "adamw";
  options.weight_decay = 0.25;
  const auto adamw = make_shared_optimizer(options);
  std::vector<float> weights = {2, -4};
  const std::vector<float> gradient = {0, 0};
  std::vector<float> state(4, 0.0f);
  adamw->step(weights, gradient, state, 1, 0.5);
  CHECK(weights == std::vector<float>{1.75f, -3.5f});
  CHECK(state == std::vector<float>(4, 0.0f));

  options.optimizer = "adam";
  const auto adam = make_shared_optimizer(options);
  weights = {2, -4};
  adam->step(weights, gradient, state, 1, 0.5);
  CHECK(weights[0] == Approx(1.5));
  CHECK(weights[1] == Approx(-3.5));
  CHECK(state[0] > 0);
}

TEST_CASE("an optimizer of unknown name is refused with the names known") {
  OptimizerOptions options;
  options.optimizer = "lion";
  REQUIRE_THROWS_WITH(make_shared_optimizer(options), Catch::Contains("lion") && Catch::Contains("adamw"));
  REQUIRE_THROWS_AS(make_shared_optimizer(options), ArgumentError);
}
