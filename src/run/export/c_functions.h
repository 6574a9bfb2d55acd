#pragma once

/// @file
/// The arithmetic of an exported policy as text: '@' stands for the prefix and '$' for it in capital letters.
/// Each does what the kernel of the library does that plays one observation (nn/dense_kernels.cpp), with the
/// sums in the same order, so that the results differ by fused multiplications alone.

namespace genkidama::run {

/// The library multiplies and adds in one rounding where the processor can.
inline constexpr const char* kCNumbers = R"(
/* a * b + c, in one rounding where that is quick. */
#ifdef __FP_FAST_FMAF
#define $_FMA(a, b, c) __builtin_fmaf((a), (b), (c))
#else
#define $_FMA(a, b, c) ((a) * (b) + (c))
#endif

union @_bits {
  float value;
  uint32_t bits;
};

static inline int @_are_finite(const float *values, int count) {
  union @_bits number;
  int i;
  for (i = 0; i < count; ++i) {
    number.value = values[i];
    if ((number.bits & 0x7f800000u) == 0x7f800000u) return 0;
  }
  return 1;
}
)";

/// e^z for |z| <= 88: two to the whole number k next to z / ln 2, times a Taylor polynomial of the rest.
inline constexpr const char* kCExponential = R"(
/* e^z + further. Beyond -87 and 87 e^z stays what it is there; NaN stays NaN. */
static inline float @_exp_plus(float z, float further) {
  union @_bits power;
  int32_t k;
  float f, e;
  if (!(z == z)) return z;
  if (z < -87.0f) z = -87.0f;
  if (z > 87.0f) z = 87.0f;
  k = (int32_t)$_FMA(z, 1.44269504f, 128.5f) - 128;
  f = $_FMA((float)k, 2.12194440e-4f, $_FMA((float)k, -0.693359375f, z));
  e = $_FMA(f, 1.0f / 720, 1.0f / 120);
  e = $_FMA(e, f, 1.0f / 24);
  e = $_FMA(e, f, 1.0f / 6);
  e = $_FMA(e, f, 0.5f);
  e = $_FMA(e, f, 1.0f);
  e = $_FMA(e, f, 1.0f);
  power.bits = (uint32_t)(k + 127) << 23;
  return $_FMA(e, power.value, further);
}
)";

inline constexpr const char* kCTanh = R"(
static inline float @_tanh(float x) {
  if (x > 9.0f) x = 9.0f;
  if (x < -9.0f) x = -9.0f;
  return 1.0f - 2.0f / @_exp_plus(x + x, 1.0f);
}
)";

inline constexpr const char* kCSigmoid = R"(
static inline float @_sigmoid(float x) {
  return 1.0f / @_exp_plus(-x, 1.0f);
}
)";

/// How a weight is read, and a sum of products with weights is completed.
inline constexpr const char* kCFloat32 = R"(
typedef float @_weight;
#define $_WEIGHT(w) (w)
#define $_BIASED(sum, bias, o) ((sum) + (bias)[o])
)";

inline constexpr const char* kCFloat16 = R"(
typedef uint16_t @_weight;
#define $_WEIGHT(w) @_half(w)
#define $_BIASED(sum, bias, o) ((sum) + (bias)[o])

static inline float @_half(uint16_t code) {
  union @_bits number;
  number.bits = (uint32_t)(code & 0x7fffu) << 13;
  number.value *= 5.192296858534828e33f; /* 2^112, between the two exponents */
  number.bits |= (uint32_t)(code & 0x8000u) << 16;
  return number.value;
}
)";

inline constexpr const char* kCInt8 = R"(
/* `bias` has the scale of each unit's weights, and then its bias. */
typedef int8_t @_weight;
#define $_WEIGHT(w) ((float)(w))
#define $_BIASED(sum, bias, o) $_FMA(sum, (bias)[2 * (o)], (bias)[2 * (o) + 1])
)";

