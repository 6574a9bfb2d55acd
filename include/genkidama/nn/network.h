#pragma once

/// @file
/// What the library needs of a network: names and shapes, first weights, and functions of flat weights.

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"
#include "genkidama/nn/gradient_function.h"
#include "genkidama/nn/policy_function.h"
#include "genkidama/params/parameter_layout.h"

namespace GENKIDAMA_EXPORT genkidama {

/// The weights themselves lie elsewhere, in memory that the workers share; a network computes with whichever
/// it is given. Derive from this for a network whose arithmetic you write yourself, or from ActorCritic
/// (genkidama/libtorch/actor_critic.h) for one made of LibTorch's modules. Used by one thread.
class Network {
 public:
  virtual ~Network() = default;

  /// At least one tensor; the same for every network made for the same environment.
  virtual const ParameterLayout& layout() const = 0;

  /// The weights training starts from, layout().size() of them, in the layout's order.
  virtual std::vector<float> first_weights() const = 0;

  /// For playing. Never null; may refer to this network, which outlives it.
  virtual std::unique_ptr<PolicyFunction> make_policy_function() = 0;

  /// For learning. Never null; may refer to this network, which outlives it.
  virtual std::unique_ptr<GradientFunction> make_gradient_function() = 0;
};

/// Makes a network for an environment, with first weights that follow from `seed` alone. Called in every
/// worker, after the fork, and in a short-lived process before.
using NetworkFactory = std::function<std::unique_ptr<Network>(const EnvironmentSpec&, std::uint64_t seed)>;

}  // namespace genkidama
