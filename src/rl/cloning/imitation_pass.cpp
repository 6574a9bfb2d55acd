#include "rl/cloning/imitation_pass.h"

#include <cmath>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"

namespace genkidama {

CloningFit FitSums::fit(double value_weight) const {
  CloningFit fit;
  const auto count = [](std::size_t n) { return static_cast<double>(n == 0 ? 1 : n); };
  fit.loss = policy / count(steps);
  if (valued_steps > 0) fit.value_error = value / value_weight / count(valued_steps);
  if (choices > 0) fit.agreement = static_cast<double>(agreeing) / count(choices);
  if (components > 0) fit.distance = distance / count(components);
  return fit;
}

ImitationPass::ImitationPass(const Algorithm& algorithm, const EnvironmentSpec& environment,
                             const CloningOptions& options, LocalNetwork& network)
    : network_(network),
      space_(environment.action_space),
      loss_(algorithm.make_imitation_loss(environment, options)),
      behaviour_(algorithm.make_behaviour(environment)),
      units_(environment.action_space, {}),
      random_(1),
      chosen_(space_.width()),
      action_(space_.width()) {}

void ImitationPass::forward(const StepColumns& steps, const SequenceColumns& sequences, FitSums& sums,
                            std::span<float> states) {
  const std::size_t n = steps.size();
  outputs_.resize(n * static_cast<std::size_t>(network_.spec().policy));
  values_.resize(n * static_cast<std::size_t>(network_.spec().values));
  by_outputs_.resize(outputs_.size());
  by_values_.resize(values_.size());
  if (network_.state_size() > 0) {
    network_.evaluate({steps.observations, sequences.lengths, sequences.first_states}, outputs_, values_,
                      states);
  } else {
    network_.evaluate(steps.observations, outputs_, values_);
  }
  const ImitationBatch batch{.n = n,
                             .outputs = outputs_,
                             .values = values_,
                             .actions = steps.actions,
                             .masks = steps.masks,
                             .returns = steps.returns,
                             .value_weights = steps.value_weights};
  const ImitationFigures figures = loss_->compute(batch, by_outputs_, by_values_);
  sums.steps += n;
  sums.policy += figures.policy;
  sums.value += figures.value + fit_critics(steps);
  for (const float weight : steps.value_weights) sums.valued_steps += weight > 0 ? 1 : 0;
  compare(steps, sums);
}

/// Their mean error; they are given what SAC and TD3 give them.
double ImitationPass::fit_critics(const StepColumns& steps) {
  const auto critics = static_cast<std::size_t>(network_.spec().critics);
  if (critics == 0) return 0;
  const std::size_t n = steps.size();
  unit_actions_.resize(steps.actions.size());
  for (std::size_t i = 0; i < unit_actions_.size(); ++i)
    unit_actions_[i] = units_.to_unit(i % units_.size(), steps.actions[i]);
  critic_values_.resize(critics * n);
  by_critics_.resize(critics * n);
  network_.critics().forward(network_.weights(), steps.observations, unit_actions_, critic_values_);
  double sum = 0;
  for (std::size_t i = 0; i < critics * n; ++i) {
    const float error = critic_values_[i] - steps.returns[i % n], weight = steps.value_weights[i % n];
    by_critics_[i] = 2 * weight * error / static_cast<float>(n);
    sum += static_cast<double>(weight * error * error);
  }
  return sum / static_cast<double>(critics);
}

void ImitationPass::backward() {
  network_.backpropagate(by_outputs_, by_values_);
  // Last: what a policy's gradient leaves in the critics' part is undefined.
  if (network_.spec().critics > 0)
    network_.critics().backward(network_.weights(), by_critics_, network_.gradient());
}

void ImitationPass::compare(const StepColumns& steps, FitSums& sums) {
  const std::size_t n = steps.size(), row = outputs_.size() / n, width = space_.width();
  const std::size_t choices = space_.choices.size(), alternatives = steps.masks.size() / n;
  float log_probability = 0;
  for (std::size_t t = 0; t < n; ++t) {
    const auto outputs = std::span(outputs_).subspan(t * row, row);
    for (const float output : outputs) {
      if (!is_finite(output))
        throw Error("the fit to the demonstrations diverged; try a lower learning rate");
    }
    behaviour_->act(outputs, ActionMask(steps.masks).subspan(t * alternatives, alternatives), Acting::kGreedy,
                    random_, chosen_, log_probability);
    behaviour_->to_environment(chosen_, action_);
    const auto demonstrated = std::span(steps.actions).subspan(t * width, width);
    for (std::size_t i = 0; i < choices; ++i) sums.agreeing += action_[i] == demonstrated[i] ? 1 : 0;
    for (std::size_t i = 0; i < units_.size(); ++i) {
      const double range = 2 * units_.components()[i].half_range;
      const bool is_bounded = is_finite(space_.low[i]) && is_finite(space_.high[i]);
      sums.distance += std::abs(static_cast<double>(action_[choices + i]) - demonstrated[choices + i]) /
                       (is_bounded ? range : 1);
    }
  }
  sums.choices += n * choices;
  sums.components += n * units_.size();
}

}  // namespace genkidama
