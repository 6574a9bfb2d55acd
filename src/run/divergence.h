#pragma once

/// @file
/// Weights that learning has spoilt.

#include <optional>
#include <span>
#include <string>

#include "genkidama/params/parameter_layout.h"
#include "genkidama/run/run_options.h"

namespace genkidama::run {

/// What is wrong with the weights: one is not finite, or their L2 norm is above options.max_weight_norm.
/// Nothing when they are sound.
std::optional<std::string> find_divergence(std::span<const float> weights, const ParameterLayout& layout,
                                           const RunOptions& options);

}  // namespace genkidama::run
