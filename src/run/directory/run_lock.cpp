#include "run/directory/run_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

#include "core/write_advice.h"
#include "genkidama/core/error.h"

namespace genkidama::run {
namespace {

constexpr Milliseconds kLookInterval{50};

struct flock whole_file() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

// 0 when nobody else is known to hold it.
pid_t holder_of(int file) {
  struct flock lock = whole_file();
  return fcntl(file, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? lock.l_pid : 0;
}

// The system tells no process of a lock that it holds itself, and lets go of it as soon as the process closes
// the file anywhere. So a file that this process has locked must be known before it is opened again.
class OwnLocks {
 public:
  void add(int file) {
    struct stat status {};
    const std::lock_guard lock(mutex_);
    if (fstat(file, &status) == 0) held_.push_back({getpid(), status.st_dev, status.st_ino});
  }
  void remove(int file) {
    struct stat status {};
    const std::lock_guard lock(mutex_);
    if (fstat(file, &status) == 0) std::erase(held_, Entry{getpid(), status.st_dev, status.st_ino});
  }
  bool holds(const std::filesystem::path& file) {
    struct stat status {};
    if (stat(file.c_str(), &status) != 0) return false;
    const std::lock_guard lock(mutex_);
    const Entry entry{getpid(), status.st_dev, status.st_ino};
    return std::find(held_.begin(), held_.end(), entry) != held_.end();
  }

 private:
  struct Entry {
    pid_t process;  // a forked process inherits this list, but none of the locks
    dev_t device;
    ino_t file;
    bool operator==(const Entry&) const = default;
  };
  std::mutex mutex_;
  std::vector<Entry> held_;
};

OwnLocks& own_locks() {
  static OwnLocks locks;
  return locks;
}

}  // namespace

RunLock::RunLock(const std::filesystem::path& file, Milliseconds patience,
                 const std::function<bool()>& give_up) {
  const Deadline deadline = Deadline::after(patience);
  const auto is_over = [&] { return deadline.passed() || (give_up && give_up()); };
  const auto refuse = [&file](const std::string& who) {
    return ArgumentError(
        fmt::format("{}: {} is at work in this directory; end it first, or take another directory",
                    file.parent_path().string(), who));
  };
  while (own_locks().holds(file)) {
    if (is_over()) throw refuse("another run of this process");
    std::this_thread::sleep_for(kLookInterval);
  }
  file_ = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file_ < 0) {
    const int error = errno;
    throw IoError(fmt::format("cannot open {} for writing, which keeps other runs out: {}; {}", file.string(),
                              std::strerror(error), write_advice(error)));
  }
  while (true) {
    // Of the process, unlike flock(): workers do not inherit it.
    struct flock lock = whole_file();
    const bool locked = fcntl(file_, F_SETLK, &lock) == 0;
    if (locked || (errno != EACCES && errno != EAGAIN && errno != EINTR)) {
      own_locks().add(file_);
      return;
    }
    if (is_over()) break;
    std::this_thread::sleep_for(kLookInterval);
  }
  const pid_t holder = holder_of(file_);
  close(file_);
  throw refuse(holder > 0 ? fmt::format("another process (pid {})", holder) : "another process");
}

RunLock::~RunLock() {
  own_locks().remove(file_);
  close(file_);
}

bool RunLock::is_held(const std::filesystem::path& file) {
  if (own_locks().holds(file)) return true;
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool held = holder_of(descriptor) != 0;
  close(descriptor);
  return held;
}

}  // namespace genkidama::run
