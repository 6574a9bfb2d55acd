#include "orchestrator/supervisor.h"

#include <fmt/format.h>

#include <algorithm>

#include "genkidama/core/log.h"

namespace genkidama {
namespace {

// Looks come several times a second; what a longer pause has over this, the lead itself was not running.
constexpr Milliseconds kLongestPause{1'000};
constexpr std::chrono::minutes kCrashWindow{1};

}  // namespace

Supervisor::Supervisor(SharedTraining& shared, WorkerGroup& workers, Milliseconds most_patience,
                       int max_crashes_per_minute)
    : shared_(shared),
      workers_(workers),
      patience_(most_patience),
      max_crashes_per_minute_(workers.can_replace() ? max_crashes_per_minute : 0),
      watched_(shared.reports.size()),
      looked_(Clock::now()) {}

void Supervisor::begin() {
  for (Watched& watched : watched_) watched.silent = {};
  looked_ = Clock::now();
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
    const WorkerReport& report = shared_.reports[static_cast<std::size_t>(worker)];
    if (report.failed.load(std::memory_order_acquire)) {
      return fmt::format("{} failed: {}", name(worker), report.error);
    }
    if (ending) {
      const auto what = fmt::format("{} {}", name_with_pid(worker), *ending);
      if (!replace(worker, what)) return final_words(what);
    } else if (hangs(worker, passed)) {
      hanging.push_back(worker);
    }
  }
  return hung(hanging);
}

bool Supervisor::hangs(int worker, Clock::duration passed) {
  Watched& watched = watched_[static_cast<std::size_t>(worker)];
  const auto beats = shared_.reports[static_cast<std::size_t>(worker)].beats.load(std::memory_order_relaxed);
  watched.silent += passed;
  if (beats != watched.beats || shared_.barrier.has_arrived(worker)) {
    if (!watched.is_new) patience_.silence_ended(watched.silent);
    watched = {{}, beats, false};
    return false;
  }
  return watched.silent >= patience_of(watched);
}

Clock::duration Supervisor::patience_of(const Watched& watched) const {
  // A new one makes its environments first, for which the others' steps are no measure.
  return watched.is_new ? patience_.most() : patience_.span();
}

std::optional<std::string> Supervisor::hung(const std::vector<int>& workers) {
  const auto seconds = [this](int worker) {
    const auto span = patience_of(watched_[static_cast<std::size_t>(worker)]);
    return std::chrono::duration<double>(span).count();
  };
  for (const int worker : workers) {
    if (workers_.is_starting(worker)) {
      return fmt::format("{} could not be started within {:g} s", name(worker), seconds(worker));
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
  watched_[static_cast<std::size_t>(worker)] = {
      {}, shared_.reports[static_cast<std::size_t>(worker)].beats.load(std::memory_order_relaxed), true};
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

std::string Supervisor::name(int worker) const {
  return worker_name(worker, static_cast<int>(watched_.size()));
}

}  // namespace genkidama
