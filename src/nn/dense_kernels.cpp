#include "nn/dense_kernels.h"

#include <algorithm>
#include <cstring>

#include "nn/lanes.h"
#include "nn/multiply_kernel.h"

namespace genkidama {
namespace {

// What sums over lanes does so in eight of them, whatever the target has, so that the order of a sum is the
// same in every version.
constexpr std::size_t kLanes = 8;

/// Eight lanes in registers of kWidth.
template <std::size_t kWidth>
using EightLanes = FloatLanes<kWidth>[kLanes / kWidth];

/// Fewer than a vector has, filled up with zeros.
template <typename Floats>
GENKIDAMA_INLINE void load_some(const float* from, std::size_t count, Floats& lanes) {
  lanes = Floats{};
  for (std::size_t i = 0; i < count; ++i) lanes[i] = from[i];
}

/// One vector whose lane r is the sum of the lanes of rows[r][0]: ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)).
GENKIDAMA_INLINE void sum_lanes(const EightLanes<8> (&rows)[kLanes], EightLanes<8>& sums) {
  FloatLanes<8> pairs[4], fours[2];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const FloatLanes<8> a = rows[2 * i][0], b = rows[2 * i + 1][0];
    pairs[i] = __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14) +
               __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    const FloatLanes<8> a = pairs[2 * i], b = pairs[2 * i + 1];
    fours[i] = __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13) +
               __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
  }
  sums[0] = __builtin_shufflevector(fours[0], fours[1], 0, 1, 2, 3, 8, 9, 10, 11) +
            __builtin_shufflevector(fours[0], fours[1], 4, 5, 6, 7, 12, 13, 14, 15);
}

/// The same sums of the same lanes, the upper four of which are rows[r][1].
GENKIDAMA_INLINE void sum_lanes(const EightLanes<4> (&rows)[kLanes], EightLanes<4>& sums) {
  FloatLanes<4> pairs[4][2];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      const FloatLanes<4> a = rows[2 * i][half], b = rows[2 * i + 1][half];
      pairs[i][half] = __builtin_shufflevector(a, b, 0, 2, 4, 6) + __builtin_shufflevector(a, b, 1, 3, 5, 7);
    }
  }
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    FloatLanes<4> fours[2];
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      const FloatLanes<4> a = pairs[2 * i][half], b = pairs[2 * i + 1][half];
      fours[half] = __builtin_shufflevector(a, b, 0, 2, 4, 6) + __builtin_shufflevector(a, b, 1, 3, 5, 7);
    }
    sums[i] = fours[0] + fours[1];
  }
}

/// Outputs `first` to `first` + `rows`, at most eight.
template <std::size_t kWidth>
GENKIDAMA_INLINE void layer_rows(const LayerProduct& p, std::size_t first, std::size_t rows) {
  constexpr int kParts = kLanes / kWidth;
  EightLanes<kWidth> sum[kLanes] = {}, outputs;
  const float* weights = p.weights + first * p.in;
  std::size_t i = 0;
  for (; i + kLanes <= p.in; i += kLanes) {
#pragma GCC unroll 2
    for (int part = 0; part < kParts; ++part) {
      const std::size_t at = i + kWidth * part;
      FloatLanes<kWidth> input, row;
      load(p.input + at, input);
#pragma GCC unroll 8
      for (std::size_t r = 0; r < rows; ++r) {
        load(weights + r * p.in + at, row);
        sum[r][part] += row * input;
      }
    }
  }
  for (int part = 0; i < p.in; ++part, i += kWidth) {
    const std::size_t count = std::min(p.in - i, kWidth);
    FloatLanes<kWidth> input, row;
    load_some(p.input + i, count, input);
    for (std::size_t r = 0; r < rows; ++r) {
      load_some(weights + r * p.in + i, count, row);
      sum[r][part] += row * input;
    }
  }
  sum_lanes(sum, outputs);
  if (rows == kLanes) {
#pragma GCC unroll 2
    for (int part = 0; part < kParts; ++part) {
      const std::size_t at = first + kWidth * part;
      FloatLanes<kWidth> bias;
      load(p.bias + at, bias);
      store(p.output + at, outputs[part] + bias);
    }
    return;
  }
  for (std::size_t r = 0; r < rows; ++r) {
    p.output[first + r] = outputs[r / kWidth][r % kWidth] + p.bias[first + r];
  }
}

