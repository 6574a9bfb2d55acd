#include "genkidama/wire/shard_frames.h"

#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "genkidama/wire/frame.h"
#include "genkidama/wire/message.h"
#include "support/catch.h"
#include "support/hex.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

const std::vector<float> kFirst = {1, -2.5f, 3.25f}, kSecond = {0, 0.5f, -1};

std::vector<std::byte> example() {
  std::vector<std::byte> bytes;
  append_gradients(std::vector<SliceGradient>{{7, 0.5, kFirst}, {9, 0.25, kSecond}}, bytes);
  return bytes;
}

template <typename T>
std::vector<std::byte> changed(std::size_t at, T value) {
  auto bytes = example();
  std::memcpy(bytes.data() + at, &value, sizeof value);
  return bytes;
}

std::string refused(const std::vector<std::byte>& bytes, std::size_t slice = 3, std::uint64_t newest = 9) {
  std::vector<float> values;
  const auto decoded = decode_gradients(bytes, slice, newest, values);
  REQUIRE_FALSE(decoded.ok());
  return decoded.reason();
}

}  // namespace

TEST_CASE("gradients of a slice come back as they were sent", "[shard]") {
  const auto bytes = example();
  REQUIRE(bytes.size() == gradients_bytes(2, 3));
  std::vector<float> values;
  const auto decoded = decode_gradients(bytes, 3, 9, values);
  REQUIRE(decoded.ok());
  REQUIRE(decoded.value().size() == 2);
  CHECK(decoded.value()[0].version == 7);
  CHECK(decoded.value()[0].learning_rate == 0.5);
  CHECK(std::vector<float>(decoded.value()[0].values.begin(), decoded.value()[0].values.end()) == kFirst);
  CHECK(decoded.value()[1].version == 9);
  CHECK(decoded.value()[1].learning_rate == 0.25);
  CHECK(std::vector<float>(decoded.value()[1].values.begin(), decoded.value()[1].values.end()) == kSecond);
}

TEST_CASE("the bytes of gradients and of their answer are those of the documentation", "[shard]") {
  FrameHeader header;
  header.type = FrameType::kLearnerGradients;
  header.session = 5;
  header.sequence = 6;
  std::vector<std::byte> frame;
  encode_frame(header, {}, frame, example());
  CHECK(hex(frame) ==
        "474b444d01002000050000000000000006000000000000000000000000000000000000000000000000000000000000000000"
        "0000"
        "0000000001000000000000004000000000000000" +
            hex(std::span<const std::byte>(frame).subspan(72, 8)) +
            "02000000000000000700000000000000000000000000e03f0900000000000000000000000000d03f"
            "0000803f000020c000005040000000000000003f000080bf");
  header.type = FrameType::kShardWeights;
  header.update = 10;
  std::vector<std::byte> extra;
  encode_fates(std::vector{GradientFate::kStale, GradientFate::kApplied}, extra);
  encode_frame(header, kFirst, frame, extra);
  CHECK(hex(frame) ==
        "474b444d01002100050000000000000006000000000000000a00000000000000000000000000000000000000000000000000"
        "0000"
        "0000000001000000000000001400000000000000" +
            hex(std::span<const std::byte>(frame).subspan(72, 8)) +
            "01000000000000000000803f000020c000005040");
}

TEST_CASE("gradients that are not sound are refused", "[shard]") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const double infinite = std::numeric_limits<double>::infinity();
  CHECK_THAT(refused({}), Contains("0 bytes, without a count"));
  CHECK_THAT(refused(changed(0, std::uint32_t{0})), Contains("0 of them; expected 1 to 1024"));
  CHECK_THAT(refused(changed(0, std::uint32_t{1025})), Contains("1025 of them"));
  CHECK_THAT(refused(changed(0, std::numeric_limits<std::uint32_t>::max())), Contains("expected 1 to"));
  CHECK_THAT(refused(changed(0, std::uint32_t{1})), Contains("64 bytes; 1 of 3 numbers have 36"));
  CHECK_THAT(refused(changed(4, std::uint32_t{1})), Contains("reserved"));
  CHECK_THAT(refused(example(), 4), Contains("2 of 4 numbers have 72"));
  CHECK_THAT(refused(example(), 3, 8), Contains("step 9, and this slice is at step 8"));
  for (const double rate : {0.0, -1.0, infinite, std::numeric_limits<double>::quiet_NaN()})
    CHECK_THAT(refused(changed(16, rate)), Contains("learning rate"));
  CHECK_THAT(refused(changed(40, nan)), Contains("not finite"));
  CHECK_THAT(refused(changed(60, std::numeric_limits<float>::infinity())), Contains("not finite"));
  auto longer = example();
  longer.push_back(std::byte{0});
  CHECK_THAT(refused(longer), Contains("65 bytes"));
}

