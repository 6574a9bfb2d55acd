#include "rl/algorithms/margin_loss.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "rl/algorithms/huber_loss.h"
#include "rl/behaviour/masked_choice.h"

namespace genkidama {
namespace {

class MarginLoss final : public ImitationLoss {
 public:
  MarginLoss(const ChoiceValues& values, double margin)
      : alternatives_(static_cast<std::size_t>(values.alternatives)),
        each_(static_cast<std::size_t>(values.outputs_each)),
        dueling_(values.dueling),
        margin_(static_cast<float>(margin)),
        means_(alternatives_) {}

  ImitationFigures compute(const ImitationBatch& batch, std::span<float> by_outputs,
                           std::span<float> by_values) override {
    std::fill(by_outputs.begin(), by_outputs.end(), 0.0f);
    std::fill(by_values.begin(), by_values.end(), 0.0f);
    ImitationFigures figures;
    const std::size_t row = alternatives_ * each_;
    const float share = 1 / static_cast<float>(batch.n);
    for (std::size_t t = 0; t < batch.n; ++t) {
      const auto outputs = batch.outputs.subspan(t * row, row);
      const auto by_row = by_outputs.subspan(t * row, row);
      const auto demonstrated = static_cast<std::size_t>(batch.actions[t]);
      take_means(outputs);
      const ActionMask mask =
          batch.masks.empty() ? ActionMask() : batch.masks.subspan(t * alternatives_, alternatives_);
      figures.policy += static_cast<double>(exceed(demonstrated, mask, share, by_row));
      const float weight = batch.value_weights[t];
      if (weight > 0) figures.value += fit_return(batch, t, demonstrated, weight, share, by_row, by_values);
    }
    return figures;
  }

 private:
  void take_means(std::span<const float> outputs) {
    for (std::size_t k = 0; k < alternatives_; ++k) {
      float sum = 0;
      for (const float output : outputs.subspan(k * each_, each_)) sum += output;
      means_[k] = sum / static_cast<float>(each_);
    }
  }

  /// Differences of values are those of outputs, also of a dueling network.
  float exceed(std::size_t demonstrated, ActionMask mask, float share, std::span<float> by_row) const {
    std::size_t largest = demonstrated;
    float most = means_[demonstrated];
    for (std::size_t k = 0; k < alternatives_; ++k) {
      if (k == demonstrated || !is_allowed(mask, k) || means_[k] + margin_ <= most) continue;
      most = means_[k] + margin_;
      largest = k;
    }
    if (largest == demonstrated) return 0;
    for (std::size_t i = 0; i < each_; ++i) {
      by_row[largest * each_ + i] += share / static_cast<float>(each_);
      by_row[demonstrated * each_ + i] -= share / static_cast<float>(each_);
    }
    return most - means_[demonstrated];
  }

  double fit_return(const ImitationBatch& batch, std::size_t t, std::size_t demonstrated, float weight,
                    float share, std::span<float> by_row, std::span<float> by_values) const {
    const float wanted = batch.returns[t];
    if (each_ == 1) {
      float mean = 0;
      for (const float value : means_) mean += value / static_cast<float>(alternatives_);
      const float error = means_[demonstrated] + (dueling_ ? batch.values[t] - mean : 0) - wanted;
      const float by_value = 2 * weight * error * share;
      by_row[demonstrated] += by_value;
      if (dueling_) {
        by_values[t] = by_value;
        for (float& by_output : by_row) by_output -= by_value / static_cast<float>(alternatives_);
      }
      return static_cast<double>(weight * error * error);
    }
    // Each quantile to the only return that is known (Dabney et al. 2018), whose quantiles they are over all
    // steps; the error that is told is that of their mean.
    const HuberLoss huber(1);
    const auto quantiles = batch.outputs.subspan((t * alternatives_ + demonstrated) * each_, each_);
    for (std::size_t i = 0; i < each_; ++i) {
      const float tau = (static_cast<float>(i) + 0.5f) / static_cast<float>(each_);
      const float difference = wanted - quantiles[i];
      const float side = difference < 0 ? 1 - tau : tau;
      by_row[demonstrated * each_ + i] -=
          2 * weight * share * side * huber.derivative(difference) / static_cast<float>(each_);
    }
    const float error = means_[demonstrated] - wanted;
    return static_cast<double>(weight * error * error);
  }

  std::size_t alternatives_, each_;
  bool dueling_;
  float margin_;
  std::vector<float> means_;  ///< of the row that is looked at
};

}  // namespace

std::unique_ptr<ImitationLoss> margin_loss(const ChoiceValues& values, double margin) {
  return std::make_unique<MarginLoss>(values, margin);
}

}  // namespace genkidama
