#include "genkidama/nn/local_network.h"

#include <fmt/format.h>

#include <utility>

#include "genkidama/core/error.h"

namespace genkidama {

LocalNetwork::LocalNetwork(std::unique_ptr<Network> network, const NetworkSpec& spec)
    : network_(std::move(network)), spec_(spec) {
  if (!network_) throw ArgumentError("the network factory returned a null pointer; expected a network");
  if (network_->state_size() != 0) {
    throw ArgumentError(fmt::format(
        "the network carries {} floats of state from step to step; expected a network without memory, "
        "since workers do not carry state yet",
        network_->state_size()));
  }
  const std::size_t size = layout().size();
  if (size == 0) throw LayoutError("the network has no parameters; expected at least one tensor");
  weights_ = network_->first_weights();
  if (weights_.size() != size) {
    throw LayoutError(
        fmt::format("the network gave {} first weights; its layout has {}", weights_.size(), size));
  }
  gradient_.assign(size, 0.0f);
  policy_ = network_->make_policy_function();
  gradient_function_ = network_->make_gradient_function();
  if (!policy_ || !gradient_function_) {
    throw ArgumentError("the network made no policy or gradient function; expected both");
  }
}

}  // namespace genkidama
