#include "orchestrator/forked_process.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace genkidama {
namespace {

// Of this process, for its signal handler.
volatile sig_atomic_t parent_of_this_process = 0;

void end_without_parent(int) {
  const int kept = errno;
  if (::getppid() != static_cast<pid_t>(parent_of_this_process)) ::_exit(1);
  errno = kept;
}

}  // namespace

void end_with_parent(pid_t parent, bool forked_by_main_thread) {
  if (forked_by_main_thread) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  } else {
    parent_of_this_process = parent;
    struct sigaction action {};
    action.sa_handler = end_without_parent;
    action.sa_flags = SA_RESTART;
    ::sigaction(SIGUSR1, &action, nullptr);
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGUSR1);
    ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
    ::prctl(PR_SET_PDEATHSIG, SIGUSR1);
  }
  if (::getppid() != parent) ::_exit(1);  // it ended between the fork and here
  ::signal(SIGINT, SIG_IGN);
  ::signal(SIGTERM, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
}

bool is_main_thread() {
  return static_cast<pid_t>(::syscall(SYS_gettid)) == ::getpid();
}

Ending ending_of(int status) {
  if (!WIFSIGNALED(status)) return {fmt::format("ended with exit code {}", WEXITSTATUS(status)), false};
  const int signal = WTERMSIG(status);
  bool crashed = false;
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS})
    crashed |= signal == fault;
  return {fmt::format("was killed by signal {} ({})", signal, ::strsignal(signal)), crashed};
}

}  // namespace genkidama
