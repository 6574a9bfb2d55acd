#pragma once

/// @file
/// The interface of a network: the names and shapes of its tensors, its first weights, and functions of flat
/// weights.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/nn/critic_function.h"
#include "genkidama/nn/gradient_function.h"
#include "genkidama/nn/network_spec.h"
#include "genkidama/nn/policy_function.h"
#include "genkidama/nn/recurrent_functions.h"
#include "genkidama/nn/weight_noise.h"
#include "genkidama/params/parameter_layout.h"

namespace GENKIDAMA_EXPORT genkidama {

/// A network whose weights lie elsewhere, in memory that the workers share; it computes with whichever
/// weights it is given. Derive from this class for a network whose arithmetic you write yourself, or from
/// ActorCritic (genkidama/libtorch/actor_critic.h) for a network made of LibTorch's modules. A network is
/// used by one thread.
class Network {
 public:
  virtual ~Network() = default;

  /// Names and shapes of at least one tensor. Every network that a factory makes for the same spec has the
  /// same layout.
  virtual const ParameterLayout& layout() const = 0;

  /// The weights that training starts from: layout().size() of them, in the layout's order.
  virtual std::vector<float> first_weights() const = 0;

  /// Says where the functions that are made afterwards compute: "cpu", or what the library that the network
  /// is made of calls a device, such as "cuda" or "cuda:1". Weights, observations and results stay in this
  /// process' memory whatever the device is. It is called at most once, in the process that uses the
  /// functions, before any is made. Throws ArgumentError when there is no such device; as here for everything
  /// but "cpu".
  virtual void use_device(const std::string& device);

  /// Makes the function that plays. It is never null, but for a network with memory, which is not asked for
  /// it. It may refer to this network, which outlives it.
  virtual std::unique_ptr<PolicyFunction> make_policy_function() = 0;

  /// Makes the function that learns. As above.
  virtual std::unique_ptr<GradientFunction> make_gradient_function() = 0;

  /// Floats that the network carries from one step of an episode to the next; 0 for a network without memory.
  /// An episode starts with a state of zeros.
  virtual std::size_t state_size() const { return 0; }

  /// Makes the function with which a network with memory plays. Null, as here, without memory. It may refer
  /// to this network, which outlives it.
  virtual std::unique_ptr<RecurrentPolicyFunction> make_recurrent_policy_function() { return nullptr; }

  /// Makes the function with which a network with memory learns. As above.
  virtual std::unique_ptr<SequenceGradientFunction> make_sequence_gradient_function() { return nullptr; }

  /// Makes the function that estimates the return of actions. It is asked for when NetworkSpec::critics is at
  /// least 1, and must then not be null. As make_policy_function() otherwise.
  virtual std::unique_ptr<CriticFunction> make_critic_function() { return nullptr; }

  /// The noise with which all functions of this network compute. Null, as here, without any: equal weights
  /// and observations then always give equal outputs.
  virtual WeightNoise* noise() { return nullptr; }

  /// A few words that tell this network from another one with the same tensors, such as "mlp 64 64 tanh". A
  /// run writes them into its checkpoints, and a checkpoint is refused by a network that describes itself
  /// otherwise. Empty, as here: the network does not say, and only tensors are compared.
  virtual std::string description() const { return {}; }
};

/// Makes a network with the sizes of the spec, whose first weights follow from `seed` alone. The library
/// calls it in every worker, after the fork, and in a short-lived process before.
using NetworkFactory = std::function<std::unique_ptr<Network>(const NetworkSpec&, std::uint64_t seed)>;

}  // namespace genkidama
