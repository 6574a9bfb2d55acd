#pragma once

/// @file
/// A run that learns from what actors on other machines play.

#include <memory>

#include "genkidama/core/export.h"
#include "genkidama/net/parent.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/run/run_observer.h"
#include "genkidama/run/run_options.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// A learner in a run directory. It serves actors as a Parent whose exchange is ExchangeKind::kSegments; the
/// sockets have a thread of their own, and the thread that calls run() lets the trainer learn. An actor is a
/// ChildRun of the same exchange, whose trainer has Learning::kElsewhere.
///
/// An update is one round of all actors. A learner that is killed loses at most what came after its last
/// state; its actors wait for the next process, and play on with the weights of that state.
class LearnerRun {
 public:
  /// Opens the directory, as TrainerRun does. `trainer` has Learning::kGiven; its workers play the
  /// evaluations. Of `parent` the exchange, run_id, epoch, first_update, policy, statistics and the shape of
  /// the segments are ignored: they follow from the directory and the trainer. `segments.round_steps` 0
  /// stands for Hyperparameters::round_steps. Throws as TrainerRun and Parent, and ArgumentError for a
  /// trainer that does not learn from what it is given.
  LearnerRun(CoreOrchestrator& trainer, RunOptions options, ParentOptions parent,
             RunObserver* observer = nullptr);
  ~LearnerRun();
  LearnerRun(const LearnerRun&) = delete;
  LearnerRun& operator=(const LearnerRun&) = delete;

  /// Listens and dials until the run is over, then ends the actors, writes the final files and evaluates. To
  /// be called once, by the thread that may call the trainer. Throws IoError when an address cannot be bound,
  /// Error when learning has diverged, and whatever the trainer throws. summary.json then says what was
  /// wrong.
  RunSummary run();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace run
}  // namespace genkidama
