#pragma once

/// @file
/// One machine's training: a Hogwild! worker per core (thesis section 4.6, Algorithm 1).

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
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
#include "genkidama/params/local_trainer.h"
#include "genkidama/rl/algorithm.h"
#include "genkidama/rl/hyperparameters.h"

namespace GENKIDAMA_EXPORT genkidama {

/// OrchestratorOptions::give_up said so; nothing is wrong.
class StoppedError : public Error {
 public:
  using Error::Error;
};

/// Processes are the rule. Threads run the same worker code in this process: for platforms without fork and
/// for tools that see one process only (ThreadSanitizer).
enum class WorkerMode {
  kProcesses,  ///< forked; one that dies is replaced
  kThreads     ///< in this process; none can be replaced
};

/// How this machine trains.
struct OrchestratorOptions {
  int workers = 0;                           ///< >= 1; 0: one per core
  WorkerMode mode = WorkerMode::kProcesses;  ///< processes or threads
  std::uint64_t seed = 1;                    ///< initial weights, and every worker's own stream
  Hyperparameters hyperparameters;           ///< of the learning; the thesis' by default
  OptimizerFactory optimizer;                ///< empty: make_shared_optimizer
  AlgorithmFactory algorithm;                ///< empty: the algorithm that hyperparameters.algorithm names
  std::size_t replay_capacity = 0;           ///< steps kept per worker; 0: no replay buffer
  /// A worker that shows no sign of life (an environment step, a gradient) for so long counts as hung: it is
  /// killed and replaced. It is the most that is allowed: after three rounds 20 times the longest silence so
  /// far is enough, and at least 30 s. A slow worker is none that hangs, however long its rounds take.
  Milliseconds worker_timeout{600'000};
  /// Worker processes that die or hang are replaced, and the round goes on; more of them within a minute end
  /// the training. 0: the first one ends it. Threads cannot be replaced.
  int max_crashes_per_minute = 10;
  /// Asked several times a second by the thread that waits for the workers, in the constructor, in
  /// train_round() and in evaluate(). When it says true these throw StoppedError without waiting for the
  /// workers: the trainer can train no more, and after train_round() its weights are somewhere in the middle
  /// of a round. Empty: never.
  std::function<bool()> give_up;
};

/// What it takes to go on where a run stopped, apart from the weights. There is nothing else: all randomness
/// follows from (seed, worker, round), and a round ends with all of its episodes.
struct TrainerState {
  std::vector<float> optimizer_state;    ///< the shared optimizer's, SharedOptimizer::state_size() floats
  std::uint64_t optimizer_steps = 0;     ///< of all workers so far
  std::uint64_t environment_steps = 0;   ///< of all workers so far
  std::uint64_t rounds = 0;              ///< played so far
  std::vector<ReplayShare> replay;       ///< one for each worker; empty without a replay buffer
  std::vector<float> algorithm_state{};  ///< Algorithm::shared_state_size() floats
};

/// Values of the replay buffer that a state takes at most: 64 MiB. Of a larger buffer it has the newest rows,
/// as many of each worker.
inline constexpr std::size_t kMaxReplayValuesInState = std::size_t{1} << 24;

/// How episodes are played for an evaluation.
struct EvaluationRequest {
  int episodes = 100;      ///< >= 1
  std::uint64_t seed = 7;  ///< episode i follows from (seed, i): the result does not depend on the workers
  bool greedy = false;     ///< the likeliest action; false: sampled from the policy. No epsilon either way.
};

/// The workers live until destruction. They are forked from a small process that the constructor forks first
/// of all, and so are those that replace a dead one, whatever this process does meanwhile. This process runs
/// no network itself, so it may fork again. It must not have computed anything with LibTorch before, whose
/// OpenMP threads do not survive a fork. Construct before any thread is started. Used by one thread.
///
/// A worker that died or hung is replaced while the lead waits for it, in train_round() or evaluate(). The
/// replacement plays the same episodes of the round from their beginning, on the weights as they are now. An
/// exception in a worker ends the training: it would come again.
///
/// Repeatable: one worker and one seed give the same weights after the same number of rounds, bit for bit, if
/// no worker had to be replaced.
class CoreOrchestrator : public LocalTrainer {
 public:
  /// Throws ArgumentError for options out of range or an environment that breaks its contract, LayoutError
  /// for a network that cannot be shared, WorkerError when a factory throws (its text) or
  /// workers die, IoError without memory.
  CoreOrchestrator(EnvironmentFactory environment, NetworkFactory network, OrchestratorOptions options = {});
  /// Ends the workers: asks, waits a second, then kills.
  ~CoreOrchestrator() override;
  CoreOrchestrator(const CoreOrchestrator&) = delete;
  CoreOrchestrator& operator=(const CoreOrchestrator&) = delete;

  const ParameterLayout& layout() const override;
  RoundReport train_round() override;
  void read_weights(std::span<float> out) const override;
  void write_weights(std::span<const float> in) override;

  /// Plays episodes with the present weights on all workers, without learning; in the order of the episodes.
  /// Throws as train_round().
  std::vector<EpisodeResult> evaluate(const EvaluationRequest& request);

  /// As the environment tells it.
  const EnvironmentSpec& environment_spec() const;
  /// Number of workers.
  int workers() const;
  /// Rounds played since the start or as restored.
  std::uint64_t rounds() const;
  /// Steps played in training, all workers, since the start or as restored.
  std::uint64_t environment_steps() const;

  /// Between rounds.
  TrainerState state() const;
  /// Goes on from a state, between rounds. Workers that were not there before begin with an empty share of
  /// the replay buffer; the share of one that is there no more is dropped. Throws ArgumentError when the
  /// optimizer's state has another size or the replay buffer's rows have.
  void restore(const TrainerState& state);

  /// The buffer the workers fill, or nullptr without one.
  const ReplayBuffer* replay_buffer() const;

  /// Present process ids of the workers; empty with threads. From any thread.
  std::vector<int> worker_pids() const;
  /// Workers that died or hung and were replaced so far.
  std::uint64_t worker_restarts() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace genkidama
