#include "genkidama/wire/statistics.h"

#include <cstring>
#include <limits>
#include <vector>

#include "genkidama/wire/frame.h"
#include "genkidama/wire/message.h"
#include "support/catch.h"

using namespace genkidama;
using Catch::Contains;

namespace {

RunningStatistics example() {
  RunningStatistics statistics(2);
  statistics.add(std::vector<float>{1, -5});
  statistics.add(std::vector<float>{2, 0.25f});
  statistics.add(std::vector<float>{4, 7});
  return statistics;
}

std::vector<std::byte> bytes_of(const RunningStatistics& statistics) {
  std::vector<std::byte> bytes;
  encode_statistics(statistics, bytes);
  return bytes;
}

}  // namespace

TEST_CASE("statistics go over the wire unchanged") {
  const auto bytes = bytes_of(example());
  CHECK(bytes.size() == statistics_bytes(2));
  const auto decoded = decode_statistics(bytes, 2);
  REQUIRE(decoded.ok());
  CHECK(decoded.value() == example());
  // The count comes first, as a little-endian float64.
  CHECK(bytes[6] == std::byte{0x08});
  CHECK(bytes[7] == std::byte{0x40});
  CHECK(bytes_of(RunningStatistics()).empty());
  CHECK(decode_statistics({}, 0).value() == RunningStatistics());
}

TEST_CASE("statistics that are none are refused") {
  const auto with = [](std::size_t index, double value) {
    auto bytes = bytes_of(example());
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    for (std::size_t i = 0; i < 8; ++i)
      bytes[8 * index + i] = static_cast<std::byte>((bits >> (8 * i)) & 0xff);
    return decode_statistics(bytes, 2);
  };
  CHECK(with(0, 3).ok());
  CHECK_THAT(with(0, -3).reason(), Contains("-3 vectors"));
  CHECK_THAT(with(0, std::numeric_limits<double>::infinity()).reason(), Contains("vectors"));
  CHECK_THAT(with(1, std::numeric_limits<double>::quiet_NaN()).reason(), Contains("mean of component 0"));
  CHECK_THAT(with(4, -1).reason(), Contains("squares of component 1"));
}

TEST_CASE("a frame carries bytes between its header and its weights") {
  const std::vector<float> weights{1, 2, 3};
  const auto extra = bytes_of(example());
  FrameHeader header;
  header.session = 5;
  std::vector<std::byte> frame, head;
  encode_frame(header, weights, frame, extra);
  CHECK(frame.size() == frame_bytes(3, extra.size()));
  const auto rest = encode_frame_head(header, weights, head, extra);
  head.insert(head.end(), rest.begin(), rest.end());
  CHECK(head == frame);

  std::vector<float> copy, read(3);
  std::vector<std::byte> read_extra(extra.size());
  const auto view = view_frame(frame, 3, copy, extra.size());
  REQUIRE(view.ok());
  CHECK(std::vector<float>(view.value().weights.begin(), view.value().weights.end()) == weights);
  CHECK(std::vector<std::byte>(view.value().extra.begin(), view.value().extra.end()) == extra);
  REQUIRE(decode_frame(frame, read, read_extra).ok());
  CHECK(read == weights);
  CHECK(read_extra == extra);

  SECTION("which are refused where none, or other ones, were agreed on") {
    CHECK_FALSE(view_frame(frame, 3, copy).ok());
    CHECK_FALSE(view_frame(frame, 3, copy, extra.size() + 8).ok());
    std::vector<std::byte> plain;
    encode_frame(header, weights, plain);
    CHECK_THAT(view_frame(plain, 3, copy, extra.size()).reason(), Contains("weights and statistics"));
  }
  SECTION("and the checksum covers them") {
    frame[kFrameHeaderBytes + 3] ^= std::byte{1};
    CHECK_THAT(view_frame(frame, 3, copy, extra.size()).reason(), Contains("checksum"));
  }
}

TEST_CASE("hello and welcome agree on statistics") {
  HelloMessage hello;
  hello.name = std::string("a");
  hello.layout = ParameterLayout({{"w", {1}}});
  CHECK_THAT(encode_message(hello), !Contains("statistics"));
  hello.statistics = 25;
  hello.stream = 9007199254740991;
  const auto read = decode_message(encode_message(hello));
  REQUIRE(read.ok());
  CHECK(std::get<HelloMessage>(read.value()).statistics == 25);
  CHECK(std::get<HelloMessage>(read.value()).stream == 9007199254740991);
  hello.statistics = kMaxStatisticsComponents + 1;
  CHECK_THAT(decode_message(encode_message(hello)).reason(), Contains("'statistics' is 1048577"));

  WelcomeMessage welcome;
  welcome.name = std::string("p");
  welcome.run_id = std::string("r");
  CHECK_THAT(encode_message(welcome), !Contains("statistics"));
  welcome.statistics = 25;
  CHECK(std::get<WelcomeMessage>(decode_message(encode_message(welcome)).value()).statistics == 25);
}
