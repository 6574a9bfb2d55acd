#pragma once

/// @file
/// How a policy is fitted to demonstrations.

#include <cstdint>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// The constants of behaviour cloning (BehaviourCloning in genkidama/rl/behaviour_cloning.h).
struct CloningOptions {
  int epochs = 200;  ///< passes over the demonstrated steps at most, >= 1
  /// Passes in a row, >= 1, none of which has a lower loss on the held-out episodes than the best one before:
  /// they end the fit. The weights of the best pass are kept.
  int patience = 20;
  /// Share of the episodes that nothing is learnt from, in [0, 0.5]. At least one is held out where there are
  /// several and this is above 0. With none, all passes are made, and the last weights are kept.
  double held_out = 0.1;
  int minibatch_size = 64;      ///< steps per optimizer step, >= 1; of a network with memory about so many
  double learning_rate = 1e-3;  ///< Adam's at first, > 0; it falls linearly to 0 over all `epochs`
  /// Weight of the fit of values to the demonstrated returns, >= 0, whose error is measured in variances of
  /// these returns (or in hundredths of their mean square). A critic that has learnt nothing would spoil the
  /// policy before it knows better. 0: values stay as they are.
  double value_weight = 0.5;
  /// The least standard deviation of a continuous component, in (0, 1] and in units of half its range (in the
  /// environment's own unit where there are no bounds): the likeliest deviation would be so small that
  /// nothing is explored any more.
  double least_deviation = 0.1;
  /// Of algorithms that learn values of alternatives: how much larger the demonstrated one is to be than any
  /// other, >= 0, in scaled rewards.
  double margin = 0.8;
  std::uint64_t seed = 1;  ///< which episodes are held out, and the order of the steps, follow from it
};

}  // namespace genkidama
