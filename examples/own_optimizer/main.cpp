// Your own optimizer: AdaGrad (Duchi, Hazan, Singer 2011), shared by all workers without a lock.
#include <fmt/format.h>

#include <cmath>
#include <memory>

#include "genkidama/env/cart_pole.h"
#include "genkidama/nn/networks.h"
#include "genkidama/nn/shared_optimizer.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/run/evaluation.h"

namespace {

class SharedAdaGrad : public genkidama::SharedOptimizer {
 public:
  // What the optimizer remembers lies in shared memory: here one sum of squares per weight.
  std::size_t state_size(std::size_t parameters) const override { return parameters; }

  void step(std::span<float> weights, std::span<const float> gradient, std::span<float> state,
            std::uint64_t /*step*/, double learning_rate) const override {
    for (std::size_t i = 0; i < weights.size(); ++i) {
      // Other workers write at the same time: elements are read and written whole, and an update may get
      // lost.
      const float sum = genkidama::relaxed_read(state[i]) + gradient[i] * gradient[i];
      genkidama::relaxed_write(state[i], sum);
      const float change = static_cast<float>(learning_rate) * gradient[i] / (std::sqrt(sum) + 1e-8F);
      genkidama::relaxed_write(weights[i], genkidama::relaxed_read(weights[i]) - change);
    }
  }
};

}  // namespace

int main() {
  genkidama::OrchestratorOptions options;
  options.workers = 2;
  options.optimizer = [](const genkidama::OptimizerOptions&) { return std::make_unique<SharedAdaGrad>(); };
  options.hyperparameters.learning_rate = 2e-2;
  options.hyperparameters.gamma = 0.99;
  options.hyperparameters.reward_scale = 0.05;
  genkidama::CoreOrchestrator trainer(genkidama::make_cart_pole, genkidama::thesis_network(), options);

  const double before = genkidama::run::evaluate(trainer, {.episodes = 50}).mean;
  for (int round = 0; round < 300; ++round) trainer.train_round();
  const double after = genkidama::run::evaluate(trainer, {.episodes = 50}).mean;
  fmt::print("mean return {:.0f} before, {:.0f} after {} steps\n", before, after,
             trainer.environment_steps());
  return after > 2 * before ? 0 : 1;
}
