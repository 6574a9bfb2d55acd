#pragma once

/// @file
/// How far a run is, for the person who watches it: on standard error.

#include <cstdint>
#include <optional>
#include <string>

#include "cli/terminal/live_line.h"
#include "genkidama/core/clock.h"

namespace genkidama::cli {

struct ProgressState {
  std::uint64_t updates = 0;
  std::uint64_t environment_steps = 0;
  std::optional<double> mean_return;    ///< of the latest episodes
  std::optional<double> done;           ///< share of the run, in [0, 1]; nothing when it has no end
  std::optional<std::size_t> children;  ///< connected to a Parent
};

/// One live line on a terminal, a plain line every few seconds elsewhere. Used by one thread; messages logged
/// by other threads go above the live line.
class Progress {
 public:
  /// Starts where the run stands, so that rates and the time left are those of this process.
  explicit Progress(const ProgressState& start);

  /// Whether it is time for show(); costs one look at the clock.
  bool due() const { return line_.due(); }
  void show(const ProgressState& state);

 private:
  std::string line_of(const ProgressState& state);

  LiveLine line_;
  ProgressState start_;
  ProgressState last_;
  Clock::time_point started_ = Clock::now();
};

/// "1h02m", "3m20s", "12s".
std::string duration_text(double seconds);

}  // namespace genkidama::cli
