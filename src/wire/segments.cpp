#include "genkidama/wire/segments.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "core/float_bytes.h"
#include "core/little_endian.h"
#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"

namespace genkidama {
namespace {

constexpr std::size_t kEpisodeHeadBytes = 16, kSegmentHeadBytes = 24;
constexpr std::uint32_t kTruncated = 1, kHasMetrics = 2;  // flags of an episode

constexpr std::size_t filled(std::size_t bytes, std::size_t to) {
  return (bytes + to - 1) / to * to;
}

/// Of the columns of a segment, and of what follows its last step.
std::size_t segment_bytes(std::size_t steps, const SegmentShape& shape) {
  const std::size_t floats =
      steps * (shape.observation + shape.action + 2) + shape.observation + 2 * shape.state;
  return kSegmentHeadBytes + floats * sizeof(float) + filled(steps * shape.alternatives, sizeof(float));
}

std::size_t episode_bytes(const SegmentShape& shape) {
  return kEpisodeHeadBytes + shape.metrics * sizeof(float);
}

std::string shape_text(const SegmentShape& shape) {
  return fmt::format("observations of {}, actions of {}, masks of {}, states of {} and metrics of {}",
                     shape.observation, shape.action, shape.alternatives, shape.state, shape.metrics);
}

/// Writes one number or column after the other.
class Writer {
 public:
  explicit Writer(std::byte* at) : at_(at) {}

  void u32(std::uint64_t value) { put(static_cast<std::uint32_t>(value)); }
  void u64(std::uint64_t value) { put(value); }
  void f32(float value) { put(std::bit_cast<std::uint32_t>(value)); }
  void f64(double value) { put(std::bit_cast<std::uint64_t>(value)); }
  void floats(std::span<const float> values) {
    store_floats(at_, values);
    at_ += values.size_bytes();
  }
  /// Filled up to a multiple of a float's size; the bytes behind them are zero already.
  void bytes(std::span<const std::uint8_t> values) {
    for (std::size_t i = 0; i < values.size(); ++i) at_[i] = static_cast<std::byte>(values[i]);
    at_ += filled(values.size(), sizeof(float));
  }

 private:
  template <typename T>
  void put(T value) {
    store(at_, value);
    at_ += sizeof value;
  }

  std::byte* at_;
};

/// Reads one number or column after the other. The first thing that is wrong is kept; what follows it is not
/// read.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : rest_(bytes) {}

  bool ok() const { return problem_.empty(); }
  const std::string& problem() const { return problem_; }
  std::size_t left() const { return rest_.size(); }

  bool has(std::size_t bytes) const { return ok() && rest_.size() >= bytes; }
  void fail(std::string problem) {
    if (ok()) problem_ = std::move(problem);
  }

  std::uint32_t u32() { return take<std::uint32_t>(); }
  std::uint64_t u64() { return take<std::uint64_t>(); }
  float f32() { return std::bit_cast<float>(take<std::uint32_t>()); }
  double f64() { return std::bit_cast<double>(take<std::uint64_t>()); }

  /// There must be room for them.
  void floats(std::size_t count, std::vector<float>& to, const char* what) {
    to.resize(count);
    load_floats(to, rest_.data());
    rest_ = rest_.subspan(count * sizeof(float));
    bool sound = true;
    for (const float value : to) sound &= is_finite(value);
    if (!sound) fail(fmt::format("{} that are not finite", what));
  }
  void masks(std::size_t count, std::vector<std::uint8_t>& to) {
    to.resize(count);
    std::uint8_t all = 0;
    for (std::size_t i = 0; i < count; ++i) {
      to[i] = std::to_integer<std::uint8_t>(rest_[i]);
      all |= to[i];
    }
    if (all > 1) fail("masks with other bytes than 0 and 1");
    const std::size_t with_filling = filled(count, sizeof(float));
    filling(rest_.subspan(count, with_filling - count));
    rest_ = rest_.subspan(with_filling);
  }
  void filling(std::span<const std::byte> bytes) {
    if (std::any_of(bytes.begin(), bytes.end(), [](std::byte byte) { return byte != std::byte{0}; })) {
      fail("bytes of filling that are not 0");
    }
  }
  /// What is left after everything else.
  void end() {
    if (!ok()) return;
    if (rest_.size() >= 8) return fail(fmt::format("{} bytes too many", rest_.size()));
    filling(rest_);
  }

 private:
  template <typename T>
  T take() {
    const T value = load<T>(rest_.data());
    rest_ = rest_.subspan(sizeof(T));
    return value;
  }

