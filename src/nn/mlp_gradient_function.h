#pragma once

// The bundled networks' gradient without LibTorch, whose autograd costs many times the arithmetic of networks
// this small.

#include <memory>

#include "genkidama/nn/gradient_function.h"
#include "nn/dense_kernels.h"
#include "nn/mlp_shape.h"

namespace genkidama {

std::unique_ptr<GradientFunction> make_mlp_gradient_function(const MlpShape& shape,
                                                             const DenseKernels& kernels = dense_kernels());

}  // namespace genkidama
