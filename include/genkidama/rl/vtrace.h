#pragma once

/// @file
/// V-trace: targets for a policy that learns from steps which another one has played.

#include <span>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// The constants of V-trace.
struct VtraceOptions {
  double gamma = 0.99;  ///< discount per step, in [0, 1]
  double lambda = 1;    ///< in [0, 1]; how much later steps count, as in GAE
  double rho = 1;       ///< > 0; a step's importance weight counts up to this in its own error
  double c = 1;         ///< > 0; and up to this in what later steps bring
};

/// Fills `targets` by V-trace (Espeholt et al. 2018, "IMPALA", equation 1, with lambda as in its remark 2):
///   v_t = V_t + d_t + gamma c_t (v_{t+1} - V_{t+1}),  d_t = rho_t (r_t + gamma V_{t+1} - V_t),
///   rho_t = min(rho, pi/mu),  c_t = lambda min(c, pi/mu),
/// and `advantages` with rho_t (r_t + gamma v_{t+1} - V_t), the policy gradient's (section 4.2 there).
/// `log_ratios` holds log(pi/mu) of each step's action: of the policy that learns, and of the one that
/// played. V and v behind the last step are `bootstrap`. All spans have the same size. Where both policies
/// are one, and rho and c are at least 1, the targets are the returns that generalised_advantages() gives
/// with the values added.
void vtrace(std::span<const float> rewards, std::span<const float> values, std::span<const float> log_ratios,
            float bootstrap, const VtraceOptions& options, std::span<float> targets,
            std::span<float> advantages);

}  // namespace genkidama
