#pragma once

// Everything the workers of one machine share. Made by the lead before the fork.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>

#include "genkidama/env/environment.h"
#include "genkidama/ipc/replay_buffer.h"
#include "genkidama/ipc/round_barrier.h"
#include "genkidama/ipc/shared_array.h"
#include "genkidama/params/local_trainer.h"
#include "genkidama/rl/gradient_sink.h"
#include "genkidama/rl/inference.h"
#include "genkidama/rl/learning.h"
#include "genkidama/rl/sharing.h"
#include "ipc/inference_slots.h"
#include "ipc/shared_mutex.h"
#include "rl/gradient_queue.h"
#include "rl/loss_watch.h"
#include "rl/normalisation.h"
#include "rl/segment_slots.h"
#include "rl/segment_store.h"
#include "rl/tuned_values.h"
#include "rl/unfinished_episodes.h"
#include "rl/weight_versions.h"

namespace genkidama {

/// kTrainAndLearn: workers play until the central learner has learnt from what it has claimed.
enum class WorkerCommand : std::uint32_t { kMeet, kTrain, kLearn, kTrainAndLearn, kEvaluate };

/// What the lead wants done next; written before the barrier is released. It stands until every worker has
/// carried it out, so that one that takes a dead one's place can read it too.
struct WorkerOrder {
  WorkerCommand command = WorkerCommand::kMeet;  ///< kMeet, at the very beginning: only come to the barrier
  std::uint64_t round = 0;                       ///< number of this round, from 0
  std::uint64_t play = 0;          ///< kTrain, kTrainAndLearn: number among the orders to play, from 0
  std::uint64_t round_steps = 0;   ///< kTrain: of each worker; see Hyperparameters
  std::uint64_t enough_steps = 0;  ///< kTrain, asynchronous: workers stop once so many are queued
  /// kTrain, kTrainAndLearn: those with a smaller number compute and play; the others wait for the next
  /// order.
  int active_predictors = 0, active_workers = 0;
  bool begins = false, ends = false;  ///< kLearn: the round's first and last segments
  bool is_normalised = false;         ///< kTrain: there is something to normalise with
  /// kTrain, kTrainAndLearn: the number of the first worker here among those of all machines, and of these.
  int first_worker = 0, all_workers = 0;
  /// kLearn, kTrainAndLearn: rows that were ever in the replay buffer before the first step of this order.
  std::uint64_t first_row = 0;
  std::uint64_t evaluation_seed = 0;  ///< kEvaluate
  std::uint64_t first_episode = 0;    ///< kEvaluate: number of the chunk's first episode
  std::uint32_t episode_count = 0;    ///< kEvaluate: episodes in this chunk
  bool greedy = false;                ///< kEvaluate
};

/// An EpisodeResult as it lies in shared memory.
struct SharedEpisode {
  double episode_return = 0;
  std::uint32_t length = 0;
  bool truncated = false;
  std::uint32_t metric_count = 0;
  float metrics[kMaxMetrics] = {};

