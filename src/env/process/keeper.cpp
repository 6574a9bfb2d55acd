#include "env/process/keeper.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "env/process/output_relay.h"
#include "genkidama/core/utf8.h"

namespace genkidama {
namespace {

// What is killed and does not end within this time waits for a device; the kernel ends it when it can.
constexpr Milliseconds kKillPatience{2'000};
constexpr int kLookAgain_ms = 5;
constexpr std::size_t kMaxLine = 400;

sigset_t child_signal() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGCHLD);
  return signals;
}

class Keeper {
 public:
  Keeper(const KeeperTask& task, pid_t pid) : task_(task), pid_(pid), relay_(task.name) {
    const sigset_t deaths = child_signal();
    deaths_ = ::signalfd(-1, &deaths, SFD_CLOEXEC | SFD_NONBLOCK);
  }

  void work() {
    while (!status_) wait();
    kill_descendants();
    // Nobody is left who could write more.
    ::fcntl(task_.output, F_SETFL, O_NONBLOCK);
    while (pass_on_output()) {
    }
    relay_.finish();
    report();
  }

 private:
  void wait() {
    std::array<pollfd, 3> waiting{pollfd{task_.control, POLLIN, 0}, pollfd{deaths_, POLLIN, 0},
                                  pollfd{task_.output, POLLIN, 0}};
    if (end_) waiting[0].fd = -1;
    if (output_closed_) waiting[2].fd = -1;
    int timeout = -1;
    if (end_) {
      timeout = static_cast<int>(std::chrono::ceil<Milliseconds>(end_->left()).count());
      if (timeout == 0) {
        ::kill(-pid_, SIGKILL);
        ::kill(pid_, SIGKILL);  // it may have left its group
        killed_ = true;
        timeout = kLookAgain_ms;
      }
    }
    ::poll(waiting.data(), waiting.size(), timeout);
    if (waiting[2].revents != 0 && !pass_on_output()) output_closed_ = true;
    if (waiting[0].revents != 0) hear_owner();
    reap();
  }

  void hear_owner() {
    char order = 0;
    const auto count = ::recv(task_.control, &order, 1, MSG_DONTWAIT);
    if (count < 0) return;
    // A closed control is a call too: it means that the owner ends, or has died.
    end_ = Deadline::after(count == 1 && order == kKillNow ? Milliseconds{0} : task_.end_timeout);
  }

  /// False at the end of the output, or when there is none for the moment.
  bool pass_on_output() {
    std::array<char, 4096> bytes;
    const auto count = ::read(task_.output, bytes.data(), bytes.size());
    if (count <= 0) return false;
    relay_.take({bytes.data(), static_cast<std::size_t>(count)});
    return true;
  }

  void reap() {
    std::array<signalfd_siginfo, 16> told;
    while (::read(deaths_, told.data(), sizeof told) > 0) {
    }
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      if (pid == pid_) status_ = status;
    }
  }

  /// Its group first; then, one generation after the other, whoever has been left behind by a parent and was
  /// given to this process, which has adopted all descendants (PR_SET_CHILD_SUBREAPER).
  void kill_descendants() {
    const Deadline deadline = Deadline::after(kKillPatience);
    ::kill(-pid_, SIGKILL);
    while (!deadline.passed()) {
      kill_children();
      int status = 0;
      const pid_t pid = ::waitpid(-1, &status, WNOHANG);
      if (pid < 0) return;
      if (pid == 0) ::poll(nullptr, 0, kLookAgain_ms);
    }
  }

  static void kill_children() {
    const pid_t self = ::getpid();
    const int file =
        ::open(fmt::format("/proc/{}/task/{}/children", self, self).c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    std::string text;
    std::array<char, 4096> bytes;
    for (ssize_t count = 0; (count = ::read(file, bytes.data(), bytes.size())) > 0;) {
      text.append(bytes.data(), static_cast<std::size_t>(count));
    }
    ::close(file);
    const char* at = text.c_str();
    for (char* end = nullptr;; at = end) {
      const long pid = std::strtol(at, &end, 10);
      if (end == at) return;
      if (pid > 1) ::kill(static_cast<pid_t>(pid), SIGKILL);
    }
  }

  void report() {
    KeeperReport head;
    head.status = *status_;
    // A kill that comes when the program is on its way out changes nothing.
    head.ended_alone = !killed_ || WIFEXITED(*status_);
    std::string message(reinterpret_cast<const char*>(&head), sizeof head);
    message += cut_utf8(relay_.last_line(), kMaxLine);
    ::send(task_.control, message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  const KeeperTask& task_;
  pid_t pid_;
  OutputRelay relay_;
  int deaths_ = -1;
  bool output_closed_ = false;
  bool killed_ = false;
  std::optional<Deadline> end_;
  std::optional<int> status_;
};

}  // namespace

void prepare_to_keep() noexcept {
  // A terminal's signals, and those that a service manager sends to the whole group, are the owner's
  // business: this process ends with the owner.
  ::setpgid(0, 0);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ}) ::signal(signal, SIG_IGN);
  // An ignored or caught SIGCHLD would take the dead away.
  ::signal(SIGCHLD, SIG_DFL);
  const sigset_t deaths = child_signal();
  ::sigprocmask(SIG_BLOCK, &deaths, nullptr);
  ::prctl(PR_SET_PDEATHSIG, 0);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void keep(const KeeperTask& task, pid_t pid) noexcept {
  try {
    Keeper(task, pid).work();
  } catch (...) {
    // Without memory: the program is killed because its parent ends.
  }
  ::_exit(0);
}

}  // namespace genkidama
