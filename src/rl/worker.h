#pragma once

// One worker of a machine: plays, learns, and writes the shared weights without a lock.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "genkidama/core/random.h"
#include "genkidama/env/environment.h"
#include "genkidama/nn/local_network.h"
#include "genkidama/nn/shared_optimizer.h"
#include "genkidama/params/weight_shards.h"
#include "genkidama/rl/algorithm.h"
#include "genkidama/rl/hyperparameters.h"
#include "rl/shared_training.h"

namespace genkidama {

/// What every worker is made from; identical in all of them.
struct WorkerSetup {
  EnvironmentFactory environment;
  NetworkFactory network;
  OptimizerFactory optimizer;
  AlgorithmFactory algorithm;
  Hyperparameters hyperparameters;
  std::uint64_t seed = 1;
  std::optional<EnvironmentSpec> spec = {};  ///< what the environments must be; nothing: what they say
  EnvironmentPurpose purpose = EnvironmentPurpose::kTrain;
  double steps_per_second = 0;  ///< of each environment, in training; 0: as many as there is time for
  std::string device = "cpu";   ///< of whoever computes batches
  /// Makes the links to the shards where the weights live; empty: they live on this machine.
  std::function<std::unique_ptr<WeightShards>()> shards = {};
  /// What the network was made for. Environments may differ from it in anything but their spaces.
  std::optional<EnvironmentSpec> described = {};
};

/// Runs worker number `index` until the lead closes the barrier, or `lead_alive` returns false (asked about
/// once a second while waiting). It may take the place of one that died: it plays the round that one had not
/// ended, from its beginning. A failure is written to the worker's report, for the lead to throw. Never
/// throws. Returns whether it ended as told.
bool run_worker(const WorkerSetup& setup, SharedTraining& shared, int index,
                const std::function<bool()>& lead_alive);

/// Worker number 0, and the central learner if there is one, which the calling thread plays: each call
/// carries an order out. Both arguments outlive it. Making it and calling it throw what a factory, an
/// environment or a network throws.
std::function<void(const WorkerOrder&)> make_called_worker(const WorkerSetup& setup, SharedTraining& shared);

/// Steps after which an episode is cut in training, however much longer the environment's own time limit is,
/// so that the memory of a round is bounded: 65,536, or as many as have observations of 256 MiB, but at least
/// 1,024.
std::uint32_t longest_training_episode(int observation_size);

/// The network with its first weights, which computes on `device`; the same weights in every worker and for
/// the lead's description.
LocalNetwork make_local_network(const WorkerSetup& setup, const Algorithm& algorithm,
                                const EnvironmentSpec& spec, const std::string& device);

/// What a worker's learning in a round draws from.
Random learning_random(const WorkerSetup& setup, int worker, std::uint64_t round);

/// Throws ArgumentError when the factory returns null.
std::unique_ptr<Algorithm> make_algorithm_of(const WorkerSetup& setup);

}  // namespace genkidama
