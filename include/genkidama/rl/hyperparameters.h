#pragma once

/// @file
/// Everything that shapes learning on one machine. The defaults are the thesis' (sections 4.6 and 5.2).

#include <cstdint>

#include "genkidama/core/export.h"
#include "genkidama/nn/optimizer_options.h"

namespace GENKIDAMA_EXPORT genkidama {

/// How the learning rate changes over a run.
enum class LearningRateSchedule {
  kConstant,  ///< not at all
  kLinear,    ///< from learning_rate down to 0 at schedule_steps environment steps
};

/// What is learnt from.
enum class Loss {
  kA3c,  ///< one optimizer step per batch while the episode goes on (thesis, Algorithm 1; Mnih et al. 2016)
  kPpo   ///< clipped surrogate, several epochs over a round's steps (Schulman et al. 2017)
};

/// All that shapes learning on one machine, with the optimizer's own.
struct Hyperparameters : OptimizerOptions {
  Loss loss = Loss::kA3c;  ///< which loss

  // Returns and loss.
  double gamma = 0.999;         ///< discount per step, in [0, 1]
  double gae_lambda = 1.0;      ///< in [0, 1]; 1 is the thesis' n-step return over the batch
  double reward_scale = 1.0;    ///< > 0; multiplies rewards for learning, never in statistics
  double value_weight = 1.0;    ///< >= 0; weight of (R - V)^2 in the loss
  double entropy_weight = 0.0;  ///< >= 0; weight of the policy's entropy, which is subtracted from the loss
  /// Bootstrap with V when the time limit ended the episode. false takes the limit for a terminal state, as
  /// the original program did.
  bool bootstrap_truncated = true;

  // Collection.
  int batch_size = 120;  ///< steps per optimizer step, >= 1; fewer at an episode's end
  int pull_every = 2;    ///< batches between pulls of the shared weights, >= 1; also at an episode's end
  /// Environments that a worker plays side by side, 1 to 1024. A network that goes through LibTorch takes
  /// them all in one forward pass; the bundled ones gain nothing. A round is then as many episodes, or more
  /// up to round_steps.
  int environments_per_worker = 1;
  double epsilon = 0.01;  ///< chance that an action is uniformly random, in [0, 1]
  /// A worker's round goes on over whole episodes until it has played at least so many steps, or 1024
  /// episodes; >= 0, and 0 is the thesis' one episode.
  int round_steps = 0;

  // Only with Loss::kPpo, where batch_size and pull_every do not apply.
  int epochs = 5;                    ///< passes over a round's steps, >= 1
  int minibatch_size = 64;           ///< steps per optimizer step, >= 1; the weights are pulled after each
  double clip_range = 0.2;           ///< the probability ratio counts up to 1 +- this, > 0
  bool normalise_advantages = true;  ///< to mean 0 and deviation 1 in each minibatch

  // Optimizer; more of it in OptimizerOptions.
  LearningRateSchedule schedule = LearningRateSchedule::kConstant;  ///< of learning_rate
  std::uint64_t schedule_steps = 0;  ///< environment steps of this machine; > 0 when the schedule is linear
  double max_gradient_norm = 0;      ///< clip the gradient to this L2 norm; 0: no clipping

  /// Throws ArgumentError naming the first field that is out of range, its value and its range.
  void check() const;
};

/// Settings that learn control tasks of LunarLander's and CartPole's kind in a minute: PPO's clipped loss
/// with shared Adam, GAE and a linear schedule, for mlp_network(). Found by search. schedule_steps is 0: set
/// it to the environment steps of the run.
Hyperparameters tuned_hyperparameters();

}  // namespace genkidama
