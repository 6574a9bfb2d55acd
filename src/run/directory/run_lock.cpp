#include "run/directory/run_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/process/spawned_process.h"
#include "cli/process/stop_signal.h"
#include "genkidama/core/error.h"

namespace genkidama::cli {
namespace {

struct flock whole_file() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

// 0 when nobody is known to hold it.
pid_t holder_of(int file) {
  struct flock lock = whole_file();
  return fcntl(file, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? lock.l_pid : 0;
}

}  // namespace

RunLock::RunLock(const std::filesystem::path& file, Milliseconds patience)
    : file_(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
  if (file_ < 0) throw IoError(fmt::format("cannot open {}: {}", file.string(), std::strerror(errno)));
  const Deadline deadline = Deadline::after(patience);
  while (true) {
    // Of the process, unlike flock(): workers do not inherit it.
    struct flock lock = whole_file();
    if (fcntl(file_, F_SETLK, &lock) == 0) return;
    if (errno != EACCES && errno != EAGAIN && errno != EINTR) return;
    if (deadline.passed() || stop_signal() != 0) break;
    pause_before_look();
  }
  const pid_t holder = holder_of(file_);
  close(file_);
  throw ArgumentError(fmt::format(
      "{}: another process{} is at work in this directory; end it first, or take another directory",
      file.parent_path().string(), holder > 0 ? fmt::format(" (pid {})", holder) : ""));
}

RunLock::~RunLock() {
  close(file_);
}

}  // namespace genkidama::cli
