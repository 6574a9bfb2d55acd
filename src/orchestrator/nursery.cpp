#include "orchestrator/nursery.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "ipc/shared_semaphore.h"

namespace genkidama {
namespace {

// The nursery looks around this often even if nobody calls it.
constexpr Milliseconds kSlice{1'000};
// A machine that is out of processes or memory for a moment must not end a run.
constexpr Milliseconds kForkPause{200};
constexpr int kForkAttempts = 25;
// What it may take to kill the workers; then the nursery is killed, and the kernel kills its workers.
constexpr Milliseconds kEndTimeout{2'000};

// Of the nursery's own process: what SIGCHLD posts.
sem_t* calls_of_this_process = nullptr;

}  // namespace

/// The nursery's process.
class Nursery::Attendant {
 public:
  /// `failed_forks`: a zero for each worker, made before the fork: in here nothing may want memory.
  Attendant(Nursery& nursery, const std::function<void(int, const std::function<bool()>&)>& body,
            const std::function<void()>& on_end, std::span<int> failed_forks) noexcept
      : desk_(nursery.desk_[0]),
        places_(nursery.places_.span()),
        body_(body),
        on_end_(on_end),
        failed_forks_(failed_forks) {}

  /// Nothing may unwind into the code of the lead, of which this is a copy.
  [[noreturn]] void work() noexcept {
    listen_to_deaths();
    while (true) {
      reap();
      if (desk_.closing.load(std::memory_order_acquire)) break;
      const bool waiting = start_wanted();
      sleep_on(desk_.calls, Deadline::after(waiting ? kForkPause : kSlice));
      drain(desk_.calls);
    }
    for (Place& place : places_) {
      if (is_alive(place)) ::kill(place.pid, SIGKILL);
    }
    int status = 0;
    while (::waitpid(-1, &status, 0) > 0 || errno == EINTR) {
    }
    ::_exit(0);
  }

 private:
  static bool is_alive(const Place& place) { return place.ended < place.started; }

  void listen_to_deaths() {
    calls_of_this_process = &desk_.calls;
    struct sigaction on_death {};
    on_death.sa_handler = [](int) {
      const int kept = errno;
      ::sem_post(calls_of_this_process);
      errno = kept;
    };
    ::sigaction(SIGCHLD, &on_death, &inherited_action_);
    sigset_t deaths;
    ::sigemptyset(&deaths);
    ::sigaddset(&deaths, SIGCHLD);
    ::sigprocmask(SIG_UNBLOCK, &deaths, &inherited_mask_);
  }

  void reap() {
    bool any = false;
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      for (Place& place : places_) {
        if (!is_alive(place) || place.pid != pid) continue;
        place.status = status;
        place.fork_error = 0;
        place.ended.store(place.started, std::memory_order_release);
        any = true;
      }
    }
    if (any) on_end_();
  }

  /// Whether one that is wanted could not be started yet.
  bool start_wanted() {
    bool waiting = false;
    for (std::size_t i = 0; i < places_.size(); ++i) {
      Place& place = places_[i];
      const std::uint32_t wanted = place.wanted.load(std::memory_order_acquire);
      if (wanted == place.started) continue;
      if (is_alive(place)) {
        ::kill(place.pid, SIGKILL);  // its end will call
        continue;
      }
      if (!start(i, wanted)) waiting = true;
    }
    return waiting;
  }

  /// False when it shall be tried again.
  bool start(std::size_t index, std::uint32_t number) {
    Place& place = places_[index];
    const pid_t nursery = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::sigaction(SIGCHLD, &inherited_action_, nullptr);
      ::sigprocmask(SIG_SETMASK, &inherited_mask_, nullptr);
      live_and_die_with(nursery);
      place.pid = ::getpid();  // it may be at the barrier before the nursery is on its feet again
      body_(static_cast<int>(index), [nursery] { return ::getppid() == nursery; });
      ::_exit(0);  // no destructors: what they would end belongs to the lead
    }
    if (pid > 0) {
      failed_forks_[index] = 0;
      place.pid = pid;
      place.started.store(number, std::memory_order_release);
      return true;
    }
    const int reason = errno;
    if (++failed_forks_[index] < kForkAttempts) return false;
    failed_forks_[index] = 0;
    place.fork_error = reason;
    place.started.store(number, std::memory_order_release);
    place.ended.store(number, std::memory_order_release);
    on_end_();
    return true;
  }

