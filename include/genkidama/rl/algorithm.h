#pragma once

/// @file
/// The interface of a learning algorithm. Derive from it to bring an algorithm of your own.

#include <cstddef>
#include <functional>
#include <memory>

#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"
#include "genkidama/nn/network_spec.h"
#include "genkidama/rl/behaviour.h"
#include "genkidama/rl/cloning_options.h"
#include "genkidama/rl/hyperparameters.h"
#include "genkidama/rl/imitation_loss.h"
#include "genkidama/rl/learner.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Where a behaviour explores. All of it outlives the behaviour.
struct ExplorerContext {
  const EnvironmentSpec& environment;  ///< completed()
  const GradientSink& sink;            ///< tells the environment steps that schedules go by
  int worker = 0;                      ///< the worker's number on its machine, from 0
  int workers = 1;                     ///< how many workers the machine has
};

/// Says which outputs a network needs, how they become actions, and how to learn from a segment. It holds
/// constants only: what is learnt lies in the weights and in the shared state. Every worker has an object of
/// its own.
class Algorithm {
 public:
  virtual ~Algorithm() = default;

  /// The sizes of the network for this environment. Throws ArgumentError, with what was given and what is
  /// expected, when the algorithm cannot serve the environment's spaces.
  virtual NetworkSpec network(const EnvironmentSpec& environment) const = 0;

  /// The number of floats that all workers of a machine share beside the network's `parameters` weights, for
  /// instance for a target network. They start as 0, and a resumed run goes on with them. All workers write
  /// them at once, so access them through relaxed_read() and relaxed_write() only.
  virtual std::size_t shared_state_size(std::size_t parameters) const {
    static_cast<void>(parameters);
    return 0;
  }

  /// The same where it depends on the environment too, for instance for a model of it. The default asks the
  /// other one. Whoever makes the shared state asks this one.
  virtual std::size_t shared_state_for(const EnvironmentSpec& environment, std::size_t parameters) const {
    static_cast<void>(environment);
    return shared_state_size(parameters);
  }

  /// How many processes or threads beside the workers help to learn, while these play a round.
  virtual int helpers() const { return 0; }

  /// Makes what helper number `helper`, from 0, works with. LearnerContext::worker is 0 for it, and the share
  /// of that number is not the helper's own. It is called when helpers() is above 0, and must not be null
  /// then.
  virtual std::unique_ptr<Helper> make_helper(const LearnerContext& context, int helper) const {
    static_cast<void>(context);
    static_cast<void>(helper);
    return nullptr;
  }

  /// Whether its learners learn from the replay buffer. A machine that trains then needs one, with room for a
  /// minibatch at least, learns where it plays (Learning::kWorkers), and normalises nothing.
  virtual bool learns_from_replay() const { return false; }

  /// Whether it learns with a network that remembers earlier steps (Network::state_size()). check_network()
  /// of one that does not refuses such a network.
  virtual bool takes_memory() const { return true; }

  /// Throws ArgumentError, with what was given and what is expected, when the algorithm cannot learn with the
  /// network that the factory made for network(). The default takes any.
  virtual void check_network(const LocalNetwork& network) const { static_cast<void>(network); }

  /// Makes the object that chooses actions. It is never null.
  virtual std::unique_ptr<Behaviour> make_behaviour(const EnvironmentSpec& environment) const = 0;

  /// Makes the object that chooses actions while a worker collects experience, which may depend on the worker
  /// and on how far the run has come. Its greedy choices are those of make_behaviour(), which the default
  /// calls. It is never null.
  virtual std::unique_ptr<Behaviour> make_explorer(const ExplorerContext& context) const {
    return make_behaviour(context.environment);
  }

  /// Makes what is minimised so that a policy acts as demonstrations do, with the outputs of the network that
  /// network() asks for. Null, as here: the algorithm cannot begin with demonstrations.
  virtual std::unique_ptr<ImitationLoss> make_imitation_loss(const EnvironmentSpec& environment,
                                                             const CloningOptions& options) const {
    static_cast<void>(environment);
    static_cast<void>(options);
    return nullptr;
  }

  /// Makes the object that learns. It is never null.
  virtual std::unique_ptr<Learner> make_learner(const LearnerContext& context) const = 0;
};

/// Makes an algorithm. Every worker calls it, and so does the lead.
using AlgorithmFactory = std::function<std::unique_ptr<Algorithm>(const Hyperparameters&)>;

/// The network of a policy gradient with a value, for any action space: the outputs from which
/// action_behaviour() chooses, and one value. Log-deviations are free outputs unless they depend on the
/// state. Throws ArgumentError that names the environment where the options need finite bounds and the action
/// space has others.
NetworkSpec actor_critic_network(const EnvironmentSpec& environment, const GaussianOptions& options = {});

}  // namespace genkidama
