#include "genkidama/wire/shard_frames.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "core/float_bytes.h"
#include "core/little_endian.h"
#include "genkidama/core/is_finite.h"

namespace genkidama {
namespace {

// The number of gradients and four bytes of 0; then a version and a learning rate for each.
constexpr std::size_t kCountBytes = 8, kHeadBytes = 16;

WireError fail(std::string reason) {
  return {"gradients: " + std::move(reason)};
}

}  // namespace

std::size_t most_frame_gradients(std::size_t slice) {
  return std::clamp<std::size_t>(kMostGradientBytes / (kHeadBytes + slice * sizeof(float)), 1,
                                 kMostFrameGradients);
}

std::size_t gradients_bytes(std::size_t count, std::size_t slice) {
  return kCountBytes + count * (kHeadBytes + slice * sizeof(float));
}

void append_gradients(std::span<const SliceGradient> gradients, std::vector<std::byte>& to) {
  const std::size_t slice = gradients.empty() ? 0 : gradients.front().values.size();
  const std::size_t before = to.size();
  to.resize(before + gradients_bytes(gradients.size(), slice));
  std::byte* at = to.data() + before;
  store(at, static_cast<std::uint32_t>(gradients.size()));
  store(at + 4, std::uint32_t{0});
  at += kCountBytes;
  for (const SliceGradient& each : gradients) {
    store(at, each.version);
    store(at + 8, std::bit_cast<std::uint64_t>(each.learning_rate));
    at += kHeadBytes;
  }
  for (const SliceGradient& each : gradients) {
    store_floats(at, each.values);
    at += each.values.size_bytes();
  }
}

Decoded<std::vector<SliceGradient>> decode_gradients(std::span<const std::byte> payload, std::size_t slice,
                                                     std::uint64_t newest, std::vector<float>& values) {
  if (payload.size() < kCountBytes) return fail(fmt::format("{} bytes, without a count", payload.size()));
  const std::byte* at = payload.data();
  const std::size_t count = load<std::uint32_t>(at);
  if (const std::size_t most = most_frame_gradients(slice); count < 1 || count > most)
    return fail(fmt::format("{} of them; expected 1 to {}", count, most));
  if (const std::size_t expected = gradients_bytes(count, slice); payload.size() != expected) {
    return fail(fmt::format("{} bytes; {} of {} numbers have {}", payload.size(), count, slice, expected));
  }
  if (load<std::uint32_t>(at + 4) != 0) return fail("reserved bytes are not zero");
  at += kCountBytes;
  std::vector<SliceGradient> gradients(count);
  for (SliceGradient& each : gradients) {
    each.version = load<std::uint64_t>(at);
    each.learning_rate = std::bit_cast<double>(load<std::uint64_t>(at + 8));
    at += kHeadBytes;
    if (each.version > newest) {
      return fail(fmt::format("computed with the weights of step {}, and this slice is at step {}",
                              each.version, newest));
    }
    if (!is_finite(each.learning_rate) || each.learning_rate <= 0)
      return fail("a learning rate that is not a finite number above 0");
  }
  values.resize(count * slice);
  load_floats(values, at);
  bool sound = true;
  for (const float value : values) sound &= is_finite(value);
  if (!sound) return fail("numbers that are not finite");
  for (std::size_t i = 0; i < count; ++i)
    gradients[i].values = std::span<const float>(values).subspan(i * slice, slice);
  return gradients;
}

std::size_t fates_bytes(std::size_t count) {
  return (count + 7) / 8 * 8;
}

void encode_fates(std::span<const GradientFate> fates, std::vector<std::byte>& to) {
  to.assign(fates_bytes(fates.size()), std::byte{0});
  for (std::size_t i = 0; i < fates.size(); ++i) to[i] = static_cast<std::byte>(fates[i]);
}

Decoded<std::vector<GradientFate>> decode_fates(std::span<const std::byte> bytes, std::size_t count) {
  if (bytes.size() != fates_bytes(count))
    return WireError{fmt::format("an answer to {} gradients with {} bytes before its weights; expected {}",
                                 count, bytes.size(), fates_bytes(count))};
  std::vector<GradientFate> fates(count);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto value = std::to_integer<std::uint8_t>(bytes[i]);
    if (value > (i < count ? 1 : 0)) return WireError{"an answer with a fate of gradients that is not known"};
    if (i < count) fates[i] = static_cast<GradientFate>(value);
  }
  return fates;
}

}  // namespace genkidama
