#include "params/codec_kernels.h"

#include <algorithm>
#include <bit>

#include "params/coded_layout.h"

// src/params/CMakeLists.txt compiles this file with -ffp-contract=off: both ends of a link must compute the
// same reference to the last bit.

namespace genkidama {
namespace {

#define GENKIDAMA_INLINE [[gnu::always_inline]] inline

constexpr std::uint32_t kSign = 0x80000000, kMagnitude = 0x7fffffff;
/// 1.5 * 2^23: a float of this size has no bits for fractions, so adding it rounds.
constexpr float kRounder = 12582912;

GENKIDAMA_INLINE std::uint32_t bits_of(float value) {
  return std::bit_cast<std::uint32_t>(value);
}

GENKIDAMA_INLINE float float_of(std::uint32_t bits) {
  return std::bit_cast<float>(bits);
}

GENKIDAMA_INLINE void add_body(const float* a, const float* b, std::size_t count, float* sums) {
  for (std::size_t i = 0; i < count; ++i) sums[i] = a[i] + b[i];
}

GENKIDAMA_INLINE void subtract_body(const float* a, const float* b, std::size_t count, float* differences) {
  for (std::size_t i = 0; i < count; ++i) differences[i] = a[i] - b[i];
}

GENKIDAMA_INLINE void advance_body(const float* changes, std::size_t count, float* reference) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t sum = bits_of(reference[i] + changes[i]);
    reference[i] = float_of((sum & kMagnitude) < kLeastMagnitude ? 0 : sum);
  }
}

GENKIDAMA_INLINE std::uint32_t greatest_body(const float* values, std::size_t count) {
  std::uint32_t greatest = 0;
  for (std::size_t i = 0; i < count; ++i) greatest = std::max(greatest, bits_of(values[i]) & kMagnitude);
  return greatest;
}

GENKIDAMA_INLINE void to_int8_body(const float* values, std::size_t count, float inverse,
                                   std::int8_t* codes) {
  for (std::size_t i = 0; i < count; ++i) {
    const float rounded = values[i] * inverse + kRounder;
    codes[i] = static_cast<std::int8_t>(bits_of(rounded) - bits_of(kRounder));
  }
}

GENKIDAMA_INLINE void from_int8_body(const std::int8_t* codes, std::size_t count, float scale,
                                     float* values) {
  for (std::size_t i = 0; i < count; ++i) values[i] = scale * static_cast<float>(codes[i]);
}

GENKIDAMA_INLINE void to_float16_body(const float* values, std::size_t count, std::uint16_t* codes) {
  constexpr std::uint32_t kLeastNormal = 0x38800000;  // 2^-14
  // The exponents of the two formats are 112 apart; 0x0fff and the last bit that is kept round to even.
  constexpr std::uint32_t kRebias = 112u << 23;
  // A float16 below 2^-14 is a multiple of 2^-24, which is the last bit of floats in [0.5, 1).
  constexpr float kHalf = 0.5f;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t bits = bits_of(values[i]), magnitude = bits & kMagnitude;
    const std::uint32_t normal = (magnitude - kRebias + 0xfff + ((magnitude >> 13) & 1)) >> 13;
    const std::uint32_t subnormal = bits_of(float_of(magnitude) + kHalf) - bits_of(kHalf);
    const std::uint32_t code = magnitude < kLeastNormal ? subnormal : normal;
    codes[i] = static_cast<std::uint16_t>((bits & kSign) >> 16 | code);
  }
}

GENKIDAMA_INLINE void from_float16_body(const std::uint16_t* codes, std::size_t count, float* values) {
  constexpr std::uint32_t kRebias = 112u << 23, kHalfExponent = 126u << 23;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t code = codes[i], magnitude = code & 0x7fff;
    const std::uint32_t normal = (magnitude << 13) + kRebias;
    // As in to_float16_body(): exact, and without a subnormal float32.
    const std::uint32_t subnormal = bits_of(float_of(kHalfExponent | magnitude) - float_of(kHalfExponent));
    values[i] = float_of((code & 0x8000) << 16 | (magnitude < 0x0400 ? subnormal : normal));
  }
}

