#include "params/codec_kernels.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "genkidama/core/random.h"
#include "params/coded_layout.h"
#include "support/catch.h"

using namespace genkidama;

namespace {

using Floats = std::vector<float>;

std::vector<std::uint32_t> bits_of(const Floats& values) {
  std::vector<std::uint32_t> bits;
  for (const float value : values) bits.push_back(std::bit_cast<std::uint32_t>(value));
  return bits;
}

/// Numbers of all sizes that fit a float16, subnormal ones, halves and zeros among them.
Floats many_values(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  Floats values(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double size = std::ldexp(random.uniform(-1, 1), static_cast<int>(random.uniform(-40, 15)));
    const double rest = std::fmod(static_cast<double>(i), 7.0);
    values[i] = static_cast<float>(rest == 0 ? 0.0 : rest == 1 ? std::round(size) + 0.5 : size);
    if (rest == 2) values[i] = -0.0f;
  }
  return values;
}

/// All that the kernels make of these values.
struct Results {
  Floats sums, differences, reference, from_int8, from_float16, from_bfloat16;
  std::vector<std::int8_t> int8;
  std::vector<std::uint16_t> float16, bfloat16;
  std::uint32_t greatest = 0;
  std::uint16_t greatest_code = 0;
};

Results run(const CodecKernels& kernels, const Floats& values, const Floats& others) {
  const std::size_t count = values.size();
  Results r;
  r.sums.resize(count), r.differences.resize(count), r.from_int8.resize(count);
  r.from_float16.resize(count), r.from_bfloat16.resize(count);
  r.int8.resize(count), r.float16.resize(count), r.bfloat16.resize(count);
  kernels.add(values.data(), others.data(), count, r.sums.data());
  kernels.subtract(values.data(), others.data(), count, r.differences.data());
  r.reference = others;
  kernels.advance(values.data(), count, r.reference.data());
  r.greatest = kernels.greatest(values.data(), count);
  const float scale = std::bit_cast<float>(r.greatest) / 127;
  kernels.to_int8(values.data(), count, scale > 0 ? 1 / scale : 0, r.int8.data());
  kernels.from_int8(r.int8.data(), count, scale, r.from_int8.data());
  kernels.to_float16(values.data(), count, r.float16.data());
  kernels.from_float16(r.float16.data(), count, r.from_float16.data());
  kernels.to_bfloat16(values.data(), count, r.bfloat16.data());
  kernels.from_bfloat16(r.bfloat16.data(), count, r.from_bfloat16.data());
  r.greatest_code = kernels.greatest_code(r.float16.data(), count);
  return r;
}

}  // namespace

TEST_CASE("every version of the codecs' kernels gives the same bits") {
  for (const std::size_t count : {0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 63, 100, 512, 1000}) {
    const Floats values = many_values(count, count + 1), others = many_values(count, count + 1001);
    const Results a = run(portable_codec_kernels(), values, others), b = run(codec_kernels(), values, others);
    CAPTURE(count, codec_kernels().name);
    CHECK(bits_of(a.sums) == bits_of(b.sums));
    CHECK(bits_of(a.differences) == bits_of(b.differences));
    CHECK(bits_of(a.reference) == bits_of(b.reference));
    CHECK(bits_of(a.from_int8) == bits_of(b.from_int8));
    CHECK(bits_of(a.from_float16) == bits_of(b.from_float16));
    CHECK(bits_of(a.from_bfloat16) == bits_of(b.from_bfloat16));
    CHECK(a.int8 == b.int8);
    CHECK(a.float16 == b.float16);
    CHECK(a.bfloat16 == b.bfloat16);
    CHECK(a.greatest == b.greatest);
    CHECK(a.greatest_code == b.greatest_code);
  }
}

