#include "orchestrator/worker_process.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

#include "genkidama/core/error.h"
#include "genkidama/ipc/round_barrier.h"

namespace genkidama {
namespace {

/// How a process ended, in words.
std::string ending(int status) {
  if (WIFSIGNALED(status)) {
    return fmt::format("was killed by signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)));
  }
  return fmt::format("ended with exit code {}", WEXITSTATUS(status));
}

class ProcessGroup : public WorkerGroup {
 public:
  ProcessGroup(int workers, const WorkerBody& body) {
    for (int index = 0; index < workers; ++index) {
      const pid_t lead = ::getpid();
      const pid_t pid = ::fork();
      if (pid < 0) {
        const int reason = errno;
        end(Deadline::after(Milliseconds{0}));
        throw IoError(fmt::format("cannot start {}: {}", worker_name(index, workers), std::strerror(reason)));
      }
      if (pid == 0) {
        live_and_die_with_lead();
        body(index, [lead] { return ::getppid() == lead; });
        ::_exit(0);  // no destructors: what they would end belongs to the lead
      }
      workers_.push_back({pid, ""});
    }
  }

  ~ProcessGroup() override { end(Deadline::after(Milliseconds{0})); }

  std::optional<std::string> find_dead() override {
    std::optional<std::string> found;
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      Worker& worker = workers_[i];
      int status = 0;
      if (worker.ending.empty() && ::waitpid(worker.pid, &status, WNOHANG) == worker.pid) {
        worker.ending = ending(status);
      }
      if (!worker.ending.empty() && !found) {
        found =
            fmt::format("{} (pid {}) {}", worker_name(static_cast<int>(i), static_cast<int>(workers_.size())),
                        worker.pid, worker.ending);
      }
    }
    return found;
  }

  void end(Deadline deadline) override {
    while (alive() && !deadline.passed()) std::this_thread::sleep_for(Milliseconds{2});
    for (Worker& worker : workers_) {
      if (!worker.ending.empty()) continue;
      ::kill(worker.pid, SIGKILL);
      int status = 0;
      while (::waitpid(worker.pid, &status, 0) < 0 && errno == EINTR) {
      }
      worker.ending = ending(status);
    }
  }

  std::vector<int> pids() const override {
    std::vector<int> result;
    for (const Worker& worker : workers_) result.push_back(worker.pid);
    return result;
  }

 private:
  struct Worker {
    pid_t pid;
    std::string ending;  // empty while it lives: its pid is ours until it has been waited for
  };

  bool alive() {
    find_dead();
    for (const Worker& worker : workers_) {
      if (worker.ending.empty()) return true;
    }
    return false;
  }

  std::vector<Worker> workers_;
};

class ThreadGroup : public WorkerGroup {
 public:
  ThreadGroup(int workers, const WorkerBody& body) {
    for (int index = 0; index < workers; ++index) {
      threads_.emplace_back([this, index, body] { body(index, [this] { return !abandoned_.load(); }); });
    }
  }

  ~ThreadGroup() override { end(Deadline::after(Milliseconds{0})); }

  // A thread cannot die alone; a failure is in its report.
  std::optional<std::string> find_dead() override { return std::nullopt; }

  // A thread cannot be killed either: this waits for the end of its episode.
  void end(Deadline) override {
    abandoned_ = true;
    for (auto& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

  std::vector<int> pids() const override { return {}; }

 private:
  std::atomic<bool> abandoned_{false};
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<WorkerGroup> start_workers(WorkerMode mode, int workers, const WorkerBody& body) {
  if (mode == WorkerMode::kThreads) return std::make_unique<ThreadGroup>(workers, body);
  return std::make_unique<ProcessGroup>(workers, body);
}

void live_and_die_with_lead() {
  const pid_t lead = ::getppid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != lead) ::_exit(1);  // it ended between the fork and here
  ::signal(SIGINT, SIG_IGN);
  ::signal(SIGTERM, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
}

}  // namespace genkidama
