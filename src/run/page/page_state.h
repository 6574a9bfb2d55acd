#pragma once

/// @file
/// What a live page knows of its run, and what of that a viewer has not been told yet.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/run/live_page.h"
#include "genkidama/run/run_observer.h"
#include "run/page/recorded_history.h"
#include "run/page/run_history.h"

namespace genkidama::run {

/// Changed by the thread of the run, read by that of the sockets.
class PageState {
 public:
  /// What a viewer was told last.
  struct Seen {
    std::uint64_t figures = 0, evaluations = 0, machines = 0, log = 0;
    std::uint64_t updates = 0;     ///< in the curves
    std::uint64_t generation = 0;  ///< of the curves
    std::size_t rows = 0;          ///< of the curves, that will not change any more
    bool curves = false;           ///< any at all
  };

  explicit PageState(LivePageContents contents);

  void begin(const RunInfo& info);
  void update(const UpdateEvent& event);
  void wait(const RunProgress& progress);
  void evaluate(const EvaluationEvent& event);
  void end(const RunSummary& summary);
  /// As json_of() has it; `updates`, if given, are those of a run that tells of none by itself.
  void set_machines(std::string json, std::optional<std::uint64_t> updates);

  bool is_over() const;
  /// What has changed since then as one JSON object, a key for each part; empty when nothing has.
  std::string news(Seen& seen) const;

 private:
  /// The figures of a round that tell whether it learns.
  struct Learning {
    double policy_loss = 0, value_loss = 0, entropy = 0, approximate_kl = 0, learning_rate = 0,
           gradient_norm = 0;
  };

  std::string figures_json() const;
  std::string evaluations_json() const;
  std::string log_json(std::uint64_t after) const;

  const LivePageContents contents_;
  mutable std::mutex mutex_;
  std::string environment_, directory_;
  bool resumed_ = false;
  RunTotals totals_;
  RunProgress progress_;
  double updated_ = 0;  // seconds since 1970; 0 before the first update
  std::optional<Learning> learning_;
  std::optional<std::string> ended_by_;
  RunHistory history_;
  std::vector<EvaluationPoint> evaluation_points_;
  std::shared_ptr<const std::string> machines_json_;
  std::uint64_t figures_ = 0, evaluations_ = 0, machines_ = 0;  // how often they have changed
  std::uint64_t updates_ = 0;                                   // in the history
};

}  // namespace genkidama::run
