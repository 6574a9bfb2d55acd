#pragma once

/// @file
/// How far a run is, for the person who watches it: on standard error.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/terminal/live_line.h"
#include "genkidama/core/clock.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/run/run_observer.h"

namespace genkidama::cli {

/// One live line on a terminal, a plain line every few seconds elsewhere. Used by one thread; messages logged
/// by other threads go above the live line.
class Progress {
 public:
  /// Starts where the run stands, so that rates and the time left are those of this process.
  explicit Progress(const run::RunProgress& start);

  /// Whether it is time for show(); costs one look at the clock.
  bool due() const { return line_.due(); }
  /// `round`: how far the round or the evaluation has come that goes on since `state`.
  void show(const run::RunProgress& state, const std::optional<RoundProgress>& round = {});

 private:
  std::vector<LinePart> line_of(const run::RunProgress& state, const std::optional<RoundProgress>& round,
                                std::uint64_t played) const;

  LiveLine line_;
  run::RunProgress start_;
  std::uint64_t last_played_;  // environment steps, those of the round that went on included
  Clock::time_point started_ = Clock::now();
};

}  // namespace genkidama::cli
