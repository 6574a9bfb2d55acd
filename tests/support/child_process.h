#pragma once

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace genkidama::test {

/// Runs `body`, which returns an exit code, in a forked process. The process leaves by _exit, so it runs no
/// reporter and no destructor of the test program, and it never outlives the object or the test program.
class ChildProcess {
 public:
  static constexpr int kThrew = 120;

  template <typename Body>
  explicit ChildProcess(Body body) {
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("cannot fork");
    if (pid_ > 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // Catch2 would report a fatal signal as a failed test, from the child.
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTERM, SIGABRT}) ::signal(signal, SIG_DFL);
    int code = kThrew;
    try {
      code = body();
    } catch (...) {
    }
    ::_exit(code);
  }
  ChildProcess(ChildProcess&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)), status_(std::exchange(other.status_, std::nullopt)) {}
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess() {
    if (pid_ <= 0 || status_) return;
    kill(SIGKILL);
    wait();
  }

  pid_t pid() const { return pid_; }
  void kill(int signal) { ::kill(pid_, signal); }

  /// "exit 0", "signal 9": how it ended, or nothing while it runs.
  std::optional<std::string> ended() {
    collect(WNOHANG);
    if (!status_) return std::nullopt;
    if (WIFSIGNALED(*status_)) return "signal " + std::to_string(WTERMSIG(*status_));
    return "exit " + std::to_string(WEXITSTATUS(*status_));
  }
  /// Waits until it has ended.
  std::string wait() {
    collect(0);
    return ended().value_or("unknown");
  }

 private:
  void collect(int options) {
    while (!status_) {
      int status = 0;
      const pid_t result = ::waitpid(pid_, &status, options);
      if (result == pid_) status_ = status;
      if (result >= 0 || errno != EINTR) return;
    }
  }

  pid_t pid_ = -1;
  std::optional<int> status_;
};

}  // namespace genkidama::test
