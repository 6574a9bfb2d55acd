#pragma once

/// @file
/// The policies that --checkpoint names, and what their files say about how they are to be played.

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <vector>

#include "cli/commands/job.h"
#include "genkidama/core/error.h"

namespace genkidama::cli {

/// "." for a file without a directory.
std::filesystem::path directory_of(const std::filesystem::path& file);

/// What `read` returns. A file that the user named and that cannot be used is a bad argument: an Error
/// becomes an ArgumentError that names the option.
template <typename Read>
auto as_argument(const Read& read) {
  try {
    return read();
  } catch (const Error& error) {
    throw ArgumentError(fmt::format("--checkpoint: {}", error.what()));
  }
}

/// run::checkpoints_of(), with the option's name before what it throws.
std::vector<std::filesystem::path> checkpoints_named(const std::vector<std::string>& paths);

/// Sets the preset, the program's own options and whether actions are greedy as the files say, where the user
/// does not. Reads every file, to refuse a bad one before anything is started, and forgets the weights again.
/// Throws ArgumentError for the state of a run, and when two files say different things.
void take_records(Job& job, const std::vector<std::filesystem::path>& paths);

}  // namespace genkidama::cli
