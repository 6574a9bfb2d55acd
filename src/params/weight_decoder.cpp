#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "core/float_bytes.h"
#include "core/little_endian.h"
#include "genkidama/params/weight_codec.h"
#include "params/codec_kernels.h"
#include "params/coded_layout.h"

namespace genkidama {
namespace {

using Block = std::array<float, kCodecBlock>;

bool is_scale(float scale) {
  const auto bits = std::bit_cast<std::uint32_t>(scale);
  return bits == 0 || (bits >= kLeastMagnitude && bits <= kGreatestScale);
}

}  // namespace

WeightDecoder::WeightDecoder(CodecKind kind, const ParameterLayout& layout, CodedContent content)
    : kind_(kind), memory_(codec_memory(kind, content)), layout_(&layout) {
  if (memory_ != CodecMemory::kNone) values_.resize(layout.size());
}

void WeightDecoder::begin(std::span<const float> weights) {
  if (memory_ == CodecMemory::kReference) values_.assign(weights.begin(), weights.end());
}

std::string WeightDecoder::decode(CodecKind used, std::span<const std::byte> bytes,
                                  std::span<const float>& values) {
  if (used != kind_ && used != CodecKind::kFloat32) {
    return fmt::format("elements in the codec '{}'; '{}' and '{}' were agreed upon", codec_name(used),
                       codec_name(kind_), codec_name(CodecKind::kFloat32));
  }
  if (const std::size_t expected = coded_bytes(used, *layout_); bytes.size() != expected) {
    return fmt::format("{} bytes of weights announced (codec '{}'); this network has {}", bytes.size(),
                       codec_name(used), expected);
  }
  if (used == CodecKind::kFloat32) {
    values = read_full(bytes);
    return {};
  }
  std::string wrong = read(bytes);
  values = values_;
  return wrong;
}

std::span<const float> WeightDecoder::read_full(std::span<const std::byte> bytes) {
  if (memory_ != CodecMemory::kReference && hold_floats(bytes.data())) {
    return {reinterpret_cast<const float*>(bytes.data()), layout_->size()};
  }
  values_.resize(layout_->size());
  load_floats(values_, bytes.data());
  return values_;
}

std::string WeightDecoder::read(std::span<const std::byte> bytes) {
  switch (kind_) {
    case CodecKind::kFloat32:
      break;
    case CodecKind::kFloat16:
    case CodecKind::kBfloat16:
      return read_halves(bytes.data());
    case CodecKind::kInt8:
      return read_int8(bytes.data());
    case CodecKind::kInt8Delta: {
      std::string wrong = check_reference(bytes.data());
      return wrong.empty() ? read_int8(bytes.data() + kReferenceBytes) : wrong;
    }
    case CodecKind::kTopK: {
      std::string wrong = check_reference(bytes.data());
      return wrong.empty() ? read_top_k(bytes.data() + kReferenceBytes) : wrong;
    }
  }
  return {};
}

void WeightDecoder::take(const float* decoded, std::size_t first, std::size_t count) {
  if (memory_ == CodecMemory::kReference) {
    codec_kernels().advance(decoded, count, values_.data() + first);
  } else {
    std::copy_n(decoded, count, values_.data() + first);
  }
}

std::string WeightDecoder::check_reference(const std::byte* at) const {
  const auto told = load<std::uint64_t>(at);
  const std::uint64_t known = memory_ == CodecMemory::kReference ? reference_checksum(values_) : 0;
  if (told == known) return {};
  return fmt::format("differences from other weights (checksum {:016x}) than those known here ({:016x})",
                     told, known);
}

std::string WeightDecoder::read_halves(const std::byte* at) {
  const CodecKernels& kernels = codec_kernels();
  const bool is_float16 = kind_ == CodecKind::kFloat16;
  const auto from_codes = is_float16 ? kernels.from_float16 : kernels.from_bfloat16;
  const std::uint16_t infinity = is_float16 ? 0x7c00 : 0x7f80;
  Block decoded;
  std::array<std::uint16_t, kCodecBlock> codes;
  for (std::size_t first = 0; first < values_.size(); first += kCodecBlock) {
    const std::size_t count = std::min(kCodecBlock, values_.size() - first);
    for (std::size_t i = 0; i < count; ++i) {
      codes[i] = load<std::uint16_t>(at + kHalfBytes * (first + i));
    }
    if (kernels.greatest_code(codes.data(), count) >= infinity) {
      return fmt::format("a value from element {} on is no finite number", first);
    }
    from_codes(codes.data(), count, decoded.data());
    take(decoded.data(), first, count);
  }
  return {};
}

std::string WeightDecoder::read_int8(const std::byte* at) {
  const auto& tensors = layout_->tensors();
  const auto* const codes = reinterpret_cast<const std::int8_t*>(at + kScaleBytes * tensors.size());
  Block decoded;
  for (std::size_t t = 0; t < tensors.size(); ++t) {
    const float scale = std::bit_cast<float>(load<std::uint32_t>(at + kScaleBytes * t));
    if (!is_scale(scale)) {
      return fmt::format("the scale of tensor '{}' is {}; expected 0, or a number from 2^-100 to 2^119",
                         tensors[t].name, scale);
    }
    for (std::size_t done = 0; done < tensors[t].count; done += kCodecBlock) {
      const std::size_t first = tensors[t].offset + done,
                        count = std::min(kCodecBlock, tensors[t].count - done);
      codec_kernels().from_int8(codes + first, count, scale, decoded.data());
      take(decoded.data(), first, count);
    }
  }
  return {};
}

std::string WeightDecoder::read_top_k(const std::byte* at) {
  const std::size_t elements = values_.size(), expected = top_k_count(elements);
  const std::byte* code_at = at + bitmap_bytes(elements);
  std::size_t marked = 0;
  for (const std::byte* byte = at; byte != code_at; ++byte) {
    marked += static_cast<std::size_t>(std::popcount(std::to_integer<unsigned>(*byte)));
  }
  const bool is_past_end = elements % 8 > 0 && std::to_integer<unsigned>(code_at[-1]) >> elements % 8 > 0;
  if (marked != expected || is_past_end) {
    return fmt::format("{} elements of {} are marked{}; expected {}", marked, elements,
                       is_past_end ? ", some past the end" : "", expected);
  }
  Block decoded;
  for (std::size_t first = 0; first < elements; first += kCodecBlock) {
    const std::size_t count = std::min(kCodecBlock, elements - first);
    for (std::size_t i = 0; i < count; ++i) {
      decoded[i] = 0;
      if ((at[(first + i) / 8] & std::byte{1} << (first + i) % 8) == std::byte{0}) continue;
      const auto code = load<std::uint16_t>(code_at);
      code_at += kHalfBytes;
      if ((code & 0x7f80) == 0x7f80)
        return fmt::format("the value of element {} is no finite number", first + i);
      codec_kernels().from_bfloat16(&code, 1, &decoded[i]);
    }
    take(decoded.data(), first, count);
  }
  return {};
}

}  // namespace genkidama
