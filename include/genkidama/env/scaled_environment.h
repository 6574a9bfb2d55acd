#pragma once

/// @file
/// Brings an environment's observations to unit size.

#include <memory>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"

namespace GENKIDAMA_EXPORT genkidama {

/// How each component of an observation is scaled: it becomes (o - offset) * scale. The numbers are fixed, so
/// that a scaled observation means the same in every worker, on every machine and with every checkpoint.
struct ObservationScaling {
  std::vector<float> offset;  ///< observation_size finite numbers, each about its component's mean
  std::vector<float> scale;   ///< observation_size finite numbers other than 0, each about 1 / spread
};

/// Wraps an environment whose observations are far from unit size. Networks learn slowly, or not at all, from
/// such observations. The wrapper changes nothing else, and the spec stays the environment's.
///
/// Weights belong to the scaling that they were trained with. Give the same scaling to every program that
/// trains, averages or evaluates them.
///
/// Throws ArgumentError, which names the environment and the component, when there is no environment, when a
/// size is not that of the observation, when an offset is not finite, or when a scale is 0 or not finite.
/// step() and reset() throw it for an observation of another size than the spec says.
std::unique_ptr<Environment> make_scaled(std::unique_ptr<Environment> environment,
                                         ObservationScaling scaling);

}  // namespace genkidama