template <std::size_t kWidth>
GENKIDAMA_INLINE void layer_body(const LayerProduct& p) {
  std::size_t o = 0;
  for (; o + kLanes <= p.out; o += kLanes) layer_rows<kWidth>(p, o, kLanes);
  if (o < p.out) layer_rows<kWidth>(p, o, p.out - o);
}

/// e^z in two factors, 2^k and e^f, for -kShift ln 2 < z < 128 ln 2: k is the nearest whole number to z / ln
/// 2 and e^f the Taylor polynomial, whose error is below 2e-7 for |f| <= ln 2 / 2.
template <int kShift, std::size_t kWidth>
GENKIDAMA_INLINE void exponential(const FloatLanes<kWidth>& z, FloatLanes<kWidth>& power,
                                  FloatLanes<kWidth>& e) {
  using Lanes = FloatLanes<kWidth>;
  using Ints = IntLanes<kWidth>;
  constexpr float kInverseLn2 = 1.44269504f;
  // ln 2 in two parts, the first exact in few bits, so that f loses nothing.
  constexpr float kLn2High = 0.693359375f;
  constexpr float kLn2Low = -2.12194440e-4f;
  // Conversion cuts towards zero, so shift to where everything is positive.
  const Ints k = __builtin_convertvector(z * kInverseLn2 + (kShift + 0.5f), Ints) - kShift;
  const Lanes whole = __builtin_convertvector(k, Lanes);
  const Lanes f = (z - whole * kLn2High) - whole * kLn2Low;
  e = f * (1.0f / 720) + 1.0f / 120;
  e = e * f + 1.0f / 24;
  e = e * f + 1.0f / 6;
  e = e * f + 0.5f;
  e = e * f + 1.0f;
  e = e * f + 1.0f;
  const Ints exponent = (k + 127) << 23;
  std::memcpy(&power, &exponent, sizeof power);
}

/// tanh x = 1 - 2 / (e^2x + 1).
template <std::size_t kWidth>
GENKIDAMA_INLINE void tanh_of_lanes(float* values) {
  using Lanes = FloatLanes<kWidth>;
  Lanes given;
  load(values, given);
  // Beyond 9, tanh is 1 in float. NaN has no whole number to be turned into, so it goes around the
  // arithmetic. All three comparisons are of what was given, so that none waits for the one before.
  Lanes x = given > 9.0f ? Lanes{} + 9.0f : given;
  x = given < -9.0f ? Lanes{} - 9.0f : x;
  x = given == given ? x : Lanes{};
  const Lanes z = x + x;
  Lanes power, e;
  exponential<64, kWidth>(z, power, e);
  const Lanes result = 1.0f - 2.0f / (e * power + 1.0f);
  store(values, given == given ? result : given);
}

GENKIDAMA_INLINE void tanh_backward_body(const float* __restrict outputs, float* __restrict delta,
                                         std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) delta[i] *= 1 - outputs[i] * outputs[i];
}

/// `x` within the range of exponential(), and 1 + e^-x of it. NaN becomes 0.
template <std::size_t kWidth>
GENKIDAMA_INLINE void sigmoid_denominator(const FloatLanes<kWidth>& given, FloatLanes<kWidth>& x,
                                          FloatLanes<kWidth>& denominator) {
  using Lanes = FloatLanes<kWidth>;
  constexpr float kFarthest = 87.0f;
  x = given > kFarthest ? Lanes{} + kFarthest : given;
  x = given < -kFarthest ? Lanes{} - kFarthest : x;
  x = given == given ? x : Lanes{};
  Lanes power, e;
  exponential<128, kWidth>(-x, power, e);
  denominator = e * power + 1.0f;
}

template <std::size_t kWidth>
GENKIDAMA_INLINE void sigmoid_of_lanes(float* values) {
  using Lanes = FloatLanes<kWidth>;
  Lanes given;
  load(values, given);
  Lanes x, denominator;
  sigmoid_denominator<kWidth>(given, x, denominator);
  const Lanes result = 1.0f / denominator;
  store(values, given == given ? result : given);
}

