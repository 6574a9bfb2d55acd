#pragma once

// A user's module whose parameters and gradients lie in flat arrays.

#include <torch/torch.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genkidama/libtorch/actor_critic.h"

namespace genkidama {

/// Parameters in registration order, named as in PyTorch's state_dict. Throws LayoutError for a parameter
/// that is not float32 on the CPU, a buffer, or a module without parameters.
ParameterLayout layout_of(const ActorCritic& module);

/// The device of that name. Throws ArgumentError when there is no such name, or LibTorch has no such device
/// here.
torch::Device device_of(const std::string& name);

/// On the processor: rebinds parameters to whichever arrays are given, which costs nothing while they stay
/// the same. On a device: copies the arrays there and gradients back. Used by one thread.
class BoundModule {
 public:
  /// Throws as layout_of(), or ArgumentError when `module` is null, carries state (statelessness.h), or is
  /// asked for another number of values than 1.
  BoundModule(std::shared_ptr<ActorCritic> module, const NetworkSpec& spec);

  const ParameterLayout& layout() const { return layout_; }

  /// The parameters' own values, before the first bind.
  std::vector<float> values() const;

  /// To be called before anything is bound. The device itself is not touched before that either: a process
  /// that is forked after CUDA was started cannot use it.
  void use_device(const torch::Device& device);

  /// The parameters are `weights` from now on, which must stay. On a device they are copies, which
  /// `unchanged` leaves there as they are if the latest bind_weights() was given the same array.
  void bind_weights(std::span<const float> weights, bool unchanged = false);
  /// backward() adds to zeros from now on, for take_gradient(). The array must stay.
  void bind_gradient(std::span<float> gradient);
  /// After backward(): the array that was bound holds the gradient. Throws LayoutError when a parameter or
  /// gradient no longer lies where it was bound to (a user's clone(), to() or assignment detaches it
  /// silently, and learning would stop without a sign).
  void take_gradient();

  /// `observation` [B, ...], with the dimensions of an observation, in the process' memory. The answer is
  /// where the module computes. Throws LayoutError when it has other shapes than [B, policy] and [B].
  ActorCriticOutput forward(const torch::Tensor& observation);

  /// The same values where the module computes.
  torch::Tensor here(const torch::Tensor& values) const;

 private:
  void bind(float* weights);
  void move_to_device();
  /// Of parameter `i`, in a flat array on the device.
  torch::Tensor part_of(const torch::Tensor& flat, std::size_t i) const;
  /// Where parameter `i` and its gradient should lie.
  const void* weights_of(std::size_t i) const;
  const void* gradient_of(std::size_t i) const;
  void check_bound() const;

  std::shared_ptr<ActorCritic> module_;
  ParameterLayout layout_;
  int output_count_;
  std::vector<torch::Tensor> parameters_;
  std::optional<torch::Device> device_;  ///< nothing: the parameters are the arrays themselves
  torch::Tensor flat_, flat_gradient_;   ///< on the device, in the layout's order
  const float* weights_ = nullptr;
  std::span<float> gradient_;
};

}  // namespace genkidama