  void take(const EpisodeResult& result) {
    episode_return = result.episode_return;
    length = result.length;
    truncated = result.truncated;
    metric_count = static_cast<std::uint32_t>(std::min(result.metrics.size(), kMaxMetrics));
    std::copy_n(result.metrics.begin(), metric_count, metrics);
  }
  EpisodeResult result() const {
    return {episode_return, length, truncated, {metrics, metrics + metric_count}};
  }
};

/// A worker's round ends after so many episodes, however short they were.
inline constexpr std::uint32_t kEpisodesPerRound = 1024;

/// A number that one process writes and others may read at any time. No locked instruction is needed for
/// that.
class OwnCounter {
 public:
  void add(std::uint64_t n) { value_.store(get() + n, std::memory_order_relaxed); }
  void reset() { value_.store(0, std::memory_order_relaxed); }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// What a worker is doing, for messages about its end and for how long it may be silent.
enum class WorkerActivity : std::uint32_t {
  kStarting,
  kMakingEnvironment,
  kMakingNetwork,
  kResetting,
  kStepping,
  kOther  ///< computing, learning, waiting
};

/// What a worker did; written by its worker before it arrives at the barrier. The counters and the activity
/// may be read at any time.
struct WorkerReport {
  OwnCounter beats;  ///< signs of life: grows with every environment step and every gradient
  std::atomic<WorkerActivity> activity{WorkerActivity::kStarting};
  OwnCounter environment_steps;  ///< played in this round, also those that were not learnt from yet
  OwnCounter episode_count;      ///< ended in this round
  OwnCounter lost_episodes;      ///< given up in this round because the environment failed
  OwnCounter inference_batches;  ///< computed in this round, by a predictor
  OwnCounter inference_rows;     ///< observations in these
  SharedEpisode episodes[kEpisodesPerRound] = {};
  std::uint64_t optimizer_steps = 0;
  LearningStatistics learning;      ///< sums over optimizer steps
  double learning_rate = 0;         ///< as well
  std::atomic<bool> failed{false};  ///< `error` is complete
  char error[1024] = {};            ///< zero-terminated
};

struct SharedCounters {
  std::atomic<std::uint64_t> optimizer_steps{0};
  std::atomic<std::uint64_t> environment_steps{0};  ///< learnt from
  std::atomic<std::uint64_t> stale_gradients{0};    ///< as those of RoundReport, since the start
  std::atomic<std::uint64_t> outlier_gradients{0};
  std::atomic<std::uint64_t> lost_gradients{0};
  std::atomic<std::uint32_t> next_episode{0};  ///< of an evaluation's chunk: workers take the next one
  std::atomic<bool> cut_round{false};          ///< lead: the present round shall end at once
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "shared between processes, so no hidden lock");

/// Episodes evaluated between two barriers.
inline constexpr std::uint32_t kEvaluationChunk = 4096;

/// One episode of an evaluation.
struct EvaluatedEpisode {
  SharedEpisode result;
  std::atomic<bool> done{false};  ///< `result` is complete: whoever took the episode has not died over it
};

/// What one gradient server writes.
struct ServerPart {
  std::size_t first_weight = 0;  ///< its place among all weights
  std::span<float> weights;
  std::span<float> optimizer_state;
};

struct SharedTraining {
  /// Sharing::kLocal: each worker has `optimizer_floats` of its own. `server_count`: with Sharing::kServer.
  SharedTraining(int worker_count, Sharing sharing, std::size_t parameters, std::size_t optimizer_floats,
                 std::size_t algorithm_floats, std::size_t replay_capacity, std::size_t statistics_numbers,
                 const EnvironmentSpec& environment, Learning learning = Learning::kWorkers,
                 bool is_prioritised = false, int helper_count = 0, bool weights_at_shards = false,
                 int server_count = 1, int predictor_count = 0)
      : workers(worker_count),
        helpers(helper_count),
        gradient_servers(sharing == Sharing::kServer ? server_count : 0),
        predictors(predictor_count),
        at_shards(weights_at_shards),
        weights(parameters, "network weights"),
        mutex(1, "mutex"),
        optimizer_state(
            optimizer_floats * (sharing == Sharing::kLocal ? static_cast<std::size_t>(learners()) : 1),
            "optimizer state"),
        local_steps(sharing == Sharing::kLocal ? static_cast<std::size_t>(learners()) : 0, "optimizer steps"),
        algorithm_state(algorithm_floats, "algorithm state"),
        gradient(sharing == Sharing::kOneBuffer ? parameters : 0, "gradient"),
        counters(1, "counters"),
        order(1, "worker order"),
        tuned(1, "tuned hyperparameters"),
        reports(static_cast<std::size_t>(learners() + servers(learning) + predictors), "worker reports"),
        losses(reports.size(), "losses"),
        versions(1, "weight versions"),
        evaluation(kEvaluationChunk, "evaluation results"),
        normaliser(Normaliser::shared_size(static_cast<std::size_t>(environment.observation_size)),
                   "normaliser"),
        round_statistics(static_cast<std::size_t>(workers) * statistics_numbers, "round statistics"),
        barrier(learners() + servers(learning) + predictors) {
    if (gradient_servers > 0) gradients.emplace(learners(), parameters, gradient_servers);
    if (replay_capacity > 0) {
      replay.emplace(
          learning == Learning::kWorkers ? workers : 1, replay_capacity, environment.observation_size,
          static_cast<int>(environment.action_space.width()),
          environment.masks_actions ? static_cast<int>(environment.action_space.alternatives()) : 0,
          is_prioritised);
    }
  }

  /// How many processes or threads there are beside the workers and helpers.
  int servers(Learning learning) const {
    const bool learns_apart = learning == Learning::kCentral || learning == Learning::kGiven;
    return learns_apart ? 1 : gradient_servers;
  }
  /// Whether this index at the barrier is a helper's: they come behind the workers.
  bool is_helper(int index) const { return index >= workers && index < learners(); }
  /// Whether this index at the barrier is a gradient server's, or that of the central learner: they come
  /// behind all who have gradients.
  bool is_server(int index) const { return index >= learners() && !is_predictor(index); }
  /// Whether this index at the barrier is a predictor's: they come behind all others.
  bool is_predictor(int index) const { return number_of_predictor(index) >= 0; }
  /// From 0; below 0 for all others.
  int number_of_predictor(int index) const { return index - (members() - predictors); }
  /// All who have an index at the barrier.
  int members() const { return static_cast<int>(reports.size()); }
  /// Whoever has gradients.
  int learners() const { return workers + helpers; }
  /// Whether all workers are at the barrier.
  bool have_all_workers_arrived() const { return have_arrived(workers); }

