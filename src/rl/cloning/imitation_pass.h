#pragma once

// A forward and a backward pass of a network over demonstrated steps, and how well it fits them.

#include <memory>
#include <span>
#include <vector>

#include "genkidama/core/random.h"
#include "genkidama/nn/local_network.h"
#include "genkidama/rl/algorithm.h"
#include "genkidama/rl/behaviour_cloning.h"
#include "rl/behaviour/gaussian_units.h"
#include "rl/cloning/demonstrated_steps.h"

namespace genkidama {

/// Sums over steps, from which a CloningFit follows.
struct FitSums {
  std::size_t steps = 0, valued_steps = 0;
  double policy = 0, value = 0;
  std::size_t choices = 0, agreeing = 0;
  std::size_t components = 0;
  double distance = 0;

  /// `value_weight`: CloningOptions::value_weight.
  CloningFit fit(double value_weight) const;
};

/// Sequences of a network with memory; without any, all steps stand alone.
struct SequenceColumns {
  std::vector<std::size_t> lengths;
  std::vector<float> first_states;
};

class ImitationPass {
 public:
  /// All outlive it, but for the options. Throws ArgumentError when the algorithm cannot begin with
  /// demonstrations.
  ImitationPass(const Algorithm& algorithm, const EnvironmentSpec& environment, const CloningOptions& options,
                LocalNetwork& network);

  /// Computes the losses of these steps and their derivatives, and adds to `sums` how well the network fits.
  /// `states` [n, state size], which may be empty, receives the state before each step.
  void forward(const StepColumns& steps, const SequenceColumns& sequences, FitSums& sums,
               std::span<float> states = {});

  /// Fills the network's gradient with that of the mean loss of the latest forward().
  void backward();

 private:
  void compare(const StepColumns& steps, FitSums& sums);
  double fit_critics(const StepColumns& steps);

  LocalNetwork& network_;
  const ActionSpace space_;
  std::unique_ptr<ImitationLoss> loss_;
  std::unique_ptr<Behaviour> behaviour_;
  GaussianUnits units_;
  Random random_;  ///< of greedy choices, which draw nothing
  std::vector<float> outputs_, values_, by_outputs_, by_values_;
  std::vector<float> critic_values_, by_critics_, unit_actions_;
  std::vector<float> chosen_, action_;
};

}  // namespace genkidama
