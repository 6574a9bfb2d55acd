#pragma once

/// @file
/// What `watch` does with --record-demonstrations and --human.

#include <filesystem>

#include "cli/commands/job.h"

namespace genkidama::cli {

/// Plays the episodes of the policy at `path`, as an evaluation does, and writes them all to the file.
/// Returns the exit code.
int record_policy(const Job& job, const std::filesystem::path& path);

/// A person plays with the keyboard in the terminal; whole episodes are written to the file, if one is named,
/// also when the person or a signal ends it. Returns the exit code. Throws ArgumentError where there is no
/// terminal, and for a task that keys cannot play.
int play_by_hand(const Job& job);

}  // namespace genkidama::cli