template <std::size_t kWidth>
GENKIDAMA_INLINE void silu_of_lanes(float* values) {
  using Lanes = FloatLanes<kWidth>;
  Lanes given;
  load(values, given);
  Lanes x, denominator;
  sigmoid_denominator<kWidth>(given, x, denominator);
  // Far below 0 the result is 0; far above it is the value itself.
  const Lanes result = (given > x ? given : x) / denominator;
  store(values, given == given ? result : given);
}

template <std::size_t kWidth>
GENKIDAMA_INLINE void relu_of_lanes(float* values) {
  using Lanes = FloatLanes<kWidth>;
  Lanes given;
  load(values, given);
  store(values, given < 0.0f ? Lanes{} : given);
}

/// The derivative of x s(x) is s + x s (1 - s).
template <std::size_t kWidth>
GENKIDAMA_INLINE void silu_slope_of_lanes(const float* sums, float* delta) {
  using Lanes = FloatLanes<kWidth>;
  Lanes given;
  load(sums, given);
  Lanes x, denominator;
  sigmoid_denominator<kWidth>(given, x, denominator);
  const Lanes s = 1.0f / denominator;
  const Lanes slope = s + x * s * (1.0f - s);
  Lanes result;
  load(delta, result);
  result = result * slope;
  store(delta, given == given ? result : given);
}

/// Applies a function of one vector's floats in place to any number of them.
template <std::size_t kWidth, void (*kFunction)(float*)>
GENKIDAMA_INLINE void for_lanes(float* values, std::size_t count) {
  std::size_t i = 0;
  for (; i + kWidth <= count; i += kWidth) kFunction(values + i);
  if (i == count) return;
  float rest[kWidth] = {};
  std::copy(values + i, values + count, rest);
  kFunction(rest);
  std::copy_n(rest, count - i, values + i);
}

template <std::size_t kWidth>
GENKIDAMA_INLINE void silu_backward_body(const float* sums, float* delta, std::size_t count) {
  std::size_t i = 0;
  for (; i + kWidth <= count; i += kWidth) silu_slope_of_lanes<kWidth>(sums + i, delta + i);
  if (i == count) return;
  float rest_sums[kWidth] = {}, rest[kWidth] = {};
  std::copy(sums + i, sums + count, rest_sums);
  std::copy(delta + i, delta + count, rest);
  silu_slope_of_lanes<kWidth>(rest_sums, rest);
  std::copy_n(rest, count - i, delta + i);
}

template <std::size_t kWidth>
GENKIDAMA_INLINE float sum_of(const EightLanes<kWidth>& lanes) {
  float sum = 0;
  for (std::size_t i = 0; i < kLanes; ++i) sum += lanes[i / kWidth][i % kWidth];
  return sum;
}

/// Fewer than eight, filled up with zeros.
template <std::size_t kWidth>
GENKIDAMA_INLINE void load_rest(const float* from, std::size_t count, EightLanes<kWidth>& lanes) {
#pragma GCC unroll 2
  for (std::size_t part = 0; part < kLanes / kWidth; ++part) {
    const std::size_t at = std::min(count, kWidth * part);
    load_some(from + at, std::min(count - at, kWidth), lanes[part]);
  }
}

constexpr float kNormaliseEpsilon = 1e-5f;

