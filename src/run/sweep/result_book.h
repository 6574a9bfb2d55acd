#pragma once

/// @file
/// What the runs of a sweep have come to so far.

#include <optional>
#include <string>
#include <vector>

#include "genkidama/run/sweep.h"
#include "run/sweep/results.h"
#include "run/sweep/run_list.h"

namespace genkidama::run {

class ResultBook {
 public:
  /// Both must outlive it.
  ResultBook(const SweepOptions& options, const RunList& runs) : options_(options), runs_(runs) {}

  /// Reads the files of a run that has ended.
  void keep(std::size_t run);
  bool has(std::size_t run) const { return run < results_.size() && results_[run].has_value(); }
  /// Of a run that it has.
  const RunResult& of(std::size_t run) const { return *results_[run]; }

  /// The tables in the sweep's directory. Throws IoError.
  void write() const;
  std::vector<SettingStatistics> settings() const;
  /// How long each run's training took.
  std::vector<double> wall_seconds() const;

 private:
  std::vector<RunResult> all() const;
  /// The values of the options that vary.
  std::vector<std::string> values_of(const SweepRun& run, const std::vector<std::string>& varied) const;

  const SweepOptions& options_;
  const RunList& runs_;
  std::vector<std::optional<RunResult>> results_;  // as runs_
};

}  // namespace genkidama::run
