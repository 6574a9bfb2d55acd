#include "nn/dense_kernels.h"

#include <algorithm>
#include <cstring>

namespace genkidama {
namespace {

// GCC's and Clang's vectors: the compiler makes of eight lanes what the target has, one AVX register or two
// of SSE or NEON. Everything below is inlined into each version, hence the attribute; vectors never cross a
// real call.
using Lanes = float __attribute__((vector_size(32)));
using IntLanes = int __attribute__((vector_size(32)));
// Clang heeds the alignment of an alias only where it is written like this.
using UnalignedLanes [[gnu::aligned(4), gnu::may_alias]] = Lanes;
constexpr std::size_t kLanes = 8;

#define GENKIDAMA_INLINE [[gnu::always_inline]] inline

/// kRows x (8 kVectors) elements of c, held in registers over the whole depth.
template <int kRows, int kVectors>
GENKIDAMA_INLINE void multiply_tile(const MatrixProduct& p, std::size_t row, std::size_t column) {
  Lanes sum[kRows][kVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    Lanes start = {};
    if (p.bias) start = *reinterpret_cast<const UnalignedLanes*>(p.bias + column + kLanes * v);
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) sum[r][v] = start;
  }
  const float* a = p.a + row * p.a_row;
  const float* b = p.b + column;
  for (std::size_t k = 0; k < p.depth; ++k) {
    Lanes right[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) right[v] = *reinterpret_cast<const UnalignedLanes*>(b + kLanes * v);
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      const float left = a[static_cast<std::size_t>(r) * p.a_row];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sum[r][v] += left * right[v];
    }
    a += p.a_depth;
    b += p.b_row;
  }
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
    float* c = p.c + (row + static_cast<std::size_t>(r)) * p.columns + column;
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) *reinterpret_cast<UnalignedLanes*>(c + kLanes * v) = sum[r][v];
  }
}

template <int kVectors>
GENKIDAMA_INLINE void multiply_panel(const MatrixProduct& p, std::size_t column) {
  std::size_t row = 0;
  for (; row + 4 <= p.rows; row += 4) multiply_tile<4, kVectors>(p, row, column);
  for (; row < p.rows; ++row) multiply_tile<1, kVectors>(p, row, column);
}

/// Fewer than eight columns, of which there are many: a head's outputs, or the observations of a small task.
GENKIDAMA_INLINE void multiply_narrow_panel(const MatrixProduct& p, std::size_t column) {
  const std::size_t width = p.columns - column;
  for (std::size_t row = 0; row < p.rows; ++row) {
    float sum[kLanes] = {};
    for (std::size_t j = 0; j < width; ++j) sum[j] = p.bias ? p.bias[column + j] : 0;
    const float* a = p.a + row * p.a_row;
    const float* b = p.b + column;
    for (std::size_t k = 0; k < p.depth; ++k) {
      const float left = a[k * p.a_depth];
      for (std::size_t j = 0; j < width; ++j) sum[j] += left * b[j];
      b += p.b_row;
    }
    std::copy_n(sum, width, p.c + row * p.columns + column);
  }
}

GENKIDAMA_INLINE void multiply_body(const MatrixProduct& p) {
  std::size_t column = 0;
  for (; column + 2 * kLanes <= p.columns; column += 2 * kLanes) multiply_panel<2>(p, column);
  if (column + kLanes <= p.columns) {
    multiply_panel<1>(p, column);
    column += kLanes;
  }
  if (column < p.columns) multiply_narrow_panel(p, column);
}

// Vectors are handed over by reference or pointer: a return value would be part of the binary interface,
// which differs with the target.
GENKIDAMA_INLINE const UnalignedLanes* lanes_at(const float* from) {
  return reinterpret_cast<const UnalignedLanes*>(from);
}

/// Fewer than eight, filled up with zeros.
GENKIDAMA_INLINE void load_some(const float* from, std::size_t count, Lanes& lanes) {
  lanes = Lanes{};
  for (std::size_t i = 0; i < count; ++i) lanes[i] = from[i];
}

/// One vector whose lane r is the sum of the lanes of rows[r].
GENKIDAMA_INLINE void sum_lanes(const Lanes (&rows)[kLanes], Lanes& sums) {
  Lanes pairs[4], fours[2];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const Lanes a = rows[2 * i], b = rows[2 * i + 1];
    pairs[i] = __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14) +
               __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    const Lanes a = pairs[2 * i], b = pairs[2 * i + 1];
    fours[i] = __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13) +
               __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
  }
  sums = __builtin_shufflevector(fours[0], fours[1], 0, 1, 2, 3, 8, 9, 10, 11) +
         __builtin_shufflevector(fours[0], fours[1], 4, 5, 6, 7, 12, 13, 14, 15);
}

