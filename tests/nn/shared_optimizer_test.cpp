#include "genkidama/nn/shared_optimizer.h"

#include <atomic>
#include <cmath>
#include <thread>
#include <vector>

#include "genkidama/core/error.h"
#include "support/catch.h"

using namespace genkidama;

TEST_CASE(
    "several threads stepping one shared array without a lock keep every value finite and all reach it") {
  for (const char* name : {"sgd", "rmsprop", "adam"}) {
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

TEST_CASE("an optimizer of unknown name is refused with the names known") {
  OptimizerOptions options;
  options.optimizer = "lion";
  REQUIRE_THROWS_WITH(make_shared_optimizer(options), Catch::Contains("lion") && Catch::Contains("adam"));
  REQUIRE_THROWS_AS(make_shared_optimizer(options), ArgumentError);
}
