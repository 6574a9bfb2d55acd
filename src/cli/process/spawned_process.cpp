#include "cli/process/spawned_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "cli/process/stop_signal.h"
#include "genkidama/core/error.h"

namespace genkidama::cli {
namespace {

constexpr int kNotStarted = 127;
constexpr const char* kOwnProgram = "/proc/self/exe";

// Between fork and exec: only calls that are safe there.
[[noreturn]] void become(char* const* arguments, int output, int inherited_fd, pid_t starter, int failure) {
  prctl(PR_SET_PDEATHSIG, kStarterIsGone);
  // The starter may have died before the line above.
  if (getppid() != starter) _exit(kNotStarted);
  if (output >= 0 && (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)) _exit(kNotStarted);
  if (inherited_fd >= 0) fcntl(inherited_fd, F_SETFD, 0);
  execv(kOwnProgram, arguments);
  const int error = errno;
  // Whoever reads this takes an answer that is not whole for none.
  if (write(failure, &error, sizeof error) != sizeof error) _exit(kNotStarted);
  _exit(kNotStarted);
}

// Waits until the other process runs its program: 0, or the error that kept it from doing so.
int read_failure(int pipe) {
  int error = 0;
  ssize_t count = 0;
  do {
    count = read(pipe, &error, sizeof error);
  } while (count < 0 && errno == EINTR);
  return count == sizeof error ? error : 0;
}

}  // namespace

SpawnedProcess::SpawnedProcess(Options options) : options_(std::move(options)) {
  int output = -1;
  if (!options_.output.empty()) {
    output = open(options_.output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (output < 0) {
      throw IoError(fmt::format("cannot open {}: {}", options_.output.string(), std::strerror(errno)));
    }
  }
  std::vector<std::string> words = {options_.name};
  words.insert(words.end(), options_.arguments.begin(), options_.arguments.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  // Closed by the exec itself, which is how this process learns that it has succeeded.
  std::array<int, 2> failure{-1, -1};
  const pid_t starter = getpid();
  pid_ = pipe2(failure.data(), O_CLOEXEC) == 0 ? fork() : -1;
  if (pid_ == 0) become(arguments.data(), output, options_.inherited_fd, starter, failure[1]);
  int error = errno;
  if (output >= 0) close(output);
  close(failure[1]);
  if (pid_ > 0) error = read_failure(failure[0]);
  close(failure[0]);
  if (pid_ < 0) throw IoError(fmt::format("cannot start {}: {}", options_.name, std::strerror(error)));
  if (error != 0) {
    waitpid(pid_, nullptr, 0);
    throw IoError(
        fmt::format("cannot start {}: {}: {}; 'cluster' and 'sweep' need /proc to start this program again",
                    options_.name, kOwnProgram, std::strerror(error)));
  }
  running_ = true;
}

SpawnedProcess::~SpawnedProcess() {
  if (!running()) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool SpawnedProcess::running() {
  if (!running_) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return true;
  running_ = false;
  exit_code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return false;
}

void SpawnedProcess::signal(int number) {
  if (!running()) return;
  asked_to_end_ = asked_to_end_ || number == SIGTERM;
  kill(pid_, number);
}

void pause_before_look() {
  poll(nullptr, 0, static_cast<int>(kLookInterval.count()));
}

std::string exit_text(int exit_code) {
  if (exit_code > 128) return fmt::format("signal {} ({})", exit_code - 128, strsignal(exit_code - 128));
  return fmt::format("exit code {}", exit_code);
}

}  // namespace genkidama::cli
