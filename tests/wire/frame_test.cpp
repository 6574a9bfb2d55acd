#include "genkidama/wire/frame.h"

#include <bit>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.h"
#include "support/hex.h"

using genkidama::CodecKind;
using genkidama::decode_frame;
using genkidama::encode_frame;
using genkidama::FrameHeader;
using genkidama::FrameType;
using genkidama::test::hex;

namespace {

const std::vector<float> kWeights{1.0f, -2.5f, 3.25f};

FrameHeader example_header() {
  return {FrameType::kChildWeights, 0x0102030405060708u, 9, 10, 11, 12, -1.5};
}

std::vector<std::byte> example_frame() {
  std::vector<std::byte> frame;
  encode_frame(example_header(), kWeights, frame);
  return frame;
}

/// Decodes into a buffer that must stay untouched; returns the reason.
std::string refused(std::span<const std::byte> frame, std::size_t elements = kWeights.size()) {
  std::vector<float> weights(elements, 7.0f);
  const auto decoded = decode_frame(frame, weights);
  for (const float weight : weights) REQUIRE(weight == 7.0f);
  REQUIRE_FALSE(decoded.ok());
  // Read in place it is refused for the same reason.
  std::vector<float> copy;
  const auto view = genkidama::view_frame(frame, elements, copy);
  REQUIRE_FALSE(view.ok());
  REQUIRE(view.reason() == decoded.reason());
  REQUIRE(copy.empty());
  return decoded.reason();
}

}  // namespace

TEST_CASE("a frame comes back as it was sent", "[frame]") {
  std::vector<float> weights(kWeights.size());
  const auto decoded = decode_frame(example_frame(), weights);
  REQUIRE(decoded.ok());
  CHECK(decoded.value() == example_header());
  CHECK(weights == kWeights);
}

TEST_CASE("a frame is read where it lies, and copied where floats cannot lie", "[frame]") {
  const auto frame = example_frame();
  // One buffer with the frame at every offset that an alignment of four knows.
  for (std::size_t offset = 0; offset < 4; ++offset) {
    std::vector<std::byte> bytes(offset);
    bytes.insert(bytes.end(), frame.begin(), frame.end());
    std::vector<float> copy;
    const auto view = genkidama::view_frame(std::span(bytes).subspan(offset), kWeights.size(), copy);
    REQUIRE(view.ok());
    CHECK(view.value().header == example_header());
    CHECK(std::vector<float>(view.value().weights.begin(), view.value().weights.end()) == kWeights);
    const bool in_place = offset == 0 && std::endian::native == std::endian::little;
    CHECK(copy.empty() == in_place);
    if (in_place) {
      CHECK(static_cast<const void*>(view.value().weights.data()) ==
            bytes.data() + genkidama::kFrameHeaderBytes);
    }
  }
}

TEST_CASE("the bytes of a frame are those of the documented layout", "[frame]") {
  // Made with Python's struct ('<4sHHQQQQQdHHIQQ') and xxhash modules.
  CHECK(hex(example_frame()) ==
        "474b444d01000200080706050403020109000000000000000a00000000000000"
        "0b000000000000000c00000000000000000000000000f8bf0100000000000000"
        "0c00000000000000ccf998d6e75b46c30000803f000020c000005040");
}

TEST_CASE("a change begins with its steps, and its bytes are those of the documented layout", "[frame]") {
  FrameHeader header = example_header();
  header.type = FrameType::kChildChange;
  header.environment_steps = 1100;
  std::vector<std::byte> steps, frame;
  genkidama::encode_change_steps(400, steps);
  encode_frame(header, kWeights, frame, steps);
  // Made as above.
  CHECK(hex(frame) ==
        "474b444d01000300080706050403020109000000000000000a00000000000000"
        "4c040000000000000c00000000000000000000000000f8bf0100000000000000"
        "1400000000000000145a28f34a5c672b90010000000000000000803f000020c0"
        "00005040");
  std::vector<float> copy;
  const auto view = genkidama::view_frame(frame, kWeights.size(), copy, genkidama::kChangeStepsBytes);
  REQUIRE(view.ok());
  CHECK(view.value().header == header);
  CHECK(genkidama::decode_change_steps(view.value().extra) == 400);
  CHECK(std::vector<float>(view.value().weights.begin(), view.value().weights.end()) == kWeights);
}

