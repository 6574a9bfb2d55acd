#pragma once

/// @file
/// A Parent's run: merging goes on by itself, and this keeps the run's files and evaluates.

#include <memory>
#include <optional>

#include "genkidama/core/export.h"
#include "genkidama/net/parent.h"
#include "genkidama/net/upper_parent.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/run/run_observer.h"
#include "genkidama/run/run_options.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// A Parent in a run directory. Its identity (ParentOptions::run_id) stays the same for the whole run, and
/// its epoch counts its processes: both are on the disk before anybody can connect, so Children tell a Parent
/// that was started again from another run, and nothing that was meant for an earlier process is taken for
/// this one's.
///
/// Merging has a thread of its own, which never waits for a file or an evaluation.
class ParentRun {
 public:
  /// Opens the directory, as TrainerRun does. `evaluator` describes the network, brings the first weights and
  /// plays the evaluations; it is never trained. A run without any evaluation needs no workers
  /// (OrchestratorOptions::describe_only). The options' run_id, epoch, first_update, policy and
  /// statistics are ignored: they follow from the directory and the evaluator. Throws as TrainerRun and
  /// Parent.
  ///
  /// `upper`: the Parent is a Child of another one, as UpperParent has it; then it throws what UpperParent
  /// throws, too. A resumed run goes on with its session at the upper Parent when its state is at most two
  /// minutes old; UpperParentOptions::link.resume is ignored. The run ends when the upper Parent ends its
  /// own.
  ParentRun(CoreOrchestrator& evaluator, RunOptions options, ParentOptions parent,
            RunObserver* observer = nullptr, std::optional<UpperParentOptions> upper = std::nullopt);
  ~ParentRun();
  ParentRun(const ParentRun&) = delete;
  ParentRun& operator=(const ParentRun&) = delete;

  /// Listens and dials until the run is over, then ends the Children, writes the final files and evaluates.
  /// To be called once, by the thread that may call the evaluator. Throws IoError when an address cannot be
  /// bound, and when no upper Parent was joined; Error when learning has diverged or the merge rule failed,
  /// after what came before was kept; and whatever the evaluator throws. summary.json then says what was
  /// wrong.
  RunSummary run();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace run
}  // namespace genkidama
