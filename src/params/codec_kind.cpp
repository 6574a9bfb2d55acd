#include "genkidama/params/codec_kind.h"

#include "params/coded_layout.h"

namespace genkidama {

const char* codec_name(CodecKind kind) {
  switch (kind) {
    case CodecKind::kFloat32:
      return "f32";
    case CodecKind::kFloat16:
      return "f16";
    case CodecKind::kBfloat16:
      return "bf16";
    case CodecKind::kInt8:
      return "int8";
    case CodecKind::kInt8Delta:
      return "int8-delta";
    case CodecKind::kTopK:
      return "top-k";
  }
  return "";
}

std::optional<CodecKind> codec_of(std::string_view name) {
  for (const CodecKind kind : kCodecKinds) {
    if (name == codec_name(kind)) return kind;
  }
  return std::nullopt;
}

std::size_t coded_bytes(CodecKind kind, const ParameterLayout& layout) {
  const std::size_t elements = layout.size();
  const std::size_t scales = kScaleBytes * layout.tensors().size();
  switch (kind) {
    case CodecKind::kFloat32:
      return sizeof(float) * elements;
    case CodecKind::kFloat16:
    case CodecKind::kBfloat16:
      return kHalfBytes * elements;
    case CodecKind::kInt8:
      return scales + elements;
    case CodecKind::kInt8Delta:
      return kReferenceBytes + scales + elements;
    case CodecKind::kTopK:
      return kReferenceBytes + bitmap_bytes(elements) + kHalfBytes * top_k_count(elements);
  }
  return 0;
}

}  // namespace genkidama
