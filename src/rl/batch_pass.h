#pragma once

// One batch through the network and back: what all losses have in common.

#include <cstddef>
#include <span>
#include <vector>

#include "genkidama/rl/gradient_sink.h"
#include "genkidama/rl/hyperparameters.h"
#include "nn/local_network.h"

namespace genkidama {

/// Buffers are kept from batch to batch, so that nothing is allocated once they are large enough.
class BatchPass {
 public:
  BatchPass(const Hyperparameters& hyperparameters, LocalNetwork& network)
      : hyperparameters_(hyperparameters), network_(network), width_(network.action_count()) {}

  /// Forward. `observations` [n, observation_size] must stay until backpropagate().
  void evaluate(std::span<const float> observations, std::size_t n);

  std::span<const float> values() const { return values_; }
  /// log pi(action|s) of one step of the batch.
  float log_probability(std::size_t row, float action) const {
    return log_probabilities_[row * width_ + static_cast<std::size_t>(action)];
  }

  /// Backward, into the network's flat gradient, clipped to max_gradient_norm, of
  ///   policy loss + value_weight mean((R - V)^2) - entropy_weight mean(H).
  /// `policy_gradient` [n] holds the policy loss' derivative by log pi of each chosen action; `policy_loss`
  /// its value, which is only reported. Throws WorkerError when the gradient is not finite.
  LearningStatistics backpropagate(std::span<const float> actions, std::span<const float> returns,
                                   std::span<const float> policy_gradient, double policy_loss);

 private:
  Hyperparameters hyperparameters_;
  LocalNetwork& network_;
  std::size_t width_;
  std::vector<float> logits_;
  std::vector<float> values_;
  std::vector<float> log_probabilities_;
  std::vector<float> logits_gradient_;
  std::vector<float> values_gradient_;
};

}  // namespace genkidama
