#include "genkidama/wire/segments.h"

#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/wire/frame.h"
#include "support/catch.h"

using namespace genkidama;
using Catch::Contains;

namespace {

constexpr SegmentShape kShape{.observation = 2, .action = 1, .alternatives = 3, .state = 1, .metrics = 1};
// Offsets in the payload of example().
constexpr std::size_t kEpisodeAt = kSegmentsHeadBytes, kFirstSegmentAt = kEpisodeAt + 20;

SegmentBatch example() {
  SegmentBatch batch;
  batch.steps = 5;
  batch.dropped_steps = 1;
  batch.lost_episodes = 2;
  batch.episodes = {{-1.5, 7, true, {0.5f}}};
  Segment& first = batch.segments.emplace_back();
  first.observations = {1, 2, 3, 4};
  first.actions = {0, 2};
  first.masks = {1, 0, 1, 1, 1, 1};
  first.rewards = {0.5f, -1};
  first.log_probabilities = {-0.25f, -0.75f};
  first.last_observation = {5, 6};
  first.first_state = {7};
  first.last_state = {8};
  first.policy_version = 9;
  first.end = SegmentEnd::kTerminated;
  Segment& second = batch.segments.emplace_back();
  second.observations = {1.5f, -2.5f};
  second.actions = {1};
  second.masks = {0, 1, 0};
  second.rewards = {0};
  second.log_probabilities = {-1};
  second.last_observation = {0, 0};
  second.first_state = {0};
  second.last_state = {0.125f};
  second.reward_scale = 2;
  second.policy_version = 10;
  return batch;
}

std::vector<std::byte> bytes_of(const SegmentBatch& batch, const SegmentShape& shape = kShape) {
  std::vector<std::byte> bytes;
  encode_segments(batch, shape, bytes);
  return bytes;
}

void check_same(const Segment& left, const Segment& right) {
  CHECK(left.observations == right.observations);
  CHECK(left.actions == right.actions);
  CHECK(left.masks == right.masks);
  CHECK(left.rewards == right.rewards);
  CHECK(left.log_probabilities == right.log_probabilities);
  CHECK(left.last_observation == right.last_observation);
  CHECK(left.first_state == right.first_state);
  CHECK(left.last_state == right.last_state);
  CHECK(left.reward_scale == right.reward_scale);
  CHECK(left.policy_version == right.policy_version);
  CHECK(left.end == right.end);
}

void check_same(const SegmentBatch& left, const SegmentBatch& right) {
  CHECK(left.steps == right.steps);
  CHECK(left.dropped_steps == right.dropped_steps);
  CHECK(left.lost_episodes == right.lost_episodes);
  REQUIRE(left.episodes.size() == right.episodes.size());
  for (std::size_t i = 0; i < left.episodes.size(); ++i) {
    CHECK(left.episodes[i].episode_return == right.episodes[i].episode_return);
    CHECK(left.episodes[i].length == right.episodes[i].length);
    CHECK(left.episodes[i].truncated == right.episodes[i].truncated);
    CHECK(left.episodes[i].metrics == right.episodes[i].metrics);
  }
  REQUIRE(left.segments.size() == right.segments.size());
  for (std::size_t i = 0; i < left.segments.size(); ++i) check_same(left.segments[i], right.segments[i]);
}

template <typename T>
std::vector<std::byte> changed(std::size_t at, T value) {
  auto bytes = bytes_of(example());
  std::memcpy(bytes.data() + at, &value, sizeof value);
  return bytes;
}

std::string refused(const std::vector<std::byte>& bytes, const SegmentLimits& limits = {}) {
  const auto decoded = decode_segments(bytes, kShape, limits);
  REQUIRE_FALSE(decoded.ok());
  return decoded.reason();
}

}  // namespace

TEST_CASE("segments come back as they were sent", "[segments]") {
  const auto decoded = decode_segments(bytes_of(example()), kShape);
  REQUIRE(decoded.ok());
  check_same(decoded.value(), example());
}

TEST_CASE("a batch may have nothing but counts", "[segments]") {
  SegmentBatch batch;
  batch.steps = 100;
  const auto bytes = bytes_of(batch);
  CHECK(bytes.size() == kSegmentsHeadBytes);
  const auto decoded = decode_segments(bytes, kShape);
  REQUIRE(decoded.ok());
  check_same(decoded.value(), batch);
}

TEST_CASE("an episode that the trainer has cut has no metrics", "[segments]") {
  SegmentBatch batch;
  batch.episodes = {{1, 2, false, {}}, {3, 4, true, {5}}};
  const auto decoded = decode_segments(bytes_of(batch), kShape);
  REQUIRE(decoded.ok());
  check_same(decoded.value(), batch);
}

