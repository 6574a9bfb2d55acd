#pragma once

/// @file
/// The policy that a run begins with when RunOptions::init_from names a file.

#include <optional>
#include <vector>

#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/params/running_statistics.h"
#include "genkidama/run/run_options.h"

namespace genkidama::run {

/// What a run takes over from a file.
struct FirstPolicy {
  std::vector<float> weights;    ///< in the order of the trainer's layout
  RunningStatistics statistics;  ///< what its run had counted; without components: it normalised nothing
};

/// The policy in options.init_from; nothing when no file is named. Throws ArgumentError when the file cannot
/// be read, holds another network or a run's state, or weights that are not finite, and when its policy has
/// learnt from other numbers than this run would: normalised ones here and raw ones there.
std::optional<FirstPolicy> read_first_policy(const RunOptions& options, const CoreOrchestrator& trainer);

}  // namespace genkidama::run
