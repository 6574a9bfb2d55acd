#pragma once

// The bundled networks' forward pass without LibTorch: an eager LibTorch call costs many times the arithmetic
// of a network of this size.

#include <cstddef>
#include <memory>
#include <vector>

#include "genkidama/nn/policy_function.h"
#include "nn/dense_kernels.h"

namespace genkidama {

/// Layer sizes of both heads, input first. In the flat weights the policy's layers come first, then the
/// value's; each is its weight [out, in] and its bias [out].
struct MlpShape {
  std::vector<int> policy;
  std::vector<int> value;
};

/// Weights and biases of one head in the flat weights.
std::size_t head_floats(const std::vector<int>& sizes);

std::unique_ptr<PolicyFunction> make_mlp_policy_function(const MlpShape& shape,
                                                         const DenseKernels& kernels = dense_kernels());

}  // namespace genkidama
