#pragma once

// The bundled networks' forward pass without LibTorch: an eager LibTorch call costs many times the arithmetic
// of a network of this size.

#include <memory>

#include "genkidama/nn/policy_function.h"
#include "nn/dense_kernels.h"
#include "nn/mlp_shape.h"

namespace genkidama {

std::unique_ptr<PolicyFunction> make_mlp_policy_function(const MlpShape& shape,
                                                         const DenseKernels& kernels = dense_kernels());

}  // namespace genkidama
