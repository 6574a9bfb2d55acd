#include "genkidama/wire/frame.h"

#include <fmt/format.h>
#ifdef GENKIDAMA_XXHASH_DISPATCHES
#include <xxh_x86dispatch.h>  // the same functions, for the widest vectors this processor has
#else
#include <xxhash.h>
#endif

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "core/float_bytes.h"
#include "core/little_endian.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/wire/protocol.h"
#include "params/coded_layout.h"

namespace genkidama {
namespace {

constexpr std::uint32_t kMagic = 0x4d444b47;  // "GKDM" in the order of the bytes
constexpr auto kFloat32 = static_cast<std::uint16_t>(CodecKind::kFloat32);
constexpr auto kLastCodec = static_cast<std::uint16_t>(kCodecKinds.back());

// Offsets in bytes. Every field lies at a multiple of its size, and what follows at a multiple of 16.
enum Offset : std::size_t {
  kMagicAt = 0,
  kVersionAt = 4,
  kTypeAt = 6,
  kSessionAt = 8,
  kSequenceAt = 16,
  kUpdateAt = 24,
  kStepsAt = 32,
  kEpisodesAt = 40,
  kReturnAt = 48,
  kDtypeAt = 56,
  kReservedAt = 58,
  kPayloadBytesAt = 64,
  kChecksumAt = 72,
};
constexpr std::size_t kReservedBytes = kPayloadBytesAt - kReservedAt;
constexpr std::size_t kChecksumBytes = kFrameHeaderBytes - kChecksumAt;

struct HashStateDeleter {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

/// XXH3-64 of a frame with this header as if its checksum field were zero; nothing when there is no memory.
bool checksum_of(const std::byte* header, std::span<const std::byte> extra,
                 std::span<const std::byte> payload, std::uint64_t& checksum) {
  static constexpr std::array<std::byte, kChecksumBytes> kZeros{};
  // One for all frames of a thread: it takes longer to make than a small frame to hash.
  thread_local std::unique_ptr<XXH3_state_t, HashStateDeleter> state;
  if (!state) state.reset(XXH3_createState());
  if (!state) return false;
  XXH3_64bits_reset(state.get());
  XXH3_64bits_update(state.get(), header, kChecksumAt);
  XXH3_64bits_update(state.get(), kZeros.data(), kZeros.size());
  if (!extra.empty()) XXH3_64bits_update(state.get(), extra.data(), extra.size());
  XXH3_64bits_update(state.get(), payload.data(), payload.size());
  checksum = XXH3_64bits_digest(state.get());
  return true;
}

WireError fail(std::string reason) {
  return {"binary frame: " + std::move(reason)};
}

bool is_known(std::uint16_t type) {
  switch (static_cast<FrameType>(type)) {
    case FrameType::kParentWeights:
    case FrameType::kChildWeights:
    case FrameType::kChildChange:
    case FrameType::kActorSegments:
    case FrameType::kLearnerGradients:
    case FrameType::kShardWeights:
    case FrameType::kPeerWeights:
      return true;
  }
  return false;
}

/// All that can be wrong with a header, but for the checksum and what has to do with sizes.
std::optional<WireError> header_fault(const std::byte* at) {
  if (load<std::uint32_t>(at + kMagicAt) != kMagic) return fail("it does not begin with GKDM");
  if (const auto version = load<std::uint16_t>(at + kVersionAt); version != kProtocolVersion) {
    return fail(fmt::format("protocol version {}; expected {}", version, kProtocolVersion));
  }
  const auto type = load<std::uint16_t>(at + kTypeAt);
  if (!is_known(type)) {
    return fail(fmt::format("unknown type {}", type));
  }
  if (const auto dtype = load<std::uint16_t>(at + kDtypeAt); dtype < kFloat32 || dtype > kLastCodec) {
    return fail(fmt::format("element type {}; expected {} (float32) to {}", dtype, kFloat32, kLastCodec));
  }
  if (std::any_of(at + kReservedAt, at + kReservedAt + kReservedBytes,
                  [](std::byte byte) { return byte != std::byte{0}; })) {
    return fail("reserved bytes are not zero");
  }
  return std::nullopt;
}

/// Reads what a sound header says; the checksum is looked at here.
Decoded<FrameHeader> read_fields(std::span<const std::byte> frame) {
  const std::byte* const at = frame.data();
  std::uint64_t checksum = 0;
  if (!checksum_of(at, {}, frame.subspan(kFrameHeaderBytes), checksum)) return fail("no memory to check it");
  if (load<std::uint64_t>(at + kChecksumAt) != checksum) return fail("damaged: its checksum does not match");
  FrameHeader header;
  header.type = static_cast<FrameType>(load<std::uint16_t>(at + kTypeAt));
  header.session = load<std::uint64_t>(at + kSessionAt);
  header.sequence = load<std::uint64_t>(at + kSequenceAt);
  header.update = load<std::uint64_t>(at + kUpdateAt);
  header.environment_steps = load<std::uint64_t>(at + kStepsAt);
  header.episodes = load<std::uint64_t>(at + kEpisodesAt);
  header.mean_return = std::bit_cast<double>(load<std::uint64_t>(at + kReturnAt));
  if (!is_finite(header.mean_return)) return fail("mean_return is not finite");
  return header;
}

WireError too_short(std::size_t bytes) {
  return fail(fmt::format("{} bytes; the header alone has {}", bytes, kFrameHeaderBytes));
}

/// All that can be wrong with a frame of so many float32 weights and extra bytes, but for what these say.
Decoded<FrameHeader> read_header(std::span<const std::byte> frame, std::size_t elements, std::size_t extra) {
  if (frame.size() < kFrameHeaderBytes) return too_short(frame.size());
  const std::byte* const at = frame.data();
  if (auto fault = header_fault(at)) return std::move(*fault);
  if (const auto dtype = load<std::uint16_t>(at + kDtypeAt); dtype != kFloat32) {
    return fail(fmt::format("element type {}; expected {} (float32)", dtype, kFloat32));
  }
  const auto payload_bytes = load<std::uint64_t>(at + kPayloadBytesAt);
  const std::uint64_t expected_bytes = extra + elements * sizeof(float);
  if (payload_bytes != expected_bytes || frame.size() - kFrameHeaderBytes != payload_bytes) {
    return fail(fmt::format("{} bytes of weights{} announced, {} present; this network has {}", payload_bytes,
                            extra > 0 ? " and statistics" : "", frame.size() - kFrameHeaderBytes,
                            expected_bytes));
  }
  return read_fields(frame);
}

/// Everything but the checksum.
void write_header(const FrameHeader& header, std::size_t payload_bytes, std::byte* at,
                  CodecKind codec = CodecKind::kFloat32) {
  std::fill_n(at, kFrameHeaderBytes, std::byte{0});
  store(at + kMagicAt, kMagic);
  store(at + kVersionAt, kProtocolVersion);
  store(at + kTypeAt, static_cast<std::uint16_t>(header.type));
  store(at + kSessionAt, header.session);
  store(at + kSequenceAt, header.sequence);
  store(at + kUpdateAt, header.update);
  store(at + kStepsAt, header.environment_steps);
  store(at + kEpisodesAt, header.episodes);
  const double mean_return = is_finite(header.mean_return) ? header.mean_return : 0.0;
  store(at + kReturnAt, std::bit_cast<std::uint64_t>(mean_return));
  store(at + kDtypeAt, static_cast<std::uint16_t>(codec));
  store(at + kPayloadBytesAt, std::uint64_t{payload_bytes});
}

}  // namespace

void encode_frame(const FrameHeader& header, std::span<const float> weights, std::vector<std::byte>& frame,
                  std::span<const std::byte> extra) {
  frame.resize(frame_bytes(weights.size(), extra.size()));
  std::byte* const at = frame.data();
  write_header(header, frame.size() - kFrameHeaderBytes, at);
  std::copy(extra.begin(), extra.end(), at + kFrameHeaderBytes);
  store_floats(at + kFrameHeaderBytes + extra.size(), weights);
  // The checksum field is still zero here, as the definition wants it.
  store(at + kChecksumAt, XXH3_64bits(frame.data(), frame.size()));
}

std::span<const std::byte> encode_frame_head(const FrameHeader& header, std::span<const float> weights,
                                             std::vector<std::byte>& frame,
                                             std::span<const std::byte> extra) {
  if constexpr (std::endian::native == std::endian::little) {
    frame.resize(kFrameHeaderBytes + extra.size());
    const auto payload = std::as_bytes(weights);
    write_header(header, extra.size() + payload.size(), frame.data());
    std::copy(extra.begin(), extra.end(), frame.data() + kFrameHeaderBytes);
    std::uint64_t checksum = 0;
    if (!checksum_of(frame.data(), extra, payload, checksum)) throw std::bad_alloc();
    store(frame.data() + kChecksumAt, checksum);
    return payload;
  } else {
    encode_frame(header, weights, frame, extra);
    return {};
  }
}

void encode_frame(const FrameHeader& header, std::span<const float> weights, WeightEncoder& encoder,
                  std::vector<std::byte>& frame, std::span<const std::byte> extra) {
  const CodecKind used = encoder.encode(weights, frame, kFrameHeaderBytes + extra.size());
  write_header(header, frame.size() - kFrameHeaderBytes, frame.data(), used);
  std::copy(extra.begin(), extra.end(), frame.data() + kFrameHeaderBytes);
  store(frame.data() + kChecksumAt, XXH3_64bits(frame.data(), frame.size()));
}

void encode_change_steps(std::uint64_t steps, std::vector<std::byte>& bytes) {
  bytes.resize(kChangeStepsBytes);
  store(bytes.data(), steps);
}

std::uint64_t decode_change_steps(std::span<const std::byte> bytes) {
  return load<std::uint64_t>(bytes.data());
}

Decoded<FrameParts> split_frame(std::span<const std::byte> frame, std::size_t extra) {
  if (frame.size() < kFrameHeaderBytes) return too_short(frame.size());
  const std::byte* const at = frame.data();
  if (auto fault = header_fault(at)) return std::move(*fault);
  const std::size_t present = frame.size() - kFrameHeaderBytes;
  if (const auto announced = load<std::uint64_t>(at + kPayloadBytesAt); announced != present) {
    return fail(fmt::format("{} bytes of weights announced, {} present", announced, present));
  }
  if (present < extra) {
    return fail(fmt::format("{} bytes of weights; what stands before them alone has {}", present, extra));
  }
  const auto header = read_fields(frame);
  if (!header.ok()) return WireError{header.reason()};
  const auto codec = static_cast<CodecKind>(load<std::uint16_t>(at + kDtypeAt));
  return FrameParts{header.value(), codec, frame.subspan(kFrameHeaderBytes, extra),
                    frame.subspan(kFrameHeaderBytes + extra)};
}

Decoded<FrameHeader> decode_frame(std::span<const std::byte> frame, std::span<float> weights,
                                  std::span<std::byte> extra) {
  auto header = read_header(frame, weights.size(), extra.size());
  if (!header.ok()) return header;
  const std::byte* const payload = frame.data() + kFrameHeaderBytes;
  std::copy_n(payload, extra.size(), extra.begin());
  load_floats(weights, payload + extra.size());
  return header;
}

Decoded<FrameView> view_frame(std::span<const std::byte> frame, std::size_t elements,
                              std::vector<float>& copy, std::size_t extra) {
  const auto header = read_header(frame, elements, extra);
  if (!header.ok()) return WireError{header.reason()};
  const auto before = frame.subspan(kFrameHeaderBytes, extra);
  const std::byte* const weights = before.data() + extra;
  if (hold_floats(weights)) {
    return FrameView{header.value(), {reinterpret_cast<const float*>(weights), elements}, before};
  }
  copy.resize(elements);
  load_floats(copy, weights);
  return FrameView{header.value(), copy, before};
}

}  // namespace genkidama
