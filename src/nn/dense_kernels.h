#pragma once

// The arithmetic of small dense layers, for one core. Several versions of the same code are compiled and the
// best one for this processor is chosen when the program starts, so that a portable build uses AVX2 where
// there is AVX2.

#include <cstddef>

namespace genkidama {

/// c[r][j] = (bias ? bias[j] : 0) + sum over k of a[r * a_row + k * a_depth] * b[k * b_row + j].
/// `c` is row-major without gaps between its rows and must not overlap with the others.
struct MatrixProduct {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::size_t depth = 0;
  const float* a = nullptr;
  std::size_t a_row = 0;    ///< from one row of a to the next
  std::size_t a_depth = 0;  ///< from one summand to the next: 1 for row-major a, its width for its transpose
  const float* b = nullptr;
  std::size_t b_row = 0;
  const float* bias = nullptr;
  float* c = nullptr;
};

/// output[o] = bias[o] + sum over i of weights[o * in + i] * input[i]: one observation through one layer.
struct LayerProduct {
  std::size_t in = 0;
  std::size_t out = 0;
  const float* weights = nullptr;
  const float* bias = nullptr;
  const float* input = nullptr;
  float* output = nullptr;  ///< must not overlap with the others
};

struct DenseKernels {
  const char* name;
  void (*multiply)(const MatrixProduct& product);
  void (*apply_layer)(const LayerProduct& product);
  /// values[i] = tanh(values[i]), within 2e-7 of it; NaN stays NaN.
  void (*tanh_in_place)(float* values, std::size_t count);
};

/// Runs anywhere.
const DenseKernels& portable_dense_kernels();

/// The fastest ones this processor can run.
const DenseKernels& dense_kernels();

}  // namespace genkidama