TEST_CASE("without masks, memory and metrics segments are shorter", "[segments]") {
  SegmentBatch batch = example();
  batch.episodes.front().metrics.clear();
  for (Segment& segment : batch.segments) {
    segment.masks.clear();
    segment.first_state.clear();
    segment.last_state.clear();
  }
  const SegmentShape shape{.observation = 2, .action = 1};
  const auto bytes = bytes_of(batch, shape);
  // Head; an episode; two segments with three steps of five floats and two observations; filling.
  CHECK(bytes.size() == kSegmentsHeadBytes + 16 + 2 * 24 + 4 * (3 * 5 + 2 * 2) + 4);
  const auto decoded = decode_segments(bytes, shape);
  REQUIRE(decoded.ok());
  check_same(decoded.value(), batch);
}

TEST_CASE("the bytes of segments are those of the documented layout", "[segments]") {
  // Made with Python's struct module.
  std::string text;
  for (const std::byte byte : bytes_of(example())) {
    text += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4];
    text += "0123456789abcdef"[std::to_integer<unsigned>(byte) & 15];
  }
  CHECK(text ==
        "0200000001000000030000000100000001000000000000000500000000000000"
        "010000000000000002000000000000000100000002000000000000000000f8bf"
        "07000000030000000000003f090000000000000002000000010000000000803f"
        "000000000000803f00000040000040400000804000000000000000400000003f"
        "000080bf000080be000040bf0000a0400000c0400000e0400000004101000101"
        "010100000a00000000000000010000000000000000000040000000000000c03f"
        "000020c00000803f00000000000080bf0000000000000000000000000000003e"
        "0001000000000000");
}

TEST_CASE("segments travel in a frame of their own type", "[segments]") {
  const FrameHeader header{FrameType::kActorSegments, 1, 2, 10, 40, 3, -1.5};
  const auto payload = bytes_of(example());
  std::vector<std::byte> frame;
  encode_frame(header, {}, frame, payload);
  std::vector<float> copy;
  const auto view = view_frame(frame, 0, copy, payload.size());
  REQUIRE(view.ok());
  CHECK(view.value().header == header);
  const auto decoded = decode_segments(view.value().extra, kShape);
  REQUIRE(decoded.ok());
  check_same(decoded.value(), example());
}

TEST_CASE("segments that are cut, or followed by more, are refused at every length", "[segments]") {
  const auto bytes = bytes_of(example());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::vector<std::byte> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    const auto decoded = decode_segments(cut, kShape);
    // The last bytes are filling.
    if (size + 4 < bytes.size()) CHECK_FALSE(decoded.ok());
  }
  auto longer = bytes;
  longer.resize(bytes.size() + 8);
  CHECK_THAT(refused(longer), Contains("too many"));
}

TEST_CASE("segments of another shape are told apart from damaged ones", "[segments]") {
  const auto bytes = bytes_of(example());
  CHECK_FALSE(segments_difference(bytes, kShape));
  SegmentShape other = kShape;
  other.observation = 8;
  const auto difference = segments_difference(bytes, other);
  REQUIRE(difference);
  CHECK_THAT(*difference, Contains("observations of 2") && Contains("observations of 8"));
  CHECK_FALSE(decode_segments(bytes, other).ok());
  // Too short to tell.
  CHECK_FALSE(segments_difference(std::span(bytes).first(40), other));
}

TEST_CASE("what a segment must not say is refused", "[segments]") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  const std::size_t steps_at = kFirstSegmentAt + 8, end_at = kFirstSegmentAt + 12,
                    scale_at = kFirstSegmentAt + 16, columns_at = kFirstSegmentAt + 24;
  CHECK_THAT(refused(changed(20, std::uint32_t{1})), Contains("reserved"));
  CHECK_THAT(refused(changed(kEpisodeAt, std::numeric_limits<double>::quiet_NaN())), Contains("return"));
  CHECK_THAT(refused(changed(kEpisodeAt + 12, std::uint32_t{4})), Contains("flags 4"));
  CHECK_THAT(refused(changed(steps_at, std::uint32_t{0})), Contains("0 steps"));
  CHECK_THAT(refused(changed(steps_at, std::uint32_t{0xffffffff})), Contains("cut off"));
  CHECK_THAT(refused(changed(end_at, std::uint32_t{3})), Contains("end 3"));
  for (const float scale : {0.0f, -1.0f, nan, infinity}) {
    CHECK_THAT(refused(changed(scale_at, scale)), Contains("reward scale"));
  }
  CHECK_THAT(refused(changed(scale_at + 4, std::uint32_t{1})), Contains("reserved"));
  // Observations, actions, rewards, log-probabilities, the last observation, states.
  for (std::size_t i = 0; i < 14; ++i) {
    for (const float value : {nan, infinity, -infinity}) {
      CHECK_THAT(refused(changed(columns_at + 4 * i, value)), Contains("not finite"));
    }
  }
  CHECK_THAT(refused(changed(columns_at + 4 * 14, std::uint8_t{2})), Contains("masks"));
  CHECK_THAT(refused(changed(columns_at + 4 * 14 + 6, std::uint8_t{1})), Contains("filling"));
}

