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

std::unique_ptr<Behaviour> choice_explorer(const Hyperparameters& hyperparameters,
                                           const ExplorerContext& context, int outputs_each) {
  return greedy_choice(
      [h = hyperparameters, &sink = context.sink, worker = context.worker, workers = context.workers] {
        return exploration_epsilon(h, sink.environment_steps(), worker, workers);
      },
      outputs_each);
}

void choose_next(const ReplayBatch& batch, std::span<const float> values, std::vector<std::size_t>& chosen) {
  const std::size_t n = batch.size(), alternatives = values.size() / n;
  chosen.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    const auto own = values.subspan(i * alternatives, alternatives);
    const ActionMask mask = batch.next_masks.empty()
                                ? ActionMask()
                                : ActionMask(batch.next_masks).subspan(i * alternatives, alternatives);
    std::size_t best = alternatives;
    for (std::size_t k = 0; k < alternatives; ++k) {
      if (is_allowed(mask, k) && (best == alternatives || own[k] > own[best])) best = k;
    }
    // Behind an episode's end nothing may be allowed, and nothing counts.
    chosen[i] = best == alternatives ? 0 : best;
  }
}

}  // namespace genkidama
