#pragma once

/// @file
/// Trains on one machine with a worker per core (thesis section 4.6, Algorithm 1).

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/core/error.h"
#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"
#include "genkidama/ipc/replay_buffer.h"
#include "genkidama/nn/networks.h"
#include "genkidama/nn/shared_optimizer.h"
#include "genkidama/orchestrator/dropped_gradients.h"
#include "genkidama/params/actor_mode.h"
#include "genkidama/params/local_trainer.h"
#include "genkidama/params/saveable.h"
#include "genkidama/params/weight_shards.h"
#include "genkidama/rl/algorithm.h"
#include "genkidama/rl/behaviour_cloning.h"
#include "genkidama/rl/hyperparameters.h"
#include "genkidama/rl/inference.h"
#include "genkidama/rl/learning.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Thrown when OrchestratorOptions::give_up returned true. It tells of no fault.
class StoppedError : public Error {
 public:
  using Error::Error;
};

/// How the workers run. Processes are the rule. Threads run the same worker code in this process; they are
/// meant for platforms without fork and for tools that see one process only (ThreadSanitizer). The caller's
/// own thread is for simulations.
enum class WorkerMode {
  kProcesses,  ///< forked; a worker that dies is replaced
  kThreads,    ///< in this process; no worker can be replaced
  /// One worker, played by the thread that calls train_round() and evaluate(). Nothing is forked and no
  /// thread is started, so that one process may have hundreds of trainers and play them one after the other.
  /// Nobody waits meanwhile: cut_round, give_up and on_wait are not called, and a worker that hangs does so
  /// for ever.
  kCaller
};

/// How far the present round or evaluation has come, all workers together.
struct RoundProgress {
  /// The steps are also those that nothing has been learnt from yet. In an evaluation there are no steps, and
  /// the episodes are those that have begun.
  Played so_far;
  std::uint64_t optimizer_steps = 0;  ///< optimizer steps in the round; 0 in an evaluation
  bool evaluation = false;            ///< an evaluation, not a round of training
};

