#include "run/process/spawned_process.h"

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
#include <exception>

#include "core/output_streams.h"
#include "core/thread_count.h"
#include "core/write_advice.h"
#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/run/stop_signal.h"

namespace genkidama::run {
namespace {

constexpr int kNotStarted = 127;
constexpr int kFailed = 1;
constexpr int kBadArgument = 2;
constexpr const char* kOwnProgram = "/proc/self/exe";

// Only calls that are safe between fork and exec.
void become_member(int output, pid_t starter) {
  prctl(PR_SET_PDEATHSIG, kStarterIsGone);
  // The starter may have died before the line above.
  if (getppid() != starter) _exit(kNotStarted);
  if (output >= 0 && (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)) _exit(kNotStarted);
}

[[noreturn]] void execute_program(char* const* arguments, int inherited_fd, int failure) {
  if (inherited_fd >= 0) fcntl(inherited_fd, F_SETFD, 0);
  execv(kOwnProgram, arguments);
  const int error = errno;
  // Whoever reads this takes an answer that is not whole for none.
  if (write(failure, &error, sizeof error) != sizeof error) _exit(kNotStarted);
  _exit(kNotStarted);
}

int run_body(const std::string& name, const std::function<int()>& body) {
  try {
    return body();
  } catch (const ArgumentError& error) {
    log(LogLevel::kError, "{}: {}", name, error.what());
    return kBadArgument;
  } catch (const std::exception& error) {
    log(LogLevel::kError, "{}: {}", name, error.what());
  } catch (...) {
    log(LogLevel::kError, "{}: it threw what is no std::exception", name);
  }
  return kFailed;
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
      const int error = errno;
      throw IoError(fmt::format("cannot open {}: {}; {}", options_.output.string(), std::strerror(error),
                                write_advice(error)));
    }
  }
  try {
    options_.arguments.empty() ? fork_body(output) : execute(output);
  } catch (...) {
    if (output >= 0) close(output);
    throw;
  }
  if (output >= 0) close(output);
  running_ = true;
}

void SpawnedProcess::fork_body(int output) {
  const int threads = thread_count();
  if (threads > 1) {
    log(LogLevel::kWarning,
        "{} is forked from a process with {} threads, whose locks it may wait for without end; start it "
        "before "
        "there are other threads",
        options_.name, threads);
  }
  flush_output_streams();
  const pid_t starter = getpid();
  pid_ = fork();
  if (pid_ < 0) throw IoError(fmt::format("cannot start {}: {}", options_.name, std::strerror(errno)));
  if (pid_ > 0) return;
  catch_stop_signals();
  become_member(output, starter);
  const int exit_code = run_body(options_.name, options_.body);
  flush_output_streams();
  _exit(exit_code);
}

void SpawnedProcess::execute(int output) {
  std::vector<std::string> words = {options_.name};
  words.insert(words.end(), options_.arguments.begin(), options_.arguments.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  // Closed by the exec itself, which is how this process learns that it has succeeded.
  std::array<int, 2> failure{-1, -1};
  const pid_t starter = getpid();
  pid_ = pipe2(failure.data(), O_CLOEXEC) == 0 ? fork() : -1;
  if (pid_ == 0) {
    become_member(output, starter);
    execute_program(arguments.data(), options_.inherited_fd, failure[1]);
  }
  int error = errno;
  if (failure[1] >= 0) close(failure[1]);
  if (pid_ > 0) error = read_failure(failure[0]);
  if (failure[0] >= 0) close(failure[0]);
  if (pid_ < 0) throw IoError(fmt::format("cannot start {}: {}", options_.name, std::strerror(error)));
  if (error == 0) return;
  waitpid(pid_, nullptr, 0);
  throw IoError(fmt::format("cannot start {}: {}: {}; /proc is needed to start this program again",
                            options_.name, kOwnProgram, std::strerror(error)));
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

}  // namespace genkidama::run
