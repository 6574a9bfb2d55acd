#pragma once

/// @file
/// Returns and advantages of consecutive steps of one episode, computed from the last step to the first.

#include <span>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Fills `returns` with the n-step returns R_t = r_t + gamma R_{t+1} (thesis, Algorithm 1, lines 19 to 22).
/// The return behind the last reward is `bootstrap`: 0 after a terminal state, and otherwise the value of the
/// state that followed. Both spans have the same size.
void n_step_returns(std::span<const float> rewards, float bootstrap, double gamma, std::span<float> returns);

/// Fills `advantages` by generalised advantage estimation (Schulman et al. 2016):
/// A_t = d_t + gamma lambda A_{t+1} with d_t = r_t + gamma V_{t+1} - V_t. The value behind the last step is
/// `bootstrap`. With lambda 1, A_t = R_t - V_t. All spans have the same size.
void generalised_advantages(std::span<const float> rewards, std::span<const float> values, float bootstrap,
                            double gamma, double lambda, std::span<float> advantages);

}  // namespace genkidama
