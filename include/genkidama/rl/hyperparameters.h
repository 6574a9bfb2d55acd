#pragma once

/// @file
/// Everything that shapes learning on one machine. The defaults are the thesis' (sections 4.6 and 5.2).

#include <cstdint>
#include <string>

#include "genkidama/core/export.h"
#include "genkidama/nn/optimizer_options.h"
#include "genkidama/rl/behaviour.h"

namespace GENKIDAMA_EXPORT genkidama {

/// How the learning rate changes over a run.
enum class LearningRateSchedule {
  kConstant,  ///< it does not change
  kLinear,    ///< it falls from learning_rate to 0 over schedule_steps environment steps
};

/// The constants of learning, the optimizer's and those of continuous actions among them.
struct Hyperparameters : OptimizerOptions, GaussianOptions {
  /// Which algorithm learns: "a3c", one optimizer step per batch while the episode goes on, or "ppo", several
  /// epochs over a round's steps (see genkidama/rl/algorithms.h). `--loss` sets it. An algorithm of your own
  /// goes into OrchestratorOptions::algorithm and is given all of these constants.
  std::string algorithm = "a3c";

  // Returns and loss.
  double gamma = 0.999;         ///< discount per step, in [0, 1]
  double gae_lambda = 1.0;      ///< in [0, 1]; 1 is the thesis' n-step return over the batch
  double reward_scale = 1.0;    ///< > 0; multiplies rewards for learning, never in statistics
  double value_weight = 1.0;    ///< >= 0; weight of (R - V)^2 in the loss
  double entropy_weight = 0.0;  ///< >= 0; weight of the policy's entropy, which is subtracted from the loss
  /// true: the value of the last observation counts when the time limit ended the episode. false: the time
  /// limit is taken for a terminal state, as in the thesis' own program.
  bool bootstrap_truncated = true;

  // Collection.
  int batch_size = 120;  ///< a3c: steps per optimizer step, >= 1; there are fewer at an episode's end
  int pull_every =
      2;  ///< a3c: batches between two pulls of the shared weights, >= 1; an episode's end pulls too
  /// Environments that a worker plays side by side, 1 to 1024. A network that goes through LibTorch computes
  /// all of them in one forward pass; the bundled networks gain nothing. A round then has that many episodes,
  /// or more when round_steps asks for more.
  int environments_per_worker = 1;
  /// Chance that a choice is uniformly random, in [0, 1]. Continuous components are sampled from the policy
  /// alone.
  double epsilon = 0.01;
  /// A worker plays whole episodes until its round has at least this many steps, or 1024 episodes; >= 0. 0
  /// stands for the thesis' one episode.
  int round_steps = 0;

  // Only of ppo, where batch_size and pull_every do not apply.
  int epochs = 5;           ///< passes over a round's steps, >= 1
  int minibatch_size = 64;  ///< steps per optimizer step, >= 1; the weights are pulled after each
  /// A network with memory learns from sequences of at most so many steps, >= 1. Gradients go back through
  /// time to a sequence's first step, and a minibatch takes whole sequences until it has minibatch_size
  /// steps.
  int sequence_length = 32;
  double clip_range = 0.2;           ///< the probability ratio counts up to 1 +- this, > 0
  bool normalise_advantages = true;  ///< to mean 0 and deviation 1 in each minibatch

  // Optimizer; OptimizerOptions has the rest.
  LearningRateSchedule schedule = LearningRateSchedule::kConstant;  ///< how learning_rate changes
  std::uint64_t schedule_steps = 0;  ///< environment steps of this machine; > 0 when the schedule is linear
  double max_gradient_norm = 0;      ///< the gradient is clipped to this L2 norm; 0: no clipping

  /// Throws ArgumentError naming the first field that is out of range, its value and its range.
  void check() const;
};

/// Settings that learn control tasks of LunarLander's and CartPole's kind in a minute: PPO with shared Adam,
/// GAE and a linear schedule, for mlp_network(). They were found by search. schedule_steps is 0: set it to
/// the environment steps of the run.
Hyperparameters tuned_hyperparameters();

}  // namespace genkidama
