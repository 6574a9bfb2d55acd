#include "orchestrator/supervisor.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "genkidama/core/cores.h"
#include "genkidama/core/log.h"
#include "orchestrator/fork_rule.h"

namespace genkidama {
namespace {

// Looks come several times a second; what a longer pause has over this, the lead itself was not running.
constexpr Milliseconds kLongestPause{1'000};
constexpr std::chrono::minutes kCrashWindow{1};

/// Workers that share a core take each other's time.
Clock::duration construction_limit(Milliseconds of_one, std::size_t workers) {
  const auto cores = static_cast<std::size_t>(usable_cores());
  return of_one * static_cast<std::int64_t>((workers + cores - 1) / cores);
}

}  // namespace

Supervisor::Supervisor(SharedTraining& shared, WorkerGroup& workers, const SupervisorLimits& limits,
                       std::string environment, int threads_at_fork)
    : shared_(shared),
      workers_(workers),
      silence_limit_(limits.silence),
      construction_limit_(construction_limit(limits.construction, shared.reports.size())),
      max_crashes_per_minute_(workers.can_replace() ? limits.max_crashes_per_minute : 0),
      environment_(std::move(environment)),
      threads_at_fork_(threads_at_fork),
      watched_(shared.reports.size()),
      looked_(Clock::now()) {}

void Supervisor::begin() {
  for (Watched& watched : watched_) watched.silent = {};
  looked_ = Clock::now();
}

void Supervisor::end() {
  silence_limit_.round_ended();
  first_start_ = false;
}

std::optional<std::string> Supervisor::look() {
  if (auto reason = workers_.broken()) return reason;
  const auto now = Clock::now();
  const auto passed = std::min<Clock::duration>(now - looked_, kLongestPause);
  looked_ = now;
  std::vector<int> hanging;
  for (int worker = 0; worker < static_cast<int>(watched_.size()); ++worker) {
    // Asked first: a worker writes down its failure before it ends.
    const auto ending = workers_.ended(worker);
    if (report(worker).failed.load(std::memory_order_acquire)) {
      return fmt::format("{} failed: {}", name(worker), report(worker).error);
    }
    if (ending) {
      const auto what = fmt::format("{} {}{}", name_with_pid(worker), ending->text,
                                    ending->crashed ? place_of_crash(worker) : "");
      if (!replace(worker, what)) return final_words(what);
    } else if (hangs(worker, passed)) {
      hanging.push_back(worker);
    }
  }
  return hung(hanging);
}

bool Supervisor::is_starting(int worker) const {
  const auto activity = report(worker).activity.load(std::memory_order_relaxed);
  return activity == WorkerActivity::kStarting || activity == WorkerActivity::kMakingEnvironment ||
         activity == WorkerActivity::kMakingNetwork;
}

bool Supervisor::hangs(int worker, Clock::duration passed) {
  Watched& watched = watched_[static_cast<std::size_t>(worker)];
  const auto beats = report(worker).beats.get();
  watched.silent += passed;
  if (beats != watched.beats || shared_.barrier.has_arrived(worker)) {
    if (!watched.is_new) silence_limit_.silence_ended(watched.silent);
    watched = {{}, beats, is_starting(worker)};
    return false;
  }
  return watched.silent >= limit_of(watched);
}

Clock::duration Supervisor::limit_of(const Watched& watched) const {
  // A new worker makes its environments and its network first, for which the others' steps are no measure.
  if (!watched.is_new) return silence_limit_.current();
  return first_start_ ? construction_limit_ : silence_limit_.maximum();
}

std::optional<std::string> Supervisor::hung(const std::vector<int>& workers) {
  const auto limit = [this](int worker) { return limit_of(watched_[static_cast<std::size_t>(worker)]); };
  const auto seconds = [&](int worker) { return std::chrono::duration<double>(limit(worker)).count(); };
  for (const int worker : workers) {
    if (workers_.is_starting(worker)) {
      return fmt::format("{} could not be started within {:g} s", name(worker), seconds(worker));
    }
  }
  if (first_start_) {
    for (const int worker : workers) {
      if (!watched_[static_cast<std::size_t>(worker)].is_new) continue;
      return late_construction(name(worker) + " did not make its environments and its network", limit(worker),
                               threads_at_fork_);
    }
  }
  bool replaced = true;
  std::string names, what;
  for (const int worker : workers) {
    what = fmt::format(
        "hung: no environment step and no gradient for {:g} s (a larger worker timeout allows longer ones)",
        seconds(worker));
    replaced = replaced && replace(worker, fmt::format("{} {}", name_with_pid(worker), what));
    names += (names.empty() ? "" : ", ") + name(worker);
  }
  if (replaced) return std::nullopt;
  return final_words(names + " " + what);
}

bool Supervisor::replace(int worker, const std::string& what) {
  const auto now = Clock::now();
  while (!crashes_.empty() && now - crashes_.front() > kCrashWindow) crashes_.pop_front();
  crashes_.push_back(now);
  if (crashes_.size() > static_cast<std::size_t>(max_crashes_per_minute_)) return false;
  log(LogLevel::kWarning, "{}; started again", what);
  ++restarts_;
  report(worker).activity.store(WorkerActivity::kStarting, std::memory_order_relaxed);
  watched_[static_cast<std::size_t>(worker)] = {{}, report(worker).beats.get(), true};
  workers_.replace(worker);
  return true;
}

std::string Supervisor::final_words(const std::string& what) const {
  if (max_crashes_per_minute_ == 0) return what;
  return fmt::format("{}; {} workers died or hung within a minute, and {} are allowed", what, crashes_.size(),
                     max_crashes_per_minute_);
}

std::string Supervisor::name_with_pid(int worker) const {
  return fmt::format("{} (pid {})", name(worker), workers_.pids()[static_cast<std::size_t>(worker)]);
}

std::string Supervisor::place_of_crash(int worker) const {
  switch (report(worker).activity.load(std::memory_order_relaxed)) {
    case WorkerActivity::kMakingEnvironment:
      return fmt::format(" while it made environment '{}'", environment_);
    case WorkerActivity::kMakingNetwork:
      return " while it made the network";
    case WorkerActivity::kResetting:
      return fmt::format(" in reset() of environment '{}'", environment_);
    case WorkerActivity::kStepping:
      return fmt::format(" in step() of environment '{}'", environment_);
    case WorkerActivity::kStarting:
    case WorkerActivity::kOther:
      break;
  }
  return {};
}

std::string Supervisor::name(int worker) const {
  if (shared_.is_helper(worker))
    return fmt::format("helper {} of {}", worker - shared_.workers + 1, shared_.helpers);
  if (const int number = shared_.number_of_predictor(worker); number >= 0)
    return fmt::format("predictor {} of {}", number + 1, shared_.predictors);
  if (!shared_.is_server(worker)) return worker_name(worker, shared_.workers);
  if (shared_.segments) return "the learner";
  if (shared_.gradient_servers == 1) return "the gradient server";
  return fmt::format("gradient server {} of {}", worker - shared_.learners() + 1, shared_.gradient_servers);
}

}  // namespace genkidama
