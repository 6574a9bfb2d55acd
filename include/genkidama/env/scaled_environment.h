#pragma once

/// @file
/// Brings an environment's observations to unit size.

#include <memory>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"

namespace GENKIDAMA_EXPORT genkidama {

/// What is done to each component of an observation: (o - offset) * scale. Fixed, so that it means the same
/// in every worker, on every machine and in every checkpoint.
struct ObservationScaling {
  std::vector<float> offset;  ///< observation_size finite numbers, about the component's mean
  std::vector<float> scale;   ///< observation_size finite numbers other than 0, about 1 / its spread
};

/// Wraps an environment whose observations are far from unit size, with which networks learn slowly or not at
/// all. Everything else, the spec included, is as the environment has it.
///
/// Weights belong to the scaling they were trained with: give the same one to every program that trains,
/// averages or evaluates them. Throws ArgumentError that names the environment and the component when there
/// is no environment, a size is not that of the observation, an offset is not finite, or a scale is 0 or not
/// finite; step() and reset() throw it for an observation of another size than the spec says.
std::unique_ptr<Environment> make_scaled(std::unique_ptr<Environment> environment,
                                         ObservationScaling scaling);

}  // namespace genkidama