/// How this machine trains.
struct OrchestratorOptions {
  int workers = 0;  ///< >= 1; 0: one per usable core (usable_cores()), and with kCaller one
  WorkerMode mode = WorkerMode::kProcesses;  ///< processes or threads
  std::uint64_t seed = 1;                    ///< of the first weights and of every worker's own random stream
  Hyperparameters hyperparameters;           ///< how the workers learn; the thesis' values by default
  /// Who learns from what the workers play. All but kWorkers needs RoundEnd::kStep, and another algorithm
  /// than "a3c", which learns while it plays. An algorithm that learns from a replay buffer has one for all
  /// workers or actors then, at the learner, and takes no environment that masks actions.
  Learning learning = Learning::kWorkers;
  /// Where the weights live: at shards elsewhere (make_shard_links() of genkidama/net/shard_links.h). The
  /// sharing is then Sharing::kServer, whose process calls the factory and hands the workers' gradients to
  /// the shards; the optimizer is theirs. Each round begins with their weights, whatever was written here
  /// before. Needs Learning::kWorkers, and nothing that is normalised. Empty: the weights live on this
  /// machine.
  WeightShardsFactory shards;
  /// Sharing::kServer: how many processes or threads apply gradients, 1 to kMostShards and at most one for
  /// each weight. Each owns a slice of the weights (weight_slice()) and the optimizer's state for it, and
  /// applies its slice of every gradient, so the optimizer must treat each weight by itself, as the bundled
  /// ones do; its state is taken for blocks with a float for each weight. Has no effect with another sharing
  /// and with `shards`.
  int servers = 1;
  /// Learning::kCentral: kAsynchronous lets the workers play on, with the weights that they have, while the
  /// learner learns. A round then ends when the learner has learnt from the oldest `round_steps` steps in the
  /// queue; what workers have begun goes on in the next round, and the queue is in no state. Not with
  /// WorkerMode::kCaller.
  ActorMode actor_mode = ActorMode::kWaiting;
  std::uint64_t queued_rounds = 1;  ///< asynchronous: the queue holds the steps of so many rounds, >= 1
  FullQueue when_full = FullQueue::kWait;  ///< asynchronous: what happens when the queue is full
  std::uint64_t max_policy_lag =
      20;  ///< asynchronous: older segments are dropped and counted (SegmentCounts)
  /// Who computes what the workers' actions are chosen from while they train. Predictors are processes or
  /// threads beside the workers; not with WorkerMode::kCaller. Evaluations are computed by the workers.
  InferenceOptions inference;
  OptimizerFactory optimizer;  ///< empty: make_shared_optimizer
  AlgorithmFactory algorithm;  ///< empty: the algorithm that hyperparameters.algorithm names
  /// Steps that each worker keeps, or the learner where workers do not learn themselves; 0: there is no
  /// replay buffer, as with Learning::kElsewhere.
  std::size_t replay_capacity = 0;
  /// What the environments are. When it is given, no environment is made just to read its spec, and each
  /// environment that a worker makes must have the same observations and actions. Empty: the environment is
  /// asked.
  std::optional<EnvironmentSpec> environment_spec;
  /// Where whoever computes batches does so: predictors, a central learner, and workers that learn
  /// themselves. "cpu", or a device of the library that the network is made of, such as "cuda" or "cuda:1" of
  /// LibTorch's; see Network::use_device(). Workers that only play, and evaluations where there is a central
  /// learner, always compute on the processor.
  std::string device = "cpu";
  /// What the factory is told that the workers' environments are for. kEvaluate suits a program that never
  /// trains.
  EnvironmentPurpose purpose = EnvironmentPurpose::kTrain;
  /// Only the layout, the first weights and the spec are wanted, as by a Parent that evaluates nothing. No
  /// worker is started, and no environment is made but the one that is asked for its spec; none at all when
  /// environment_spec is given. train_round() and evaluate() then throw ArgumentError.
  bool describe_only = false;
  /// How long the making of the first environment and network may take in the process that describes them,
  /// and how long each environment or network of a worker may take before the first round, for each worker
  /// that shares a core. What takes longer ends the constructor with a WorkerError that names the likely
  /// cause.
  Milliseconds construction_timeout{30'000};
  /// A worker that shows no sign of life (an environment step, a gradient) for this long counts as hung, and
  /// is killed and replaced. It is the most that is allowed: after three rounds 20 times the longest silence
  /// so far is enough, but at least 30 s. A worker that is merely slow is never treated as hung, however long
  /// its rounds take.
  Milliseconds worker_timeout{600'000};
  /// The most steps a second that are played in each environment while it trains, >= 0: a simulation then has
  /// the pace of a slow board or of a robot. What is learnt does not depend on it. 0: as many as there is
  /// time for. Evaluations are not held back.
  double steps_per_second = 0;
  /// Worker processes that die or hang are replaced, and the round goes on. More deaths and hangs than this
  /// within a minute end the training; 0 ends it with the first. Threads cannot be replaced.
  int max_crashes_per_minute = 10;
  /// Called several times a second by the thread that waits for the workers, in train_round(). Once it
  /// returns true the round is cut: each worker stops playing after its present step, learns from what it has
  /// played, with the value of what would have followed, and train_round() returns with
  /// RoundReport::cut_short set. Meant for a program that is about to end. Empty: no round is cut.
  std::function<bool()> cut_round;
  /// Called several times a second by the thread that waits for the workers, in the constructor, in
  /// train_round() and in evaluate(). Once it returns true these throw StoppedError without waiting for the
  /// workers, whose processes are killed: the trainer cannot train any more, and after train_round() its
  /// weights are somewhere in the middle of a round. Empty: never.
  std::function<bool()> give_up;
  /// Called several times a second by the thread that waits for the workers, in train_round() and in
  /// evaluate(), with what they have done so far. It must be short and must not call the trainer. Empty:
  /// nobody is told.
  std::function<void(const RoundProgress&)> on_wait;
};

/// The most values of the replay buffer that a state takes: 64 MiB. Of a larger buffer the state has the
/// newest rows, the same number of each worker.
inline constexpr std::size_t kMaxReplayValuesInState = std::size_t{1} << 24;

/// How episodes are played for an evaluation.
struct EvaluationRequest {
  int episodes = 100;      ///< number of episodes, >= 1
  std::uint64_t seed = 7;  ///< episode i follows from (seed, i): the result does not depend on the workers
  bool greedy =
      false;  ///< true: the likeliest action; false: sampled from the policy. No epsilon either way.
  /// The number of the first episode. An evaluation of the episodes 0 to 19 and one of 20 to 99 are together
  /// one of 0 to 99.
  std::uint64_t first_episode = 0;
};

/// One machine's training, on workers that live until destruction.
///
/// **Processes.** The constructor forks a small process first of all, which forks the workers and those that
/// replace a dead one, whatever this process does meanwhile. This process runs no network itself, so it may
/// fork again. It must not have computed anything with LibTorch before, whose OpenMP threads do not survive a
/// fork. Construct the object before any thread is started: a lock that another thread holds at the moment of
/// the fork stays locked in the workers for ever, and a warning is logged when there are other threads. The
/// thread that constructs the object may end before it (std::async); the workers end with the process. The
/// exception is the main thread: the workers end with it.
///
/// **Threads.** Each function but worker_pids() is called by one thread at a time.
///
/// **Deaths.** A worker that died or hung is replaced while the lead waits for it, in train_round() or
/// evaluate(). The replacement plays the same episodes of the round from their beginning, on the weights as
/// they are now. An exception in a worker ends the training: it would come again.
///
/// **Rounds.** A worker's round is one episode in each of its environments, or whole episodes up to
/// Hyperparameters::round_steps. So that the memory of a round is bounded, a training episode is cut after
/// 65,536 steps (fewer when the observations of these would take more than 256 MiB, but at least 1,024),
/// whatever the environment's own time limit is. It counts as truncated, and its last state has a value.
///
/// **Repeatable.** One worker and one seed give the same weights after the same number of rounds, bit for
/// bit, if no worker was replaced and no round was cut short.
class CoreOrchestrator : public LocalTrainer, public Saveable {
 public:
  /// Throws ArgumentError for options out of range, for a null factory, for a spec that is not sound, for
  /// actions or a network that the options do not fit, or when a factory throws one while environment and
  /// network are described; LayoutError for a network that cannot be shared; IoError without memory; and
  /// WorkerError when a factory throws something else (with its text), when workers die, or when making them
  /// takes longer than construction_timeout.
  CoreOrchestrator(EnvironmentFactory environment, NetworkFactory network, OrchestratorOptions options = {});
  /// Ends the workers: asks them, waits a second, then kills them.
  ~CoreOrchestrator() override;
  CoreOrchestrator(const CoreOrchestrator&) = delete;
  CoreOrchestrator& operator=(const CoreOrchestrator&) = delete;

  const ParameterLayout& layout() const override;
  PolicyDescription policy_description() const override;
  /// Throws ArgumentError, too, where Learning is kGiven or kElsewhere.
  RoundReport train_round() override;
  SegmentShape segment_shape() const override;
  /// For Learning::kElsewhere. Rounds of more than Hyperparameters::round_steps are cut to so many.
  RoundReport play_round(std::uint64_t steps, std::vector<Segment>& segments) override;
  /// For Learning::kElsewhere; otherwise nothing happens. Machines are taken to have equally many workers.
  void follow_run(const ActorPlace& place) override;
  /// For Learning::kGiven. A segment may have Hyperparameters::round_steps steps and 1,024 more. Should the
  /// learning process die, its replacement learns from all segments of the round again.
  RoundReport learn_round(std::span<const Segment> segments, std::uint64_t steps) override;
  void read_weights(std::span<float> out) const override;
  /// They become what Hyperparameters::proximal holds the weights to.
  void write_weights(std::span<const float> in) override;
  /// Does what write_weights() does, and leaves what Hyperparameters::proximal holds the weights to as it is:
  /// for weights that are only played, as in an evaluation, and for those that are put back after it.
  void write_played_weights(std::span<const float> in);
  /// Those that SharedOptimizer::moments_shape() names.
  MomentsShape moments_shape() const override;
  void read_moments(OptimizerMoments& out) const override;
  void write_moments(const OptimizerMoments& in) override;
  /// Those of tunable_names() (genkidama/rl/tunable.h).
  std::vector<NamedValue> tunable() const override;
  /// All values together must be possible (Hyperparameters::check()). Workers begin the next round anew with
  /// them, in environments that are made anew, as those that take a dead one's place do; the optimizer's
  /// memory, a replay buffer and what the algorithm shares stay. Values that are the present ones cost
  /// nothing. They are no part of save().
  void tune(std::span<const NamedValue> values) override;
  /// Those of an observation and one for the return, when Hyperparameters::normalise_observations or
  /// normalise_rewards is set.
  std::size_t statistics_components() const override;
  NumberedStatistics own_statistics() const override;
  void write_other_statistics(const RunningStatistics& others) override;
  /// Normalises observations as the policy of a file wants them, given the metadata of the file, in place of
  /// what was counted here: for a trainer that only plays the policy. Throws FormatError for damaged
  /// metadata, and LayoutError when the statistics in it are those of observations of another size.
  void normalise_as(const std::map<std::string, std::string>& metadata);

  /// Fits the present weights to demonstrations (BehaviourCloning in genkidama/rl/behaviour_cloning.h), and
  /// takes their statistics over where this trainer normalises: for the beginning of a run. The network
  /// computes in this process and on the processor: one of LibTorch's modules leaves threads behind, so no
  /// further trainer can be made in this process then. Returns nothing, with the weights as they were, when
  /// `on_epoch` returns false. Throws ArgumentError where the weights live at shards, and as
  /// BehaviourCloning.
  std::optional<CloningReport> clone(const Demonstrations& demonstrations, const CloningOptions& options = {},
                                     const OnCloningEpoch& on_epoch = {});

  /// Plays episodes with the present weights on all workers, without learning. The results are in the order
  /// of the episodes. Throws what train_round() throws.
  std::vector<EpisodeResult> evaluate(const EvaluationRequest& request);

  /// What the environments are.
  const EnvironmentSpec& environment_spec() const;
  /// How the workers learn, as given.
  const Hyperparameters& hyperparameters() const;
  /// Who learns, as given.
  Learning learning() const;
  /// Whether workers wait while the learner learns, as given.
  ActorMode actor_mode() const;
  /// Who computes what actions are chosen from, as given.
  const InferenceOptions& inference() const;
  /// Predictors that compute in the next round, and workers that play in it: all of them, unless
  /// InferenceOptions::tune_seconds tries fewer.
  int active_predictors() const;
  int active_workers() const;  ///< see active_predictors()
  /// What a checkpoint of these weights says about the policy in it: its environment, its sizes and its
  /// network. Put it into Checkpoint::metadata, and load_policy() (genkidama/rl/policy.h) knows what the file
  /// holds.
  std::map<std::string, std::string> policy_metadata() const;
  /// Whether the weights live at shards.
  bool has_shards() const;
  /// How many processes or threads apply gradients or hand them to shards: 0 but with Sharing::kServer.
  int servers() const;
  /// What was dropped since the run began.
  DroppedGradients dropped_gradients() const;
  /// Number of workers; 0 with OrchestratorOptions::describe_only.
  int workers() const;
  /// Rounds played since the start, with those of a restored state.
  std::uint64_t rounds() const;
  /// Steps learnt from, all workers, since the start, with those of a restored state.
  std::uint64_t environment_steps() const;

  /// Writes everything but the weights that a trainer needs to go on where a run stopped: the optimizer's
  /// state, the algorithm's shared state, counts, the anchor of Hyperparameters::proximal, and the newest
  /// rows of the replay buffer. There is nothing else: all randomness follows from (seed, worker, round), and
  /// a round begins with new episodes. Call it between rounds.
  void save(StateWriter& state) const override;
  /// Goes on from a state; call it between rounds. A worker that has no share in the state's replay buffer
  /// begins with an empty one; a share without a worker is dropped. Throws LayoutError when the state of the
  /// optimizer or of the algorithm, or the rows of the replay buffer, have another size, and FormatError for
  /// a state that is damaged; then nothing has changed.
  void restore(const StateReader& state) override;

  /// The replay buffer that the workers fill, or nullptr when there is none.
  const ReplayBuffer* replay_buffer() const;

  /// What the present round or evaluation has come to, or the last one between two of them.
  RoundProgress round_progress() const;
  /// The process ids of the workers at present; empty when workers are threads. May be called by any thread.
  std::vector<int> worker_pids() const;
  /// What ended the training for good, such as a worker that died too often; empty while rounds can be
  /// played. It is the beginning of the WorkerError's text.
  const std::string& failure() const;
  /// How many workers died or hung and were replaced so far.
  std::uint64_t worker_restarts() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace genkidama
