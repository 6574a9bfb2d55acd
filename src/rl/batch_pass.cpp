#include "rl/batch_pass.h"

#include <algorithm>
#include <cmath>

#include "genkidama/core/error.h"
#include "genkidama/params/weighted_average.h"

namespace genkidama {
namespace {

/// Rows of log-softmax: l - max - log(sum of e^(l - max)), which cannot overflow.
void log_softmax(std::span<const float> logits, std::size_t width, std::span<float> out) {
  for (std::size_t start = 0; start < logits.size(); start += width) {
    const auto row = logits.subspan(start, width);
    const float largest = *std::max_element(row.begin(), row.end());
    float sum = 0;
    for (const float logit : row) sum += std::exp(logit - largest);
    const float normaliser = largest + std::log(sum);
    for (std::size_t k = 0; k < width; ++k) out[start + k] = row[k] - normaliser;
  }
}

void clip_norm(std::span<float> gradient, double largest) {
  const double norm = euclidean_norm(gradient);
  if (!std::isfinite(norm)) {
    throw WorkerError(
        "learning diverged: the gradient is not finite; a lower learning rate or a gradient-norm limit "
        "helps");
  }
  if (largest <= 0 || norm <= largest) return;
  const auto scale = static_cast<float>(largest / norm);
  for (float& g : gradient) g *= scale;
}

}  // namespace

void BatchPass::evaluate(std::span<const float> observations, std::size_t n) {
  logits_.resize(n * width_);
  log_probabilities_.resize(n * width_);
  values_.resize(n);
  network_.evaluate(observations, logits_, values_);
  log_softmax(logits_, width_, log_probabilities_);
}

LearningStatistics BatchPass::backpropagate(std::span<const float> actions, std::span<const float> returns,
                                            std::span<const float> policy_gradient, double policy_loss) {
  const std::size_t n = actions.size();
  const auto share = 1 / static_cast<float>(n);
  const auto value_scale = static_cast<float>(2 * hyperparameters_.value_weight) * share;
  const auto entropy_scale = static_cast<float>(hyperparameters_.entropy_weight) * share;
  logits_gradient_.resize(n * width_);
  values_gradient_.resize(n);
  LearningStatistics statistics;
  statistics.policy_loss = policy_loss;
  for (std::size_t t = 0; t < n; ++t) {
    const float* log_probability = log_probabilities_.data() + t * width_;
    float* gradient = logits_gradient_.data() + t * width_;
    float entropy = 0;
    for (std::size_t k = 0; k < width_; ++k) {
      const float p = std::exp(log_probability[k]);
      gradient[k] = p;
      // 0 log 0 is 0, also where the logarithm itself is not finite any more.
      if (p > 0) entropy -= p * log_probability[k];
    }
    // d log pi(a) / d logit k = [k = a] - p_k, and dH / d logit k = -p_k (log p_k + H).
    for (std::size_t k = 0; k < width_; ++k) {
      const float p = gradient[k];
      const float slope = p > 0 ? p * (log_probability[k] + entropy) : 0;
      gradient[k] = entropy_scale * slope - policy_gradient[t] * p;
    }
    gradient[static_cast<std::size_t>(actions[t])] += policy_gradient[t];
    const float error = values_[t] - returns[t];
    values_gradient_[t] = value_scale * error;
    statistics.value_loss += static_cast<double>(error) * error / static_cast<double>(n);
    statistics.entropy += entropy / static_cast<double>(n);
  }
  network_.backpropagate(logits_gradient_, values_gradient_);
  clip_norm(network_.gradient(), hyperparameters_.max_gradient_norm);
  return statistics;
}

}  // namespace genkidama
