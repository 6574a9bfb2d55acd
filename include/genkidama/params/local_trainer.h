#pragma once

/// @file
/// The interface between a Child and the trainer of its machine: weights in, weights out. `net` and
/// `orchestrator` meet here and never include each other.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/export.h"
#include "genkidama/params/optimizer_moments.h"
#include "genkidama/params/parameter_layout.h"
#include "genkidama/params/played.h"
#include "genkidama/params/policy_description.h"
#include "genkidama/params/running_statistics.h"
#include "genkidama/params/segment.h"
#include "genkidama/params/segment_counts.h"

namespace GENKIDAMA_EXPORT genkidama {

/// How an episode ended, for statistics.
struct EpisodeResult {
  double episode_return = 0;  ///< sum of the environment's own rewards, not scaled or discounted
  std::uint32_t length = 0;   ///< steps
  bool truncated = false;     ///< ended by the time limit
  /// The figures that the environment's spec names, in its order; empty when it names none,
  /// and in an episode that the trainer has cut.
  std::vector<float> metrics{};
};

/// What some episodes came to by one of the environment's metrics.
struct MetricMean {
  std::string name;  ///< as the environment's spec has it
  double mean = 0;   ///< over the episodes
};

/// The means of the metrics that have these names in an environment's spec, over the episodes that tell them;
/// empty when none does. An episode that was cut tells none.
std::vector<MetricMean> metric_means(const std::vector<std::string>& names,
                                     const std::vector<EpisodeResult>& episodes);

/// What happened in one round, in which every worker played at least one episode in each of its environments.
/// The steps include those that a worker had learnt from before it died, although its replacement plays the
/// round anew. Episodes and losses are those of the workers that finished the round.
struct RoundReport {
  std::vector<EpisodeResult> episodes;  ///< in the order of the workers
  std::uint64_t steps_in_round = 0;     ///< environment steps, all workers
  std::uint64_t optimizer_steps = 0;    ///< in this round, all workers
  std::uint64_t worker_restarts = 0;    ///< workers that died or hung and were replaced since the last round
  /// Episodes that were given up in this round because their environment failed (StepResult::lost). Their
  /// steps are learnt from and counted; they are not among `episodes`.
  std::uint64_t lost_episodes = 0;
  /// Gradients that were dropped in this round because the weights that they were computed with were too old.
  std::uint64_t stale_gradients = 0;
  /// Gradients that were dropped in this round because their loss was far above the mean.
  std::uint64_t outlier_gradients = 0;
  /// Gradients of this round of which a shard did not get its slice, or nobody knows whether it did.
  std::uint64_t lost_gradients = 0;
  /// The round was cut in the middle of its episodes, because the program stops: what was played is learnt
  /// from and counted, and the episodes that were cut are not among `episodes`.
  bool cut_short = false;
  double policy_loss = 0;  ///< means over the round's optimizer steps; 0 when there were none
  double value_loss = 0;   ///< as above
  double entropy = 0;      ///< of the policy, as above
  /// How far PPO's policy moved from the one that collected the steps, as above.
  double approximate_kl = 0;
  double clip_fraction = 0;       ///< share of PPO's steps outside the clip range, as above
  double explained_variance = 0;  ///< 1 - Var(R - V) / Var(R), as above
  double learning_rate = 0;       ///< as above
  double gradient_norm = 0;       ///< L2 norm of the gradient before it was clipped, as above
  /// How widely continuous components of an action are drawn, as above; 0 where there are none.
  double deviation = 0;
  double model_error = 0;  ///< of a world model over that of predicting no change, as above
  double imagined = 0;     ///< share of the optimizer steps that learnt from what a world model imagined
  /// The environment's metrics in their order, over the round's episodes; empty when it has none or no
  /// episode ended.
  std::vector<MetricMean> metrics{};
  /// Of a trainer whose workers play on while it learns: what became of the steps that were played. The
  /// round's steps are those that were learnt from, and its episodes are those that have ended meanwhile.
  std::optional<SegmentCounts> segments{};
  std::uint64_t queued_steps = 0;  ///< of such a trainer: played and not learnt from yet
  /// Of a trainer with predictors: batches of observations that they computed.
  std::uint64_t inference_batches = 0;
  std::uint64_t inference_rows = 0;  ///< of a trainer with predictors: observations in these batches

  /// The steps of the round, and the number of `episodes`.
  Played in_round() const { return {steps_in_round, episodes.size()}; }
};

/// A number by its name.
struct NamedValue {
  std::string name;  ///< as the field that holds it is called
  double value = 0;  ///< in the field's unit

