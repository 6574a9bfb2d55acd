#pragma once

// A multi-layer perceptron with memory: the trunk, then a gated recurrent unit, then the heads.

#include <memory>

#include "genkidama/nn/recurrent_functions.h"
#include "nn/dense_kernels.h"
#include "nn/mlp_shape.h"

namespace genkidama {

std::unique_ptr<RecurrentPolicyFunction> make_recurrent_mlp_policy(
    const MlpShape& shape, const DenseKernels& kernels = dense_kernels());

std::unique_ptr<SequenceGradientFunction> make_recurrent_mlp_gradient(
    const MlpShape& shape, const DenseKernels& kernels = dense_kernels());

}  // namespace genkidama
