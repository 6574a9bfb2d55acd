#pragma once

// The arithmetic of small dense layers, for one core. Several versions of the same code are compiled and the
// best one for this processor is chosen when the program starts, so that a portable build uses AVX2 or
// AVX-512 where there is that.

#include <cstddef>
#include <vector>

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

/// Each row x of `values` [rows, width] becomes gain * n + shift with n = (x - mean) / sqrt(variance + 1e-5),
/// the mean and the variance being those of the row (Ba et al. 2016; torch.nn.LayerNorm).
struct RowNormalisation {
  std::size_t rows = 0;
  std::size_t width = 0;
  const float* gain = nullptr;   ///< [width]
  const float* shift = nullptr;  ///< [width]
  float* values = nullptr;
  float* normalised = nullptr;  ///< receives n, [rows, width]; null: nobody asks for it
  float* scales = nullptr;      ///< receives 1 / sqrt(variance + 1e-5), [rows]; null: nobody asks for it
};

/// Through a RowNormalisation backwards: `delta` [rows, width], a loss' derivative by the results, becomes
/// that by the values before. The derivatives by gain and shift are overwritten.
struct RowNormalisationGradient {
  std::size_t rows = 0;
  std::size_t width = 0;
  const float* gain = nullptr;
  const float* normalised = nullptr;
  const float* scales = nullptr;
  float* delta = nullptr;
  float* gain_gradient = nullptr;   ///< [width]
  float* shift_gradient = nullptr;  ///< [width]
};

struct DenseKernels {
  const char* name;
  void (*multiply)(const MatrixProduct& product);
  void (*apply_layer)(const LayerProduct& product);
  /// values[i] = tanh(values[i]), within 2e-7 of it; NaN stays NaN.
  void (*tanh_in_place)(float* values, std::size_t count);
  /// delta[i] *= 1 - outputs[i]^2, the derivative of tanh where its result is outputs[i].
  void (*tanh_backward)(const float* outputs, float* delta, std::size_t count);
  /// values[i] = max(values[i], 0); NaN stays NaN.
  void (*relu_in_place)(float* values, std::size_t count);
  /// values[i] = 1 / (1 + e^-values[i]), within 2e-7 of it; NaN stays NaN.
  void (*sigmoid_in_place)(float* values, std::size_t count);
  /// values[i] = values[i] / (1 + e^-values[i]), within 5e-7 of it relative to the larger of 1 and the value;
  /// NaN stays NaN.
  void (*silu_in_place)(float* values, std::size_t count);
  /// delta[i] *= the derivative of SiLU at sums[i], which is within 1e-6 of it; NaN stays NaN.
  void (*silu_backward)(const float* sums, float* delta, std::size_t count);
  void (*normalise_rows)(const RowNormalisation& rows);
  void (*normalise_rows_backward)(const RowNormalisationGradient& rows);
};

/// Runs anywhere.
const DenseKernels& portable_dense_kernels();

/// The versions that this processor can run, the slowest first. All of them but the portable one, which has
/// no fused multiplication and addition on x86, give the same results bit for bit.
std::vector<const DenseKernels*> runnable_dense_kernels();

/// The last, and fastest, of them.
const DenseKernels& dense_kernels();

}  // namespace genkidama
