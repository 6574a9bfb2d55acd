#include "env/process/kept_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <utility>

#include "core/output_streams.h"
#include "env/process/keeper.h"
#include "genkidama/core/error.h"

namespace genkidama {
namespace {

constexpr int kNotStarted = 127;
// The keeper kills within its own patience, and then reports.
constexpr Milliseconds kKeeperPatience{3'000};
// A program whose descriptors are closed has all but ended.
constexpr Milliseconds kEndingPatience{500};
constexpr int kFirstFree = 16;  // above every descriptor that is given to the program

/// Both ends, closed at the end of the scope unless they were released.
struct Ends {
  std::array<int, 2> fd{-1, -1};
  ~Ends() {
    for (int end = 0; end < 2; ++end) close(end);
  }
  int release(int end) { return std::exchange(fd[static_cast<std::size_t>(end)], -1); }
  void close(int end) {
    const int open = release(end);
    if (open >= 0) ::close(open);
  }
};

/// Pointers to the words, which end with a null.
std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> result;
  for (std::string& word : words) result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

/// This process' environment, in which the given variables stand instead of those of the same name.
std::vector<std::string> environment_with(const std::vector<std::string>& variables) {
  std::vector<std::string> result = variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::string name = text.substr(0, text.find('=') + 1);
    bool replaced = false;
    for (const std::string& variable : variables) replaced |= variable.rfind(name, 0) == 0;
    if (!replaced) result.push_back(text);
  }
  return result;
}

void close_from(unsigned first) {
#ifdef SYS_close_range
  if (::syscall(SYS_close_range, first, UINT_MAX, 0) == 0) return;
#endif
  const long most = std::min(::sysconf(_SC_OPEN_MAX), 65'536L);
  for (long fd = first; fd < most; ++fd) ::close(static_cast<int>(fd));
}

/// Moves the descriptors `from` to the numbers `to`, and closes everything above the last of these.
void keep_only(std::array<std::pair<int, int>, 3> moves, int last) {
  for (auto& move : moves) move.first = ::fcntl(move.first, F_DUPFD, kFirstFree);
  for (const auto& [from, to] : moves) ::dup2(from, to);
  close_from(static_cast<unsigned>(last) + 1);
}

struct Start {
  int socket, memory, output, failure;
  char* const* arguments;
  char* const* variables;
};

/// In the program's process, between fork and exec.
[[noreturn]] void become_program(const Start& start, pid_t keeper) {
  constexpr int kFailure = 5;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != keeper) ::_exit(kNotStarted);
  ::setpgid(0, 0);
  const int null = ::open("/dev/null", O_RDONLY);
  ::dup2(null, STDIN_FILENO);
  ::dup2(start.output, STDOUT_FILENO);
  ::dup2(start.output, STDERR_FILENO);
  keep_only({std::pair(start.socket, KeptProcess::kSocket), std::pair(start.memory, KeptProcess::kMemory),
             std::pair(start.failure, kFailure)},
            kFailure);
  ::fcntl(kFailure, F_SETFD, FD_CLOEXEC);
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execvpe(start.arguments[0], start.arguments, start.variables);
  const int error = errno;
  // The owner takes an answer that is not whole for none.
  if (::write(kFailure, &error, sizeof error) != sizeof error) ::_exit(kNotStarted);
  ::_exit(kNotStarted);
}

/// In the keeper's process, just forked.
[[noreturn]] void become_keeper(const Start& start, KeeperTask task) {
  prepare_to_keep();
  const pid_t self = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) become_program(start, self);
  if (pid < 0) {
    const int error = errno;
    [[maybe_unused]] const auto written = ::write(start.failure, &error, sizeof error);
    ::_exit(kNotStarted);
  }
  // Whoever calls first: the program must be in its group before anybody may kill the group.
  ::setpgid(pid, pid);
  constexpr int kControl = 3, kOutput = 4;
  keep_only({std::pair(task.control, kControl), std::pair(task.output, kOutput),
             std::pair(STDERR_FILENO, STDERR_FILENO)},
            kOutput);
  task.control = kControl;
  task.output = kOutput;
  keep(task, pid);
}

/// Waits until the program runs: 0, or the error that kept it from doing so.
int read_failure(int pipe, Deadline deadline) {
  int error = 0;
  while (true) {
    pollfd waiting{pipe, POLLIN, 0};
    const auto left = std::chrono::ceil<Milliseconds>(deadline.left()).count();
    const int ready = ::poll(&waiting, 1, static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return 0;  // the handshake will notice
    const auto count = ::read(pipe, &error, sizeof error);
    if (count < 0 && errno == EINTR) continue;
    return count == sizeof error ? error : 0;
  }
}

std::string ending_text(int status) {
  if (WIFSIGNALED(status)) {
    return fmt::format("was killed by signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)));
  }
  return fmt::format("ended with exit code {}", WEXITSTATUS(status));
}

}  // namespace

KeptProcess::KeptProcess(const Options& options, Deadline deadline) : end_timeout_(options.end_timeout) {
  Ends control, output, failure;
  const auto refuse = [&](int error) -> void {
    throw IoError(fmt::format("{}: cannot start a process: {}", options.name, std::strerror(error)));
  };
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control.fd.data()) != 0) refuse(errno);
  if (::pipe2(output.fd.data(), O_CLOEXEC) != 0 || ::pipe2(failure.fd.data(), O_CLOEXEC) != 0) refuse(errno);
  // Everything that needs memory is made before the fork: this process may have other threads.
  std::vector<std::string> words = options.command;
  std::vector<std::string> variables = environment_with(options.variables);
  const std::vector<char*> arguments = pointers(words), environment = pointers(variables);
  const Start start{options.socket, options.memory,   output.fd[1],
                    failure.fd[1],  arguments.data(), environment.data()};
  KeeperTask task{options.name, control.fd[1], output.fd[0], options.end_timeout};
  flush_output_streams();
  keeper_ = ::fork();
  if (keeper_ < 0) refuse(errno);
  if (keeper_ == 0) become_keeper(start, std::move(task));
  failure.close(1);
  output.close(1);
  control.close(1);
  control_ = control.release(0);
  const int error = read_failure(failure.fd[0], deadline);
  if (error == 0) return;
  kill(/*is_ending=*/true);
  throw ArgumentError(
      fmt::format("{}: cannot start '{}': {}", options.name, options.command.front(), std::strerror(error)));
}

