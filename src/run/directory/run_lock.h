#pragma once

/// @file
/// One run at a time works in a run directory.

#include <filesystem>
#include <functional>

#include "genkidama/core/clock.h"

namespace genkidama::run {

/// Two runs that write the same files would spoil each other, for instance one that is resumed while what a
/// killed cluster left behind is still ending. This process holds the lock. The processes that it forks do
/// not, and the lock is gone when the process ends, however it ends.
class RunLock {
 public:
  /// Waits up to `patience` for another run to end, and no longer once `give_up` says true. Throws
  /// ArgumentError naming the other run's process when it still holds the lock then. Where the file system
  /// knows no locks, only other runs of this process are kept out.
  explicit RunLock(const std::filesystem::path& file, Milliseconds patience = Milliseconds(5'000),
                   const std::function<bool()>& give_up = {});
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

  /// Whether a process holds the lock `file`, this one included. False where there is no such file, and where
  /// the file system knows no locks. It changes nothing, and needs the right to read the file.
  static bool is_held(const std::filesystem::path& file);

 private:
  int file_ = -1;
};

}  // namespace genkidama::run
