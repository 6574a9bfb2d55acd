#pragma once

/// @file
/// Returns and advantages of one stretch of an episode, computed backwards.

#include <span>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// R_t = r_t + gamma R_{t+1}, from R = `bootstrap` behind the last reward (thesis, Algorithm 1, lines 19 to
/// 22): 0 after a terminal state, else the value of the state that followed. All spans have the same size.
void n_step_returns(std::span<const float> rewards, float bootstrap, double gamma, std::span<float> returns);

/// Generalised advantage estimation (Schulman et al. 2016): A_t = d_t + gamma lambda A_{t+1} with
/// d_t = r_t + gamma V_{t+1} - V_t, V behind the last being `bootstrap`. With lambda 1, A_t = R_t - V_t.
void generalised_advantages(std::span<const float> rewards, std::span<const float> values, float bootstrap,
                            double gamma, double lambda, std::span<float> advantages);

}  // namespace genkidama