/// Eight variables rather than an array of eight, which small compilers keep in memory.
inline constexpr const char* kCLayer = R"(
/* A fully connected layer. Eight sums side by side, in the order of the library. */
static inline void @_layer(const @_weight *w, const float *bias, int in, int out, const float *input, float *output) {
  const int whole = in - in % 8, left = in % 8;
  int o, i;
  for (o = 0; o < out; ++o) {
    const float *x = input;
    float s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;
    for (i = 0; i < whole; i += 8) {
      s0 = $_FMA($_WEIGHT(w[0]), x[0], s0);
      s1 = $_FMA($_WEIGHT(w[1]), x[1], s1);
      s2 = $_FMA($_WEIGHT(w[2]), x[2], s2);
      s3 = $_FMA($_WEIGHT(w[3]), x[3], s3);
      s4 = $_FMA($_WEIGHT(w[4]), x[4], s4);
      s5 = $_FMA($_WEIGHT(w[5]), x[5], s5);
      s6 = $_FMA($_WEIGHT(w[6]), x[6], s6);
      s7 = $_FMA($_WEIGHT(w[7]), x[7], s7);
      w += 8;
      x += 8;
    }
    if (left > 0) s0 = $_FMA($_WEIGHT(w[0]), x[0], s0);
    if (left > 1) s1 = $_FMA($_WEIGHT(w[1]), x[1], s1);
    if (left > 2) s2 = $_FMA($_WEIGHT(w[2]), x[2], s2);
    if (left > 3) s3 = $_FMA($_WEIGHT(w[3]), x[3], s3);
    if (left > 4) s4 = $_FMA($_WEIGHT(w[4]), x[4], s4);
    if (left > 5) s5 = $_FMA($_WEIGHT(w[5]), x[5], s5);
    if (left > 6) s6 = $_FMA($_WEIGHT(w[6]), x[6], s6);
    w += left;
    output[o] = $_BIASED(((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7)), bias, o);
  }
}
)";

inline constexpr const char* kCNormaliseRow = R"(
/* By Newton's method, from half of the exponent. */
static inline float @_root(float x) {
  union @_bits guess;
  int i;
  guess.value = x;
  guess.bits = (guess.bits >> 1) + 0x1fc00000u;
  for (i = 0; i < 4; ++i) guess.value = 0.5f * (guess.value + x / guess.value);
  return guess.value;
}

static inline float @_total(const float *lanes) {
  float sum = 0;
  int k;
  for (k = 0; k < 8; ++k) sum += lanes[k];
  return sum;
}

/* Layer normalisation. The numbers that are left over behind the last eight count first. */
static inline void @_normalise_layer(const float *gain, const float *shift, int width, float *values) {
  const int whole = width - width % 8;
  float lanes[8] = {0, 0, 0, 0, 0, 0, 0, 0};
  float mean, scale;
  int i;
  for (i = whole; i < width; ++i) lanes[i - whole] = values[i];
  for (i = 0; i < whole; ++i) lanes[i % 8] += values[i];
  mean = @_total(lanes) / (float)width;
  for (i = 0; i < 8; ++i) lanes[i] = 0;
  for (i = 0; i < width; ++i) values[i] -= mean;
  for (i = whole; i < width; ++i) lanes[i - whole] = values[i] * values[i];
  for (i = 0; i < whole; ++i) lanes[i % 8] = $_FMA(values[i], values[i], lanes[i % 8]);
  scale = 1.0f / @_root(@_total(lanes) / (float)width + 1e-5f);
  for (i = 0; i < width; ++i) values[i] = $_FMA(gain[i], values[i] * scale, shift[i]);
}
)";

inline constexpr const char* kCActivateTanh = R"(
static inline void @_activate(float *values, int count) {
  int i;
  for (i = 0; i < count; ++i) values[i] = @_tanh(values[i]);
}
)";

inline constexpr const char* kCActivateRelu = R"(
static inline void @_activate(float *values, int count) {
  int i;
  for (i = 0; i < count; ++i) values[i] = values[i] < 0.0f ? 0.0f : values[i];
}
)";