template <std::size_t kWidth>
GENKIDAMA_INLINE void normalise_body(const RowNormalisation& p) {
  constexpr std::size_t kParts = kLanes / kWidth;
  const std::size_t whole = p.width - p.width % kLanes, left = p.width - whole;
  const auto width = static_cast<float>(p.width);
  for (std::size_t row = 0; row < p.rows; ++row) {
    float* values = p.values + row * p.width;
    EightLanes<kWidth> rest, total;
    load_rest<kWidth>(values + whole, left, total);
    for (std::size_t i = 0; i < whole; i += kLanes) {
#pragma GCC unroll 2
      for (std::size_t part = 0; part < kParts; ++part) {
        FloatLanes<kWidth> value;
        load(values + i + kWidth * part, value);
        total[part] += value;
      }
    }
    const float mean = sum_of<kWidth>(total) / width;
    load_rest<kWidth>(values + whole, left, rest);
    // Lanes beyond the row must not count.
    for (std::size_t i = 0; i < left; ++i) rest[i / kWidth][i % kWidth] -= mean;
    for (std::size_t part = 0; part < kParts; ++part) total[part] = rest[part] * rest[part];
    for (std::size_t i = 0; i < whole; i += kLanes) {
#pragma GCC unroll 2
      for (std::size_t part = 0; part < kParts; ++part) {
        FloatLanes<kWidth> distance;
        load(values + i + kWidth * part, distance);
        distance = distance - mean;
        total[part] += distance * distance;
      }
    }
    const float scale = 1.0f / __builtin_sqrtf(sum_of<kWidth>(total) / width + kNormaliseEpsilon);
    if (p.scales) p.scales[row] = scale;
    float* normalised = p.normalised ? p.normalised + row * p.width : nullptr;
    for (std::size_t i = 0; i < whole; i += kWidth) {
      FloatLanes<kWidth> n, gain, shift;
      load(values + i, n);
      load(p.gain + i, gain);
      load(p.shift + i, shift);
      n = (n - mean) * scale;
      if (normalised) store(normalised + i, n);
      store(values + i, gain * n + shift);
    }
    for (std::size_t i = whole; i < p.width; ++i) {
      const float n = rest[(i - whole) / kWidth][(i - whole) % kWidth] * scale;
      if (normalised) normalised[i] = n;
      values[i] = p.gain[i] * n + p.shift[i];
    }
  }
}

/// With d = gain * delta: the derivative by x is scale (d - mean(d) - n mean(d n)).
template <std::size_t kWidth>
GENKIDAMA_INLINE void normalise_backward_body(const RowNormalisationGradient& p) {
  constexpr std::size_t kParts = kLanes / kWidth;
  const std::size_t whole = p.width - p.width % kLanes, left = p.width - whole;
  const auto width = static_cast<float>(p.width);
  std::fill_n(p.gain_gradient, p.width, 0.0f);
  std::fill_n(p.shift_gradient, p.width, 0.0f);
  for (std::size_t row = 0; row < p.rows; ++row) {
    float* delta = p.delta + row * p.width;
    const float* normalised = p.normalised + row * p.width;
    EightLanes<kWidth> rest, rest_n, gain, sum, product;
    load_rest<kWidth>(delta + whole, left, rest);
    load_rest<kWidth>(normalised + whole, left, rest_n);
    load_rest<kWidth>(p.gain + whole, left, gain);
    for (std::size_t i = whole; i < p.width; ++i) {
      p.shift_gradient[i] += delta[i];
      p.gain_gradient[i] += delta[i] * normalised[i];
    }
    for (std::size_t part = 0; part < kParts; ++part) {
      rest[part] *= gain[part];
      sum[part] = rest[part];
      product[part] = rest[part] * rest_n[part];
    }
    for (std::size_t i = 0; i < whole; i += kLanes) {
#pragma GCC unroll 2
      for (std::size_t part = 0; part < kParts; ++part) {
        const std::size_t at = i + kWidth * part;
        FloatLanes<kWidth> d, n, gains, by_shift, by_gain;
        load(delta + at, d);
        load(normalised + at, n);
        load(p.gain + at, gains);
        load(p.shift_gradient + at, by_shift);
        load(p.gain_gradient + at, by_gain);
        store(p.shift_gradient + at, by_shift + d);
        store(p.gain_gradient + at, by_gain + d * n);
        d = d * gains;
        store(delta + at, d);
        sum[part] += d;
        product[part] += d * n;
      }
    }
    const float mean = sum_of<kWidth>(sum) / width, along = sum_of<kWidth>(product) / width;
    const float scale = p.scales[row];
    for (std::size_t i = 0; i < whole; i += kWidth) {
      FloatLanes<kWidth> d, n;
      load(delta + i, d);
      load(normalised + i, n);
      store(delta + i, (d - mean - n * along) * scale);
    }
    for (std::size_t i = whole; i < p.width; ++i) {
      const std::size_t part = (i - whole) / kWidth, lane = (i - whole) % kWidth;
      delta[i] = (rest[part][lane] - mean - rest_n[part][lane] * along) * scale;
    }
  }
}

