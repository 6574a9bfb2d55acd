#pragma once

/// @file
/// What a resumed run goes on from.

#include <optional>

#include "genkidama/params/policy_average.h"
#include "genkidama/params/saveable.h"
#include "genkidama/run/run_options.h"
#include "run/directory/policy_snapshot.h"
#include "run/directory/run_directory.h"
#include "run/state/run_state.h"

namespace genkidama::run {

/// The newest state of the directory that can be read, from which `trainer` is restored if it is not nullptr;
/// nothing when the run was killed before its first one, and begins again. A damaged state is put aside.
/// Throws ArgumentError for the state of another network than `network`, and for states of which none can be
/// read.
std::optional<RunState> read_resumed_state(const RunOptions& options, const RunDirectory& directory,
                                           const PolicyOrigin& network, Saveable* trainer);

/// What the policy's average starts as: the state's if it is of the kind that the options ask for, else one
/// of nothing yet.
PolicyAverage resumed_average(const RunOptions& options, const std::optional<RunState>& state);

}  // namespace genkidama::run
