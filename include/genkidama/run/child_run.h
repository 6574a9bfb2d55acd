#pragma once

/// @file
/// A Child's run: it trains on this machine, exchanges with a Parent, and keeps its files and its session.

#include <memory>

#include "genkidama/core/export.h"
#include "genkidama/net/child.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/run/run_observer.h"
#include "genkidama/run/run_options.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// A Child in a run directory. A process that was gone for at most two minutes goes on with its session: the
/// Parent merges nothing twice, and the Child keeps its own weights. After a longer time the Child takes its
/// Parent's weights, because a merge of its old ones would set all others back.
///
/// **Threads.** The constructor belongs to the time before the program has threads, like the trainer's; run()
/// may then be called by any one thread of a program that does other things meanwhile.
class ChildRun {
 public:
  /// Opens the directory, as TrainerRun does. ChildOptions::resume is ignored: the run's own state says with
  /// what session it goes on. Throws as TrainerRun.
  ChildRun(CoreOrchestrator& trainer, RunOptions options, ChildOptions child,
           RunObserver* observer = nullptr);
  ~ChildRun();
  ChildRun(const ChildRun&) = delete;
  ChildRun& operator=(const ChildRun&) = delete;

  /// Makes a Child of the options and trains until the Parent ends the run, a limit of RunOptions is reached,
  /// or somebody asks for the end. Then it leaves the Parent, writes the final files and evaluates. To be
  /// called once. Throws as TrainerRun::advance(), Child's constructor and Child::run(); summary.json then
  /// says what was wrong.
  ///
  /// RunOptions::end_reason is also asked by a thread of this object, several times a second, so that the
  /// wait for a Parent ends too.
  RunSummary run();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace run
}  // namespace genkidama
