#pragma once

/// @file
/// A sweep on the terminal.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/terminal/live_line.h"
#include "genkidama/run/sweep.h"

namespace genkidama::cli {

/// Messages about its runs and a live line.
class SweepDisplay : public run::SweepObserver {
 public:
  /// Tells of a search how far it trains.
  explicit SweepDisplay(const run::SweepOptions& options);

  void on_start(const run::SweepProgress& progress) override;
  void on_run_start(const run::SweepRun& run) override;
  void on_run_end(const run::SweepRun& run, double seconds, std::optional<double> final_mean,
                  const run::SweepProgress& progress) override;
  void on_wait(const run::SweepProgress& progress) override;

  /// Takes the live line away and tells what the sweep has come to.
  void close(const run::SweepSummary& summary);

 private:
  std::size_t settings_;
  std::vector<std::uint64_t> rungs_;  // of successive halving
  double needed_ = 1;                 // settings of which one comes to the last rung
  LiveLine line_;
};

}  // namespace genkidama::cli