TEST_CASE("a frame in a codec is split, and its bytes are those of the documented layout", "[frame]") {
  const genkidama::ParameterLayout layout({{"a", {2}}, {"b", {1}}});
  std::vector<std::byte> steps, frame{std::byte{7}};
  FrameHeader header = example_header();
  header.type = FrameType::kChildChange;
  genkidama::encode_change_steps(400, steps);
  for (const CodecKind kind : genkidama::kCodecKinds) {
    genkidama::WeightEncoder encoder(kind, layout, genkidama::CodedContent::kChanges);
    genkidama::WeightDecoder decoder(kind, layout, genkidama::CodedContent::kChanges);
    encode_frame(header, kWeights, encoder, frame, steps);
    CHECK(frame.size() == genkidama::kFrameHeaderBytes + 8 + genkidama::coded_bytes(kind, layout));
    CHECK(frame.size() <= genkidama::max_frame_bytes(kind, layout, 8));
    const auto parts = genkidama::split_frame(frame, steps.size());
    REQUIRE(parts.ok());
    CHECK(parts.value().header == header);
    CHECK(parts.value().codec == kind);
    CHECK(genkidama::decode_change_steps(parts.value().extra) == 400);
    std::span<const float> weights;
    REQUIRE(decoder.decode(kind, parts.value().weights, weights).empty());
    CHECK(weights[1] == (kind == CodecKind::kTopK ? 0 : -2.5f));
    CHECK(weights[2] == 3.25f);
    // What reads float32 alone refuses it.
    std::vector<float> copy;
    if (kind != CodecKind::kFloat32) CHECK_FALSE(genkidama::view_frame(frame, 3, copy, 8).ok());
    if (kind == CodecKind::kFloat32) CHECK(genkidama::view_frame(frame, 3, copy, 8).ok());
  }
  genkidama::WeightEncoder encoder(CodecKind::kInt8, layout, genkidama::CodedContent::kWeights);
  encode_frame(example_header(), kWeights, encoder, frame);
  // Made with Python's struct ('<4sHHQQQQQdHHIQQ') and xxhash modules.
  CHECK(hex(frame) ==
        "474b444d01000200080706050403020109000000000000000a00000000000000"
        "0b000000000000000c00000000000000000000000000f8bf0400000000000000"
        "0b00000000000000ec8f6468e1be16398542a13c47a3d13c33817f");
}

TEST_CASE("a frame whose codec, size or checksum is wrong is not split", "[frame]") {
  const auto reason = [](std::vector<std::byte> frame, std::size_t extra = 0) {
    const auto parts = genkidama::split_frame(frame, extra);
    REQUIRE_FALSE(parts.ok());
    return parts.reason();
  };
  const auto with = [](std::size_t at, std::uint8_t value) {
    auto frame = example_frame();
    frame[at] = std::byte{value};
    return frame;
  };
  CHECK_THAT(reason({}), Catch::Contains("the header alone has 80"));
  CHECK_THAT(reason(with(0, 1)), Catch::Contains("GKDM"));
  CHECK_THAT(reason(with(56, 0)), Catch::Contains("element type 0"));
  CHECK_THAT(reason(with(56, 7)), Catch::Contains("element type 7"));
  CHECK_THAT(reason(with(60, 1)), Catch::Contains("reserved"));
  CHECK_THAT(reason(with(64, 13)), Catch::Contains("13 bytes of weights announced, 12 present"));
  CHECK_THAT(reason(with(85, 1)), Catch::Contains("checksum"));
  // float32 that says it is a float16: the checksum covers the codec.
  CHECK_THAT(reason(with(56, 2)), Catch::Contains("checksum"));
  CHECK_THAT(reason(example_frame(), 13), Catch::Contains("stands before them alone has 13"));
}

TEST_CASE("a frame's buffer is used again", "[frame]") {
  std::vector<std::byte> frame = example_frame();
  const std::byte* memory = frame.data();
  encode_frame(example_header(), kWeights, frame);
  CHECK(frame.data() == memory);
  CHECK(frame == example_frame());
}

