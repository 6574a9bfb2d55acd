#pragma once

// Looks after the workers while the lead waits for them: replaces those that die or hang, until there are too
// many of them.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/core/clock.h"
#include "orchestrator/patience.h"
#include "orchestrator/worker_group.h"
#include "rl/shared_training.h"

namespace genkidama {

class Supervisor {
 public:
  /// A worker that shows no sign of life for `most_patience`, or less (Patience), hangs. More than
  /// `max_crashes_per_minute` deaths and hangs end the training.
  Supervisor(SharedTraining& shared, WorkerGroup& workers, Milliseconds most_patience,
             int max_crashes_per_minute);

  /// A new order was given.
  void begin();
  /// It was carried out by all.
  void end() { patience_.round_ended(); }

  /// Why the training cannot go on, if it cannot. Never blocks. Ask a few times a second; time in which
  /// nobody asks (the machine slept, the program was stopped) is not held against the workers.
  std::optional<std::string> look();

  std::uint64_t restarts() const { return restarts_; }

 private:
  struct Watched {
    Clock::duration silent{};  ///< since its last sign of life
    std::uint64_t beats = 0;   ///< at its last sign of life
    bool is_new = true;        ///< has shown none yet
  };

  bool hangs(int worker, Clock::duration passed);
  Clock::duration patience_of(const Watched& watched) const;
  std::optional<std::string> hung(const std::vector<int>& workers);
  /// Counts a crash, and replaces the worker if that is allowed. Whether it is.
  bool replace(int worker, const std::string& what);
  /// Says why it was not allowed.
  std::string final_words(const std::string& what) const;
  std::string name(int worker) const;
  std::string name_with_pid(int worker) const;

  SharedTraining& shared_;
  WorkerGroup& workers_;
  Patience patience_;
  const int max_crashes_per_minute_;
  std::vector<Watched> watched_;
  std::deque<Clock::time_point> crashes_;  // of the last minute
  std::uint64_t restarts_ = 0;
  Clock::time_point looked_;
};

}  // namespace genkidama