  Desk& desk_;
  std::span<Place> places_;
  const std::function<void(int, const std::function<bool()>&)>& body_;
  const std::function<void()>& on_end_;
  std::span<int> failed_forks_;  // in a row, of each worker
  struct sigaction inherited_action_ {};
  sigset_t inherited_mask_{};
};

Nursery::Nursery(int workers, std::function<void(int, const std::function<bool()>&)> body,
                 std::function<void()> on_end)
    : owner_(::getpid()),
      desk_(1, "the nursery's desk"),
      places_(static_cast<std::size_t>(workers), "the workers' places") {
  make_semaphore(desk_[0].calls);
  std::vector<int> failed_forks(static_cast<std::size_t>(workers));
  pid_ = ::fork();
  if (pid_ < 0) throw IoError(fmt::format("cannot start the workers: {}", std::strerror(errno)));
  if (pid_ > 0) return;
  live_and_die_with(owner_);
  Attendant(*this, body, on_end, failed_forks).work();
}

Nursery::~Nursery() {
  end(Deadline::after(Milliseconds{0}));
}

void Nursery::replace(int worker) {
  places_[static_cast<std::size_t>(worker)].wanted.fetch_add(1, std::memory_order_release);
  ::sem_post(&desk_[0].calls);
}

bool Nursery::is_starting(int worker) const {
  const Place& place = places_[static_cast<std::size_t>(worker)];
  return place.started.load(std::memory_order_acquire) != place.wanted.load(std::memory_order_relaxed);
}

std::optional<std::string> Nursery::ended(int worker) const {
  const Place& place = places_[static_cast<std::size_t>(worker)];
  if (place.ended.load(std::memory_order_acquire) != place.wanted.load(std::memory_order_relaxed)) return {};
  if (place.fork_error != 0) {
    return fmt::format("could not be started: {}", std::strerror(place.fork_error));
  }
  return ending_of(place.status);
}

int Nursery::pid(int worker) const {
  return places_[static_cast<std::size_t>(worker)].pid;
}

bool Nursery::gone() {
  if (pid_ <= 0) return true;
  int status = 0;
  const pid_t found = ::waitpid(pid_, &status, WNOHANG);
  // A program that ignores SIGCHLD has no children to wait for once they are gone.
  if (found != pid_ && !(found < 0 && errno == ECHILD)) return false;
  if (found == pid_) status_ = status;
  late_pid_ = std::exchange(pid_, -1);
  return true;
}

std::optional<std::string> Nursery::broken() {
  if (!gone()) return std::nullopt;
  return fmt::format("the process that starts the workers (pid {}) {}", late_pid_,
                     status_ ? ending_of(*status_) : "has ended");
}

bool Nursery::any_alive() const {
  for (const Place& place : places_.span()) {
    if (place.ended.load() < place.started.load()) return true;
  }
  return false;
}

void Nursery::end(Deadline deadline) {
  if (::getpid() != owner_) return;  // a copy in a process that somebody forked
  while (!gone() && any_alive() && !deadline.passed()) std::this_thread::sleep_for(Milliseconds{2});
  desk_[0].closing.store(true, std::memory_order_release);
  ::sem_post(&desk_[0].calls);
  const Deadline patience = Deadline::after(kEndTimeout);
  while (!gone() && !patience.passed()) std::this_thread::sleep_for(Milliseconds{1});
  if (gone()) return;
  ::kill(pid_, SIGKILL);
  while (!gone()) std::this_thread::sleep_for(Milliseconds{1});
}

std::string ending_of(int status) {
  if (WIFSIGNALED(status)) {
    return fmt::format("was killed by signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)));
  }
  return fmt::format("ended with exit code {}", WEXITSTATUS(status));
}

void live_and_die_with(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);  // it ended between the fork and here
  ::signal(SIGINT, SIG_IGN);
  ::signal(SIGTERM, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
}

}  // namespace genkidama
