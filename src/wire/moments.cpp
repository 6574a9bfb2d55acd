#include "genkidama/wire/moments.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <utility>

#include "core/little_endian.h"
#include "params/codec_kernels.h"

namespace genkidama {
namespace {

constexpr std::size_t kStepsBytes = 8;
constexpr std::size_t kCodeBytes = 2;
constexpr std::size_t kBlock = 512;
constexpr std::uint32_t kInfinity = 0x7f800000;

/// Not finite numbers stay what they are, which rounding would not promise.
void to_codes(std::span<const float> values, std::uint16_t* codes) {
  const CodecKernels& kernels = codec_kernels();
  kernels.to_bfloat16(values.data(), values.size(), codes);
  if (kernels.greatest(values.data(), values.size()) < kInfinity) return;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(values[i]);
    const bool is_finite = (bits & kInfinity) != kInfinity;
    const bool is_infinite = (bits & 0x7fffffff) == kInfinity;
    if (!is_finite) codes[i] = static_cast<std::uint16_t>((bits >> 16) | (is_infinite ? 0u : 0x40u));
  }
}

}  // namespace

void append_moments(const OptimizerMoments& moments, std::vector<std::byte>& bytes) {
  if (moments.values.empty()) return;
  const std::size_t begin = bytes.size();
  bytes.resize(begin + moments_bytes(moments.values.size()));
  std::byte* at = bytes.data() + begin;
  store(at, moments.steps);
  at += kStepsBytes;
  std::array<std::uint16_t, kBlock> codes;
  for (std::size_t done = 0; done < moments.values.size(); done += kBlock) {
    const std::size_t count = std::min(kBlock, moments.values.size() - done);
    to_codes(std::span(moments.values).subspan(done, count), codes.data());
    for (std::size_t i = 0; i < count; ++i, at += kCodeBytes) store(at, codes[i]);
  }
}

Decoded<OptimizerMoments> decode_moments(std::span<const std::byte> bytes, std::size_t size) {
  OptimizerMoments moments;
  if (size == 0 && bytes.empty()) return moments;
  if (bytes.size() != moments_bytes(size)) {
    return WireError{fmt::format("{} bytes of moments; expected {}", bytes.size(), moments_bytes(size))};
  }
  moments.steps = load<std::uint64_t>(bytes.data());
  moments.values.resize(size);
  const std::byte* at = bytes.data() + kStepsBytes;
  std::array<std::uint16_t, kBlock> codes;
  for (std::size_t done = 0; done < size; done += kBlock) {
    const std::size_t count = std::min(kBlock, size - done);
    for (std::size_t i = 0; i < count; ++i, at += kCodeBytes) codes[i] = load<std::uint16_t>(at);
    codec_kernels().from_bfloat16(codes.data(), count, moments.values.data() + done);
  }
  const bool is_filled_with_zeros =
      std::all_of(at, bytes.data() + bytes.size(), [](std::byte byte) { return byte == std::byte{0}; });
  if (!is_filled_with_zeros) return WireError{"moments are followed by bytes that are not 0"};
  return moments;
}

}  // namespace genkidama
