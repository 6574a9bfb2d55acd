#pragma once

/// @file
/// Behaviour cloning: a policy is fitted to demonstrations before it learns from rewards (Pomerleau 1991,
/// "Efficient training of artificial neural networks for autonomous navigation").

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"
#include "genkidama/nn/local_network.h"
#include "genkidama/params/running_statistics.h"
#include "genkidama/rl/algorithm.h"
#include "genkidama/rl/cloning_options.h"
#include "genkidama/rl/demonstrations.h"
#include "genkidama/rl/hyperparameters.h"

namespace GENKIDAMA_EXPORT genkidama {

/// How well a policy fits demonstrated steps.
struct CloningFit {
  double loss = 0;  ///< of the actions, in the mean over steps: what the algorithm's ImitationLoss is
  /// The mean squared error of the values over the variance of the returns; empty where no value is fitted.
  std::optional<double> value_error;
  /// Share of the demonstrated choices that are the policy's greedy ones; empty where nothing is chosen.
  std::optional<double> agreement;
  /// Mean distance of the policy's greedy continuous components from the demonstrated ones, as a share of a
  /// component's range (in the environment's unit where it has no bounds); empty where there are none.
  std::optional<double> distance;
};

/// A pass that has been made.
struct CloningEpoch {
  int epoch = 0;        ///< from 1; 0: before the first pass
  CloningFit learnt;    ///< of the steps that were learnt from, as the network was when they were
  CloningFit held_out;  ///< of the held-out steps, after the pass; of the learnt ones where none are held out
};

/// What a fit came to.
struct CloningReport {
  std::size_t episodes = 0;           ///< demonstrated, those that were held out included
  std::size_t steps = 0;              ///< of all of them
  std::size_t held_out_episodes = 0;  ///< that nothing was learnt from
  double mean_return = 0;             ///< of the demonstrated episodes
  int epochs = 0;                     ///< passes that were made
  int best_epoch = 0;                 ///< whose weights were kept
  std::uint64_t optimizer_steps = 0;  ///< of all passes
  CloningFit first;              ///< of the held-out steps (of all, where none are) before the first pass
  CloningFit held_out;           ///< the same after the pass that was kept
  RunningStatistics statistics;  ///< BehaviourCloning::statistics()
};

/// Called after each pass, and once before the first one. Returns false to give the fit up.
using OnCloningEpoch = std::function<bool(const CloningEpoch&)>;

/// Fits the policy of an algorithm, and its values where it has some, to demonstrations. What is minimised is
/// the algorithm's ImitationLoss over minibatches, by Adam. A network with memory is fitted over sequences of
/// Hyperparameters::sequence_length steps.
///
/// Values are fitted to the demonstrated returns, discounted with Hyperparameters::gamma and in scaled
/// rewards. What lies behind an episode that was cut off is not known: its steps count only where it would
/// weigh less than 5 %. Critics of actions are fitted in the same way, at the demonstrated actions.
///
/// Used by one thread. The same demonstrations, options and first weights give the same weights, bit for bit.
class BehaviourCloning {
 public:
  /// All of it outlives the object. Throws ArgumentError when the demonstrations are not sound or of another
  /// task, when the options are out of range, or when the algorithm cannot begin with demonstrations.
  BehaviourCloning(const Algorithm& algorithm, const Hyperparameters& hyperparameters,
                   const EnvironmentSpec& environment, const Demonstrations& demonstrations,
                   const CloningOptions& options = {});
  ~BehaviourCloning();
  BehaviourCloning(const BehaviourCloning&) = delete;
  BehaviourCloning& operator=(const BehaviourCloning&) = delete;

  /// What observations and returns are normalised with during the fit, and must be afterwards: the statistics
  /// of the demonstrations. Without components: the hyperparameters normalise nothing.
  const RunningStatistics& statistics() const;

  /// Fits `network`, which the algorithm's network() has given the sizes of, from the weights that it has.
  /// `on_epoch` may be empty; once it returns false nothing more is learnt, and nothing is returned, with the
  /// weights somewhere in between. Throws Error when the fit diverges.
  std::optional<CloningReport> fit(LocalNetwork& network, const OnCloningEpoch& on_epoch = {});

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace genkidama
