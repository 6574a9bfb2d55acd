#include "rl/algorithms/likelihood_loss.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "rl/algorithms/value_error.h"
#include "rl/behaviour/gaussian_units.h"

namespace genkidama {
namespace {

class LikelihoodLoss final : public ImitationLoss {
 public:
  LikelihoodLoss(const ActionSpace& space, const GaussianOptions& options, double least_deviation,
                 std::size_t further_outputs)
      : space_(space),
        units_(space, options),
        distribution_(action_distribution(space, options)),
        least_log_deviation_(std::log(least_deviation)),
        row_(static_cast<std::size_t>(action_outputs(space))),
        further_(further_outputs) {}

  ImitationFigures compute(const ImitationBatch& batch, std::span<float> by_outputs,
                           std::span<float> by_values) override {
    take_outputs(batch);
    take_chosen(batch);
    log_probabilities_.resize(batch.n);
    distribution_->evaluate(outputs_, batch.masks, chosen_, log_probabilities_);
    by_log_probability_.assign(batch.n, -1 / static_cast<float>(batch.n));
    by_own_.resize(outputs_.size());
    distribution_->backward(by_log_probability_, 0, by_own_);
    keep_deviations(batch.n);
    std::fill(by_outputs.begin(), by_outputs.end(), 0.0f);
    for (std::size_t t = 0; t < batch.n; ++t)
      std::copy_n(by_own_.data() + t * row_, row_, by_outputs.data() + t * (row_ + further_));
    ImitationFigures figures;
    for (const float log_probability : log_probabilities_) figures.policy -= log_probability;
    if (!batch.values.empty()) figures.value = value_error(batch, by_values);
    return figures;
  }

 private:
  void take_outputs(const ImitationBatch& batch) {
    outputs_.resize(batch.n * row_);
    for (std::size_t t = 0; t < batch.n; ++t)
      std::copy_n(batch.outputs.data() + t * (row_ + further_), row_, outputs_.data() + t * row_);
  }

  void take_chosen(const ImitationBatch& batch) {
    chosen_.assign(batch.actions.begin(), batch.actions.end());
    const std::size_t choices = space_.choices.size(), width = space_.width();
    for (std::size_t t = 0; t < batch.n; ++t) {
      for (std::size_t i = 0; i < units_.size(); ++i) {
        float& value = chosen_[t * width + choices + i];
        value = units_.to_chosen(i, value);
      }
    }
  }

  /// A deviation at its least does not fall any more.
  void keep_deviations(std::size_t n) {
    const std::size_t first = space_.alternatives() + units_.size();
    for (std::size_t t = 0; t < n; ++t) {
      for (std::size_t i = 0; i < units_.size(); ++i) {
        const std::size_t at = t * row_ + first + i;
        if (units_.log_deviation(outputs_[at]) <= least_log_deviation_)
          by_own_[at] = std::min(by_own_[at], 0.0f);
      }
    }
  }

  ActionSpace space_;
  GaussianUnits units_;
  std::unique_ptr<ActionDistribution> distribution_;
  double least_log_deviation_;
  std::size_t row_, further_;
  std::vector<float> outputs_, by_own_;  ///< [n, row_]
  std::vector<float> chosen_;            ///< [n, action width], in the unit in which actions are drawn
  std::vector<float> log_probabilities_, by_log_probability_;
};

}  // namespace

std::unique_ptr<ImitationLoss> likelihood_loss(const ActionSpace& space, const GaussianOptions& options,
                                               double least_deviation, std::size_t further_outputs) {
  return std::make_unique<LikelihoodLoss>(space, options, least_deviation, further_outputs);
}

}  // namespace genkidama