  std::span<const std::byte> rest_;
  std::string problem_;
};

SegmentShape read_shape(Reader& reader) {
  SegmentShape shape;
  for (std::size_t* field :
       {&shape.observation, &shape.action, &shape.alternatives, &shape.state, &shape.metrics}) {
    *field = reader.u32();
  }
  return shape;
}

EpisodeResult read_episode(Reader& reader, const SegmentShape& shape) {
  EpisodeResult episode;
  episode.episode_return = reader.f64();
  if (!is_finite(episode.episode_return)) reader.fail("an episode's return that is not finite");
  episode.length = reader.u32();
  const std::uint32_t flags = reader.u32();
  if ((flags & ~(kTruncated | kHasMetrics)) != 0) reader.fail(fmt::format("an episode with flags {}", flags));
  episode.truncated = (flags & kTruncated) != 0;
  // An environment's own figures may be anything.
  for (std::size_t i = 0; i < shape.metrics; ++i) episode.metrics.push_back(reader.f32());
  if ((flags & kHasMetrics) == 0) episode.metrics.clear();
  return episode;
}

Segment read_segment(Reader& reader, const SegmentShape& shape, const SegmentLimits& limits,
                     std::uint64_t steps_left) {
  Segment segment;
  segment.policy_version = reader.u64();
  const std::uint64_t steps = reader.u32();
  const std::uint32_t end = reader.u32();
  segment.reward_scale = reader.f32();
  const std::uint32_t reserved = reader.u32();
  if (segment.policy_version > limits.max_version) {
    reader.fail(fmt::format("a segment of update {}, and the newest is {}", segment.policy_version,
                            limits.max_version));
  }
  if (steps == 0 || steps > steps_left) {
    reader.fail(fmt::format("a segment of {} steps; expected 1 to {}", steps, steps_left));
  }
  if (end > static_cast<std::uint32_t>(SegmentEnd::kTruncated)) {
    reader.fail(fmt::format("a segment with the unknown end {}", end));
  }
  if (!is_finite(segment.reward_scale) || segment.reward_scale <= 0) {
    reader.fail(fmt::format("a segment with the reward scale {}", segment.reward_scale));
  }
  if (reserved != 0) reader.fail("reserved bytes of a segment that are not 0");
  // The sizes cannot overflow: both shape and steps are below 2^32, and a column is compared by itself.
  const std::size_t step_bytes = (shape.observation + shape.action + 2) * sizeof(float) + shape.alternatives;
  if (reader.ok() && steps > reader.left() / step_bytes) reader.fail("a segment that is cut off");
  if (!reader.has(segment_bytes(steps, shape) - kSegmentHeadBytes)) reader.fail("a segment that is cut off");
  if (!reader.ok()) return segment;
  segment.end = static_cast<SegmentEnd>(end);
  reader.floats(steps * shape.observation, segment.observations, "observations");
  reader.floats(steps * shape.action, segment.actions, "actions");
  reader.floats(steps, segment.rewards, "rewards");
  reader.floats(steps, segment.log_probabilities, "log-probabilities");
  reader.floats(shape.observation, segment.last_observation, "observations");
  reader.floats(shape.state, segment.first_state, "states");
  reader.floats(shape.state, segment.last_state, "states");
  reader.masks(steps * shape.alternatives, segment.masks);
  return segment;
}

/// Whether a receiver would take its numbers.
bool is_sound(const Segment& segment) {
  bool sound = is_finite(segment.reward_scale) && segment.reward_scale > 0;
  for (const auto* column :
       {&segment.observations, &segment.actions, &segment.rewards, &segment.log_probabilities,
        &segment.last_observation, &segment.first_state, &segment.last_state}) {
    for (const float value : *column) sound &= is_finite(value);
  }
  return sound;
}

void write_episode(Writer& writer, const EpisodeResult& episode, const SegmentShape& shape) {
  const bool has_metrics = shape.metrics > 0 && episode.metrics.size() == shape.metrics;
  writer.f64(episode.episode_return);
  writer.u32(episode.length);
  writer.u32((episode.truncated ? kTruncated : 0) | (has_metrics ? kHasMetrics : 0));
  for (std::size_t i = 0; i < shape.metrics; ++i) writer.f32(has_metrics ? episode.metrics[i] : 0);
}

void write_segment(Writer& writer, const Segment& segment) {
  writer.u64(segment.policy_version);
  writer.u32(segment.size());
  writer.u32(static_cast<std::uint32_t>(segment.end));
  writer.f32(segment.reward_scale);
  writer.u32(0);
  writer.floats(segment.observations);
  writer.floats(segment.actions);
  writer.floats(segment.rewards);
  writer.floats(segment.log_probabilities);
  writer.floats(segment.last_observation);
  writer.floats(segment.first_state);
  writer.floats(segment.last_state);
  writer.bytes(segment.masks);
}

}  // namespace

