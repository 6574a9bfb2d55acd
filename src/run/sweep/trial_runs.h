#pragma once

/// @file
/// The runs of a search's trials: each trial has one for each seed, and is compared by their median.

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "run/sweep/schedule.h"

namespace genkidama::run {

class TrialRuns {
 public:
  /// A trial all of whose runs have ended.
  struct Ended {
    std::size_t trial = 0;
    double median = 0;          ///< of the means
    std::vector<double> means;  ///< of its runs
    std::uint64_t steps = 0;    ///< that its runs have taken in all
  };

  /// Puts the runs behind those that wait.
  void begin(std::size_t trial, const std::vector<DueRun>& runs);
  /// The next run that waits.
  std::optional<DueRun> take();
  bool empty() const { return waiting_.empty(); }
  /// The places of those that wait.
  std::vector<std::size_t> waiting() const;
  /// The trial, when this was its last run. One that has failed does not end. A mean that is missing is no
  /// number.
  std::optional<Ended> on_end(const DueRun& run, const RunOutcome& outcome);
  /// The trial, when nobody has heard of its failure yet. Its other runs do not wait any more.
  std::optional<std::size_t> on_failure(const DueRun& run);
  /// Takes those that wait and have ended already. `ended` gets the trials that have thereby.
  std::size_t take_done(const std::function<std::optional<RunOutcome>(const DueRun&)>& outcome_of,
                        const std::function<void(const DueRun&, const RunOutcome&)>& ended);

 private:
  struct Open {
    std::size_t left = 0;
    bool failed = false;
    std::vector<double> means = {};
    std::uint64_t steps = 0;
  };

  std::deque<DueRun> waiting_;
  std::map<std::size_t, Open> open_;           // by trial
  std::map<std::size_t, std::size_t> trials_;  // by run
};

}  // namespace genkidama::run
