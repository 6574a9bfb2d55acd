#pragma once

/// @file
/// One sweep at a time works in a directory.

#include <filesystem>

namespace genkidama::run {

/// Held by a sweep and by every process that it starts: two sweeps, or one and what a killed one has left,
/// must not write into the same run directories. Unlike a RunLock it is handed on to processes.
class DirectoryLock {
 public:
  /// Throws IoError when the directory cannot be locked, and ArgumentError when it is; the message begins
  /// with `name`, which is how a message calls the directory.
  DirectoryLock(const std::filesystem::path& directory, const std::string& name);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

  /// The descriptor that must stay open in a process for the lock to be its own too.
  int file() const { return file_; }

 private:
  int file_;
};

}  // namespace genkidama::run
