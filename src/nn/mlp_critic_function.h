#pragma once

// The bundled networks' critics, each a stack of dense layers over an observation and an action.

#include <memory>

#include "genkidama/nn/critic_function.h"
#include "nn/dense_kernels.h"
#include "nn/mlp_shape.h"

namespace genkidama {

std::unique_ptr<CriticFunction> make_mlp_critic_function(const MlpShape& shape,
                                                         const DenseKernels& kernels = dense_kernels());

}  // namespace genkidama