inline constexpr const char* kCActivateSilu = R"(
static inline void @_activate(float *values, int count) {
  int i;
  for (i = 0; i < count; ++i) {
    const float x = values[i];
    values[i] = (x > -87.0f ? x : -87.0f) / @_exp_plus(-x, 1.0f);
  }
}
)";

inline constexpr const char* kCMemory = R"(
/* What a policy remembers of an episode. */
struct @_state {
  float memory[$_MEMORY_SIZE];
};

/* Forgets everything. Call it where an episode starts, and before the first step. */
static inline void @_reset(struct @_state *state) {
  int i;
  for (i = 0; i < $_MEMORY_SIZE; ++i) state->memory[i] = 0;
}

/* A gated recurrent unit. */
static inline void @_remember(const float *input, int in, float *memory) {
  const int units = $_MEMORY_SIZE;
  float by_input[3 * $_MEMORY_SIZE], by_memory[3 * $_MEMORY_SIZE];
  int i;
  @_layer(@_gru_weight_input, @_gru_bias_input, in, 3 * units, input, by_input);
  @_layer(@_gru_weight_memory, @_gru_bias_memory, units, 3 * units, memory, by_memory);
  for (i = 0; i < units; ++i) {
    const float r = @_sigmoid(by_input[i] + by_memory[i]);
    const float z = @_sigmoid(by_input[units + i] + by_memory[units + i]);
    const float n = @_tanh($_FMA(r, by_memory[2 * units + i], by_input[2 * units + i]));
    memory[i] = $_FMA(1.0f - z, n, z * memory[i]);
  }
}
)";

inline constexpr const char* kCNormalise = R"(
/* In double precision, as the library does it. */
static inline void @_normalise(const float *observation, float *normalised) {
  int i;
  for (i = 0; i < $_OBSERVATION_SIZE; ++i) {
    double value = ((double)observation[i] - @_mean[i]) * @_scale[i];
    if (value > @_CLIP) value = @_CLIP;
    if (value < -@_CLIP) value = -@_CLIP;
    normalised[i] = (float)value;
  }
}
)";

/// The first of the largest alternatives that a mask allows.
inline constexpr const char* kCBest = R"(
static inline int @_is_allowed(const uint8_t *mask, int i) {
  return mask == 0 || mask[i] != 0;
}

static inline int @_best(const float *outputs, int count, const uint8_t *mask) {
  int best = -1, i;
  for (i = 0; i < count; ++i) {
    if (@_is_allowed(mask, i) && (best < 0 || outputs[i] > outputs[best])) best = i;
  }
  return best;
}
)";

/// The same where the sum of several outputs is that of an alternative.
inline constexpr const char* kCBestSum = R"(
static inline int @_is_allowed(const uint8_t *mask, int i) {
  return mask == 0 || mask[i] != 0;
}

static inline int @_best(const float *outputs, int count, const uint8_t *mask) {
  float largest = 0;
  int best = -1, i, k;
  for (i = 0; i < count; ++i) {
    float sum = 0;
    for (k = 0; k < $_OUTPUTS_EACH; ++k) sum += outputs[i * $_OUTPUTS_EACH + k];
    if (!@_is_allowed(mask, i) || (best >= 0 && !(sum > largest))) continue;
    best = i;
    largest = sum;
  }
  return best;
}
)";

/// An alternative from the softmax of those that a mask allows.
inline constexpr const char* kCDraw = R"(
static inline int @_draw(const float *outputs, int count, const uint8_t *mask, float share) {
  const int best = @_best(outputs, count, mask);
  float left = 0;
  int last = best, i;
  if (best < 0) return best;
  for (i = 0; i < count; ++i) {
    if (@_is_allowed(mask, i)) left += @_exp_plus(outputs[i] - outputs[best], 0);
  }
  left *= share;
  for (i = 0; i < count; ++i) {
    if (!@_is_allowed(mask, i)) continue;
    last = i;
    left -= @_exp_plus(outputs[i] - outputs[best], 0);
    if (left < 0) return i;
  }
  return last;
}
)";

}  // namespace genkidama::run