std::size_t most_segments_bytes(std::uint64_t steps, const SegmentShape& shape) {
  // A segment of one step has the most to say of each step.
  return kSegmentsHeadBytes + steps * (episode_bytes(shape) + segment_bytes(1, shape)) + 8;
}

void encode_segments(const SegmentBatch& batch, const SegmentShape& shape, std::vector<std::byte>& bytes) {
  std::size_t size = kSegmentsHeadBytes + batch.episodes.size() * episode_bytes(shape);
  for (const Segment& segment : batch.segments) {
    if (segment.size() == 0 || segment.size() > std::numeric_limits<std::uint32_t>::max() ||
        !shape.fits(segment)) {
      throw ArgumentError(
          fmt::format("a segment of {} steps has columns of other sizes than its shape; expected {}",
                      segment.size(), shape_text(shape)));
    }
    if (!is_sound(segment)) {
      throw ArgumentError(fmt::format(
          "a segment of {} steps holds numbers that are not finite; learning has diverged, or the "
          "environment gave them",
          segment.size()));
    }
    size += segment_bytes(segment.size(), shape);
  }
  bytes.assign(filled(size, 8), std::byte{0});
  Writer writer(bytes.data());
  for (const std::size_t field :
       {shape.observation, shape.action, shape.alternatives, shape.state, shape.metrics}) {
    writer.u32(field);
  }
  writer.u32(0);
  writer.u64(batch.steps);
  writer.u64(batch.dropped_steps);
  writer.u64(batch.lost_episodes);
  writer.u32(batch.episodes.size());
  writer.u32(batch.segments.size());
  for (const EpisodeResult& episode : batch.episodes) write_episode(writer, episode, shape);
  for (const Segment& segment : batch.segments) write_segment(writer, segment);
}

std::optional<std::string> segments_difference(std::span<const std::byte> bytes, const SegmentShape& shape) {
  if (bytes.size() < kSegmentsHeadBytes) return std::nullopt;
  Reader reader(bytes);
  const SegmentShape given = read_shape(reader);
  if (given == shape) return std::nullopt;
  return fmt::format("segments with {}; expected {}", shape_text(given), shape_text(shape));
}

Decoded<SegmentBatch> decode_segments(std::span<const std::byte> bytes, const SegmentShape& shape,
                                      const SegmentLimits& limits) {
  const auto failed = [](const std::string& problem) { return WireError{"segments: " + problem}; };
  if (bytes.size() < kSegmentsHeadBytes) {
    return failed(fmt::format("{} bytes; their head alone has {}", bytes.size(), kSegmentsHeadBytes));
  }
  if (const auto difference = segments_difference(bytes, shape)) return failed(*difference);
  Reader reader(bytes);
  read_shape(reader);
  if (reader.u32() != 0) reader.fail("reserved bytes that are not 0");
  SegmentBatch batch;
  batch.steps = reader.u64();
  batch.dropped_steps = reader.u64();
  batch.lost_episodes = reader.u64();
  const std::uint32_t episodes = reader.u32(), segments = reader.u32();
  if (episodes > reader.left() / episode_bytes(shape)) {
    return failed(fmt::format("{} episodes announced, in {} bytes", episodes, reader.left()));
  }
  for (std::uint32_t i = 0; i < episodes && reader.ok(); ++i) {
    batch.episodes.push_back(read_episode(reader, shape));
  }
  std::uint64_t steps_left = limits.max_steps;
  for (std::uint32_t i = 0; i < segments && reader.ok(); ++i) {
    if (!reader.has(kSegmentHeadBytes)) {
      reader.fail(fmt::format("{} segments announced, and {} are there", segments, i));
      break;
    }
    batch.segments.push_back(
        read_segment(reader, shape, limits, std::min(steps_left, limits.max_segment_steps)));
    steps_left -= std::min<std::uint64_t>(steps_left, batch.segments.back().size());
  }
  reader.end();
  if (!reader.ok()) return failed(reader.problem());
  if (const std::uint64_t played = batch.steps_in_segments();
      batch.dropped_steps > batch.steps || played > batch.steps - batch.dropped_steps) {
    return failed(fmt::format("{} steps in segments and {} dropped, of {} that were played", played,
                              batch.dropped_steps, batch.steps));
  }
  return batch;
}

}  // namespace genkidama
