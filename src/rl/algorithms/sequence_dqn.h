#pragma once

// DQN's loss over sequences of steps, for a network with memory (Hausknecht and Stone 2015; Kapturowski et
// al. 2019, "R2D2").

#include <cstddef>
#include <span>
#include <vector>

#include "genkidama/core/random.h"
#include "genkidama/ipc/replay_sampler.h"
#include "genkidama/nn/local_network.h"
#include "genkidama/rl/gradient_sink.h"
#include "genkidama/rl/hyperparameters.h"
#include "rl/algorithms/choice_outputs.h"

namespace genkidama {

/// The memory begins each sequence empty. The steps before the drawn one bring it to what it was, in part or,
/// where they reach back to the episode's start, wholly; the loss counts from the drawn step on.
class SequenceDqn {
 public:
  SequenceDqn(const Hyperparameters& hyperparameters, LocalNetwork& network);

  /// Fills LocalNetwork::gradient(), and `errors` [sequences] with what priorities follow from: nine tenths
  /// of a sequence's largest error and a tenth of the mean one. The noise of noisy layers is drawn for each
  /// of the two networks, and is the same for all sequences.
  LearningStatistics compute(const ReplaySequences& sequences, std::span<const float> target_weights,
                             std::span<float> errors, Random& random);

 private:
  void evaluate(const ReplaySequences& sequences, std::span<const float> target_weights, Random& random);
  float target(const ReplaySequences& sequences, std::size_t sequence, std::size_t step, std::size_t step_at,
               std::size_t observation_at) const;

  const Hyperparameters hyperparameters_;
  LocalNetwork& network_;
  std::size_t actions_;
  ChoiceOutputs outputs_, of_target_;  ///< for each observation
  std::vector<std::size_t> lengths_;   ///< observations of each sequence
  std::vector<float> first_states_;
};

}  // namespace genkidama
