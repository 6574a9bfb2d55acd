#pragma once

/// @file
/// Limits a gradient's norm before the gradient is handed over.

#include <span>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Scales `gradient` down to the L2 norm `largest_norm` when it is longer; 0 stands for no limit. Returns the
/// norm that it had. Throws WorkerError when the gradient is not finite.
double clip_gradient(std::span<float> gradient, double largest_norm);

}  // namespace genkidama
