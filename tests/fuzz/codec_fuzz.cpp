// Input: a byte of flags, a byte that names the link's codec, a byte that says how many weights the network
// has, the frame.

#include <algorithm>
#include <cstring>
#include <vector>

#include "fuzz/mend.h"
#include "fuzz/targets.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/wire/frame.h"

namespace genkidama::fuzz {
namespace {

constexpr unsigned kMendChecksum = 1;  // or hardly a frame would ever be sound
constexpr unsigned kMendLength = 2;
constexpr unsigned kMendReference = 4;
constexpr unsigned kChange = 8;  // it begins with its steps, and its elements are a change

/// Two tensors, or one of one element, or none.
ParameterLayout layout_of(std::int64_t elements) {
  if (elements == 0) return {};
  if (elements == 1) return ParameterLayout({{"a", {1}}});
  return ParameterLayout({{"a", {elements / 2}}, {"b", {elements - elements / 2}}});
}

/// What both ends of the link know: numbers that int8 does not hit, and zeros.
std::vector<float> first_weights(std::size_t elements) {
  std::vector<float> weights(elements);
  for (std::size_t i = 0; i < elements; ++i) weights[i] = i % 3 == 0 ? 0 : 0.37f * static_cast<float>(i);
  return weights;
}

/// What was decoded can be sent, and both ends of that link go on together.
void send_on(CodecKind kind, const ParameterLayout& layout, CodedContent content, std::vector<float> values) {
  WeightEncoder encoder(kind, layout, content);
  WeightDecoder decoder(kind, layout, content);
  const auto begin = first_weights(layout.size());
  encoder.begin(begin);
  decoder.begin(begin);
  for (int frame = 0; frame < 2; ++frame) {
    std::vector<std::byte> bytes;
    const CodecKind used = encoder.encode(values, bytes, 0);
    std::span<const float> read;
    require(decoder.decode(used, bytes, read).empty(), "what is encoded can be decoded");
    require(read.size() == values.size(), "all of it");
    if (used == CodecKind::kFloat32) return;  // not finite, or too large
    for (float& value : values) value *= 0.5f;
  }
}

}  // namespace

void codec(Input input) {
  if (input.size() < 3) return;
  const unsigned flags = input[0];
  const CodecKind kind = kCodecKinds[input[1] % kCodecKinds.size()];
  const std::size_t elements = input[2] % 64;
  const std::size_t extra = flags & kChange ? kChangeStepsBytes : 0;
  const auto content = flags & kChange ? CodedContent::kChanges : CodedContent::kWeights;
  const auto given = std::as_bytes(input.subspan(3));
  // As large as it is, so that a byte too many is noticed.
  std::vector<std::byte> bytes(given.begin(), given.end());
  const ParameterLayout layout = layout_of(static_cast<std::int64_t>(elements));
  const auto begin = first_weights(elements);
  if (flags & kMendReference) mend_reference(bytes, extra, begin);
  if (flags & kMendLength) mend_length(bytes);
  if (flags & kMendChecksum) mend_checksum(bytes);

  const auto parts = split_frame(bytes, extra);
  if (!parts.ok()) {
    require_printable(parts.reason());
    return;
  }
  require(kFrameHeaderBytes + extra + parts.value().weights.size() == bytes.size(), "nothing is left over");
  require(parts.value().extra.size() == extra, "what stands before the weights has its size");
  WeightDecoder decoder(kind, layout, content);
  decoder.begin(begin);
  std::span<const float> values;
  const auto wrong = decoder.decode(parts.value().codec, parts.value().weights, values);
  if (!wrong.empty()) {
    require_printable(wrong);
    return;
  }
  require(bytes.size() <= max_frame_bytes(kind, layout, extra), "no frame is larger than the largest");
  require(values.size() == elements, "every weight has a value");
  const bool is_finite_for_sure =
      parts.value().codec != CodecKind::kFloat32 && codec_memory(kind, content) == CodecMemory::kResidual;
  require(
      !is_finite_for_sure || std::all_of(values.begin(), values.end(), [](float v) { return is_finite(v); }),
      "a code is a finite number");
  send_on(kind, layout, content, {values.begin(), values.end()});
}

}  // namespace genkidama::fuzz
