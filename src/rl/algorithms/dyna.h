#pragma once

// What dyna_q's learners and helpers do: they learn a world model, imagine with it, and learn Q from both.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "genkidama/core/random.h"
#include "genkidama/rl/behaviour.h"
#include "genkidama/rl/hyperparameters.h"
#include "genkidama/rl/learner.h"
#include "genkidama/rl/replay_learner.h"
#include "rl/model/imagination.h"
#include "rl/model/model_error.h"
#include "rl/model/work_share.h"
#include "rl/model/world_model.h"

namespace genkidama {

/// Adds figures of the model to what is reported of each optimizer step.
class ModelReportingSink final : public GradientSink {
 public:
  explicit ModelReportingSink(GradientSink& sink) : sink_(sink) {}

  void apply(std::span<const float> gradient, const LearningStatistics& statistics) override {
    LearningStatistics all = statistics;
    all.model_error = model_error;
    all.imagined = is_imagined ? 1 : 0;
    sink_.apply(gradient, all);
  }
  void pull(std::span<float> weights) override { sink_.pull(weights); }
  std::uint64_t policy_version() const override { return sink_.policy_version(); }
  double schedule_done() const override { return sink_.schedule_done(); }
  std::uint64_t environment_steps() const override { return sink_.environment_steps(); }
  bool out_of_time() override { return sink_.out_of_time(); }

  double model_error = 0;
  bool is_imagined = false;

 private:
  GradientSink& sink_;
};

/// One worker's or helper's part in Dyna-Q (Sutton 1991), with networks as models.
class Dyna {
 public:
  enum class Part { kWorker, kModeller, kPlanner };

  /// The floats of shared state for a network of `parameters` weights.
  static std::size_t shared_size(const Hyperparameters& hyperparameters, const EnvironmentSpec& environment,
                                 std::size_t parameters);

  Dyna(const Hyperparameters& hyperparameters, const LearnerContext& context, Part part);

  void begin_round(const Random& random);

  /// Looks how well the model predicts new steps, before it learns from them.
  void observe(const Segment& segment);
  /// Learns Q from the replay buffer, as is due after a step. Returns how many optimizer steps that took.
  std::uint64_t learn_real(const Segment& segment);
  /// Allows what may be learnt beside one real optimizer step.
  void allow();
  /// Does a piece of work, if one is left: an optimizer step of each model.
  bool learn_model();
  /// The same for an optimizer step of Q on what the model imagines.
  bool imagine();

 private:
  /// Parts of the floats that all workers share.
  struct Shared {
    std::span<float> learner, error, model_work, planning_work, model;
  };
  static Shared parts_of(const Hyperparameters& hyperparameters, const LearnerContext& context);
  Dyna(const Hyperparameters& hyperparameters, const LearnerContext& context, Part part,
       const Shared& shared);

  bool has_enough() const;
  bool may_imagine() const;
  void draw_starts();
  void choose(std::span<const float> observations, std::span<float> actions);
  void look_at_error(const WorldModel::Errors& errors);
  void write_priorities();

  const Hyperparameters hyperparameters_;
  LearnerContext context_;
  Part part_;
  bool is_alone_;  ///< one worker does everything
  ModelReportingSink sink_;
  std::unique_ptr<Learner> owned_learner_;
  ReplayLearner& learner_;  ///< of Q
  ModelError error_;
  WorkShare model_work_, planning_work_;
  WorldModel model_;
  Imagination imagination_;
  std::unique_ptr<Behaviour> greedy_;
  std::optional<ReplaySampler> sampler_;  ///< of single steps; nothing without a replay buffer
  Random random_;
  ReplayBatch drawn_, imagined_;
  std::vector<float> outputs_, errors_;
};

}  // namespace genkidama
