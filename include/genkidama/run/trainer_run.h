#pragma once

/// @file
/// A training run on this machine: rounds of a CoreOrchestrator, and all that a run leaves in its directory.

#include <memory>
#include <optional>
#include <string>

#include "genkidama/core/export.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/params/exchange.h"
#include "genkidama/run/run_observer.h"
#include "genkidama/run/run_options.h"

namespace GENKIDAMA_EXPORT genkidama {

class HostedEnvironments;

namespace run {

/// A run whose loop belongs to the caller:
///
///     CoreOrchestrator trainer(make_cart_pole, preset.network, trainer_options);
///     run::TrainerRun run(trainer, {.directory = "runs/mine", .resume = run::Resume::kIfPossible});
///     while (run.advance()) show(run.totals());
///     const run::RunSummary summary = run.finish();
///
/// The directory then holds metrics, checkpoints, evaluations and a summary. A
/// process that is killed loses at most what came after the last state; the next one, with
/// Resume::kIfPossible or kRequired, goes on from there. With one worker it then makes the same weights, bit
/// for bit, as if nothing had happened.
///
/// One process at a time works in a directory, which stays locked until the object is gone. The object is
/// used by one thread at a time, which is the one that may call the trainer.
class TrainerRun {
 public:
  /// Opens the directory and, when a run is resumed, puts its state into the trainer. `trainer` and
  /// `observer` must outlive the object; nullptr: nobody is told. Throws ArgumentError when an option is out
  /// of range, when the directory cannot be used as RunOptions::resume asks, when another process works in
  /// it, or when its state is of another network; IoError when files cannot be written.
  ///
  /// `exchange` joins the trainer to others; it must outlive the object, and nullptr lets it train alone. It
  /// begins with the first advance(), is asked after each round, and finishes in finish(). A round's metrics
  /// then have the columns "averaged" and "waited_seconds" too, and the run ends when Exchange::over() says
  /// so. Targets and evaluations are of this machine's weights after the exchange.
  ///
  /// `environments` are those of the trainer when hosts step them: metrics and summary.json then tell of
  /// hosts too. They must outlive the object; nullptr: the trainer has its own.
  TrainerRun(CoreOrchestrator& trainer, RunOptions options, RunObserver* observer = nullptr,
             Exchange* exchange = nullptr, const HostedEnvironments* environments = nullptr);
  ~TrainerRun();
  TrainerRun(const TrainerRun&) = delete;
  TrainerRun& operator=(const TrainerRun&) = delete;

  /// Plays and learns a round, and takes note of it: metrics, the policy's average, evaluations, checkpoints.
  /// Returns false, without a round, once the run is over. When the trainer throws StoppedError the run is
  /// over too, and ends as what it was before the round that was given up.
  ///
  /// Throws Error when learning has diverged, and whatever the trainer throws; summary.json then says so, and
  /// the checkpoints stay as they are. Afterwards the run is over and cannot be finished.
  bool advance();

  /// Counts of the run so far.
  const RunTotals& totals() const;
  /// Why the run is over, as RunSummary::ended_by; empty while it goes on.
  const std::optional<std::string>& ended_by() const;

  /// Writes the final weights and the state, evaluates the final policy and writes summary.json. To be called
  /// once, after the last advance(); a run that is not over yet ends by "caller" and can be resumed. The
  /// trainer has the final weights of learning afterwards. Throws what the evaluation throws.
  RunSummary finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// A whole run in one call: advance() until the run is over, then finish(). `options` must hold an end, or an
/// end_reason. Throws as TrainerRun does, and ArgumentError for options without an end.
RunSummary train(CoreOrchestrator& trainer, RunOptions options, RunObserver* observer = nullptr);

}  // namespace run
}  // namespace genkidama
