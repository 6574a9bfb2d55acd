#pragma once

// The gradient sink of Hogwild!: every worker steps the shared weights itself, without a lock.

#include <memory>
#include <optional>

#include "genkidama/core/clock.h"
#include "genkidama/nn/shared_optimizer.h"
#include "genkidama/rl/gradient_sink.h"
#include "genkidama/rl/hyperparameters.h"
#include "rl/shared_training.h"

namespace genkidama {

/// Owns a worker's optimizer and writes the shared counters and the worker's report.
class HogwildSink final : public GradientSink {
 public:
  HogwildSink(const Hyperparameters& hyperparameters, std::unique_ptr<SharedOptimizer> optimizer,
              SharedTraining& shared, int index);

  void apply(std::span<const float> gradient, const LearningStatistics& statistics) override;
  void pull(std::span<float> weights) override;
  std::uint64_t policy_version() const override { return policy_version_; }

  double schedule_done() const override;
  bool out_of_time() override;

  /// Forgets what was reported about the round before.
  void begin_round();
  /// Whether the lead wants the present round to end now, in the middle of its episodes.
  bool is_round_cut() const { return shared_.counters[0].cut_round.load(std::memory_order_relaxed); }
  /// Tells the lead what this worker does next.
  void set_activity(WorkerActivity activity) { report_.activity.store(activity, std::memory_order_relaxed); }
  /// Steps that are about to be learnt from: the learning rate's schedule runs over them.
  void count_environment_steps(std::uint64_t steps);
  /// Tells the lead that this worker is alive: after every environment step and every gradient.
  void show_life();

  /// What this worker reports; the episodes and environment steps in it are the worker's to write.
  WorkerReport& report() { return report_; }

 private:
  const Hyperparameters hyperparameters_;
  std::unique_ptr<SharedOptimizer> optimizer_;
  SharedTraining& shared_;
  WorkerReport& report_;
  std::uint64_t policy_version_ = 0;
  std::optional<Clock::time_point> cut_seen_;
};

}  // namespace genkidama
