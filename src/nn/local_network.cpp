#include "genkidama/nn/local_network.h"

#include <fmt/format.h>

#include <cstddef>
#include <span>
#include <utility>

#include "genkidama/core/error.h"

namespace genkidama {
namespace {

[[noreturn]] void refuse_to_forget(std::size_t state_size) {
  throw ArgumentError(fmt::format(
      "the network carries {} floats of state from step to step, and what was asked of it carries none; "
      "expected "
      "sequences and a recurrent policy: an algorithm of your own uses those of LocalNetwork, or a network "
      "without memory",
      state_size));
}

/// Stand in for the functions that a network with memory does not have.
class NoPolicyFunction final : public PolicyFunction {
 public:
  explicit NoPolicyFunction(std::size_t state_size) : state_size_(state_size) {}
  void logits(std::span<const float>, std::span<const float>, std::span<float>) override {
    refuse_to_forget(state_size_);
  }
  float value(std::span<const float>, std::span<const float>) override { refuse_to_forget(state_size_); }

 private:
  std::size_t state_size_;
};

class NoGradientFunction final : public GradientFunction {
 public:
  explicit NoGradientFunction(std::size_t state_size) : state_size_(state_size) {}
  void forward(std::span<const float>, std::span<const float>, std::span<float>, std::span<float>) override {
    refuse_to_forget(state_size_);
  }
  void backward(std::span<const float>, std::span<const float>, std::span<const float>,
                std::span<float>) override {
    refuse_to_forget(state_size_);
  }

 private:
  std::size_t state_size_;
};

}  // namespace

LocalNetwork::LocalNetwork(std::unique_ptr<Network> network, const NetworkSpec& spec)
    : network_(std::move(network)), spec_(spec) {
  if (!network_) throw ArgumentError("the network factory returned a null pointer; expected a network");
  state_size_ = network_->state_size();
  const std::size_t size = layout().size();
  if (size == 0) throw LayoutError("the network has no parameters; expected at least one tensor");
  weights_ = network_->first_weights();
  if (weights_.size() != size) {
    throw LayoutError(
        fmt::format("the network gave {} first weights; its layout has {}", weights_.size(), size));
  }
  gradient_.assign(size, 0.0f);
  if (spec.critics > 0) {
    critics_ = network_->make_critic_function();
    if (!critics_) {
      throw ArgumentError(fmt::format(
          "the network made no critic function, and the algorithm needs {} critics; expected a network whose "
          "make_critic_function() makes one, such as mlp_network()",
          spec.critics));
    }
  }
  if (state_size_ > 0) {
    recurrent_policy_ = network_->make_recurrent_policy_function();
    sequence_function_ = network_->make_sequence_gradient_function();
    policy_ = std::make_unique<NoPolicyFunction>(state_size_);
    gradient_function_ = std::make_unique<NoGradientFunction>(state_size_);
    if (recurrent_policy_ && sequence_function_) return;
    throw ArgumentError(fmt::format(
        "the network carries {} floats of state from step to step and made no recurrent policy or "
        "sequence gradient function; expected both",
        state_size_));
  }
  policy_ = network_->make_policy_function();
  gradient_function_ = network_->make_gradient_function();
  if (!policy_ || !gradient_function_) {
    throw ArgumentError("the network made no policy or gradient function; expected both");
  }
}

}  // namespace genkidama
