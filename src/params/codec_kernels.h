#pragma once

// The arithmetic of the codecs, element by element. As with the optimizers' kernels, several versions of the
// same loops are compiled and the best one for this processor is chosen when the program runs: AVX2 on
// x86-64; the portable one is NEON code on ARM. All give the same results bit for bit.

#include <cstddef>
#include <cstdint>

namespace genkidama {

/// Arrays of one call must not overlap, unless they are the same. Values that become codes are finite and
/// within the code's range.
struct CodecKernels {
  const char* name;
  /// sums[i] = a[i] + b[i]; `sums` may be `a` or `b`.
  void (*add)(const float* a, const float* b, std::size_t count, float* sums);
  /// differences[i] = a[i] - b[i]; `differences` may be `a` or `b`.
  void (*subtract)(const float* a, const float* b, std::size_t count, float* differences);
  /// reference[i] += changes[i], and what is smaller than kLeastMagnitude then becomes +0.
  void (*advance)(const float* changes, std::size_t count, float* reference);
  /// The bits of the greatest magnitude; those of infinity or more when a value is not finite.
  std::uint32_t (*greatest)(const float* values, std::size_t count);
  /// codes[i] = values[i] * inverse, rounded to the nearest, halves to even.
  void (*to_int8)(const float* values, std::size_t count, float inverse, std::int8_t* codes);
  /// values[i] = scale * codes[i]
  void (*from_int8)(const std::int8_t* codes, std::size_t count, float scale, float* values);
  /// Rounded to the nearest, halves to even.
  void (*to_float16)(const float* values, std::size_t count, std::uint16_t* codes);
  void (*from_float16)(const std::uint16_t* codes, std::size_t count, float* values);
  /// As above.
  void (*to_bfloat16)(const float* values, std::size_t count, std::uint16_t* codes);
  void (*from_bfloat16)(const std::uint16_t* codes, std::size_t count, float* values);
  /// The greatest code without its sign; a code with all bits of the exponent set is no finite number.
  std::uint16_t (*greatest_code)(const std::uint16_t* codes, std::size_t count);
};

/// Runs anywhere.
const CodecKernels& portable_codec_kernels();

/// The fastest ones this processor can run.
const CodecKernels& codec_kernels();

}  // namespace genkidama