KeptProcess::~KeptProcess() {
  end();
}

std::string KeptProcess::kill(bool is_ending) {
  const bool has_ended = is_ending && keeper_reports_within(kEndingPatience);
  if (!has_ended && control_ >= 0) ::send(control_, &kKillNow, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
  return wait_for_keeper(kKeeperPatience);
}

void KeptProcess::end() {
  if (control_ >= 0) ::shutdown(control_, SHUT_WR);
  wait_for_keeper(end_timeout_ + kKeeperPatience);
}

bool KeptProcess::keeper_reports_within(Milliseconds patience) const {
  if (control_ < 0) return false;
  const Deadline deadline = Deadline::after(patience);
  pollfd waiting{control_, POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&waiting, 1, static_cast<int>(std::chrono::ceil<Milliseconds>(deadline.left()).count()));
  } while (ready < 0 && errno == EINTR);
  return ready == 1;
}

std::string KeptProcess::wait_for_keeper(Milliseconds patience) {
  if (keeper_ < 0) return "has ended";
  std::string text = "was killed";
  std::array<char, 1024> message;
  ssize_t count = -1;
  if (keeper_reports_within(patience)) {
    do {
      count = ::recv(control_, message.data(), message.size(), MSG_DONTWAIT);
      // The keeper had ended before it read an order: the kernel tells that first, the report lies behind it.
    } while (count < 0 && (errno == EINTR || errno == ECONNRESET));
  }
  if (count >= static_cast<ssize_t>(sizeof(KeeperReport))) {
    KeeperReport report;
    std::memcpy(&report, message.data(), sizeof report);
    const std::string line(message.data() + sizeof report, static_cast<std::size_t>(count) - sizeof report);
    if (report.ended_alone) text = ending_text(report.status);
    if (!line.empty()) text += fmt::format(", and its last line of output was '{}'", line);
  }
  ::close(std::exchange(control_, -1));
  // The keeper reports last of all; one that has not reported by now waits for the kernel, and is not waited
  // for.
  while (::waitpid(keeper_, nullptr, count < 0 ? WNOHANG : 0) < 0 && errno == EINTR) {
  }
  keeper_ = -1;
  return text;
}

}  // namespace genkidama
