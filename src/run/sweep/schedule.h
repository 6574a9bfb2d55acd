#pragma once

/// @file
/// What decides which run of a sweep is started next.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/run/sweep.h"

namespace genkidama::run {

/// A run that is to be trained and evaluated.
struct DueRun {
  std::size_t run = 0;                          ///< its place in the list of runs
  std::optional<std::uint64_t> max_steps = {};  ///< SweepRun::max_steps
};

/// What became of it.
struct RunOutcome {
  std::optional<double> final_mean;  ///< nothing without an evaluation
  std::uint64_t steps = 0;           ///< environment steps that it has taken in all
};

/// Used by one thread, which calls on_end() or on_failure() once for every run that next() gave, unless the
/// sweep is stopped.
class SweepSchedule {
 public:
  virtual ~SweepSchedule() = default;

  /// Called once, before anything else: which of the runs that are due have been done by an earlier call?
  /// `outcome_of` tells, and those are not due any more. Returns how many there were.
  virtual std::size_t take_done(
      const std::function<std::optional<RunOutcome>(const DueRun&)>& outcome_of) = 0;
  /// The next run to start. Nothing: none is due now.
  virtual std::optional<DueRun> next() = 0;
  /// Whether nothing will be due any more, unless because of a run that is at work.
  virtual bool is_over() const = 0;
  virtual void on_end(const DueRun& run, const RunOutcome& outcome) = 0;
  virtual void on_failure(const DueRun& run, const std::string& what) = 0;
  /// Nothing is at work any more, or the sweep was stopped.
  virtual void finish(bool /*stopped*/) {}

  /// All that this call is asked for, as far as known, those that are done included.
  virtual std::size_t due() const = 0;
  /// The runs that wait for their turn, as far as known.
  virtual std::vector<std::size_t> waiting() const = 0;
  /// The steps that the sweep will take in all, where runs go on from rung to rung.
  virtual std::optional<std::uint64_t> expected_steps() const { return {}; }
  /// Adds what it knows of the settings.
  virtual void describe(SweepSummary&) const {}
};

}  // namespace genkidama::run