TEST_CASE("a frame in two parts is the same frame", "[frame]") {
  for (const std::size_t size : {0u, 1u, 3u, 1000u}) {
    const std::vector<float> weights(size, 1.5f);
    std::vector<std::byte> whole, parts{std::byte{7}};
    encode_frame(example_header(), weights, whole);
    const auto rest = genkidama::encode_frame_head(example_header(), weights, parts);
    if (size > 0 && std::endian::native == std::endian::little) {
      CHECK(static_cast<const void*>(rest.data()) == weights.data());
    }
    parts.insert(parts.end(), rest.begin(), rest.end());
    CHECK(parts == whole);
  }
}

TEST_CASE("a network without weights has a frame too", "[frame]") {
  std::vector<std::byte> frame;
  encode_frame(example_header(), {}, frame);
  CHECK(frame.size() == genkidama::kFrameHeaderBytes);
  CHECK(decode_frame(frame, {}).ok());
}

TEST_CASE("every truncation of a frame is refused", "[frame]") {
  const auto frame = example_frame();
  for (std::size_t length = 0; length < frame.size(); ++length) {
    // A copy of the exact size, so that a read past the end is seen by a sanitizer.
    const std::vector<std::byte> cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(length));
    refused(cut);
  }
}

TEST_CASE("every flipped bit of a frame is noticed", "[frame]") {
  auto frame = example_frame();
  for (std::size_t bit = 0; bit < frame.size() * 8; ++bit) {
    const std::byte mask{static_cast<unsigned char>(1u << (bit % 8))};
    frame[bit / 8] ^= mask;
    refused(frame);
    frame[bit / 8] ^= mask;
  }
  std::vector<float> weights(kWeights.size());
  CHECK(decode_frame(frame, weights).ok());
}

TEST_CASE("a refused frame says what is wrong with it", "[frame]") {
  const auto with = [](std::size_t at, int value) {
    auto frame = example_frame();
    frame[at] = static_cast<std::byte>(value);
    return refused(frame);
  };
  CHECK_THAT(with(0, 'X'), Catch::Contains("GKDM"));
  CHECK_THAT(with(4, 2), Catch::Contains("protocol version 2"));
  CHECK_THAT(with(6, 4), Catch::Contains("unknown type 4"));
  CHECK_THAT(with(6, 0), Catch::Contains("unknown type 0"));
  CHECK_THAT(with(56, 2), Catch::Contains("element type 2"));
  CHECK_THAT(with(63, 1), Catch::Contains("reserved"));
  CHECK_THAT(with(71, 255), Catch::Contains("announced"));
  CHECK_THAT(with(90, 99), Catch::Contains("checksum"));
  auto longer = example_frame();
  longer.resize(longer.size() + 4);
  CHECK_THAT(refused(longer), Catch::Contains("12 bytes of weights announced, 16 present"));
  CHECK_THAT(refused(example_frame(), 4), Catch::Contains("this network has 16"));
}

TEST_CASE("random bytes are never a frame", "[frame]") {
  std::mt19937 random(5);
  for (int i = 0; i < 20'000; ++i) {
    std::vector<std::byte> frame(random() % 200);
    for (std::byte& byte : frame) byte = static_cast<std::byte>(random());
    // Half of them get past the first check.
    if (i % 2 == 0 && frame.size() >= 8) {
      const auto sound = example_frame();
      std::copy_n(sound.begin(), 8, frame.begin());
    }
    refused(frame);
  }
}

TEST_CASE("weights that are not finite are left to the receiver to judge", "[frame]") {
  const std::vector<float> sent{std::numeric_limits<float>::infinity(),
                                std::numeric_limits<float>::quiet_NaN()};
  std::vector<std::byte> frame;
  encode_frame(example_header(), sent, frame);
  std::vector<float> weights(2);
  REQUIRE(decode_frame(frame, weights).ok());
  CHECK(weights[0] == sent[0]);
  CHECK(weights[1] != weights[1]);
}

TEST_CASE("a mean return that is not finite is sent as zero", "[frame]") {
  FrameHeader header = example_header();
  header.mean_return = std::numeric_limits<double>::quiet_NaN();
  std::vector<std::byte> frame;
  encode_frame(header, kWeights, frame);
  std::vector<float> weights(kWeights.size());
  const auto decoded = decode_frame(frame, weights);
  REQUIRE(decoded.ok());
  CHECK(decoded.value().mean_return == 0.0);
}
