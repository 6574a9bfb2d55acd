#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "genkidama/rl/behaviour.h"

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

/// The same over what each row's mask allows; minus infinity for the rest.
void masked_log_softmax(std::span<const float> logits, ActionMask masks, std::size_t width,
                        std::span<float> out) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (std::size_t start = 0; start < logits.size(); start += width) {
    const auto row = logits.subspan(start, width);
    const ActionMask mask = masks.subspan(start, width);
    float largest = -kInfinity;
    for (std::size_t k = 0; k < width; ++k) {
      if (mask[k] != 0) largest = std::max(largest, row[k]);
    }
    float sum = 0;
    for (std::size_t k = 0; k < width; ++k) {
      if (mask[k] != 0) sum += std::exp(row[k] - largest);
    }
    const float normaliser = largest + std::log(sum);
    for (std::size_t k = 0; k < width; ++k) out[start + k] = mask[k] != 0 ? row[k] - normaliser : -kInfinity;
  }
}

class CategoricalDistribution final : public ActionDistribution {
 public:
  explicit CategoricalDistribution(int output_count) : width_(static_cast<std::size_t>(output_count)) {}

  void evaluate(std::span<const float> outputs, ActionMask masks, std::span<const float> chosen,
                std::span<float> log_probabilities) override {
    chosen_ = chosen;
    masks_ = masks;
    all_.resize(outputs.size());
    if (masks.empty()) {
      log_softmax(outputs, width_, all_);
    } else {
      masked_log_softmax(outputs, masks, width_, all_);
    }
    for (std::size_t t = 0; t < chosen.size(); ++t) log_probabilities[t] = all_[t * width_ + choice(t)];
  }

  double backward(std::span<const float> by_log_probability, float by_entropy,
                  std::span<float> by_outputs) override {
    const std::size_t n = chosen_.size();
    double mean_entropy = 0;
    for (std::size_t t = 0; t < n; ++t) {
      const float* log_probability = all_.data() + t * width_;
      float* gradient = by_outputs.data() + t * width_;
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
        gradient[k] = -by_entropy * slope - by_log_probability[t] * p;
      }
      if (masks_.empty() || masks_[t * width_ + choice(t)] != 0) gradient[choice(t)] += by_log_probability[t];
      mean_entropy += entropy / static_cast<double>(n);
    }
    return mean_entropy;
  }

 private:
  std::size_t choice(std::size_t t) const { return static_cast<std::size_t>(chosen_[t]); }

  std::size_t width_;
  std::span<const float> chosen_;  ///< the latest batch's
  ActionMask masks_;               ///< its masks, [n, width_], or empty
  std::vector<float> all_;         ///< log-probabilities of every choice, [n, width_]
};

}  // namespace

std::unique_ptr<ActionDistribution> categorical_distribution(int output_count) {
  return std::make_unique<CategoricalDistribution>(output_count);
}

}  // namespace genkidama
