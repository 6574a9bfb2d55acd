#include "genkidama/wire/environment_frames.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "core/float_bytes.h"
#include "core/little_endian.h"
#include "genkidama/core/is_finite.h"

namespace genkidama {
namespace {

// The header: magic, u16 type, u16 rows, u64 checksum of the whole frame with these 8 bytes as 0.
constexpr std::array<unsigned char, 4> kMagic{0x47, 0x4b, 0x44, 0x45};  // "GKDE"
constexpr std::size_t kTypeAt = 4, kCountAt = 6, kChecksumAt = 8;
constexpr std::uint16_t kRequests = 48, kAnswers = 49;

// The head of a row: u16 environment, u8 ticket, u8 flags.
constexpr std::size_t kHeadBytes = 4, kFlagsAt = 3;
constexpr std::uint8_t kReset = 1, kTerminated = 2, kTruncated = 4, kLost = 8;

WireError fail(std::string reason) {
  return {"environments: " + std::move(reason)};
}

struct HashStateDeleter {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

std::uint64_t checksum_of(std::span<const std::byte> frame) {
  constexpr std::array<std::byte, kEnvironmentHeaderBytes - kChecksumAt> kZeros{};
  thread_local std::unique_ptr<XXH3_state_t, HashStateDeleter> state;
  if (!state) state.reset(XXH3_createState());
  if (!state) throw std::bad_alloc();
  XXH3_64bits_reset(state.get());
  XXH3_64bits_update(state.get(), frame.data(), kChecksumAt);
  XXH3_64bits_update(state.get(), kZeros.data(), kZeros.size());
  XXH3_64bits_update(state.get(), frame.data() + kEnvironmentHeaderBytes,
                     frame.size() - kEnvironmentHeaderBytes);
  return XXH3_64bits_digest(state.get());
}

/// The number of rows, or why there are none.
Decoded<std::size_t> count_of(std::span<const std::byte> frame, std::uint16_t type, std::size_t least_row) {
  if (frame.size() < kEnvironmentHeaderBytes)
    return fail(fmt::format("{} bytes; a header has {}", frame.size(), kEnvironmentHeaderBytes));
  if (std::memcmp(frame.data(), kMagic.data(), kMagic.size()) != 0) return fail("no frame of environments");
  const auto given = load<std::uint16_t>(frame.data() + kTypeAt);
  if (given != type) return fail(fmt::format("a frame of type {}; expected type {}", given, type));
  const std::size_t count = load<std::uint16_t>(frame.data() + kCountAt);
  if (count < 1) return fail("a frame without rows");
  if (frame.size() - kEnvironmentHeaderBytes < count * least_row) {
    return fail(fmt::format("{} bytes; {} rows have at least {}", frame.size(), count,
                            kEnvironmentHeaderBytes + count * least_row));
  }
  if (load<std::uint64_t>(frame.data() + kChecksumAt) != checksum_of(frame))
    return fail("damaged: its checksum does not match");
  return count;
}

/// Takes what a row has, one after the other.
class RowReader {
 public:
  RowReader(std::span<const std::byte> rows, std::vector<float>& values) : rows_(rows), values_(values) {}

  /// Nothing past the frame's end.
  std::optional<std::span<const std::byte>> bytes(std::size_t count) {
    if (rows_.size() - at_ < count) return std::nullopt;
    at_ += count;
    return rows_.subspan(at_ - count, count);
  }
  /// Behind what `values` has, which has room. Nothing when they are not all there; `is_finite` says whether
  /// they are all finite.
  std::optional<std::span<const float>> floats(std::size_t count, bool& finite) {
    const auto from = bytes(count * sizeof(float));
    if (!from) return std::nullopt;
    const auto to = std::span<float>(values_).subspan(used_, count);
    load_floats(to, from->data());
    used_ += count;
    for (const float value : to) finite &= is_finite(value);
    return to;
  }
  bool at_end() const { return at_ == rows_.size(); }

