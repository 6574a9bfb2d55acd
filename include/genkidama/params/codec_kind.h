#pragma once

/// @file
/// The codecs in which weights, and changes of weights, travel between machines.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "genkidama/core/export.h"
#include "genkidama/params/parameter_layout.h"

namespace GENKIDAMA_EXPORT genkidama {

/// How the elements of a frame are written. The numbers stand in frames. All but the
/// first are lossy; what a codec leaves out of one frame, its sender puts into a later one (WeightEncoder).
enum class CodecKind : std::uint16_t {
  kFloat32 = 1,    ///< 4 bytes an element, exact
  kFloat16 = 2,    ///< 2 bytes an element: IEEE 754 half precision
  kBfloat16 = 3,   ///< 2 bytes an element: the upper half of a float32
  kInt8 = 4,       ///< 1 byte an element, and one scale per tensor
  kInt8Delta = 5,  ///< as kInt8, but the difference from what the receiver knows already
  kTopK = 6,       ///< the tenth of the differences that is largest, as bfloat16, and a bit per element
};

/// All of them, in the order of their numbers.
inline constexpr std::array kCodecKinds{CodecKind::kFloat32, CodecKind::kFloat16,   CodecKind::kBfloat16,
                                        CodecKind::kInt8,    CodecKind::kInt8Delta, CodecKind::kTopK};

/// The name of a codec, as users and the wire know it: "f32", "f16", "bf16", "int8", "int8-delta", "top-k".
const char* codec_name(CodecKind kind);
/// The codec of that name; nothing when there is none.
std::optional<CodecKind> codec_of(std::string_view name);

/// How many differences kTopK sends: a tenth of them, rounded up.
constexpr std::size_t top_k_count(std::size_t elements) {
  return elements / 10 + (elements % 10 > 0 ? 1 : 0);
}

/// The bytes that the elements of this layout take, which depend on nothing else.
std::size_t coded_bytes(CodecKind kind, const ParameterLayout& layout);

}  // namespace genkidama
