#pragma once

/// @file
/// One process at a time works in a run directory.

#include <filesystem>
#include <functional>

#include "genkidama/core/clock.h"

namespace genkidama::run {

/// Two processes that write the same files would spoil the run, for instance one that is resumed while what a
/// killed cluster left behind is still ending. Held by this process, not by those it forks, and gone with it
/// however it ends.
class RunLock {
 public:
  /// Waits up to `patience` for another process to end, and no longer once `give_up` says true. Throws
  /// ArgumentError naming that process when it still holds the lock then. Where the file system knows no
  /// locks, nothing is locked.
  explicit RunLock(const std::filesystem::path& file, Milliseconds patience = Milliseconds(5'000),
                   const std::function<bool()>& give_up = {});
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  int file_ = -1;
};

}  // namespace genkidama::run
