#pragma once

// What every way of sharing gradients has in common: a worker's report and the counters of the machine.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/nn/shared_optimizer.h"
#include "genkidama/rl/gradient_sink.h"
#include "genkidama/rl/hyperparameters.h"
#include "rl/shared_training.h"

namespace genkidama {

/// Counts optimizer steps, follows the learning rate's schedule, and writes the worker's report. Derived
/// classes say what becomes of a gradient.
class WorkerSink : public GradientSink {
 public:
  WorkerSink(const Hyperparameters& hyperparameters, SharedTraining& shared, int index);

  void apply(std::span<const float> gradient, const LearningStatistics& statistics) final;
  void pull(std::span<float> weights) final;
  std::uint64_t policy_version() const final { return policy_version_; }
  double schedule_done() const final;
  std::uint64_t environment_steps() const final;
  bool out_of_time() final;

  /// Forgets what was reported about the round before. The worker pulls afterwards.
  void begin_round();
  /// The round's last gradient was applied: whatever this worker still has is shared.
  virtual void end_round() {}

  /// Whether the lead wants the present round to end now, in the middle of its episodes.
  bool is_round_cut() const { return shared_.counters[0].cut_round.load(std::memory_order_relaxed); }
  /// Tells the lead what this worker does next.
  void set_activity(WorkerActivity activity) { report_.activity.store(activity, std::memory_order_relaxed); }
  /// Steps that are about to be learnt from: the schedules run over them.
  void count_environment_steps(std::uint64_t steps);
  /// The weights that this worker plays with have seen the optimizer steps up to now.
  void note_policy_version();
  /// Tells the lead that this worker is alive: after every environment step and every gradient.
  void show_life();

  /// What this worker reports; the episodes and environment steps in it are the worker's to write.
  WorkerReport& report() { return report_; }

 protected:
  /// Forgets what belonged to the round before.
  virtual void start_round() {}
  /// Takes one optimizer step; `step` counts those of all workers and includes this one.
  virtual void take_step(std::span<const float> gradient, std::uint64_t step, double learning_rate) = 0;
  /// Overwrites `weights` with those that the worker computes its next gradient with.
  virtual void copy_weights(std::span<float> weights) = 0;
  /// Copies the shared weights.
  void load_shared(std::span<float> weights);

  SharedTraining& shared() { return shared_; }

 private:
  /// The gradient with that of the proximal term.
  std::span<const float> with_proximal_term(std::span<const float> gradient);

  const Hyperparameters hyperparameters_;
  SharedTraining& shared_;
  WorkerReport& report_;
  LossWatch& losses_;
  std::uint64_t policy_version_ = 0;
  std::optional<Clock::time_point> cut_seen_;
  // Empty unless there is a proximal term.
  std::vector<float> pulled_;  ///< the weights that gradients are computed with
  std::vector<float> held_;    ///< a gradient with the term's
};

/// The sink that hyperparameters.sharing names, of worker `index`.
std::unique_ptr<WorkerSink> make_worker_sink(const Hyperparameters& hyperparameters,
                                             std::unique_ptr<SharedOptimizer> optimizer,
                                             SharedTraining& shared, int index);

}  // namespace genkidama
