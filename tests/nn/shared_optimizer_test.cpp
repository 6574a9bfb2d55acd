#include "genkidama/nn/shared_optimizer.h"

#include <atomic>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "nn/optimizer_kernels.h"
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

namespace {

std::vector<std::uint32_t> bits(std::span<const float> values) {
  std::vector<std::uint32_t> result;
  for (const float value : values) result.push_back(std::bit_cast<std::uint32_t>(value));
  return result;
}

/// Numbers of any size, some of them below the smallest normal one, zero with either sign, and infinite.
std::vector<float> of_any_size(std::size_t count, Random& random) {
  std::vector<float> values(count);
  for (float& value : values) {
    value = static_cast<float>(random.normal() * std::pow(10, random.uniform(-44, 3)));
    if (random.below(50) == 0) value = std::copysign(0.0f, value);
    if (random.below(500) == 0) value = std::copysign(std::numeric_limits<float>::infinity(), value);
  }
  return values;
}

std::vector<OptimizerOptions> many_options() {
  std::vector<OptimizerOptions> all;
  for (const char* name : {"sgd", "rmsprop", "adam", "adamw"}) {
    for (const double momentum : {0.0, 0.9}) {
      for (const double decay : {0.0, 0.01}) {
        OptimizerOptions options;
        options.optimizer = name;
        options.momentum = momentum;
        options.weight_decay = decay;
        all.push_back(options);
      }
    }
  }
  return all;
}

constexpr std::size_t kSizes[] = {0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 63, 130, 255, 256, 257, 700};

}  // namespace

TEST_CASE("an optimizer's step on memory of its own gives the bits of its step on shared memory") {
  Random random(11);
  for (const OptimizerOptions& options : many_options()) {
    const auto optimizer = make_shared_optimizer(options);
    for (const std::size_t size : kSizes) {
      // Wherever the floats begin in memory, and nothing beside them is touched.
      for (std::size_t begin = 0; begin < 4; ++begin) {
        CAPTURE(options.optimizer, options.momentum, options.weight_decay, size, begin);
        const std::size_t state_size = optimizer->state_size(size);
        std::vector<float> weights = of_any_size(begin + size + 1, random), own_weights = weights;
        std::vector<float> state(begin + state_size + 1, 0.0f), own_state = state;
        for (std::uint64_t step = 1; step <= 4; ++step) {
          const auto gradient = of_any_size(size, random);
          const double rate = 1e-2 / static_cast<double>(step);
          optimizer->step(std::span(weights).subspan(begin, size), gradient,
                          std::span(state).subspan(begin, state_size), step, rate);
          optimizer->step_alone(std::span(own_weights).subspan(begin, size), gradient,
                                std::span(own_state).subspan(begin, state_size), step, rate);
        }
        REQUIRE(bits(weights) == bits(own_weights));
        REQUIRE(bits(state) == bits(own_state));
      }
    }
  }
}

TEST_CASE("every version of the optimizers' arithmetic gives the same bits") {
  Random random(12);
  const OptimizerKernels& best = optimizer_kernels();
  const OptimizerKernels& portable = portable_optimizer_kernels();
  constexpr SgdStep kSgd{.rate = 0.1f, .momentum = 0.7f, .decay = 0.01f};
  constexpr RmsPropStep kRmsProp{
      .rate = 0.1f, .momentum = 0.7f, .decay = 0.01f, .smoothing = 0.9f, .epsilon = 1e-8f};
  constexpr AdamStep kAdam{.rate = 0.1f,
                           .b1 = 0.9f,
                           .b2 = 0.999f,
                           .decay = 0.01f,
                           .kept = 0.99f,
                           .correction = 1.3f,
                           .epsilon = 1e-8f};
  for (const std::size_t size : kSizes) {
    const auto gradient = of_any_size(size, random), weights = of_any_size(size, random);
    const auto first = of_any_size(size, random);
    auto second = of_any_size(size, random);
    for (float& value : second) value = std::abs(value);
    const auto results = [&](const OptimizerKernels& kernels) {
      std::vector<std::uint32_t> all;
      const auto run = [&](auto kernel, const auto& step, bool squares_first, std::size_t states) {
        auto w = weights, one = squares_first ? second : first, two = squares_first ? first : second;
        kernel(step, {.count = size,
                      .weights = w.data(),
                      .gradient = gradient.data(),
                      .first_state = states > 0 ? one.data() : nullptr,
                      .second_state = states > 1 ? two.data() : nullptr});
        for (const auto& values : {w, one, two}) {
          const auto some = bits(values);
          all.insert(all.end(), some.begin(), some.end());
        }
      };
      run(kernels.sgd, kSgd, false, 0);
      run(kernels.sgd, kSgd, false, 1);
      run(kernels.rmsprop, kRmsProp, true, 2);
      run(kernels.adam, kAdam, false, 2);
      return all;
    };
    CAPTURE(best.name, size);
    REQUIRE(results(best) == results(portable));
  }
}

TEST_CASE("an optimizer of one's own that has no step for memory of its own takes the shared one there") {
  struct Minus : SharedOptimizer {
    std::size_t state_size(std::size_t) const override { return 0; }
    void step(std::span<float> weights, std::span<const float> gradient, std::span<float>, std::uint64_t step,
              double rate) const override {
      for (std::size_t i = 0; i < weights.size(); ++i) {
        relaxed_write(weights[i], relaxed_read(weights[i]) - static_cast<float>(rate) * gradient[i] +
                                      static_cast<float>(step));
      }
    }
  };
  std::vector<float> weights{1, 2};
  Minus().step_alone(weights, std::vector<float>{2, 4}, {}, 100, 0.5);
  CHECK(weights == std::vector<float>{100, 100});
}

TEST_CASE("an optimizer of unknown name is refused with the names known") {
  OptimizerOptions options;
  options.optimizer = "lion";
  REQUIRE_THROWS_WITH(make_shared_optimizer(options), Catch::Contains("lion") && Catch::Contains("adamw"));
  REQUIRE_THROWS_AS(make_shared_optimizer(options), ArgumentError);
}
