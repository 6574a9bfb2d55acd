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

/// tanh x = 1 - 2 / (e^2x + 1), with e^z = 2^k e^f: k the nearest whole number to z / ln 2 and e^f its Taylor
/// polynomial, whose error is below 2e-7 for |f| <= ln 2 / 2.
GENKIDAMA_INLINE void tanh_of_lanes(float* values) {
  const Lanes given = *reinterpret_cast<const UnalignedLanes*>(values);
  // NaN has no whole number to be turned into, so it goes around the arithmetic.
  Lanes x = given == given ? given : Lanes{};
  // Beyond 9, tanh is 1 in float.
  x = x > 9.0f ? Lanes{} + 9.0f : x;
  x = x < -9.0f ? Lanes{} - 9.0f : x;
  const Lanes z = x + x;
  constexpr float kInverseLn2 = 1.44269504f;
  // ln 2 in two parts, the first exact in few bits, so that f loses nothing.
  constexpr float kLn2High = 0.693359375f;
  constexpr float kLn2Low = -2.12194440e-4f;
  // Conversion cuts towards zero, so shift to where everything is positive.
  const IntLanes k = __builtin_convertvector(z * kInverseLn2 + 64.5f, IntLanes) - 64;
  const Lanes whole = __builtin_convertvector(k, Lanes);
  const Lanes f = (z - whole * kLn2High) - whole * kLn2Low;
  Lanes e = f * (1.0f / 720) + 1.0f / 120;
  e = e * f + 1.0f / 24;
  e = e * f + 1.0f / 6;
  e = e * f + 0.5f;
  e = e * f + 1.0f;
  e = e * f + 1.0f;
  const IntLanes exponent = (k + 127) << 23;
  Lanes power;
  std::memcpy(&power, &exponent, sizeof power);
  const Lanes result = 1.0f - 2.0f / (e * power + 1.0f);
  *reinterpret_cast<UnalignedLanes*>(values) = given == given ? result : given;
}

GENKIDAMA_INLINE void tanh_body(float* values, std::size_t count) {
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) tanh_of_lanes(values + i);
  if (i == count) return;
  float rest[kLanes] = {};
  std::copy(values + i, values + count, rest);
  tanh_of_lanes(rest);
  std::copy_n(rest, count - i, values + i);
}

void multiply_portable(const MatrixProduct& product) {
  multiply_body(product);
}

void layer_portable(const LayerProduct& product) {
  layer_body(product);
}

void tanh_portable(float* values, std::size_t count) {
  tanh_body(values, count);
}

#if defined(__x86_64__)

[[gnu::target("avx2,fma")]] void multiply_avx2(const MatrixProduct& product) {
  multiply_body(product);
}

[[gnu::target("avx2,fma")]] void layer_avx2(const LayerProduct& product) {
  layer_body(product);
}

[[gnu::target("avx2,fma")]] void tanh_avx2(float* values, std::size_t count) {
  tanh_body(values, count);
}

#endif

}  // namespace

const DenseKernels& portable_dense_kernels() {
  static constexpr DenseKernels kernels{"portable", multiply_portable, layer_portable, tanh_portable};
  return kernels;
}

const DenseKernels& dense_kernels() {
#if defined(__x86_64__)
  static constexpr DenseKernels avx2{"avx2", multiply_avx2, layer_avx2, tanh_avx2};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return avx2;
#endif
  return portable_dense_kernels();
}

}  // namespace genkidama
