#pragma once

/// @file
/// Weights that learning has spoilt.

#include <optional>
#include <span>
#include <string>

#include "genkidama/params/parameter_layout.h"

namespace genkidama::cli {

/// What is wrong with the weights: one is not finite, or their L2 norm is above `max_norm` (0: any norm will
/// do). Nothing when they are sound.
std::optional<std::string> find_divergence(std::span<const float> weights, const ParameterLayout& layout,
                                           double max_norm);

}  // namespace genkidama::cli
