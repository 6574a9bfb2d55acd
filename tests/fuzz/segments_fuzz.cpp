// Input: five bytes with the shape's numbers, and the payload.

#include <algorithm>
#include <vector>

#include "fuzz/targets.h"
#include "genkidama/wire/segments.h"

namespace genkidama::fuzz {

void segments(Input input) {
  if (input.size() < 5) return;
  const SegmentShape shape{.observation = input[0] % 16u,
                           .action = input[1] % 8u,
                           .alternatives = input[2] % 8u,
                           .state = input[3] % 8u,
                           .metrics = input[4] % 8u};
  const auto bytes = std::as_bytes(input.subspan(5));
  const SegmentLimits limits{.max_steps = 64, .max_version = 1'000};
  const auto decoded = decode_segments(bytes, shape, limits);
  if (!decoded.ok()) return require_printable(decoded.reason());
  const SegmentBatch& batch = decoded.value();
  require(!segments_difference(bytes, shape), "sound segments are of their shape");
  require(batch.steps_in_segments() <= limits.max_steps, "limits hold");
  bool has_metrics = true;
  for (const EpisodeResult& episode : batch.episodes) has_metrics &= episode.metrics.size() == shape.metrics;
  for (const Segment& segment : batch.segments) {
    require(shape.fits(segment) && segment.size() > 0, "a sound segment fits its shape");
    require(segment.policy_version <= limits.max_version, "limits hold");
  }
  std::vector<std::byte> again;
  encode_segments(batch, shape, again);
  // The filling at the end may be left out.
  require(again.size() >= bytes.size() && again.size() < bytes.size() + 8, "nothing is left over");
  // The metrics of an episode that has none may be anything.
  if (has_metrics) {
    require(std::equal(bytes.begin(), bytes.end(), again.begin()), "sound segments have one form");
  }
}

}  // namespace genkidama::fuzz
