#pragma once

/// @file
/// What an actor has played, on the wire: the payload of a frame of type FrameType::kActorSegments, behind
/// the bytes of statistics (genkidama/wire/statistics.h). Everything is little-endian whatever the machine.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/params/local_trainer.h"
#include "genkidama/params/segment.h"
#include "genkidama/wire/decoded.h"

namespace GENKIDAMA_EXPORT genkidama {

/// What an actor tells its learner in one frame.
struct SegmentBatch {
  std::uint64_t steps = 0;  ///< environment steps played since the frame before, those in no segment too
  /// Steps of them whose segments the actor had to throw away: its queue was full, or the learner that they
  /// were for is gone.
  std::uint64_t dropped_steps = 0;
  std::uint64_t lost_episodes = 0;  ///< RoundReport::lost_episodes since the frame before
  /// Episodes that have ended since the frame before.
  std::vector<EpisodeResult> episodes;
  /// In the order in which they were played. Each has at least one step, and its policy_version is the
  /// `update` of the learner's weights that it was played with.
  std::vector<Segment> segments;

  /// The steps in the segments.
  std::uint64_t steps_in_segments() const {
    std::uint64_t sum = 0;
    for (const Segment& segment : segments) sum += segment.size();
    return sum;
  }
  /// What the numbers in it take in memory.
  std::size_t bytes() const {
    std::size_t sum = 0;
    for (const EpisodeResult& episode : episodes)
      sum += sizeof episode + episode.metrics.size() * sizeof(float);
    for (const Segment& segment : segments) sum += sizeof segment + segment.bytes();
    return sum;
  }
};

/// What a receiver takes at most.
struct SegmentLimits {
  std::uint64_t max_steps = std::uint64_t{1} << 32;          ///< in the segments of one frame, all together
  std::uint64_t max_segment_steps = std::uint64_t{1} << 32;  ///< in each segment
  std::uint64_t max_version = ~std::uint64_t{0};             ///< the newest policy_version that there can be
};

/// The size of the fixed part of a payload.
inline constexpr std::size_t kSegmentsHeadBytes = 56;

/// The largest payload that holds `steps` steps in segments, and as many episodes, of this shape.
std::size_t most_segments_bytes(std::uint64_t steps, const SegmentShape& shape);

/// Writes the payload over `bytes`, whose memory is used again; its size is a multiple of 8. Every segment
/// must fit the shape and hold finite numbers. Throws ArgumentError for one that does not.
void encode_segments(const SegmentBatch& batch, const SegmentShape& shape, std::vector<std::byte>& bytes);

/// Why the payload is one of another shape, with both shapes in numbers; nothing when it is of this one, or
/// too short to tell.
std::optional<std::string> segments_difference(std::span<const std::byte> bytes, const SegmentShape& shape);

/// Reads a payload. Refused are: another shape, a length that is not what the counts ask for, counts beyond
/// the limits, a segment without steps, an unknown end, numbers that are not finite, masks with other bytes
/// than 0 and 1, and bytes of filling that are not 0. Throws nothing but std::bad_alloc; what it allocates is
/// bounded by the size of `bytes`.
Decoded<SegmentBatch> decode_segments(std::span<const std::byte> bytes, const SegmentShape& shape,
                                      const SegmentLimits& limits = {});

}  // namespace genkidama
