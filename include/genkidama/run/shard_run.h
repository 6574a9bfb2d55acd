#pragma once

/// @file
/// A shard's run: gradients are applied by themselves, and this keeps the shard's files.

#include <memory>

#include "genkidama/core/export.h"
#include "genkidama/net/shard.h"
#include "genkidama/nn/shared_optimizer.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/run/run_observer.h"
#include "genkidama/run/run_options.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// Which shard it is.
struct ShardRunOptions {
  ShardOptions shard;          ///< its slice needs only `number` and `count`
  OptimizerFactory optimizer;  ///< empty: make_shared_optimizer
  /// The least seconds between two rows of metrics.csv, above 0; in a run of more than a thousand times that
  /// long rows are a thousandth of its age apart.
  double metrics_seconds = 10;
};

/// A shard in a run directory: config.json, metrics.csv, state.safetensors (the slice, its optimizer's state
/// and counts, written when it begins, at least every RunOptions::checkpoint_seconds while something is
/// learnt, and at its end; the state before it is kept) and summary.json. It has no end of its own but
/// RunOptions::updates, which counts optimizer steps, and end_reason. The first weights are the network's
/// own, those that its task, options and seed give, or those of RunOptions::init_from, so no learner has to
/// bring them.
class ShardRun {
 public:
  /// Opens the directory. `described` says what the network is and brings its first weights; it is never
  /// trained (OrchestratorOptions::describe_only), and its hyperparameters name the optimizer and
  /// max_gradient_age. Options of a ShardOptions that follow from it or from the directory are ignored:
  /// run_id, policy, optimizer, max_gradient_age, and the slice's borders. Throws as TrainerRun and Shard,
  /// and ArgumentError for a run that goes on with another slice.
  ShardRun(CoreOrchestrator& described, RunOptions options, ShardRunOptions shard,
           RunObserver* observer = nullptr);
  ~ShardRun();
  ShardRun(const ShardRun&) = delete;
  ShardRun& operator=(const ShardRun&) = delete;

  /// Listens until the run is over, and writes the last state. To be called once. Throws IoError when an
  /// address cannot be bound, and Error when the slice is spoilt; the last sound state stays then.
  RunSummary run();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace run
}  // namespace genkidama
