#pragma once

/// @file
/// What learners that learn from a replay buffer have in common. Derive from it to bring an off-policy
/// algorithm of your own.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/core/random.h"
#include "genkidama/ipc/replay_sampler.h"
#include "genkidama/rl/hyperparameters.h"
#include "genkidama/rl/learner.h"

namespace GENKIDAMA_EXPORT genkidama {

/// After each step of its worker it takes the optimizer steps that are due by Hyperparameters::replay_ratio,
/// each on minibatch_size transitions of n_step steps, drawn from the worker's own share or from those of all
/// workers. Derived classes compute the gradient of a minibatch.
///
/// How many steps are due follows from how many the worker has ever stored, and all that is random from the
/// round's generator. So a resumed run goes on as the uninterrupted one, as far as the state holds the
/// buffer's rows. Steps that were played before learning starts are never made up for.
class ReplayLearner : public Learner {
 public:
  /// What the context refers to outlives the learner. Without a replay buffer learn_segment() throws.
  ReplayLearner(const Hyperparameters& hyperparameters, const LearnerContext& context);

  /// One: optimizer steps come between environment steps.
  std::size_t segment_steps() const final { return 1; }
  /// A derived class that overrides it calls this one too.
  void begin_round(const Random& random) override;
  /// Throws ArgumentError without a replay buffer, and WorkerError when an error or the gradient is not
  /// finite.
  void learn_segment(const Segment& segment) final;
  /// Optimizer steps that the latest learn_segment() has taken.
  std::uint64_t steps_of_segment() const { return steps_of_segment_; }
  /// Takes an optimizer step on transitions that come from elsewhere than the buffer, with the environment's
  /// own rewards, which are scaled here. Priorities stay as they are. `errors` receives what they would
  /// follow from. Throws as learn_segment() does.
  void learn_batch(ReplayBatch& batch, std::vector<float>& errors);
  /// The priority of a row with this error: (|error| + 1e-3)^exponent. Throws WorkerError unless it is
  /// finite.
  float priority_of(float error) const;
  /// Does nothing: everything is learnt already.
  void learn_round(Random& random) final { static_cast<void>(random); }

 protected:
  /// Fills LocalNetwork::gradient() for one optimizer step from `batch`, whose rewards are scaled, and
  /// `errors` [n] with what priorities follow from, whatever their sign. Each row's part of the loss is to be
  /// multiplied by its weight. What is returned is reported, but for the gradient's norm.
  virtual LearningStatistics compute(const ReplayBatch& batch, std::span<float> errors, Random& random) = 0;

  /// Draws what an optimizer step learns from, fills LocalNetwork::gradient(), and writes priorities where
  /// rows have some. The default draws transitions and calls compute(). Override it to learn from something
  /// else, such as sequences of steps. Throws WorkerError when an error is not finite.
  virtual LearningStatistics learn_minibatch(ReplaySampler& sampler, Random& random);
  /// What rows are drawn by priority with, at present: Hyperparameters::importance_exponent on its way to 1.
  /// Nothing where they are drawn uniformly.
  std::optional<double> importance_exponent() const;

  /// Called after each optimizer step, when the network has the newest weights: a target network follows
  /// here. `steps` are those of the whole machine. The default does nothing.
  virtual void after_step(std::uint64_t steps) { static_cast<void>(steps); }

  /// The number of the present optimizer step among those of this worker, from 0. A resumed run goes on
  /// counting. Steps that were not due yet when learning started are counted too.
  std::uint64_t own_step() const { return own_step_; }
  /// The constants of learning.
  const Hyperparameters& hyperparameters() const { return hyperparameters_; }
  /// What the learner works with.
  const LearnerContext& context() const { return context_; }

 private:
  std::uint64_t steps_due(std::uint64_t stored) const;
  bool has_enough() const;
  void take_step();
  LearningStatistics compute_scaled(ReplayBatch& batch, std::vector<float>& errors);
  void apply(LearningStatistics statistics);

  const Hyperparameters hyperparameters_;
  LearnerContext context_;
  std::optional<ReplaySampler> sampler_;  ///< nothing without a replay buffer
  Random random_;
  std::uint64_t seen_ = 0;  ///< of the steps that the worker has stored
  std::uint64_t own_step_ = 0;
  std::uint64_t steps_of_segment_ = 0;
  ReplayBatch batch_;
  std::vector<float> errors_;
};

}  // namespace genkidama
