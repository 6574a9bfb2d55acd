#pragma once

/// @file
/// The algorithms that come with the library.

#include <memory>
#include <string>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/rl/algorithm.h"

namespace GENKIDAMA_EXPORT genkidama {

/// A3C takes one optimizer step per segment of Hyperparameters::batch_size steps, while the episode goes on
/// (thesis, section 4.6 and Algorithm 1; Mnih et al. 2016). Its loss is
///   mean(value_weight (R - V)^2 - log pi(a|s) A - entropy_weight H)
/// with A = R - V held constant, or generalised advantages when gae_lambda < 1.
std::unique_ptr<Algorithm> a3c(const Hyperparameters& hyperparameters);

/// PPO takes several epochs of minibatches over all of a round's steps (Schulman et al. 2017). Its loss is
///   mean(-min(r A, clip(r, 1 - c, 1 + c) A) + value_weight (R - V)^2 - entropy_weight H)
/// with r the probability ratio, c = clip_range and A generalised advantages.
std::unique_ptr<Algorithm> ppo(const Hyperparameters& hyperparameters);

/// DQN learns the values of the alternatives of one choice from a replay buffer (Mnih et al. 2015; see
/// ReplayLearner). Its loss is mean(weight Huber(Q(s, a) - y)) with
///   y = r + gamma^n Q'(s', argmax Q(s', .))
/// for n steps with the summed reward r, the target network Q', and the alternatives that the mask of s'
/// allows (double Q-learning: van Hasselt et al. 2016; with double_q false Q' chooses too). It acts greedily,
/// and collects experience with exploration_epsilon().
std::unique_ptr<Algorithm> dqn(const Hyperparameters& hyperparameters);

/// The names that make_algorithm() knows, in alphabetical order.
std::vector<std::string> algorithm_names();

/// The algorithm that Hyperparameters::algorithm names. Throws ArgumentError for another name.
std::unique_ptr<Algorithm> make_algorithm(const Hyperparameters& hyperparameters);

}  // namespace genkidama
