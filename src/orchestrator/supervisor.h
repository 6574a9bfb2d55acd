#pragma once

// Looks after the workers while the lead waits for them: replaces those that die or hang, until too many
// have.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/core/clock.h"
#include "orchestrator/silence_limit.h"
#include "orchestrator/worker_group.h"
#include "rl/shared_training.h"

namespace genkidama {

struct SupervisorLimits {
  Milliseconds silence{600'000};      ///< the most that a worker may be silent (SilenceLimit)
  Milliseconds construction{30'000};  ///< what the first making of an environment or network may take
  int max_crashes_per_minute = 10;    ///< more deaths and hangs than this end the training
};

class Supervisor {
 public:
  /// `environment` is named where it crashes. `threads_at_fork`: of the process that forked the workers.
  Supervisor(SharedTraining& shared, WorkerGroup& workers, const SupervisorLimits& limits,
             std::string environment, int threads_at_fork);

  /// A new order was given.
  void begin();
  /// It was carried out by all.
  void end();

  /// Why the training cannot go on, if it cannot. Never blocks. Ask a few times a second; time in which
  /// nobody asks (the machine slept, the program was stopped) is not held against the workers.
  std::optional<std::string> look();

  std::uint64_t restarts() const { return restarts_; }

 private:
  struct Watched {
    Clock::duration silent{};  ///< since its last sign of life
    std::uint64_t beats = 0;   ///< at its last sign of life
    bool is_new = true;        ///< has not made its environments and network yet
  };

  bool is_starting(int worker) const;
  bool hangs(int worker, Clock::duration passed);
  Clock::duration limit_of(const Watched& watched) const;
  std::optional<std::string> hung(const std::vector<int>& workers);
  /// Counts a crash, and replaces the worker if that is allowed. Whether it is.
  bool replace(int worker, const std::string& what);
  /// Says why it was not allowed.
  std::string final_words(const std::string& what) const;
  std::string name(int worker) const;
  std::string name_with_pid(int worker) const;
  /// " in step() of environment 'Chain'", or nothing.
  std::string place_of_crash(int worker) const;
  WorkerReport& report(int worker) const { return shared_.reports[static_cast<std::size_t>(worker)]; }

  SharedTraining& shared_;
  WorkerGroup& workers_;
  SilenceLimit silence_limit_;
  const Clock::duration construction_limit_;
  const int max_crashes_per_minute_;
  const std::string environment_;
  const int threads_at_fork_;
  bool first_start_ = true;  // until all workers have made what they need once
  std::vector<Watched> watched_;
  std::deque<Clock::time_point> crashes_;  // of the last minute
  std::uint64_t restarts_ = 0;
  Clock::time_point looked_;
};

}  // namespace genkidama
