#include "run/sweep/directory_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "genkidama/core/error.h"

namespace genkidama::run {

DirectoryLock::DirectoryLock(const std::filesystem::path& directory, const std::string& name)
    : file_(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (file_ < 0) {
    throw IoError(fmt::format("cannot open {}: {}", directory.string(), std::strerror(errno)));
  }
  if (flock(file_, LOCK_EX | LOCK_NB) == 0) return;
  const int error = errno;
  close(file_);
  if (error != EWOULDBLOCK) {
    throw IoError(fmt::format("cannot lock {}: {}", directory.string(), std::strerror(error)));
  }
  throw ArgumentError(fmt::format(
      "{} {}: a sweep is at work in this directory, or runs of one that was killed have not ended "
      "yet; wait for them",
      name, directory.string()));
}

DirectoryLock::~DirectoryLock() {
  close(file_);
}

}  // namespace genkidama::run