/// Outputs `first` to `first` + `rows`, without bias; at most eight.
GENKIDAMA_INLINE void layer_rows(const LayerProduct& p, std::size_t first, std::size_t rows, Lanes& outputs) {
  Lanes sum[kLanes] = {};
  const float* weights = p.weights + first * p.in;
  std::size_t i = 0;
  for (; i + kLanes <= p.in; i += kLanes) {
    const Lanes input = *lanes_at(p.input + i);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < rows; ++r) sum[r] += *lanes_at(weights + r * p.in + i) * input;
  }
  if (i < p.in) {
    Lanes input, row;
    load_some(p.input + i, p.in - i, input);
    for (std::size_t r = 0; r < rows; ++r) {
      load_some(weights + r * p.in + i, p.in - i, row);
      sum[r] += row * input;
    }
  }
  sum_lanes(sum, outputs);
}

GENKIDAMA_INLINE void layer_body(const LayerProduct& p) {
  std::size_t o = 0;
  Lanes outputs;
  for (; o + kLanes <= p.out; o += kLanes) {
    layer_rows(p, o, kLanes, outputs);
    *reinterpret_cast<UnalignedLanes*>(p.output + o) = outputs + *lanes_at(p.bias + o);
  }
  if (o == p.out) return;
  layer_rows(p, o, p.out - o, outputs);
  for (std::size_t r = 0; o + r < p.out; ++r) p.output[o + r] = outputs[r] + p.bias[o + r];
}

/// e^z in two factors, 2^k and e^f, for -kShift ln 2 < z < 128 ln 2: k is the nearest whole number to z / ln
/// 2 and e^f the Taylor polynomial, whose error is below 2e-7 for |f| <= ln 2 / 2.
template <int kShift>
GENKIDAMA_INLINE void exponential(const Lanes& z, Lanes& power, Lanes& e) {
  constexpr float kInverseLn2 = 1.44269504f;
  // ln 2 in two parts, the first exact in few bits, so that f loses nothing.
  constexpr float kLn2High = 0.693359375f;
  constexpr float kLn2Low = -2.12194440e-4f;
  // Conversion cuts towards zero, so shift to where everything is positive.
  const IntLanes k = __builtin_convertvector(z * kInverseLn2 + (kShift + 0.5f), IntLanes) - kShift;
  const Lanes whole = __builtin_convertvector(k, Lanes);
  const Lanes f = (z - whole * kLn2High) - whole * kLn2Low;
  e = f * (1.0f / 720) + 1.0f / 120;
  e = e * f + 1.0f / 24;
  e = e * f + 1.0f / 6;
  e = e * f + 0.5f;
  e = e * f + 1.0f;
  e = e * f + 1.0f;
  const IntLanes exponent = (k + 127) << 23;
  std::memcpy(&power, &exponent, sizeof power);
}

/// tanh x = 1 - 2 / (e^2x + 1).
GENKIDAMA_INLINE void tanh_of_lanes(float* values) {
  const Lanes given = *reinterpret_cast<const UnalignedLanes*>(values);
  // NaN has no whole number to be turned into, so it goes around the arithmetic.
  Lanes x = given == given ? given : Lanes{};
  // Beyond 9, tanh is 1 in float.
  x = x > 9.0f ? Lanes{} + 9.0f : x;
  x = x < -9.0f ? Lanes{} - 9.0f : x;
  const Lanes z = x + x;
  Lanes power, e;
  exponential<64>(z, power, e);
  const Lanes result = 1.0f - 2.0f / (e * power + 1.0f);
  *reinterpret_cast<UnalignedLanes*>(values) = given == given ? result : given;
}

/// `x` within the range of exponential(), and 1 + e^-x of it. NaN becomes 0.
GENKIDAMA_INLINE void sigmoid_denominator(const Lanes& given, Lanes& x, Lanes& denominator) {
  constexpr float kFarthest = 87.0f;
  x = given == given ? given : Lanes{};
  x = x > kFarthest ? Lanes{} + kFarthest : x;
  x = x < -kFarthest ? Lanes{} - kFarthest : x;
  Lanes power, e;
  exponential<128>(-x, power, e);
  denominator = e * power + 1.0f;
}

