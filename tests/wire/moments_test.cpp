#include "genkidama/wire/moments.h"

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "genkidama/wire/message.h"
#include "support/catch.h"

using namespace genkidama;
using Catch::Contains;

namespace {

std::vector<std::byte> bytes_of(const OptimizerMoments& moments) {
  std::vector<std::byte> bytes;
  append_moments(moments, bytes);
  return bytes;
}

OptimizerMoments over_the_wire(const OptimizerMoments& moments) {
  const auto decoded = decode_moments(bytes_of(moments), moments.values.size());
  REQUIRE(decoded.ok());
  return decoded.value();
}

}  // namespace

TEST_CASE("moments go over the wire as bfloat16") {
  const OptimizerMoments moments{0x0102030405060708, {1, -2.5f, 1.00390625f, 1.01171875f, 0}};
  const auto bytes = bytes_of(moments);
  CHECK(moments_bytes(5) == 24);
  const std::vector<std::uint8_t> expected{8,    7,    6,    5,    4, 3, 2, 1, 0x80, 0x3f, 0x20, 0xc0,
                                           0x80, 0x3f, 0x82, 0x3f, 0, 0, 0, 0, 0,    0,    0,    0};
  REQUIRE(bytes.size() == expected.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) CHECK(std::to_integer<int>(bytes[i]) == expected[i]);
  // Halves go to the even code.
  CHECK(over_the_wire(moments) == OptimizerMoments{moments.steps, {1, -2.5f, 1, 1.015625f, 0}});
  // What stands before stays.
  std::vector<std::byte> behind(3, std::byte{9});
  append_moments(moments, behind);
  CHECK(behind.size() == 27);
  CHECK(behind[2] == std::byte{9});
  CHECK(behind[3] == std::byte{8});
}

TEST_CASE("small means of squares are not lost, and none becomes negative") {
  OptimizerMoments moments{1, {}};
  std::mt19937 random(3);
  for (int exponent = -36; exponent < 38; ++exponent) {
    moments.values.push_back(std::pow(10.0f, static_cast<float>(exponent)) *
                             (1 + static_cast<float>(random() % 1000) / 1000));
  }
  const auto read = over_the_wire(moments);
  for (std::size_t i = 0; i < moments.values.size(); ++i) {
    CHECK(read.values[i] > 0);
    CHECK(read.values[i] == Approx(moments.values[i]).epsilon(1.0 / 256));
  }
  // Once they were rounded they stay the same.
  CHECK(over_the_wire(read) == read);
}

TEST_CASE("moments that are not finite are seen by the receiver") {
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::bit_cast<float>(0x7fffffffu), other = std::bit_cast<float>(0xff800001u);
  const auto read =
      over_the_wire({1, {nan, infinity, -infinity, other, 1, std::numeric_limits<float>::max()}});
  CHECK(std::isnan(read.values[0]));
  CHECK(read.values[1] == infinity);
  CHECK(read.values[2] == -infinity);
  CHECK(std::isnan(read.values[3]));
  CHECK(read.values[4] == 1);
  // It is beyond the greatest bfloat16.
  CHECK(read.values[5] == infinity);
}

TEST_CASE("no moments take no bytes") {
  CHECK(moments_bytes(0) == 0);
  CHECK(bytes_of({5, {}}).empty());
  const auto read = decode_moments({}, 0);
  REQUIRE(read.ok());
  CHECK(read.value() == OptimizerMoments{});
}

TEST_CASE("bytes that are no moments are refused") {
  const auto bytes = bytes_of({7, std::vector<float>(5, 1)});
  CHECK(decode_moments(bytes, 5).ok());
  CHECK(decode_moments(bytes, 5).value().steps == 7);
  for (const std::size_t size : {0, 1, 3, 9}) {
    CHECK_THAT(decode_moments(bytes, size).reason(), Contains("24 bytes of moments"));
  }
  auto filled = bytes;
  filled[22] = std::byte{1};
  CHECK_THAT(decode_moments(filled, 5).reason(), Contains("not 0"));
}

TEST_CASE("hello and welcome agree on moments") {
  HelloMessage hello;
  hello.name = std::string("a");
  hello.layout = ParameterLayout({{"w", {3}}});
  const auto read = [&hello] { return decode_message(encode_message(hello)); };
  CHECK_THAT(encode_message(hello), !Contains("moments"));
  CHECK_FALSE(std::get<HelloMessage>(read().value()).moments);
  for (const MomentsShape& shape : {MomentsShape{}, MomentsShape{6, 3, 6}, MomentsShape{24, 0, 24}}) {
    hello.moments = shape;
    REQUIRE(read().ok());
    CHECK(std::get<HelloMessage>(read().value()).moments == shape);
  }
  hello.moments = MomentsShape{25, 0, 0};
  CHECK_THAT(read().reason(), Contains("'size' is 25") && Contains("at most 24"));
  hello.moments = MomentsShape{6, 3, 7};
  CHECK_THAT(read().reason(), Contains("squares from 3 to 7"));
  hello.moments = MomentsShape{6, 4, 3};
  CHECK_THAT(read().reason(), Contains("squares from 4 to 3"));
  hello.moments = MomentsShape{6, 3, 6};
  std::string text = encode_message(hello);
  text.replace(text.find("\"size\":6"), 8, "\"sise\":6");
  CHECK_THAT(decode_message(text).reason(), Contains("'moments'") && Contains("'size' is missing"));

  WelcomeMessage welcome;
  welcome.name = std::string("p");
  welcome.run_id = std::string("r");
  CHECK_THAT(encode_message(welcome), !Contains("moments"));
  welcome.moments = 0;
  CHECK(std::get<WelcomeMessage>(decode_message(encode_message(welcome)).value()).moments == 0);
  welcome.moments = 6;
  CHECK(std::get<WelcomeMessage>(decode_message(encode_message(welcome)).value()).moments == 6);
}
