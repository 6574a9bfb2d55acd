#pragma once

/// @file
/// Which runs are one experiment with several seeds.

#include <cstddef>
#include <string>
#include <vector>

#include "genkidama/core/export.h"
#include "run/report/recorded_run.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

struct RunGroup {
  std::string name;
  std::vector<std::size_t> runs;  ///< places in the list of all runs
};

/// Runs whose config.json differs in `seed`, `run_dir`, `command_line` and `name` at most are one group, in
/// the order in which the runs come. A group is named by as few of the options that differ between the groups
/// as tell all of them apart: first environment, command and preset, then what was typed, then the others. A
/// run without config.json is a group of its own, with its directory as the name.
std::vector<RunGroup> group_runs(const std::vector<RecordedRun>& runs);

/// A group for each of the patterns "PATTERN" or "NAME=PATTERN", in their order: the runs whose directory, as
/// it was given, or its last part matches as in a shell ('*' stands for '/' too), and which match none
/// before. Throws ArgumentError, which begins with "group is", for a pattern that no run matches, and for a
/// run that matches none.
std::vector<RunGroup> group_runs(const std::vector<RecordedRun>& runs,
                                 const std::vector<std::string>& patterns);

}  // namespace run
}  // namespace genkidama
