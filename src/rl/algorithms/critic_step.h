#pragma once

// The critics' part of an optimizer step, which SAC and TD3 have in common.

#include <cstddef>
#include <span>
#include <vector>

#include "genkidama/core/random.h"
#include "genkidama/ipc/replay_sampler.h"
#include "genkidama/nn/local_network.h"
#include "genkidama/rl/hyperparameters.h"
#include "rl/behaviour/gaussian_units.h"

namespace genkidama {

class CriticStep {
 public:
  /// All outlive it.
  CriticStep(const Hyperparameters& hyperparameters, LocalNetwork& network, const GaussianUnits& actions);

  /// The smallest value of each row [n] that Hyperparameters::target_critics critics with these weights give,
  /// chosen at random where there are more.
  std::span<const float> least_values(std::span<const float> weights, std::span<const float> observations,
                                      std::span<const float> actions, std::size_t n, Random& random);

  /// What a policy is to raise, with the derivatives of minus its mean by the actions: the smaller value of
  /// two critics (Haarnoja et al. 2018), the mean of more (Chen et al. 2021), or the value of the first one.
  enum class Score { kFirst, kLeastOrMean };
  struct Scored {
    double mean = 0;                      ///< over the rows
    std::span<const float> by_actions{};  ///< [n, action width]
  };
  Scored score(std::span<const float> observations, std::span<const float> actions, std::size_t n,
               Score kind);

  /// Fills the critics' part of the network's gradient, and `errors` [n] with their mean distance from the
  /// targets [n]. Returns the loss: the sum over critics of the mean of the rows' weight times their Huber
  /// loss.
  double learn(const ReplayBatch& batch, std::span<const float> targets, std::span<float> errors);

 private:
  std::span<float> values(std::size_t n);

  const Hyperparameters& hyperparameters_;
  LocalNetwork& network_;
  const GaussianUnits& actions_;
  std::size_t critics_;
  std::vector<float> values_, by_values_;  ///< [critics, n]
  std::vector<float> least_;
  std::vector<float> units_, by_actions_;  ///< [n, action width]
  std::vector<std::size_t> order_;
};

}  // namespace genkidama