GENKIDAMA_INLINE void to_bfloat16_body(const float* values, std::size_t count, std::uint16_t* codes) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t bits = bits_of(values[i]);
    codes[i] = static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
  }
}

GENKIDAMA_INLINE void from_bfloat16_body(const std::uint16_t* codes, std::size_t count, float* values) {
  for (std::size_t i = 0; i < count; ++i) values[i] = float_of(std::uint32_t{codes[i]} << 16);
}

GENKIDAMA_INLINE std::uint16_t greatest_code_body(const std::uint16_t* codes, std::size_t count) {
  std::uint16_t greatest = 0;
  for (std::size_t i = 0; i < count; ++i) {
    greatest = std::max(greatest, static_cast<std::uint16_t>(codes[i] & 0x7fff));
  }
  return greatest;
}

// One function of each kernel per version, and the version made of them.
#define GENKIDAMA_KERNELS(version, attribute)                                                            \
  attribute void add_##version(const float* a, const float* b, std::size_t count, float* sums) {         \
    add_body(a, b, count, sums);                                                                         \
  }                                                                                                      \
  attribute void subtract_##version(const float* a, const float* b, std::size_t count, float* out) {     \
    subtract_body(a, b, count, out);                                                                     \
  }                                                                                                      \
  attribute void advance_##version(const float* changes, std::size_t count, float* reference) {          \
    advance_body(changes, count, reference);                                                             \
  }                                                                                                      \
  attribute std::uint32_t greatest_##version(const float* values, std::size_t count) {                   \
    return greatest_body(values, count);                                                                 \
  }                                                                                                      \
  attribute void to_int8_##version(const float* values, std::size_t count, float inverse,                \
                                   std::int8_t* codes) {                                                 \
    to_int8_body(values, count, inverse, codes);                                                         \
  }                                                                                                      \
  attribute void from_int8_##version(const std::int8_t* codes, std::size_t count, float scale,           \
                                     float* values) {                                                    \
    from_int8_body(codes, count, scale, values);                                                         \
  }                                                                                                      \
  attribute void to_float16_##version(const float* values, std::size_t count, std::uint16_t* codes) {    \
    to_float16_body(values, count, codes);                                                               \
  }                                                                                                      \
  attribute void from_float16_##version(const std::uint16_t* codes, std::size_t count, float* values) {  \
    from_float16_body(codes, count, values);                                                             \
  }                                                                                                      \
  attribute void to_bfloat16_##version(const float* values, std::size_t count, std::uint16_t* codes) {   \
    to_bfloat16_body(values, count, codes);                                                              \
  }                                                                                                      \
  attribute void from_bfloat16_##version(const std::uint16_t* codes, std::size_t count, float* values) { \
    from_bfloat16_body(codes, count, values);                                                            \
  }                                                                                                      \
  attribute std::uint16_t greatest_code_##version(const std::uint16_t* codes, std::size_t count) {       \
    return greatest_code_body(codes, count);                                                             \
  }                                                                                                      \
  constexpr CodecKernels version##_kernels{#version,                                                     \
                                           add_##version,                                                \
                                           subtract_##version,                                           \
                                           advance_##version,                                            \
                                           greatest_##version,                                           \
                                           to_int8_##version,                                            \
                                           from_int8_##version,                                          \
                                           to_float16_##version,                                         \
                                           from_float16_##version,                                       \
                                           to_bfloat16_##version,                                        \
                                           from_bfloat16_##version,                                      \
                                           greatest_code_##version};

GENKIDAMA_KERNELS(portable, )

#if defined(__x86_64__)
#define GENKIDAMA_AVX2 [[gnu::target("avx2")]]
GENKIDAMA_KERNELS(avx2, GENKIDAMA_AVX2)
#endif

}  // namespace

const CodecKernels& portable_codec_kernels() {
  return portable_kernels;
}

const CodecKernels& codec_kernels() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return avx2_kernels;
#endif
  return portable_kernels;
}

}  // namespace genkidama
