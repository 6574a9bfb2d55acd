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

/// Dyna-Q (Sutton 1991) is dqn() with a learnt model of the task: networks that give, for an observation and
/// an action, the difference to the next observation, the reward, and the chance that the task ends. For each
/// optimizer step on real transitions there are up to planning_ratio on imagined ones, from states of the
/// replay buffer that are drawn by the size of their latest error (prioritized sweeping: Moore and Atkeson
/// 1993). The loss is dqn's. A model whose error on new steps is above model_error_limit is not used. Without
/// modellers and planners each worker does all of this in turn.
std::unique_ptr<Algorithm> dyna_q(const Hyperparameters& hyperparameters);

/// QR-DQN learns for each alternative `quantiles` quantiles of the return's distribution (Dabney et al.
/// 2018). Quantile i of N is learnt at (i + 1/2) / N, from the differences u of each target quantile to it,
/// with the loss mean over targets, sum over quantiles, of |tau - [u < 0]| Huber(u) / huber_delta. Means of
/// quantiles are what dqn's values are; it explores as dqn does, and `dueling` has no meaning. Throws
/// ArgumentError unless huber_delta is above 0.
std::unique_ptr<Algorithm> qr_dqn(const Hyperparameters& hyperparameters);

/// Soft actor-critic learns continuous actions with finite bounds from a replay buffer (Haarnoja et al. 2018;
/// see ReplayLearner). Critics Q learn y = r + gamma^n (min Q'(s', a') - T log pi(a'|s')), with the policy's
/// a' and target critics Q'; the policy's loss is mean(T log pi(a|s) - Q(s, a)), with a drawn so that its
/// gradient goes through it. The logarithm of the temperature T is one of the weights: it is learnt so that
/// the policy keeps its target_entropy. All three losses make one gradient. More than two critics, of which
/// targets take target_critics at random, are those of REDQ (Chen et al. 2021): the policy then raises their
/// mean.
std::unique_ptr<Algorithm> sac(const Hyperparameters& hyperparameters);

/// TD3 learns continuous actions with finite bounds from a replay buffer (Fujimoto et al. 2018; see
/// ReplayLearner). Critics Q learn y = r + gamma^n min Q'(s', a'), with the target policy's a' and some
/// noise; in every policy_period-th optimizer step the policy's loss is -mean(Q(s, pi(s))), and the target
/// network follows. In between the policy's gradient is 0, and the momentum of an optimizer that has one
/// moves on. It acts by the hyperbolic tangent of the policy's outputs, and explores with normal noise on
/// top.
std::unique_ptr<Algorithm> td3(const Hyperparameters& hyperparameters);

/// The names that make_algorithm() knows, in alphabetical order.
std::vector<std::string> algorithm_names();

/// The algorithm that Hyperparameters::algorithm names. Throws ArgumentError for another name.
std::unique_ptr<Algorithm> make_algorithm(const Hyperparameters& hyperparameters);

}  // namespace genkidama