  /// Whether those who serve workers in a round have nothing more to do in it. A thread that has failed never
  /// arrives, and then the barrier is closed.
  bool is_round_over() const { return barrier.is_closed() || have_all_workers_arrived(); }
  /// The same of those who take gradients, from workers and helpers.
  bool are_gradients_over() const { return barrier.is_closed() || have_arrived(learners()); }
  /// Changes with the weights, where workers learn themselves.
  std::uint64_t weights_seen() const {
    return counters[0].optimizer_steps.load(std::memory_order_relaxed) +
           versions[0].written_for.load(std::memory_order_acquire);
  }

  int workers;           ///< that play; reports and the barrier also have helpers and servers, or a learner
  int helpers;           ///< that learn beside them (Algorithm::helpers())
  int gradient_servers;  ///< Sharing::kServer: that apply gradients; otherwise 0
  int predictors;        ///< that compute outputs for workers (InferenceOptions)
  bool at_shards;        ///< Sharing::kServer: the server hands gradients to shards elsewhere
  SharedArray<float> weights;
  SharedArray<SharedMutex> mutex;  ///< one, for workers that do not write the weights at once
  /// One after the other, where each worker or each of several gradient servers has an optimizer state of its
  /// own; otherwise one.
  SharedArray<float> optimizer_state;
  SharedArray<std::uint64_t> local_steps;  ///< of each worker's own optimizer; empty: they share one
  SharedArray<float> algorithm_state;
  SharedArray<float> gradient;  ///< Sharing::kOneBuffer: of the worker that wrote last; otherwise empty
  SharedArray<SharedCounters> counters;
  SharedArray<WorkerOrder> order;
  SharedArray<TunedValues> tuned;  ///< one
  SharedArray<WorkerReport> reports;
  SharedArray<LossWatch> losses;         ///< of each that has a report
  SharedArray<WeightVersions> versions;  ///< one; Sharing::kServer
  SharedArray<EvaluatedEpisode> evaluation;
  SharedArray<double> normaliser;  ///< the lead writes it between two orders; see Normaliser
  /// What each worker has counted in the round: RunningStatistics::values() one after the other, written by
  /// the worker before it arrives at the barrier. Empty: nothing is counted.
  SharedArray<double> round_statistics;
  RoundBarrier barrier;

  /// Whether the first so many are at the barrier.
  bool have_arrived(int count) const {
    for (int index = 0; index < count; ++index) {
      if (!barrier.has_arrived(index)) return false;
    }
    return true;
  }

  SharedMutex& weights_mutex() { return mutex[0]; }

  /// The part of optimizer_state that a worker writes.
  std::span<float> optimizer_state_of(int worker) {
    if (local_steps.size() == 0) return optimizer_state.span();
    const std::size_t floats = optimizer_state.size() / local_steps.size();
    return optimizer_state.span().subspan(static_cast<std::size_t>(worker) * floats, floats);
  }

  /// What gradient server `number`, from 0, writes. Where there are several, the state has the same number of
  /// floats for each weight, as an optimizer's of the slice.
  ServerPart part_of_server(int number) {
    if (gradient_servers <= 1) return {0, weights.span(), optimizer_state.span()};
    const WeightSlice slice = weight_slice(weights.size(), static_cast<std::size_t>(number) + 1,
                                           static_cast<std::size_t>(gradient_servers));
    const std::size_t floats = optimizer_state.size() / weights.size();
    return {slice.begin, weights.span().subspan(slice.begin, slice.size()),
            optimizer_state.span().subspan(floats * slice.begin, floats * slice.size())};
  }

  /// The part of round_statistics that a worker writes.
  std::span<double> statistics_of(int worker) {
    const std::size_t numbers = round_statistics.size() / static_cast<std::size_t>(workers);
    return round_statistics.span().subspan(static_cast<std::size_t>(worker) * numbers, numbers);
  }
  std::optional<ReplayBuffer> replay;
  std::optional<GradientQueue> gradients;        ///< Sharing::kServer
  std::optional<UnfinishedEpisodes> unfinished;  ///< where rounds end after steps
  /// Where workers do not learn themselves: their segments, or those that are given.
  std::optional<SegmentStore> segments;
  /// Where workers play on while the central learner learns: whose a part of `segments` is.
  std::optional<SegmentSlots> slots;
  /// The same: the weights that workers play with. The lead writes them between two orders.
  SharedArray<float> played_weights;
  /// Hyperparameters::proximal: what the weights are held to. The lead writes it between two orders. Empty:
  /// they are not held.
  SharedArray<float> anchor;
  std::optional<InferenceSlots> inference;  ///< with predictors: one slot for each group of a worker
  InferenceOptions inference_options;
  FullQueue when_full = FullQueue::kWait;
  std::uint64_t max_policy_lag = 0;  ///< older segments are not learnt from
};

}  // namespace genkidama
