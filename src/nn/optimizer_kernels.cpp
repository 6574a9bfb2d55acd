#include "nn/optimizer_kernels.h"

#include <cmath>

#include "nn/lanes.h"  // GENKIDAMA_INLINE

// src/nn/CMakeLists.txt compiles this file with -ffp-contract=off, for equal bits in every version, and with
// -fno-math-errno, without which no loop with a square root is vectorised.

namespace genkidama {
namespace {

// The steps are taken by value: behind a reference, a store to the weights could change them.

GENKIDAMA_INLINE void sgd_body(const SgdStep s, const OptimizedElements& e) {
  float* __restrict w = e.weights;
  const float* __restrict g = e.gradient;
  float* __restrict v = e.first_state;
  if (v == nullptr) {
    for (std::size_t i = 0; i < e.count; ++i) w[i] = w[i] - s.rate * (g[i] + s.decay * w[i]);
    return;
  }
  for (std::size_t i = 0; i < e.count; ++i) {
    v[i] = g[i] + s.decay * w[i] + s.momentum * v[i];
    w[i] = w[i] - s.rate * v[i];
  }
}

GENKIDAMA_INLINE void rmsprop_body(const RmsPropStep s, const OptimizedElements& e) {
  float* __restrict w = e.weights;
  const float* __restrict g = e.gradient;
  float* __restrict squares = e.first_state;
  float* __restrict velocity = e.second_state;
  for (std::size_t i = 0; i < e.count; ++i) {
    const float slope = g[i] + s.decay * w[i];
    squares[i] = s.smoothing * squares[i] + (1 - s.smoothing) * slope * slope;
    velocity[i] = s.momentum * velocity[i] + slope / (std::sqrt(squares[i]) + s.epsilon);
    w[i] = w[i] - s.rate * velocity[i];
  }
}

GENKIDAMA_INLINE void adam_body(const AdamStep s, const OptimizedElements& e) {
  float* __restrict w = e.weights;
  const float* __restrict g = e.gradient;
  float* __restrict m = e.first_state;
  float* __restrict v = e.second_state;
  for (std::size_t i = 0; i < e.count; ++i) {
    const float slope = g[i] + s.decay * w[i];
    m[i] = s.b1 * m[i] + (1 - s.b1) * slope;
    v[i] = s.b2 * v[i] + (1 - s.b2) * slope * slope;
    w[i] = s.kept * w[i] - s.rate * m[i] / (std::sqrt(v[i]) * s.correction + s.epsilon);
  }
}

// One function of each kernel per version, and the version made of them.
#define GENKIDAMA_KERNELS(version, attribute)                                             \
  attribute void sgd_##version(const SgdStep& step, const OptimizedElements& elements) {  \
    sgd_body(step, elements);                                                             \
  }                                                                                       \
  attribute void rmsprop_##version(const RmsPropStep& step, const OptimizedElements& e) { \
    rmsprop_body(step, e);                                                                \
  }                                                                                       \
  attribute void adam_##version(const AdamStep& step, const OptimizedElements& e) {       \
    adam_body(step, e);                                                                   \
  }                                                                                       \
  constexpr OptimizerKernels version##_kernels{#version, sgd_##version, rmsprop_##version, adam_##version};

GENKIDAMA_KERNELS(portable, )

// Wider vectors than AVX2's would not help: division and square root take as long for each element.
#if defined(__x86_64__)
#define GENKIDAMA_AVX2 [[gnu::target("avx2")]]
GENKIDAMA_KERNELS(avx2, GENKIDAMA_AVX2)
#endif

}  // namespace

const OptimizerKernels& portable_optimizer_kernels() {
  return portable_kernels;
}

const OptimizerKernels& optimizer_kernels() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return avx2_kernels;
#endif
  return portable_kernels;
}

}  // namespace genkidama
