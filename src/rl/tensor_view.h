#pragma once

// Private memory seen as a LibTorch tensor, without a copy.

#include <torch/torch.h>

#include <vector>

namespace genkidama {

/// Valid as long as `values` is neither destroyed nor resized. Only to be read: from_blob wants a mutable
/// pointer.
template <typename T>
torch::Tensor tensor_view(const std::vector<T>& values, at::IntArrayRef shape) {
  return torch::from_blob(const_cast<T*>(values.data()), shape, torch::CppTypeToScalarType<T>::value);
}

/// log pi(a|s) of the chosen actions [n], from the log-probabilities of all [n, action_count].
inline torch::Tensor of_chosen(const torch::Tensor& log_probabilities,
                               const std::vector<std::int64_t>& actions) {
  const auto n = static_cast<std::int64_t>(actions.size());
  return log_probabilities.gather(1, tensor_view(actions, {n, 1})).squeeze(1);
}

/// Mean entropy of the policies, in nats.
inline torch::Tensor mean_entropy(const torch::Tensor& log_probabilities) {
  return -(log_probabilities.exp() * log_probabilities).sum(-1).mean();
}

}  // namespace genkidama
