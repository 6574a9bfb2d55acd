#pragma once

// The arithmetic of the bundled optimizers, element by element, for one core. As with the dense kernels,
// several versions are compiled and the best one for this processor is chosen when the program starts. All of
// them round every operation on its own (no multiplication is fused with an addition), so they give the same
// results bit for bit.

#include <cstddef>

namespace genkidama {

/// `count` weights and what belongs to each of them. The arrays must not overlap, and nobody else may touch
/// them meanwhile.
struct OptimizedElements {
  std::size_t count = 0;
  float* weights = nullptr;
  const float* gradient = nullptr;
  float* first_state = nullptr;   ///< null when the optimizer remembers nothing
  float* second_state = nullptr;  ///< null when the optimizer remembers one number a weight, or none
};

/// v = momentum v + g + decay w; w -= rate v. Without a state, the first summand is left out.
struct SgdStep {
  float rate;
  float momentum;
  float decay;
};

/// With g' = g + decay w: s = smoothing s + (1 - smoothing) g'^2; v = momentum v + g' / (sqrt(s) + epsilon);
/// w -= rate v.
struct RmsPropStep {
  float rate;
  float momentum;
  float decay;
  float smoothing;
  float epsilon;
};

/// With g' = g + decay w: m = b1 m + (1 - b1) g'; v = b2 v + (1 - b2) g'^2;
/// w = kept w - rate m / (sqrt(v) correction + epsilon).
struct AdamStep {
  float rate;  ///< divided by 1 - b1^t
  float b1;
  float b2;
  float decay;       ///< of the gradient
  float kept;        ///< of the weights: 1 - the learning rate * decay of the weights
  float correction;  ///< 1 / sqrt(1 - b2^t)
  float epsilon;
};

struct OptimizerKernels {
  const char* name;
  void (*sgd)(const SgdStep& step, const OptimizedElements& elements);
  void (*rmsprop)(const RmsPropStep& step, const OptimizedElements& elements);
  void (*adam)(const AdamStep& step, const OptimizedElements& elements);
};

/// Runs anywhere.
const OptimizerKernels& portable_optimizer_kernels();

/// The fastest ones this processor can run.
const OptimizerKernels& optimizer_kernels();

}  // namespace genkidama
