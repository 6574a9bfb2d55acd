#pragma once

/// @file
/// What a resumed run goes on from.

#include <optional>
#include <string>

#include "genkidama/params/policy_average.h"
#include "genkidama/params/saveable.h"
#include "genkidama/run/run_options.h"
#include "run/directory/policy_snapshot.h"
#include "run/directory/run_directory.h"
#include "run/state/run_state.h"

namespace genkidama::run {

/// The newest state of the directory that can be read, from which `trainer`, if it is not nullptr, and
/// `average` are restored; nothing when the run was killed before its first one, and begins again. A damaged
/// state is put aside, and an average that ends here is told. Throws ArgumentError for the state of another
/// kind of run (run_kind), environment or policy than that of `origin`, and for states of which none can be
/// read.
std::optional<RunState> read_resumed_state(const RunOptions& options, const RunDirectory& directory,
                                           const PolicyOrigin& origin, Saveable* trainer,
                                           PolicyAverage& average, const std::string& kind);

}  // namespace genkidama::run