 private:
  std::span<const std::byte> rows_;
  std::vector<float>& values_;
  std::size_t at_ = 0, used_ = 0;
};

template <typename Row>
std::uint8_t take_head(std::span<const std::byte> head, Row& row) {
  row.environment = load<std::uint16_t>(head.data());
  row.ticket = load<std::uint8_t>(head.data() + 2);
  const auto flags = load<std::uint8_t>(head.data() + kFlagsAt);
  row.is_reset = (flags & kReset) != 0;
  return flags;
}

WireError short_of(std::size_t row) {
  return fail(fmt::format("the frame ends within row {}", row));
}
WireError not_finite(std::size_t row) {
  return fail(fmt::format("row {} has a number that is not finite", row));
}

/// Of an answer: nothing else than one of these stands in it.
bool are_sound(std::uint8_t flags) {
  return flags == 0 || flags == kReset || flags == kTerminated || flags == kTruncated || flags == kLost;
}

}  // namespace

std::size_t request_row_bytes(const EnvironmentSizes& sizes) {
  return kHeadBytes + std::max(sizeof(std::uint64_t), sizes.action * sizeof(float));
}

std::size_t answer_row_bytes(const EnvironmentSizes& sizes) {
  return kHeadBytes + (1 + sizes.observation + sizes.metrics) * sizeof(float) + sizes.mask;
}

std::size_t most_environment_rows(std::size_t row_bytes) {
  return std::clamp<std::size_t>(kMostEnvironmentRowBytes / row_bytes, 1, kMostHostEnvironments);
}

EnvironmentFrame::EnvironmentFrame(std::vector<std::byte> memory) : bytes_(std::move(memory)) {
  bytes_.resize(kEnvironmentHeaderBytes);
}

std::byte* EnvironmentFrame::grow(std::size_t bytes) {
  const std::size_t before = bytes_.size();
  bytes_.resize(before + bytes);
  return bytes_.data() + before;
}

void EnvironmentFrame::add(const EnvironmentRequest& request) {
  is_answers_ = false;
  ++count_;
  std::byte* at = grow(kHeadBytes + (request.is_reset ? sizeof(std::uint64_t) : request.action.size_bytes()));
  store(at, request.environment);
  store(at + 2, request.ticket);
  store(at + kFlagsAt, static_cast<std::uint8_t>(request.is_reset ? kReset : 0));
  if (request.is_reset) {
    store(at + kHeadBytes, request.seed);
  } else {
    store_floats(at + kHeadBytes, request.action);
  }
}

void EnvironmentFrame::add(const EnvironmentAnswer& answer) {
  is_answers_ = true;
  ++count_;
  const std::size_t reward = answer.is_reset ? 0 : sizeof(float);
  const std::size_t rest = answer.lost ? 0
                                       : reward + answer.observation.size_bytes() +
                                             answer.metrics.size_bytes() + answer.mask.size();
  std::byte* at = grow(kHeadBytes + rest);
  store(at, answer.environment);
  store(at + 2, answer.ticket);
  store(at + kFlagsAt, static_cast<std::uint8_t>(answer.lost ? kLost
                                                             : (answer.is_reset ? kReset : 0) |
                                                                   (answer.terminated ? kTerminated : 0) |
                                                                   (answer.truncated ? kTruncated : 0)));
  if (answer.lost) return;
  at += kHeadBytes;
  if (!answer.is_reset) store(at, std::bit_cast<std::uint32_t>(answer.reward));
  at += reward;
  store_floats(at, answer.observation);
  at += answer.observation.size_bytes();
  store_floats(at, answer.metrics);
  at += answer.metrics.size_bytes();
  if (!answer.mask.empty()) std::memcpy(at, answer.mask.data(), answer.mask.size());
}

std::vector<std::byte> EnvironmentFrame::finish() {
  std::memcpy(bytes_.data(), kMagic.data(), kMagic.size());
  store(bytes_.data() + kTypeAt, is_answers_ ? kAnswers : kRequests);
  store(bytes_.data() + kCountAt, static_cast<std::uint16_t>(count_));
  store(bytes_.data() + kChecksumAt, checksum_of(bytes_));
  count_ = 0;
  return std::move(bytes_);
}

Decoded<std::vector<EnvironmentRequest>> decode_environment_requests(std::span<const std::byte> frame,
                                                                     const EnvironmentSizes& sizes,
                                                                     std::vector<float>& values) {
  const std::size_t least = kHeadBytes + std::min(sizeof(std::uint64_t), sizes.action * sizeof(float));
  const auto count = count_of(frame, kRequests, least);
  if (!count.ok()) return WireError{count.reason()};
  std::vector<EnvironmentRequest> rows(count.value());
  // No more than the frame has.
  values.resize(std::min(rows.size() * sizes.action, frame.size() / sizeof(float)));
  RowReader reader(frame.subspan(kEnvironmentHeaderBytes), values);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EnvironmentRequest& row = rows[i];
    const auto head = reader.bytes(kHeadBytes);
    if (!head) return short_of(i);
    if (const auto flags = take_head(*head, row); flags > kReset)
      return fail(fmt::format("row {} has flags {}, which no request has", i, flags));
    if (row.is_reset) {
      const auto seed = reader.bytes(sizeof(std::uint64_t));
      if (!seed) return short_of(i);
      row.seed = load<std::uint64_t>(seed->data());
    } else {
      bool finite = true;
      const auto action = reader.floats(sizes.action, finite);
      if (!action) return short_of(i);
      if (!finite) return not_finite(i);
      row.action = *action;
    }
  }
  if (!reader.at_end()) return fail("bytes behind the last row");
  return rows;
}

Decoded<std::vector<EnvironmentAnswer>> decode_environment_answers(std::span<const std::byte> frame,
                                                                   const EnvironmentSizes& sizes,
                                                                   std::vector<float>& values) {
  const auto count = count_of(frame, kAnswers, kHeadBytes);
  if (!count.ok()) return WireError{count.reason()};
  std::vector<EnvironmentAnswer> rows(count.value());
  // No more than the frame has.
  values.resize(
      std::min(rows.size() * (sizes.observation + sizes.metrics + 1), frame.size() / sizeof(float)));
  RowReader reader(frame.subspan(kEnvironmentHeaderBytes), values);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EnvironmentAnswer& row = rows[i];
    const auto head = reader.bytes(kHeadBytes);
    if (!head) return short_of(i);
    const auto flags = take_head(*head, row);
    if (!are_sound(flags)) return fail(fmt::format("row {} has flags {}, which no answer has", i, flags));
    row.terminated = (flags & kTerminated) != 0;
    row.truncated = (flags & kTruncated) != 0;
    row.lost = (flags & kLost) != 0;
    if (row.lost) continue;
    bool finite = true;
    if (!row.is_reset) {
      const auto reward = reader.floats(1, finite);
      if (!reward) return short_of(i);
      row.reward = reward->front();
    }
    const auto observation = reader.floats(sizes.observation, finite);
    if (!observation) return short_of(i);
    row.observation = *observation;
    if (row.terminated || row.truncated) {
      const auto metrics = reader.floats(sizes.metrics, finite);
      if (!metrics) return short_of(i);
      row.metrics = *metrics;
    }
    if (!finite) return not_finite(i);
    if (row.terminated) continue;
    const auto mask = reader.bytes(sizes.mask);
    if (!mask) return short_of(i);
    row.mask = {reinterpret_cast<const std::uint8_t*>(mask->data()), mask->size()};
    if (std::any_of(row.mask.begin(), row.mask.end(), [](std::uint8_t byte) { return byte > 1; }))
      return fail(fmt::format("row {} has a mask with another byte than 0 or 1", i));
  }
  if (!reader.at_end()) return fail("bytes behind the last row");
  return rows;
}

}  // namespace genkidama