GENKIDAMA_INLINE void sigmoid_of_lanes(float* values) {
  const Lanes given = *reinterpret_cast<const UnalignedLanes*>(values);
  Lanes x, denominator;
  sigmoid_denominator(given, x, denominator);
  const Lanes result = 1.0f / denominator;
  *reinterpret_cast<UnalignedLanes*>(values) = given == given ? result : given;
}

GENKIDAMA_INLINE void silu_of_lanes(float* values) {
  const Lanes given = *reinterpret_cast<const UnalignedLanes*>(values);
  Lanes x, denominator;
  sigmoid_denominator(given, x, denominator);
  // Far below 0 the result is 0; far above it is the value itself.
  const Lanes result = (given > x ? given : x) / denominator;
  *reinterpret_cast<UnalignedLanes*>(values) = given == given ? result : given;
}

GENKIDAMA_INLINE void relu_of_lanes(float* values) {
  const Lanes given = *reinterpret_cast<const UnalignedLanes*>(values);
  *reinterpret_cast<UnalignedLanes*>(values) = given < 0.0f ? Lanes{} : given;
}

/// The derivative of x s(x) is s + x s (1 - s).
GENKIDAMA_INLINE void silu_slope_of_lanes(const float* sums, float* delta) {
  const Lanes given = *lanes_at(sums);
  Lanes x, denominator;
  sigmoid_denominator(given, x, denominator);
  const Lanes s = 1.0f / denominator;
  const Lanes slope = s + x * s * (1.0f - s);
  const Lanes result = *lanes_at(delta) * slope;
  *reinterpret_cast<UnalignedLanes*>(delta) = given == given ? result : given;
}

/// Applies a function of eight floats in place to any number of them.
template <void (*kFunction)(float*)>
GENKIDAMA_INLINE void for_lanes(float* values, std::size_t count) {
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) kFunction(values + i);
  if (i == count) return;
  float rest[kLanes] = {};
  std::copy(values + i, values + count, rest);
  kFunction(rest);
  std::copy_n(rest, count - i, values + i);
}

GENKIDAMA_INLINE void silu_backward_body(const float* sums, float* delta, std::size_t count) {
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) silu_slope_of_lanes(sums + i, delta + i);
  if (i == count) return;
  float rest_sums[kLanes] = {}, rest[kLanes] = {};
  std::copy(sums + i, sums + count, rest_sums);
  std::copy(delta + i, delta + count, rest);
  silu_slope_of_lanes(rest_sums, rest);
  std::copy_n(rest, count - i, delta + i);
}

GENKIDAMA_INLINE float sum_of(const Lanes& lanes) {
  float sum = 0;
  for (std::size_t i = 0; i < kLanes; ++i) sum += lanes[i];
  return sum;
}

constexpr float kNormaliseEpsilon = 1e-5f;

GENKIDAMA_INLINE void normalise_body(const RowNormalisation& p) {
  const std::size_t whole = p.width - p.width % kLanes, left = p.width - whole;
  const auto width = static_cast<float>(p.width);
  for (std::size_t row = 0; row < p.rows; ++row) {
    float* values = p.values + row * p.width;
    Lanes rest, total;
    load_some(values + whole, left, total);
    for (std::size_t i = 0; i < whole; i += kLanes) total += *lanes_at(values + i);
    const float mean = sum_of(total) / width;
    load_some(values + whole, left, rest);
    // Lanes beyond the row must not count.
    for (std::size_t i = 0; i < left; ++i) rest[i] -= mean;
    total = rest * rest;
    for (std::size_t i = 0; i < whole; i += kLanes) {
      const Lanes distance = *lanes_at(values + i) - mean;
      total += distance * distance;
    }
    const float scale = 1.0f / __builtin_sqrtf(sum_of(total) / width + kNormaliseEpsilon);
    if (p.scales) p.scales[row] = scale;
    float* normalised = p.normalised ? p.normalised + row * p.width : nullptr;
    for (std::size_t i = 0; i < whole; i += kLanes) {
      const Lanes n = (*lanes_at(values + i) - mean) * scale;
      if (normalised) *reinterpret_cast<UnalignedLanes*>(normalised + i) = n;
      *reinterpret_cast<UnalignedLanes*>(values + i) = *lanes_at(p.gain + i) * n + *lanes_at(p.shift + i);
    }
    for (std::size_t i = whole; i < p.width; ++i) {
      const float n = rest[i - whole] * scale;
      if (normalised) normalised[i] = n;
      values[i] = p.gain[i] * n + p.shift[i];
    }
  }
}