// One function of each kernel per version, and the version made of them. `width` is that of its registers.
// `tanh_backward` is apart: it is compiled without the fused multiplication that this file's other functions
// use.
#define GENKIDAMA_KERNELS(version, attribute, width, multiply_body, tanh_backward)             \
  attribute void multiply_##version(const MatrixProduct& product) {                            \
    multiply_body(product);                                                                    \
  }                                                                                            \
  attribute void layer_##version(const LayerProduct& product) {                                \
    layer_body<std::min<std::size_t>(width, kLanes)>(product);                                 \
  }                                                                                            \
  attribute void tanh_##version(float* values, std::size_t count) {                            \
    for_lanes<width, tanh_of_lanes<width>>(values, count);                                     \
  }                                                                                            \
  attribute void relu_##version(float* values, std::size_t count) {                            \
    for_lanes<width, relu_of_lanes<width>>(values, count);                                     \
  }                                                                                            \
  attribute void sigmoid_##version(float* values, std::size_t count) {                         \
    for_lanes<width, sigmoid_of_lanes<width>>(values, count);                                  \
  }                                                                                            \
  attribute void silu_##version(float* values, std::size_t count) {                            \
    for_lanes<width, silu_of_lanes<width>>(values, count);                                     \
  }                                                                                            \
  attribute void silu_backward_##version(const float* sums, float* delta, std::size_t count) { \
    silu_backward_body<width>(sums, delta, count);                                             \
  }                                                                                            \
  attribute void normalise_##version(const RowNormalisation& rows) {                           \
    normalise_body<std::min<std::size_t>(width, kLanes)>(rows);                                \
  }                                                                                            \
  attribute void normalise_backward_##version(const RowNormalisationGradient& rows) {          \
    normalise_backward_body<std::min<std::size_t>(width, kLanes)>(rows);                       \
  }                                                                                            \
  constexpr DenseKernels version##_kernels{#version,                                           \
                                           multiply_##version,                                 \
                                           layer_##version,                                    \
                                           tanh_##version,                                     \
                                           tanh_backward,                                      \
                                           relu_##version,                                     \
                                           sigmoid_##version,                                  \
                                           silu_##version,                                     \
                                           silu_backward_##version,                            \
                                           normalise_##version,                                \
                                           normalise_backward_##version};

void tanh_backward_portable(const float* outputs, float* delta, std::size_t count) {
  tanh_backward_body(outputs, delta, count);
}

GENKIDAMA_KERNELS(portable, , 4, multiply_with_16_registers<4>, tanh_backward_portable)

#if defined(__x86_64__)
#define GENKIDAMA_AVX2 [[gnu::target("avx2,fma")]]
[[gnu::target("avx2")]] void tanh_backward_avx2(const float* outputs, float* delta, std::size_t count) {
  tanh_backward_body(outputs, delta, count);
}

GENKIDAMA_KERNELS(avx2, GENKIDAMA_AVX2, 8, multiply_with_16_registers<8>, tanh_backward_avx2)

bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

#define GENKIDAMA_AVX512 [[gnu::target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]]
GENKIDAMA_KERNELS(avx512, GENKIDAMA_AVX512, 16, multiply_with_32_registers, tanh_backward_avx2)

/// The processors that have VBMI2 (Intel's since 2019, AMD's since 2022) do not slow their clock down much
/// when they compute with 512 bits. Earlier ones do.
bool has_fast_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vbmi2");
}
#endif

}  // namespace

const DenseKernels& portable_dense_kernels() {
  return portable_kernels;
}

std::vector<const DenseKernels*> runnable_dense_kernels() {
  std::vector<const DenseKernels*> kernels{&portable_kernels};
#if defined(__x86_64__)
  if (has_avx2()) kernels.push_back(&avx2_kernels);
  if (has_fast_avx512()) kernels.push_back(&avx512_kernels);
#endif
  return kernels;
}

const DenseKernels& dense_kernels() {
#if defined(__x86_64__)
  if (has_fast_avx512()) return avx512_kernels;
  if (has_avx2()) return avx2_kernels;
#endif
  return portable_kernels;
}

}  // namespace genkidama
