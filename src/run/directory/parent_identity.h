#pragma once

/// @file
/// parent.json: what Children know a Parent's run by, over all processes that it was.

#include <cstdint>
#include <filesystem>
#include <string>

namespace genkidama::run {

struct ParentIdentity {
  std::string run_id;  ///< the same for the whole run
  /// How often its Parent was started before, below 2^21: what was meant for an earlier one is told by it.
  std::uint64_t epoch = 0;
};

/// The identity for a Parent that starts now, already on the disk when this returns: the file's with the next
/// epoch. Without a file a new one with epoch 0, or 1 for a run that `goes_on`. An epoch never comes again in
/// a run: should the file be damaged, the run gets a new id, and an epoch far from those it may have had.
/// Throws IoError.
ParentIdentity next_identity(const std::filesystem::path& file, bool goes_on);

}  // namespace genkidama::run
