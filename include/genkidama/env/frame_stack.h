#pragma once

/// @file
/// Shows the last few observations at once.

#include <memory>

#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Wraps an environment so that an observation is its last `frames` observations, the oldest first. After
/// reset() all of them are the first observation, as in Gymnasium. A policy without memory can then see what
/// moves.
///
/// The first dimension of the observation's shape is `frames` times as long: {n} becomes {frames * n}, and an
/// image {channels, height, width} becomes {frames * channels, height, width}. Everything else stays as it
/// is.
///
/// Throws ArgumentError when there is no environment or `frames` is not 1 to 1,000.
std::unique_ptr<Environment> make_frame_stack(std::unique_ptr<Environment> environment, int frames);

}  // namespace genkidama
