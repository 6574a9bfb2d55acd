#pragma once

/// @file
/// The algorithms that come with the library.

#include <memory>

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

/// The algorithm that Hyperparameters::algorithm names. Throws ArgumentError for another name.
std::unique_ptr<Algorithm> make_algorithm(const Hyperparameters& hyperparameters);

}  // namespace genkidama
