#pragma once

// A user's module whose parameters and gradients lie in flat arrays.

#include <torch/torch.h>

#include <memory>
#include <span>
#include <vector>

#include "genkidama/libtorch/actor_critic.h"

namespace genkidama {

/// Parameters in registration order, named as in PyTorch's state_dict. Throws LayoutError for a parameter
/// that is not float32 on the CPU, a buffer, or a module without parameters.
ParameterLayout layout_of(const ActorCritic& module);

/// Rebinds parameters to whichever arrays are given, which costs nothing while they stay the same. Used by
/// one thread.
class BoundModule {
 public:
  /// Throws as layout_of(), or ArgumentError when `module` is null, carries state (statelessness.h), or is
  /// asked for another number of values than 1.
  BoundModule(std::shared_ptr<ActorCritic> module, const NetworkSpec& spec);

  const ParameterLayout& layout() const { return layout_; }

  /// The parameters' own values, before the first bind.
  std::vector<float> values() const;

  /// The parameters are `weights` from now on, which must stay.
  void bind_weights(std::span<const float> weights);
  /// backward() adds to `gradient` from now on, which must stay.
  void bind_gradient(std::span<float> gradient);

  /// `observation` [B, ...], with the dimensions of an observation. Throws LayoutError when the module's
  /// answer has other shapes than [B, policy] and [B].
  ActorCriticOutput forward(const torch::Tensor& observation);

  /// Throws LayoutError when a parameter or gradient no longer lies in the arrays it was bound to (a user's
  /// clone(), to() or assignment detaches it silently, and learning would stop without a sign).
  void check_bound() const;

 private:
  std::shared_ptr<ActorCritic> module_;
  ParameterLayout layout_;
  int output_count_;
  std::vector<torch::Tensor> parameters_;
  const float* weights_ = nullptr;
  const float* gradient_ = nullptr;
};

}  // namespace genkidama
