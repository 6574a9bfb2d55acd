#include "genkidama/wire/peer_frames.h"

#include <fmt/format.h>

#include <bit>

#include "core/little_endian.h"
#include "genkidama/core/is_finite.h"

namespace genkidama {
namespace {

constexpr std::uint32_t kLastKind = static_cast<std::uint32_t>(PeerFrameKind::kAnswer);

}  // namespace

void append_peer_fields(const PeerFields& fields, std::vector<std::byte>& bytes) {
  const std::size_t before = bytes.size();
  bytes.resize(before + kPeerFieldsBytes);
  std::byte* const at = bytes.data() + before;
  store(at, static_cast<std::uint32_t>(fields.kind));
  store(at + 4, fields.neighbours);
  store(at + 8, std::bit_cast<std::uint64_t>(fields.mass));
}

Decoded<PeerFields> decode_peer_fields(std::span<const std::byte> bytes) {
  PeerFields fields;
  const auto kind = load<std::uint32_t>(bytes.data());
  if (kind > kLastKind)
    return WireError{fmt::format("peer frame of kind {}; expected 0 to {}", kind, kLastKind)};
  fields.kind = static_cast<PeerFrameKind>(kind);
  fields.neighbours = load<std::uint32_t>(bytes.data() + 4);
  fields.mass = std::bit_cast<double>(load<std::uint64_t>(bytes.data() + 8));
  if (!is_finite(fields.mass) || fields.mass < 0 || fields.mass > kMostMass)
    return WireError{fmt::format("peer frame with mass {:g}; expected 0 to {:g}", fields.mass, kMostMass)};
  return fields;
}

}  // namespace genkidama
