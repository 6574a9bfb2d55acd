#include "rl/algorithms/choice_values.h"

#include <fmt/format.h>

#include "genkidama/core/error.h"
#include "genkidama/rl/exploration.h"
#include "rl/algorithms/algorithm_table.h"
#include "rl/behaviour/masked_choice.h"

namespace genkidama {

int one_choice(const EnvironmentSpec& environment, const char* algorithm) {
  const EnvironmentSpec spec = completed(environment);
  const ActionSpace& space = spec.action_space;
  if (space.choices.size() != 1 || !space.low.empty()) {
    throw ArgumentError(
        fmt::format("environment '{}' has {}, and {} takes one choice among alternatives; expected {}",
                    spec.name, action_space_text(space), algorithm, fitting_algorithms(space)));
  }
  return space.choices.front();
}

NetworkSpec choice_network(const Hyperparameters& hyperparameters, const EnvironmentSpec& environment,
                           const char* algorithm, int outputs_each, int values) {
  NetworkSpec spec{completed(environment).observation_shape,
                   one_choice(environment, algorithm) * outputs_each, values};
  if (!hyperparameters.noisy_layers) return spec;
  spec.noisy = true;
  spec.noisy_deviation = hyperparameters.noisy_deviation;
  return spec;
}

std::unique_ptr<Behaviour> choice_explorer(const Hyperparameters& hyperparameters,
                                           const ExplorerContext& context, int outputs_each) {
  return greedy_choice(
      [h = hyperparameters, &sink = context.sink, worker = context.worker, workers = context.workers] {
        return exploration_epsilon(h, sink.environment_steps(), worker, workers);
      },
      outputs_each);
}

std::size_t best_allowed(std::span<const float> values, ActionMask mask) {
  std::size_t best = values.size();
  for (std::size_t k = 0; k < values.size(); ++k) {
    if (is_allowed(mask, k) && (best == values.size() || values[k] > values[best])) best = k;
  }
  return best == values.size() ? 0 : best;
}

void choose_next(const ReplayBatch& batch, std::span<const float> values, std::vector<std::size_t>& chosen) {
  const std::size_t n = batch.size(), alternatives = values.size() / n;
  chosen.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    const ActionMask mask = batch.next_masks.empty()
                                ? ActionMask()
                                : ActionMask(batch.next_masks).subspan(i * alternatives, alternatives);
    chosen[i] = best_allowed(values.subspan(i * alternatives, alternatives), mask);
  }
}

}  // namespace genkidama
