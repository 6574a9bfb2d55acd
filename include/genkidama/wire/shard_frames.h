#pragma once

/// @file
/// What learners and the shards of a parameter server send to each other: the payloads of the frames of type
/// 32 (gradients, from a learner) and 33 (a slice's weights, from a shard). Everything is little-endian.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/wire/decoded.h"

namespace GENKIDAMA_EXPORT genkidama {

/// The exchange that hello and welcome name between a learner and a shard.
inline constexpr const char* kGradientsExchange = "gradients";

/// The most gradients in a frame, whatever their size.
inline constexpr std::size_t kMostFrameGradients = 1024;
/// The most bytes of gradients in a frame, as long as it has more than one.
inline constexpr std::size_t kMostGradientBytes = std::size_t{64} << 20;

/// How many gradients of a slice of so many weights a frame may have: at least 1.
std::size_t most_frame_gradients(std::size_t slice);

/// A gradient of one slice, for one optimizer step.
struct SliceGradient {
  std::uint64_t version = 0;      ///< optimizer steps that the slice had seen when it was computed
  double learning_rate = 0;       ///< finite, above 0
  std::span<const float> values;  ///< one for each weight of the slice
};

/// The size of the payload with so many gradients.
std::size_t gradients_bytes(std::size_t count, std::size_t slice);

/// Writes the payload of a frame of gradients behind what `to` has. All have equally many values.
void append_gradients(std::span<const SliceGradient> gradients, std::vector<std::byte>& to);

/// Reads such a payload for a slice of so many weights: checks its size, that there is a gradient and there
/// are no more than most_frame_gradients(), that versions are at most `newest`, and that all numbers are
/// finite. The gradients' values lie in `values`. Throws nothing but std::bad_alloc.
Decoded<std::vector<SliceGradient>> decode_gradients(std::span<const std::byte> payload, std::size_t slice,
                                                     std::uint64_t newest, std::vector<float>& values);

/// What a shard did with a gradient.
enum class GradientFate : std::uint8_t {
  kApplied = 0,  ///< took an optimizer step with it
  kStale = 1,    ///< dropped it, because it was computed with weights too old
};

/// The size of what stands before the weights in the answer to so many gradients; 0 before first weights.
std::size_t fates_bytes(std::size_t count);

/// Replaces `to` by what stands before the weights in an answer: a byte for each gradient, in their order,
/// filled with 0 to a multiple of 8.
void encode_fates(std::span<const GradientFate> fates, std::vector<std::byte>& to);

/// Reads fates_bytes(count) bytes. Throws nothing but std::bad_alloc.
Decoded<std::vector<GradientFate>> decode_fates(std::span<const std::byte> bytes, std::size_t count);

}  // namespace genkidama
