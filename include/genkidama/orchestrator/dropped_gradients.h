#pragma once

/// @file
/// Gradients that were computed and did not change the weights.

#include <cstdint>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// How many gradients were dropped since a run began, those before a restored state included.
struct DroppedGradients {
  std::uint64_t stale = 0;     ///< computed with weights that were too old
  std::uint64_t outliers = 0;  ///< with a loss too far above the mean
  std::uint64_t lost = 0;      ///< nobody knows whether they were applied, or their shard was away
};

}  // namespace genkidama