TEST_CASE("a frame of gradients has a limit of bytes and of gradients", "[shard]") {
  CHECK(most_frame_gradients(1) == kMostFrameGradients);
  CHECK(most_frame_gradients(kMostGradientBytes) == 1);
  const std::size_t slice = kMostGradientBytes / 40;
  CHECK(gradients_bytes(most_frame_gradients(slice), slice) <= kMostGradientBytes + 8);
  CHECK(gradients_bytes(most_frame_gradients(slice) + 1, slice) > kMostGradientBytes);
}

TEST_CASE("what became of gradients comes back as it was sent, and anything else is refused", "[shard]") {
  std::vector<std::byte> bytes;
  for (const std::size_t count : {0, 1, 7, 8, 9}) {
    std::vector<GradientFate> fates(count, GradientFate::kApplied);
    if (count > 0) fates.back() = GradientFate::kStale;
    encode_fates(fates, bytes);
    CHECK(bytes.size() == fates_bytes(count));
    CHECK(bytes.size() % 8 == 0);
    const auto decoded = decode_fates(bytes, count);
    REQUIRE(decoded.ok());
    CHECK(decoded.value() == fates);
  }
  CHECK_FALSE(decode_fates(bytes, 8).ok());
  bytes[0] = std::byte{2};
  CHECK_FALSE(decode_fates(bytes, 9).ok());
  bytes[0] = std::byte{0};
  bytes[15] = std::byte{1};
  CHECK_FALSE(decode_fates(bytes, 9).ok());
}

TEST_CASE("a hello may name an optimizer and a welcome a slice", "[shard]") {
  HelloMessage hello{"learner", "", "", ParameterLayout({{"a", {3}}}), 0, {}};
  CHECK(encode_message(hello).find("optimizer") == std::string::npos);
  hello.exchange = kGradientsExchange;
  hello.optimizer = "sgd momentum 0.9";
  const auto heard = decode_message(encode_message(hello));
  REQUIRE(heard.ok());
  CHECK(std::get<HelloMessage>(heard.value()).optimizer == "sgd momentum 0.9");
  CHECK(std::get<HelloMessage>(heard.value()).exchange == "gradients");

  WelcomeMessage welcome{"shard", "run", "", 3, 4, {}};
  CHECK(encode_message(welcome).find("slice") == std::string::npos);
  welcome.slice = WeightSlice{2, 3, 10, 20};
  const std::string text = encode_message(welcome);
  const auto answered = decode_message(text);
  REQUIRE(answered.ok());
  CHECK(std::get<WelcomeMessage>(answered.value()).slice == welcome.slice);
  for (const auto& [piece, instead] :
       {std::pair("\"number\":2", "\"number\":0"), std::pair("\"number\":2", "\"number\":4"),
        std::pair("\"count\":3", "\"count\":65"), std::pair("\"count\":3", "\"count\":0"),
        std::pair("\"end\":20", "\"end\":10"), std::pair("\"end\":20", "\"end\":\"x\""),
        std::pair("\"begin\":10,", ""), std::pair("\"begin\":10", "\"begin\":-1")}) {
    std::string other = text;
    const auto at = other.find(piece);
    REQUIRE(at != std::string::npos);
    other.replace(at, std::string(piece).size(), instead);
    INFO(other);
    CHECK_FALSE(decode_message(other).ok());
  }
}