  /// Compares both.
  friend bool operator==(const NamedValue&, const NamedValue&) = default;
};

/// Where a trainer stands among those that play for one learner.
struct ActorPlace {
  std::uint64_t run_steps = 0;  ///< environment steps that the learner's run has learnt from so far
  std::uint64_t place = 0;      ///< of this one, from 0
  std::uint64_t places = 1;     ///< how many play, above `place`
};

/// Trains a network on this machine, one round at a time. A trainer is used by one thread. Weights are flat
/// float32 in the order of layout().
class LocalTrainer {
 public:
  virtual ~LocalTrainer() = default;

  /// The layout of the network that is trained. It is the same for the whole lifetime of the trainer.
  virtual const ParameterLayout& layout() const = 0;

  /// The policy that is trained, so that machines whose policies differ do not average their weights; empty,
  /// as here: only layouts are compared. It is the same for the whole lifetime of the trainer.
  virtual PolicyDescription policy_description() const { return {}; }

  /// Trains until every worker has finished its round. Nothing writes the weights between two rounds. Throws
  /// WorkerError when a worker failed, or died or hung and was not replaced.
  virtual RoundReport train_round() = 0;

  /// The shape of the segments that play_round() gives and learn_round() takes.
  virtual SegmentShape segment_shape() const { return {}; }

  /// Plays a round of `steps` steps, all workers together, learns nothing, and replaces `segments` by what
  /// was played. Fewer steps are played where a trainer's rounds are shorter, and a few more where they do
  /// not come out even. `segments` stays empty in a round that only counts what to normalise with. Throws
  /// ArgumentError, as here, unless the trainer is made for a learner elsewhere, and what train_round()
  /// throws.
  virtual RoundReport play_round(std::uint64_t steps, std::vector<Segment>& segments) {
    static_cast<void>(steps), static_cast<void>(segments);
    throw ArgumentError("this trainer does not play for a learner elsewhere");
  }

  /// Tells a trainer that plays for a learner elsewhere how it is to explore from the next round on: an
  /// exploration that falls over the run follows from `run_steps` and what is played here since, and one that
  /// differs between workers from the worker's place among those of all machines. Call it between rounds
  /// only. The default, as here, does nothing.
  virtual void follow_run(const ActorPlace& place) { static_cast<void>(place); }

  /// Learns from segments that others have played in a round of `steps` steps with weights that this trainer
  /// had; those of another version are for an algorithm that can learn from them. The report's episodes are
  /// empty. Without segments nothing is learnt, but the round counts. Throws ArgumentError, as here, unless
  /// the trainer is made to learn from what it is given, and for segments of another shape; and what
  /// train_round() throws.
  virtual RoundReport learn_round(std::span<const Segment> segments, std::uint64_t steps) {
    static_cast<void>(steps), static_cast<void>(segments);
    throw ArgumentError("this trainer does not learn from segments of others");
  }

  /// Copies the weights into `out`, which has layout().size() elements. Call it between rounds only.
  virtual void read_weights(std::span<float> out) const = 0;

  /// Replaces the weights; the next round starts from them. Call it between rounds only. Throws
  /// ArgumentError when the size is wrong or a value is not finite.
  virtual void write_weights(std::span<const float> in) = 0;

  /// The moments of the optimizer that machines may average together with the weights; none, as here: there
  /// is nothing to average. It is the same for the whole lifetime of the trainer.
  virtual MomentsShape moments_shape() const { return {}; }
  /// Replaces `out` by the present moments; the mean of the workers' moments where each worker has its own.
  /// Call it between rounds only.
  virtual void read_moments(OptimizerMoments& out) const { out = {}; }
  /// Replaces the moments, of all workers, and what the optimizer counts its steps from; the next round goes
  /// on from them. Call it between rounds only. Throws ArgumentError for values that are no moments of this
  /// shape.
  virtual void write_moments(const OptimizerMoments& in) { static_cast<void>(in); }

  /// The hyperparameters that tune() can change, with their present values; none, as here. Their names are
  /// the same for the whole lifetime of the trainer.
  virtual std::vector<NamedValue> tunable() const { return {}; }
  /// Changes some of them; the next round is played and learnt with the new values. Call it between rounds
  /// only. Throws ArgumentError, and changes nothing, for a name that is not among tunable() and for a value
  /// that is out of range.
  virtual void tune(std::span<const NamedValue> values) {
    if (!values.empty()) throw ArgumentError("this trainer's hyperparameters stay as they are");
  }

  /// Components of the running statistics that machines share together with the weights, in order to
  /// normalise alike; 0, as here: there are none.
  virtual std::size_t statistics_components() const { return 0; }
  /// Everything that this trainer has counted itself since it began, in earlier processes too. Call it
  /// between rounds only.
  virtual NumberedStatistics own_statistics() const { return {}; }
  /// Replaces what others have counted; the next round and evaluation normalise with the merge of these and
  /// the trainer's own. Call it between rounds only. Throws ArgumentError for other components.
  virtual void write_other_statistics(const RunningStatistics& others) { static_cast<void>(others); }
};

}  // namespace genkidama
