// Training without the command line: train on this machine, average the weights over time, save them, read
// them again, and see how they play.
#include <fmt/format.h>

#include <filesystem>
#include <vector>

#include "genkidama/env/cart_pole.h"
#include "genkidama/nn/networks.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/params/policy_average.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/run/evaluation.h"

int main() {
  constexpr std::uint64_t kSteps = 150'000;

  genkidama::OrchestratorOptions options;
  options.workers = 2;
  options.hyperparameters = genkidama::tuned_hyperparameters();
  options.hyperparameters.schedule_steps = kSteps;  // the learning rate falls to 0 over the run
  genkidama::CoreOrchestrator trainer(genkidama::make_cart_pole, genkidama::mlp_network(), options);

  genkidama::PolicyAverage average({.kind = genkidama::PolicyAverageKind::kEma, .decay = 0.9});
  std::vector<float> weights(trainer.layout().size());
  while (trainer.environment_steps() < kSteps) {
    trainer.train_round();
    trainer.read_weights(weights);
    average.add(weights);
  }

  const std::filesystem::path file = "agent.safetensors";  // Python's safetensors reads it too
  const auto policy = average.weights_or(weights);
  // The metadata lets load_policy() know what the file holds.
  const auto metadata = trainer.policy_metadata();
  genkidama::write_safetensors(file, {trainer.layout(), {policy.begin(), policy.end()}, metadata});

  trainer.write_weights(genkidama::read_safetensors(file, trainer.layout()).weights);
  const auto result = genkidama::run::evaluate(trainer, {.episodes = 100, .greedy = true});
  fmt::print("after {} steps: {}\n", trainer.environment_steps(), genkidama::run::mean_text(result));
  return result.mean > 250 ? 0 : 1;
}