/// With d = gain * delta: the derivative by x is scale (d - mean(d) - n mean(d n)).
GENKIDAMA_INLINE void normalise_backward_body(const RowNormalisationGradient& p) {
  const std::size_t whole = p.width - p.width % kLanes, left = p.width - whole;
  const auto width = static_cast<float>(p.width);
  std::fill_n(p.gain_gradient, p.width, 0.0f);
  std::fill_n(p.shift_gradient, p.width, 0.0f);
  for (std::size_t row = 0; row < p.rows; ++row) {
    float* delta = p.delta + row * p.width;
    const float* normalised = p.normalised + row * p.width;
    Lanes d, n, gain, sum, product;
    load_some(delta + whole, left, d);
    load_some(normalised + whole, left, n);
    load_some(p.gain + whole, left, gain);
    for (std::size_t i = whole; i < p.width; ++i) {
      p.shift_gradient[i] += delta[i];
      p.gain_gradient[i] += delta[i] * normalised[i];
    }
    const Lanes rest = d * gain, rest_n = n;
    sum = rest;
    product = rest * n;
    for (std::size_t i = 0; i < whole; i += kLanes) {
      d = *lanes_at(delta + i);
      n = *lanes_at(normalised + i);
      *reinterpret_cast<UnalignedLanes*>(p.shift_gradient + i) = *lanes_at(p.shift_gradient + i) + d;
      *reinterpret_cast<UnalignedLanes*>(p.gain_gradient + i) = *lanes_at(p.gain_gradient + i) + d * n;
      d = d * *lanes_at(p.gain + i);
      *reinterpret_cast<UnalignedLanes*>(delta + i) = d;
      sum += d;
      product += d * n;
    }
    const float mean = sum_of(sum) / width, along = sum_of(product) / width, scale = p.scales[row];
    for (std::size_t i = 0; i < whole; i += kLanes) {
      *reinterpret_cast<UnalignedLanes*>(delta + i) =
          (*lanes_at(delta + i) - mean - *lanes_at(normalised + i) * along) * scale;
    }
    for (std::size_t i = whole; i < p.width; ++i) {
      delta[i] = (rest[i - whole] - mean - rest_n[i - whole] * along) * scale;
    }
  }
}

// One function of each kernel per version, and the version made of them.
#define GENKIDAMA_KERNELS(version, attribute)                                                  \
  attribute void multiply_##version(const MatrixProduct& product) {                            \
    multiply_body(product);                                                                    \
  }                                                                                            \
  attribute void layer_##version(const LayerProduct& product) {                                \
    layer_body(product);                                                                       \
  }                                                                                            \
  attribute void tanh_##version(float* values, std::size_t count) {                            \
    for_lanes<tanh_of_lanes>(values, count);                                                   \
  }                                                                                            \
  attribute void relu_##version(float* values, std::size_t count) {                            \
    for_lanes<relu_of_lanes>(values, count);                                                   \
  }                                                                                            \
  attribute void sigmoid_##version(float* values, std::size_t count) {                         \
    for_lanes<sigmoid_of_lanes>(values, count);                                                \
  }                                                                                            \
  attribute void silu_##version(float* values, std::size_t count) {                            \
    for_lanes<silu_of_lanes>(values, count);                                                   \
  }                                                                                            \
  attribute void silu_backward_##version(const float* sums, float* delta, std::size_t count) { \
    silu_backward_body(sums, delta, count);                                                    \
  }                                                                                            \
  attribute void normalise_##version(const RowNormalisation& rows) {                           \
    normalise_body(rows);                                                                      \
  }                                                                                            \
  attribute void normalise_backward_##version(const RowNormalisationGradient& rows) {          \
    normalise_backward_body(rows);                                                             \
  }                                                                                            \
  constexpr DenseKernels version##_kernels{#version,                                           \
                                           multiply_##version,                                 \
                                           layer_##version,                                    \
                                           tanh_##version,                                     \
                                           relu_##version,                                     \
                                           sigmoid_##version,                                  \
                                           silu_##version,                                     \
                                           silu_backward_##version,                            \
                                           normalise_##version,                                \
                                           normalise_backward_##version};

GENKIDAMA_KERNELS(portable, )

#if defined(__x86_64__)
#define GENKIDAMA_AVX2 [[gnu::target("avx2,fma")]]
GENKIDAMA_KERNELS(avx2, GENKIDAMA_AVX2)
#endif

}  // namespace

const DenseKernels& portable_dense_kernels() {
  return portable_kernels;
}

const DenseKernels& dense_kernels() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return avx2_kernels;
#endif
  return portable_kernels;
}

}  // namespace genkidama
