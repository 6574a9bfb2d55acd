#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstdint>
#include <functional>
#include <utility>

#include "core/float_bytes.h"
#include "core/little_endian.h"
#include "genkidama/params/weight_codec.h"
#include "params/codec_kernels.h"
#include "params/coded_layout.h"

namespace genkidama {
namespace {

using Block = std::array<float, kCodecBlock>;

/// Calls work(first, count) for blocks of the elements from `begin` on.
template <typename Work>
void for_blocks(std::size_t begin, std::size_t count, const Work& work) {
  for (std::size_t done = 0; done < count; done += kCodecBlock) {
    work(begin + done, std::min(kCodecBlock, count - done));
  }
}

/// Of the greatest magnitude, by its bits. Beyond kGreatestScale it cannot be sent.
float scale_for(std::uint32_t greatest) {
  const float scale = std::bit_cast<float>(greatest) / 127;
  return std::bit_cast<std::uint32_t>(scale) < kLeastMagnitude ? 0 : scale;
}

/// Which elements are sent: those whose magnitude is above a threshold, and the first few that reach it.
struct Selection {
  std::uint32_t threshold = 0;
  std::size_t at_threshold = 0;

  bool takes(float value) {
    const std::uint32_t magnitude = std::bit_cast<std::uint32_t>(value) & 0x7fffffff;
    if (magnitude > threshold) return true;
    if (magnitude < threshold || at_threshold == 0) return false;
    --at_threshold;
    return true;
  }
};

Selection select_largest(std::vector<std::uint32_t>& magnitudes, std::size_t count) {
  if (count == 0) return {};
  const auto last = magnitudes.begin() + static_cast<std::ptrdiff_t>(count - 1);
  std::nth_element(magnitudes.begin(), last, magnitudes.end(), std::greater<>());
  const std::uint32_t threshold = *last;
  const auto above = static_cast<std::size_t>(
      std::count_if(magnitudes.begin(), last, [=](std::uint32_t each) { return each > threshold; }));
  return {threshold, count - above};
}

}  // namespace

CodecMemory codec_memory(CodecKind kind, CodedContent content) {
  if (kind == CodecKind::kFloat32) return CodecMemory::kNone;
  const bool sends_differences = kind == CodecKind::kInt8Delta || kind == CodecKind::kTopK;
  return sends_differences && content == CodedContent::kWeights ? CodecMemory::kReference
                                                                : CodecMemory::kResidual;
}

WeightEncoder::WeightEncoder(CodecKind kind, const ParameterLayout& layout, CodedContent content)
    : kind_(kind), memory_(codec_memory(kind, content)), layout_(&layout) {
  if (memory_ == CodecMemory::kNone) return;
  state_.resize(layout.size());
  if (content == CodedContent::kChanges) before_.resize(layout.size());
  scales_.resize(layout.tensors().size());
}

void WeightEncoder::begin(std::span<const float> weights) {
  can_take_back_ = false;
  if (memory_ == CodecMemory::kReference) {
    std::copy(weights.begin(), weights.end(), state_.begin());
  } else {
    std::fill(state_.begin(), state_.end(), 0.0f);
  }
}

void WeightEncoder::keep() {
  can_take_back_ = false;
}

void WeightEncoder::take_back() {
  if (std::exchange(can_take_back_, false)) state_ = before_;
}

CodecKind WeightEncoder::encode(std::span<const float> values, std::vector<std::byte>& out, std::size_t at) {
  assert(values.size() == layout_->size());
  const CodecKind used = can_write(values) ? kind_ : CodecKind::kFloat32;
  out.resize(at + coded_bytes(used, *layout_));
  std::byte* const to = out.data() + at;
  if (!before_.empty()) {
    before_ = state_;
    can_take_back_ = true;
  }
  switch (used) {
    case CodecKind::kFloat32:
      write_full(values, to);
      break;
    case CodecKind::kFloat16:
    case CodecKind::kBfloat16:
      write_halves(values, to);
      break;
    case CodecKind::kInt8:
      write_int8(values, to);
      break;
    case CodecKind::kInt8Delta:
      write_reference(to);
      write_int8(values, to + kReferenceBytes);
      break;
    case CodecKind::kTopK:
      write_top_k(values, to);
      break;
  }
  return used;
}

bool WeightEncoder::can_write(std::span<const float> values) {
  if (memory_ == CodecMemory::kNone) return false;
  const CodecKernels& kernels = codec_kernels();
  Block given;
  const auto greatest_of = [&](std::size_t begin, std::size_t count) {
    std::uint32_t greatest = 0;
    for_blocks(begin, count, [&](std::size_t first, std::size_t size) {
      give(values, first, size, given.data());
      greatest = std::max(greatest, kernels.greatest(given.data(), size));
    });
    return greatest;
  };
  if (kind_ == CodecKind::kFloat16) return greatest_of(0, values.size()) <= kGreatestFloat16;
  if (kind_ == CodecKind::kBfloat16 || kind_ == CodecKind::kTopK) {
    return greatest_of(0, values.size()) <= kGreatestBfloat16;
  }
  bool fits = true;
  for (std::size_t t = 0; t < scales_.size(); ++t) {
    const TensorInfo& tensor = layout_->tensors()[t];
    scales_[t] = scale_for(greatest_of(tensor.offset, tensor.count));
    fits = fits && std::bit_cast<std::uint32_t>(scales_[t]) <= kGreatestScale;
  }
  return fits;
}

void WeightEncoder::give(std::span<const float> values, std::size_t first, std::size_t count,
                         float* given) const {
  const auto combine = memory_ == CodecMemory::kReference ? codec_kernels().subtract : codec_kernels().add;
  combine(values.data() + first, state_.data() + first, count, given);
}

void WeightEncoder::settle(const float* given, const float* decoded, std::size_t first, std::size_t count) {
  if (memory_ == CodecMemory::kReference) {
    codec_kernels().advance(decoded, count, state_.data() + first);
  } else {
    codec_kernels().subtract(given, decoded, count, state_.data() + first);
  }
}

void WeightEncoder::write_full(std::span<const float> values, std::byte* at) {
  if (memory_ != CodecMemory::kResidual) {
    store_floats(at, values);
    begin(values);
    return;
  }
  codec_kernels().add(values.data(), state_.data(), values.size(), state_.data());
  store_floats(at, state_);
  std::fill(state_.begin(), state_.end(), 0.0f);
}

void WeightEncoder::write_reference(std::byte* at) const {
  store(at, memory_ == CodecMemory::kReference ? reference_checksum(state_) : std::uint64_t{0});
}

void WeightEncoder::write_halves(std::span<const float> values, std::byte* at) {
  const CodecKernels& kernels = codec_kernels();
  const bool is_float16 = kind_ == CodecKind::kFloat16;
  const auto to_codes = is_float16 ? kernels.to_float16 : kernels.to_bfloat16;
  const auto from_codes = is_float16 ? kernels.from_float16 : kernels.from_bfloat16;
  Block given, decoded;
  std::array<std::uint16_t, kCodecBlock> codes;
  for_blocks(0, values.size(), [&](std::size_t first, std::size_t count) {
    give(values, first, count, given.data());
    to_codes(given.data(), count, codes.data());
    from_codes(codes.data(), count, decoded.data());
    settle(given.data(), decoded.data(), first, count);
    for (std::size_t i = 0; i < count; ++i) store(at + kHalfBytes * (first + i), codes[i]);
  });
}

void WeightEncoder::write_int8(std::span<const float> values, std::byte* at) {
  const CodecKernels& kernels = codec_kernels();
  store_floats(at, scales_);
  auto* const codes = reinterpret_cast<std::int8_t*>(at + kScaleBytes * scales_.size());
  Block given, decoded;
  for (std::size_t t = 0; t < scales_.size(); ++t) {
    const TensorInfo& tensor = layout_->tensors()[t];
    const float scale = scales_[t], inverse = scale > 0 ? 1 / scale : 0;
    for_blocks(tensor.offset, tensor.count, [&](std::size_t first, std::size_t count) {
      give(values, first, count, given.data());
      kernels.to_int8(given.data(), count, inverse, codes + first);
      kernels.from_int8(codes + first, count, scale, decoded.data());
      settle(given.data(), decoded.data(), first, count);
    });
  }
}

void WeightEncoder::write_top_k(std::span<const float> values, std::byte* at) {
  const CodecKernels& kernels = codec_kernels();
  std::vector<std::uint32_t> magnitudes(values.size());
  Block given, decoded;
  for_blocks(0, values.size(), [&](std::size_t first, std::size_t count) {
    give(values, first, count, given.data());
    for (std::size_t i = 0; i < count; ++i) {
      magnitudes[first + i] = std::bit_cast<std::uint32_t>(given[i]) & 0x7fffffff;
    }
  });
  Selection selection = select_largest(magnitudes, top_k_count(values.size()));
  write_reference(at);
  std::byte* const bitmap = at + kReferenceBytes;
  std::byte* code_at = bitmap + bitmap_bytes(values.size());
  std::fill(bitmap, code_at, std::byte{0});
  for_blocks(0, values.size(), [&](std::size_t first, std::size_t count) {
    give(values, first, count, given.data());
    for (std::size_t i = 0; i < count; ++i) {
      decoded[i] = 0;
      if (!selection.takes(given[i])) continue;
      std::uint16_t code = 0;
      kernels.to_bfloat16(&given[i], 1, &code);
      kernels.from_bfloat16(&code, 1, &decoded[i]);
      store(code_at, code);
      code_at += kHalfBytes;
      bitmap[(first + i) / 8] |= std::byte{1} << (first + i) % 8;
    }
    settle(given.data(), decoded.data(), first, count);
  });
}

}  // namespace genkidama
