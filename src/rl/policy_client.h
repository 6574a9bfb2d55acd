#pragma once

// Who computes the outputs that a worker's actions are chosen from: the worker itself, or predictors.

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "genkidama/core/random.h"
#include "genkidama/nn/local_network.h"
#include "rl/shared_training.h"
#include "rl/worker_sink.h"

namespace genkidama {

/// Used by one worker. Rows are observations of different episodes. The environments of a worker are one
/// group, or two of which one is stepped while the other's outputs are computed.
class PolicyClient {
 public:
  virtual ~PolicyClient() = default;

  virtual std::size_t groups() const = 0;
  /// Where observations [rows, observation size] are written before ask().
  virtual std::span<float> observations(std::size_t group, std::size_t rows) = 0;
  /// Where the states [rows, state size] before them are written, of a network with memory.
  virtual std::span<float> states(std::size_t group, std::size_t rows) = 0;
  /// Has outputs computed for the rows of a group.
  virtual void ask(std::size_t group, std::size_t rows) = 0;
  /// Waits for the outputs [rows, policy], which stay until the group's next observations().
  virtual std::span<const float> outputs(std::size_t group) = 0;
  /// After outputs(): the states after the observations.
  virtual std::span<const float> next_states(std::size_t group) = 0;
  /// In place of outputs(), when these are not wanted any more.
  virtual void forget(std::size_t group) = 0;
};

/// Computes with the worker's own copy of the weights. `noise` draws the network's noise. Both outlive it.
std::unique_ptr<PolicyClient> make_local_policy_client(LocalNetwork& network, Random& noise);

/// Asks the predictors of shared.inference. Takes back what a dead worker of this number had asked for. What
/// it waits for shows life in the worker's place. Throws WorkerError when the training ends meanwhile.
std::unique_ptr<PolicyClient> make_slot_policy_client(SharedTraining& shared, WorkerSink& sink, int worker);

}  // namespace genkidama