TEST_CASE("counts that cannot be are refused without memory for them", "[segments]") {
  CHECK_THAT(refused(changed(48, std::uint32_t{0xffffffff})), Contains("episodes announced"));
  CHECK_THAT(refused(changed(52, std::uint32_t{0xffffffff})), Contains("segments announced"));
  CHECK_THAT(refused(changed(52, std::uint32_t{1})), Contains("too many"));
  // More steps in segments, and dropped, than were played.
  CHECK_THAT(refused(changed(24, std::uint64_t{3})), Contains("of 3 that were played"));
  CHECK_THAT(refused(changed(32, std::uint64_t{3})), Contains("3 dropped"));
  CHECK_THAT(refused(changed(32, ~std::uint64_t{0})), Contains("dropped"));
}

TEST_CASE("segments beyond a receiver's limits are refused", "[segments]") {
  const auto bytes = bytes_of(example());
  CHECK(decode_segments(bytes, kShape, {.max_steps = 3, .max_version = 10}).ok());
  CHECK_THAT(refused(bytes, {.max_steps = 2}), Contains("1 steps"));
  CHECK_THAT(refused(bytes, {.max_steps = 1}), Contains("2 steps"));
  CHECK_THAT(refused(bytes, {.max_segment_steps = 1}), Contains("2 steps"));
  CHECK_THAT(refused(bytes, {.max_version = 9}), Contains("update 10") && Contains("newest is 9"));
}

TEST_CASE("the largest payload of so many steps is known before", "[segments]") {
  SegmentBatch batch;
  batch.steps = 3;
  for (int i = 0; i < 3; ++i) {
    batch.segments.push_back(example().segments[1]);
    batch.episodes.push_back(example().episodes[0]);
  }
  CHECK(bytes_of(batch).size() <= most_segments_bytes(3, kShape));
  CHECK(bytes_of(batch).size() + 8 > most_segments_bytes(3, kShape) - 8);
}

TEST_CASE("a segment that does not fit its shape is not sent", "[segments]") {
  const std::vector<std::function<void(Segment&)>> faults = {
      [](Segment& s) { s.observations.pop_back(); },
      [](Segment& s) { s.actions.push_back(0); },
      [](Segment& s) { s.masks.clear(); },
      [](Segment& s) { s.log_probabilities.clear(); },
      [](Segment& s) { s.last_observation = {1}; },
      [](Segment& s) { s.first_state.clear(); },
      [](Segment& s) { s.rewards[0] = std::numeric_limits<float>::quiet_NaN(); },
      [](Segment& s) { s.log_probabilities[0] = -std::numeric_limits<float>::infinity(); },
      [](Segment& s) { s.reward_scale = 0; },
      [](Segment& s) { s.last_state.clear(); },
      [](Segment& s) { s.clear(); }};
  for (const auto& fault : faults) {
    SegmentBatch batch = example();
    fault(batch.segments.back());
    CHECK_THROWS_AS(bytes_of(batch), ArgumentError);
  }
}

TEST_CASE("whatever bytes come, segments are sound or refused", "[segments]") {
  std::mt19937 random(1);
  const auto sound = bytes_of(example());
  for (int i = 0; i < 20'000; ++i) {
    auto bytes = sound;
    for (int flips = 1 + static_cast<int>(random() % 4); flips > 0; --flips) {
      bytes[random() % bytes.size()] ^= static_cast<std::byte>(1u << (random() % 8));
    }
    const auto decoded = decode_segments(bytes, kShape);
    if (!decoded.ok()) continue;
    for (const Segment& segment : decoded.value().segments) REQUIRE(kShape.fits(segment));
    // It has one form, but for the metrics of an episode without any.
    if (decoded.value().episodes.front().metrics.empty()) continue;
    REQUIRE(bytes_of(decoded.value()) == bytes);
  }
}
