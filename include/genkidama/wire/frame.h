#pragma once

/// @file
/// Weights on the wire: one binary WebSocket message, an 80-byte header, then the bytes of statistics where
/// both sides have agreed on some (genkidama/wire/statistics.h), and then the flat weights: as float32, or in
/// the codec that both sides have agreed on. Everything is little-endian whatever the machine.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/params/codec_kind.h"
#include "genkidama/params/weight_codec.h"
#include "genkidama/wire/decoded.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Who sends a frame.
enum class FrameType : std::uint16_t {
  kParentWeights = 1,      ///< W_P, from the Parent
  kChildWeights = 2,       ///< W_C, from a Child
  kChildChange = 3,        ///< what a Child has learnt, from a Child that makes rounds together with others
  kActorSegments = 16,     ///< what an actor has played (genkidama/wire/segments.h), in place of weights
  kLearnerGradients = 32,  ///< gradients for a shard (genkidama/wire/shard_frames.h), in place of weights
  kShardWeights = 33,      ///< a shard's slice of the weights
  kPeerWeights = 64,       ///< a peer's weights (genkidama/wire/peer_frames.h)
};

/// What travels with the weights. A Parent leaves the last three fields at 0, but for a learner's answer to
/// an actor, which tells in them how many steps the actor is to play and how many the run has learnt from.
struct FrameHeader {
  FrameType type = FrameType::kChildWeights;  ///< who sends the frame
  std::uint64_t session = 0;                  ///< the session's number, from the welcome
  std::uint64_t sequence = 0;  ///< 0 for the Parent's first weights; then the Child counts from 1
  /// From a Parent: the merges it has made. From a Child: the `update` of the last frame that it received; of
  /// a change, that of the weights from which it was learnt.
  std::uint64_t update = 0;
  /// Steps the Child has played since it started. From a learner: what the actor is to play with the weights.
  std::uint64_t environment_steps = 0;
  /// Episodes the Child has played since it started. From a learner: steps that its run has learnt from.
  std::uint64_t episodes = 0;
  /// Finite. The mean return of the episodes that ended since the Child's last answered frame. Without such
  /// episodes it is that of the frame before, and 0 before the first episode.
  double mean_return = 0;

  /// Compares field by field.
  friend bool operator==(const FrameHeader&, const FrameHeader&) = default;
};

/// The size of what comes before the weights.
inline constexpr std::size_t kFrameHeaderBytes = 80;

/// A change begins with a u64, before statistics and elements: the environment steps that it was learnt from.
inline constexpr std::size_t kChangeStepsBytes = 8;

/// The size of a frame with `elements` float32 weights and `extra` bytes before them.
constexpr std::size_t frame_bytes(std::size_t elements, std::size_t extra = 0) {
  return kFrameHeaderBytes + extra + elements * sizeof(float);
}

/// The largest frame on a link of this codec: its weights may also be float32.
inline std::size_t max_frame_bytes(CodecKind codec, const ParameterLayout& layout, std::size_t extra = 0) {
  return kFrameHeaderBytes + extra +
         std::max(coded_bytes(CodecKind::kFloat32, layout), coded_bytes(codec, layout));
}

/// Writes a whole frame over `frame`, whose memory is used again. `extra` stands between header and weights;
/// its size is a multiple of 8. A mean_return that is not finite is sent as 0.
void encode_frame(const FrameHeader& header, std::span<const float> weights, std::vector<std::byte>& frame,
                  std::span<const std::byte> extra = {});

/// Does the same for a frame whose weights are sent from where they lie: it writes to `frame` all that comes
/// before the weights and returns the bytes of `weights`. On a machine whose numbers are not little-endian it
/// writes the whole frame and returns no bytes.
std::span<const std::byte> encode_frame_head(const FrameHeader& header, std::span<const float> weights,
                                             std::vector<std::byte>& frame,
                                             std::span<const std::byte> extra = {});

/// Writes a whole frame whose weights `encoder` writes, over `frame`. Throws nothing but std::bad_alloc.
void encode_frame(const FrameHeader& header, std::span<const float> weights, WeightEncoder& encoder,
                  std::vector<std::byte>& frame, std::span<const std::byte> extra = {});

/// Writes the steps that a change begins with over `bytes`, whose memory is used again.
void encode_change_steps(std::uint64_t steps, std::vector<std::byte>& bytes);
/// Reads what encode_change_steps() wrote from the first kChangeStepsBytes of `bytes`.
std::uint64_t decode_change_steps(std::span<const std::byte> bytes);

/// A frame that was checked but for its weights, which a WeightDecoder reads.
struct FrameParts {
  FrameHeader header;                  ///< checked
  CodecKind codec;                     ///< in which the weights are written
  std::span<const std::byte> extra;    ///< what stands before them; valid as long as the frame's bytes
  std::span<const std::byte> weights;  ///< as they were sent, of any size; valid as above
};

/// Reads all of a frame but its weights, before which `extra` bytes stand: checks magic, version, type,
/// dtype, reserved bytes, length, checksum and mean_return. Throws nothing but std::bad_alloc, for a reason.
Decoded<FrameParts> split_frame(std::span<const std::byte> frame, std::size_t extra = 0);

/// A frame of float32 that is read where it lies.
struct FrameView {
  FrameHeader header;                ///< checked
  std::span<const float> weights;    ///< valid as long as the bytes, or the copy, from which they were read
  std::span<const std::byte> extra;  ///< what stood before them, valid as long as the bytes
};

/// Reads a frame that must hold exactly `elements` float32 weights and `extra` bytes before them, with the
/// checks of decode_frame(), but copies the weights only where the machine's own numbers are not
/// little-endian or the bytes do not lie as floats must: into `copy`, which is untouched otherwise. Throws
/// nothing but std::bad_alloc, for that copy or a reason.
Decoded<FrameView> view_frame(std::span<const std::byte> frame, std::size_t elements,
                              std::vector<float>& copy, std::size_t extra = 0);

/// Reads a frame that must hold exactly weights.size() float32 elements and extra.size() bytes before them,
/// and copies them to `weights` and `extra`, which are untouched unless the frame is sound: magic, version,
/// type, dtype, reserved bytes, length, checksum and mean_return. The weights themselves may still be NaN or
/// infinite. Throws nothing but std::bad_alloc, for a reason.
Decoded<FrameHeader> decode_frame(std::span<const std::byte> frame, std::span<float> weights,
                                  std::span<std::byte> extra = {});

}  // namespace genkidama