TEST_CASE("every float16 is read exactly, and written as itself again") {
  const CodecKernels& kernels = codec_kernels();
  for (std::uint32_t code = 0; code < 0x10000; ++code) {
    if ((code & 0x7c00) == 0x7c00) continue;
    const int exponent = static_cast<int>(code >> 10 & 31), mantissa = static_cast<int>(code & 1023);
    const double magnitude =
        exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
    const auto given = static_cast<std::uint16_t>(code);
    float value = 0;
    kernels.from_float16(&given, 1, &value);
    REQUIRE(value == (code & 0x8000 ? -magnitude : magnitude));
    REQUIRE(std::signbit(value) == ((code & 0x8000) != 0));
    std::uint16_t again = 0;
    kernels.to_float16(&value, 1, &again);
    REQUIRE(again == code);
  }
}

TEST_CASE("what lies between two float16 becomes the nearer one, and a half the even one") {
  const CodecKernels& kernels = codec_kernels();
  const auto code_of = [&](float value) {
    std::uint16_t code = 0;
    kernels.to_float16(&value, 1, &code);
    return code;
  };
  for (std::uint16_t code = 0; code < 0x7bff; ++code) {
    float low = 0, high = 0;
    const auto next = static_cast<std::uint16_t>(code + 1);
    kernels.from_float16(&code, 1, &low);
    kernels.from_float16(&next, 1, &high);
    const float half = (low + high) / 2;  // exact
    REQUIRE(code_of(half) == (code % 2 == 0 ? code : next));
    REQUIRE(code_of(std::nextafter(half, 0.0f)) == code);
    REQUIRE(code_of(std::nextafter(half, high)) == next);
    REQUIRE(code_of(-std::nextafter(half, high)) == (next | 0x8000));
  }
  CHECK(code_of(65504) == 0x7bff);
}

TEST_CASE("a bfloat16 is the nearest, and of two the even one") {
  const CodecKernels& kernels = codec_kernels();
  const auto code_of = [&](std::uint32_t bits) {
    const float value = std::bit_cast<float>(bits);
    std::uint16_t code = 0;
    kernels.to_bfloat16(&value, 1, &code);
    return code;
  };
  CHECK(code_of(0x3f800000) == 0x3f80);
  CHECK(code_of(0x3f807fff) == 0x3f80);
  CHECK(code_of(0x3f808000) == 0x3f80);
  CHECK(code_of(0x3f808001) == 0x3f81);
  CHECK(code_of(0x3f818000) == 0x3f82);
  CHECK(code_of(0xbf818000) == 0xbf82);
  CHECK(code_of(kGreatestBfloat16) == 0x7f7f);
  const std::uint16_t code = 0xc049;
  float value = 0;
  kernels.from_bfloat16(&code, 1, &value);
  CHECK(std::bit_cast<std::uint32_t>(value) == 0xc0490000);
}

TEST_CASE("int8 rounds to the nearest, and halves to even") {
  const Floats values{0, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 126.7f, -127, 127};
  std::vector<std::int8_t> codes(values.size());
  codec_kernels().to_int8(values.data(), values.size(), 1, codes.data());
  CHECK(codes == std::vector<std::int8_t>{0, 0, 2, 2, 0, -2, -2, 127, -127, 127});
}

TEST_CASE("the greatest magnitude shows what is not finite") {
  for (const float bad : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::quiet_NaN()}) {
    Floats values = many_values(100, 3);
    values[77] = bad;
    CHECK(codec_kernels().greatest(values.data(), values.size()) >= 0x7f800000);
    CHECK(portable_codec_kernels().greatest(values.data(), values.size()) >= 0x7f800000);
  }
  const Floats values{1, -3, 2};
  CHECK(codec_kernels().greatest(values.data(), 3) == std::bit_cast<std::uint32_t>(3.0f));
}

TEST_CASE("a reference keeps no number that some processors would flush to zero") {
  const float least = std::bit_cast<float>(kLeastMagnitude);
  Floats reference{1, -1, least, least, 1, -0.0f, 1e-40f};
  const Floats changes{-1, 1, 0, std::nextafter(least, 0.0f) - least, 0, -0.0f, 0};
  codec_kernels().advance(changes.data(), changes.size(), reference.data());
  CHECK(bits_of(reference) == bits_of({0, 0, least, 0, 1, 0, 0}));
}
