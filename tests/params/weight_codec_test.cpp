#include "genkidama/params/weight_codec.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "genkidama/core/random.h"
#include "support/catch.h"
#include "support/hex.h"

using namespace genkidama;
using Catch::Contains;

namespace {

using Floats = std::vector<float>;
using Bytes = std::vector<std::byte>;

const ParameterLayout& small_layout() {
  static const ParameterLayout layout({{"a", {2, 2}}, {"b", {2}}, {"c", {3}}});
  return layout;
}

/// Tensors of a block, of more than a block, and of one element; 1,337 elements in all.
const ParameterLayout& large_layout() {
  static const ParameterLayout layout({{"w", {128, 8}}, {"b", {128}}, {"one", {1}}, {"v", {23, 8}}});
  return layout;
}

Floats random_values(std::size_t count, double size, std::uint64_t seed) {
  Random random(seed);
  Floats values(count);
  for (float& value : values) value = static_cast<float>(size * random.uniform(-1, 1));
  return values;
}

/// One direction of a link.
struct Direction {
  Direction(CodecKind kind, const ParameterLayout& layout, CodedContent content)
      : encoder(kind, layout, content), decoder(kind, layout, content) {}

  void begin(const Floats& weights) {
    encoder.begin(weights);
    decoder.begin(weights);
  }

  CodecKind encode(const Floats& values) { return encoder.encode(values, bytes, 0); }

  Floats send(const Floats& values) {
    const CodecKind used = encode(values);
    std::span<const float> read;
    const std::string wrong = decoder.decode(used, bytes, read);
    CHECK(wrong.empty());
    return {read.begin(), read.end()};
  }

  std::string decode(CodecKind used) {
    std::span<const float> read;
    return decoder.decode(used, bytes, read);
  }

  WeightEncoder encoder;
  WeightDecoder decoder;
  Bytes bytes;
};

double greatest_error(const Floats& a, const Floats& b, std::size_t first, std::size_t count) {
  double greatest = 0;
  for (std::size_t i = first; i < first + count; ++i)
    greatest = std::max(greatest, std::abs(double{a[i]} - double{b[i]}));
  return greatest;
}

double greatest_error(const Floats& a, const Floats& b) {
  REQUIRE(a.size() == b.size());
  return greatest_error(a, b, 0, a.size());
}

bool is_delta(CodecKind kind) {
  return kind == CodecKind::kInt8Delta || kind == CodecKind::kTopK;
}

}  // namespace

TEST_CASE("each codec has its number and its name") {
  for (const CodecKind kind : kCodecKinds) CHECK(codec_of(codec_name(kind)) == kind);
  CHECK(codec_of("f32") == CodecKind::kFloat32);
  CHECK(codec_of("int8-delta") == CodecKind::kInt8Delta);
  CHECK(static_cast<int>(CodecKind::kTopK) == 6);
  CHECK_FALSE(codec_of(""));
  CHECK_FALSE(codec_of("F16"));
  CHECK_FALSE(codec_of("int9"));
}

TEST_CASE("what coded elements take follows from the layout alone") {
  const ParameterLayout& layout = large_layout();
  REQUIRE(layout.size() == 1337);
  CHECK(coded_bytes(CodecKind::kFloat32, layout) == 4 * 1337);
  CHECK(coded_bytes(CodecKind::kFloat16, layout) == 2 * 1337);
  CHECK(coded_bytes(CodecKind::kBfloat16, layout) == 2 * 1337);
  CHECK(coded_bytes(CodecKind::kInt8, layout) == 4 * 4 + 1337);
  CHECK(coded_bytes(CodecKind::kInt8Delta, layout) == 8 + 4 * 4 + 1337);
  CHECK(coded_bytes(CodecKind::kTopK, layout) == 8 + 168 + 2 * 134);
  for (const CodecKind kind : kCodecKinds) {
    Direction direction(kind, layout, CodedContent::kWeights);
    const Floats weights = random_values(layout.size(), 0.5, 1);
    direction.begin(weights);
    direction.bytes.resize(20, std::byte{7});
    CHECK(direction.encoder.encode(weights, direction.bytes, 5) == kind);
    CHECK(direction.bytes.size() == 5 + coded_bytes(kind, layout));
    CHECK(std::count(direction.bytes.begin(), direction.bytes.begin() + 5, std::byte{7}) == 5);
  }
}

TEST_CASE("a network without elements can be coded") {
  const ParameterLayout nothing;
  for (const CodecKind kind : kCodecKinds) {
    Direction direction(kind, nothing, CodedContent::kWeights);
    direction.begin({});
    CHECK(direction.send({}).empty());
  }
}

TEST_CASE("one frame of each codec is as near as its numbers are") {
  const ParameterLayout& layout = large_layout();
  Floats values = random_values(layout.size(), 0.3, 2);
  const TensorInfo& last = layout.tensors().back();
  for (std::size_t i = last.offset; i < values.size(); ++i) values[i] *= 1000;
  const auto sent = [&](CodecKind kind, CodedContent content) {
    Direction direction(kind, layout, content);
    direction.begin(Floats(layout.size()));
    return direction.send(values);
  };
  for (const auto content : {CodedContent::kWeights, CodedContent::kChanges}) {
    CHECK(sent(CodecKind::kFloat32, content) == values);
    const Floats halves = sent(CodecKind::kFloat16, content), brains = sent(CodecKind::kBfloat16, content);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double size = std::abs(double{values[i]});
      REQUIRE(std::abs(double{halves[i]} - double{values[i]}) <=
              std::max(size * std::ldexp(1, -11), std::ldexp(1, -25)));
      REQUIRE(std::abs(double{brains[i]} - double{values[i]}) <= size * std::ldexp(1, -8));
    }
    // Each tensor has a scale of its own: large values in one do not blur another.
    for (const CodecKind kind : {CodecKind::kInt8, CodecKind::kInt8Delta}) {
      const Floats decoded = sent(kind, content);
      for (const TensorInfo& tensor : layout.tensors()) {
        const double greatest = greatest_error(values, Floats(values.size()), tensor.offset, tensor.count);
        CHECK(greatest_error(values, decoded, tensor.offset, tensor.count) <= greatest / 127 * 0.501);
      }
    }
    const Floats largest = sent(CodecKind::kTopK, content);
    double least_sent = 1e9, greatest_left = 0;
    std::size_t count = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double size = std::abs(double{values[i]});
      if (largest[i] == 0) {
        greatest_left = std::max(greatest_left, size);
        continue;
      }
      ++count;
      least_sent = std::min(least_sent, size);
      REQUIRE(std::abs(double{largest[i]} - double{values[i]}) <= size * std::ldexp(1, -8));
    }
    CHECK(count == top_k_count(values.size()));
    CHECK(greatest_left <= least_sent);
  }
}

TEST_CASE("what a codec leaves out comes later: the sum of what was decoded follows what was given") {
  const ParameterLayout& layout = large_layout();
  constexpr int kFrames = 60;
  for (const CodecKind kind : kCodecKinds) {
    CAPTURE(codec_name(kind));
    Direction direction(kind, layout, CodedContent::kChanges);
    direction.begin({});
    Floats given(layout.size()), decoded(layout.size());
    std::vector<double> sum_given(layout.size()), sum_decoded(layout.size());
    double size = 0;
    for (int frame = 0; frame < kFrames; ++frame) {
      given = random_values(layout.size(), 0.01, 100 + static_cast<std::uint64_t>(frame));
      // What is too small for one frame alone, and always the same, adds up too.
      for (float& value : given) value += 3e-5f;
      decoded = direction.send(given);
      for (std::size_t i = 0; i < given.size(); ++i) {
        sum_given[i] += double{given[i]};
        sum_decoded[i] += double{decoded[i]};
      }
      size = 0;
      for (std::size_t i = 0; i < given.size(); ++i) {
        size = std::max(size, std::abs(sum_given[i] - sum_decoded[i]));
      }
    }
    // What is still left out is of one frame (top-k: of some), not of all.
    CHECK(size <= (kind == CodecKind::kTopK ? 0.15 : 1e-4));
    // Without the residual, a codec that rounds to nearest would have lost a good part of the drift.
  }
}

TEST_CASE("the mean of weights that are sent again and again has no error left") {
  const ParameterLayout& layout = large_layout();
  const Floats weights = random_values(layout.size(), 0.7, 5);
  constexpr int kFrames = 200;
  for (const CodecKind kind : {CodecKind::kFloat16, CodecKind::kBfloat16, CodecKind::kInt8}) {
    CAPTURE(codec_name(kind));
    Direction direction(kind, layout, CodedContent::kWeights);
    direction.begin(weights);
    std::vector<double> sum(weights.size());
    double first_error = 0;
    for (int frame = 0; frame < kFrames; ++frame) {
      const Floats decoded = direction.send(weights);
      if (frame == 0) first_error = greatest_error(decoded, weights);
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += double{decoded[i]};
    }
    REQUIRE(first_error > 0);
    for (std::size_t i = 0; i < sum.size(); ++i) {
      REQUIRE(std::abs(sum[i] / kFrames - double{weights[i]}) <= 2 * first_error / kFrames + 1e-7);
    }
  }
}

TEST_CASE("differences bring weights that rest to the receiver exactly, or nearly") {
  const ParameterLayout& layout = large_layout();
  const Floats start = random_values(layout.size(), 0.7, 5), weights = random_values(layout.size(), 0.7, 6);
  for (const CodecKind kind : {CodecKind::kInt8Delta, CodecKind::kTopK}) {
    CAPTURE(codec_name(kind));
    Direction direction(kind, layout, CodedContent::kWeights);
    direction.begin(start);
    double error = greatest_error(start, weights);
    // Every frame of int8 leaves at most 1/254 of the difference, and top-k sends each element in ten frames.
    for (int frame = 0; frame < (kind == CodecKind::kTopK ? 40 : 4); ++frame) {
      error = greatest_error(direction.send(weights), weights);
    }
    CHECK(error < 1e-6);
  }
}

TEST_CASE("weights that move are followed within the quantisation of one step") {
  const ParameterLayout& layout = large_layout();
  Direction direction(CodecKind::kInt8Delta, layout, CodedContent::kWeights);
  Floats weights = random_values(layout.size(), 0.7, 5);
  direction.begin(weights);
  for (std::uint64_t frame = 0; frame < 50; ++frame) {
    const Floats step = random_values(layout.size(), 0.01, 10 + frame);
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] += step[i];
    CHECK(greatest_error(direction.send(weights), weights) < 0.0102 / 254 * 1.01);
  }
}

TEST_CASE("the bytes of each codec are those that docs/wire_format.md describes") {
  // Made with Python's struct and xxhash modules.
  const Floats first{0.5f, -1.25f, 2, 0.1f, 0, 0, 1e-3f, -7, 3.75f};
  const Floats second{0.75f, -1.5f, 2, -0.1f, 0, 0, 2e-3f, -6.5f, 3};
  const Floats third{0.8f, -1.5f, 2.25f, -0.2f, 1e-6f, 0, 2e-3f, -6, 2.5f};
  const auto hex_of = [](CodecKind kind, const Floats& begin, const std::vector<Floats>& sent) {
    Direction direction(kind, small_layout(), CodedContent::kWeights);
    direction.begin(begin);
    for (const Floats& weights : sent) direction.send(weights);
    return test::hex(direction.bytes);
  };
  CHECK(hex_of(CodecKind::kFloat16, first, {first}) == "003800bd0040662e00000000191400c78043");
  CHECK(hex_of(CodecKind::kBfloat16, first, {first}) == "003fa0bf0040cd3d00000000833ae0c07040");
  CHECK(hex_of(CodecKind::kInt8, first, {first}) == "0402813c0000000087c3613d20b17f060000008144");
  CHECK(hex_of(CodecKind::kInt8, first, {first, second}) == "0402813c0000000047a3513d2fa07ffa000000813b");
  CHECK(hex_of(CodecKind::kInt8Delta, first, {second}) ==
        "4b0575350b16876d0402013b000000000683c13b7f81009a0000005581");
  CHECK(hex_of(CodecKind::kInt8Delta, first, {second, third}) ==
        "5eac161cf5e3f95d0402013b4a4607320402813b19007fce7f00007f81");
  CHECK(hex_of(CodecKind::kTopK, first, {second}) == "4b0575350b16876d000140bf");
  CHECK(hex_of(CodecKind::kTopK, first, {second, third}) == "a8f86d2fb02afa098000803f");
}

TEST_CASE("a change is a difference already, and names no reference") {
  for (const CodecKind kind : {CodecKind::kInt8Delta, CodecKind::kTopK}) {
    Direction direction(kind, small_layout(), CodedContent::kChanges);
    direction.begin({});
    direction.send({1, 2, 3, 4, 5, 6, 7, 8, 9});
    CHECK(std::all_of(direction.bytes.begin(), direction.bytes.begin() + 8,
                      [](std::byte b) { return b == std::byte{0}; }));
    direction.encode({1, 2, 3, 4, 5, 6, 7, 8, 9});
    direction.bytes[3] = std::byte{1};
    CHECK_THAT(direction.decode(kind), Contains("other weights"));
  }
}

TEST_CASE("what a codec cannot hold is sent as float32, and the next frame goes on from there") {
  const Floats usual{1, 2, 3, 4, 5, 6, 7, 8, 9};
  for (const auto content : {CodedContent::kWeights, CodedContent::kChanges}) {
    for (const CodecKind kind : kCodecKinds) {
      CAPTURE(codec_name(kind));
      Direction direction(kind, small_layout(), content);
      direction.begin(usual);
      direction.send(usual);
      Floats large = usual;
      large[4] = -3.4e38f;
      CHECK(direction.encode(large) == CodecKind::kFloat32);
      std::span<const float> read;
      REQUIRE(direction.decoder.decode(CodecKind::kFloat32, direction.bytes, read).empty());
      CHECK(read[4] == -3.4e38f);
      if (kind == CodecKind::kFloat32) continue;
      CHECK(direction.encode(usual) ==
            (is_delta(kind) && content == CodedContent::kWeights ? CodecKind::kFloat32 : kind));
      for (const float bad :
           {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
        Floats spoilt = usual;
        spoilt[8] = bad;
        CHECK(direction.encode(spoilt) == CodecKind::kFloat32);
      }
    }
  }
  // Beyond a float16 begins at 65,520; a residual does not push it there.
  Direction direction(CodecKind::kFloat16, small_layout(), CodedContent::kWeights);
  Floats weights = usual;
  weights[0] = 65504;
  CHECK(direction.encode(weights) == CodecKind::kFloat16);
  weights[0] = 65505;
  CHECK(direction.encode(weights) == CodecKind::kFloat32);
}

TEST_CASE("what was left out before is in a change that is sent as float32") {
  Direction direction(CodecKind::kInt8, small_layout(), CodedContent::kChanges);
  const Floats change{1, 0.001f, 0, 0, 0, 0, 0, 0, 0};
  CHECK(direction.send(change)[1] == 0);
  CHECK(direction.encode({0, 0, 0, 0, 3e38f, 0, 0, 0, 0}) == CodecKind::kFloat32);
  std::span<const float> read;
  REQUIRE(direction.decoder.decode(CodecKind::kFloat32, direction.bytes, read).empty());
  CHECK(read[1] == 0.001f);
  CHECK(direction.send(Floats(9)) == Floats(9));
}

TEST_CASE("a change that counted nothing is taken back with all that it has left out") {
  for (const CodecKind kind : kCodecKinds) {
    CAPTURE(codec_name(kind));
    const Floats first = random_values(9, 1, 1), lost = random_values(9, 1, 2), next = random_values(9, 1, 3);
    Direction usual(kind, small_layout(), CodedContent::kChanges),
        with_loss(kind, small_layout(), CodedContent::kChanges);
    usual.send(first);
    with_loss.send(first);
    usual.encoder.keep();
    with_loss.encoder.keep();
    with_loss.encoder.take_back();  // it has arrived: nothing happens
    with_loss.encode(lost);
    with_loss.encoder.take_back();
    with_loss.encoder.take_back();
    CHECK(with_loss.send(next) == usual.send(next));
    CHECK(with_loss.bytes == usual.bytes);
  }
}

TEST_CASE("a frame that was lost, or came twice, is noticed and never decoded to wrong weights") {
  const ParameterLayout& layout = large_layout();
  for (const CodecKind kind : {CodecKind::kInt8Delta, CodecKind::kTopK}) {
    CAPTURE(codec_name(kind));
    Direction direction(kind, layout, CodedContent::kWeights);
    const Floats start = random_values(layout.size(), 1, 1);
    direction.begin(start);
    direction.send(random_values(layout.size(), 1, 2));
    CHECK_THAT(direction.decode(kind), Contains("other weights"));
    direction.encode(random_values(layout.size(), 1, 3));
    direction.encode(random_values(layout.size(), 1, 4));
    CHECK_THAT(direction.decode(kind), Contains("other weights"));
    direction.begin(start);
    CHECK(greatest_error(direction.send(start), start) == 0);
  }
}

TEST_CASE("elements of a wrong size or another codec are refused") {
  for (const CodecKind kind : kCodecKinds) {
    Direction direction(kind, small_layout(), CodedContent::kWeights);
    const Floats weights{1, 2, 3, 4, 5, 6, 7, 8, 9};
    direction.begin(weights);
    direction.encode(weights);
    const Bytes sound = direction.bytes;
    for (std::size_t size = 0; size < sound.size(); ++size) {
      direction.bytes.assign(sound.begin(), sound.begin() + static_cast<std::ptrdiff_t>(size));
      CHECK_THAT(direction.decode(kind), Contains("bytes of weights"));
    }
    direction.bytes = sound;
    direction.bytes.push_back(std::byte{0});
    CHECK_THAT(direction.decode(kind), Contains("bytes of weights"));
    for (const CodecKind other : kCodecKinds) {
      if (other == kind || other == CodecKind::kFloat32) continue;
      CHECK_THAT(direction.decode(other), Contains("agreed upon"));
    }
  }
}

TEST_CASE("scales, codes and marks that no sender makes are refused") {
  const Floats weights{1, 2, 3, 4, 5, 6, 7, 8, 9};
  const auto wrong_with = [&](CodecKind kind, std::size_t at, std::uint32_t value, std::size_t bytes) {
    Direction direction(kind, small_layout(), CodedContent::kWeights);
    direction.begin(Floats(9));
    direction.encode(weights);
    for (std::size_t i = 0; i < bytes; ++i) {
      direction.bytes[at + i] = static_cast<std::byte>(value >> (8 * i) & 0xff);
    }
    return direction.decode(kind);
  };
  for (const float scale : {-1.0f, -0.0f, 1e-38f, 1e-45f, 1e36f, std::numeric_limits<float>::infinity(),
                            std::numeric_limits<float>::quiet_NaN()}) {
    CHECK_THAT(wrong_with(CodecKind::kInt8, 4, std::bit_cast<std::uint32_t>(scale), 4),
               Contains("the scale of tensor 'b'"));
    CHECK_THAT(wrong_with(CodecKind::kInt8Delta, 12, std::bit_cast<std::uint32_t>(scale), 4),
               Contains("the scale of tensor 'b'"));
  }
  CHECK(wrong_with(CodecKind::kInt8, 4, 0, 4).empty());
  for (const std::uint32_t code : {0x7c00u, 0xfc00u, 0x7fffu, 0x7e01u}) {
    CHECK_THAT(wrong_with(CodecKind::kFloat16, 16, code, 2), Contains("no finite number"));
  }
  for (const std::uint32_t code : {0x7f80u, 0xff80u, 0x7fffu, 0xffc0u}) {
    CHECK_THAT(wrong_with(CodecKind::kBfloat16, 0, code, 2), Contains("no finite number"));
    CHECK_THAT(wrong_with(CodecKind::kTopK, 10, code, 2), Contains("no finite number"));
  }
  // Nine elements, of which one is sent.
  CHECK_THAT(wrong_with(CodecKind::kTopK, 8, 0, 2), Contains("0 elements of 9 are marked"));
  CHECK_THAT(wrong_with(CodecKind::kTopK, 8, 3, 2), Contains("2 elements of 9 are marked"));
  CHECK_THAT(wrong_with(CodecKind::kTopK, 8, 0xffff, 2), Contains("16 elements of 9 are marked"));
  CHECK_THAT(wrong_with(CodecKind::kTopK, 8, 0x0200, 2), Contains("past the end"));
  CHECK(wrong_with(CodecKind::kTopK, 8, 0x0100, 2).empty());
}

TEST_CASE("what a link remembers is what its memory is said to be") {
  CHECK(codec_memory(CodecKind::kFloat32, CodedContent::kWeights) == CodecMemory::kNone);
  CHECK(codec_memory(CodecKind::kInt8, CodedContent::kWeights) == CodecMemory::kResidual);
  CHECK(codec_memory(CodecKind::kInt8Delta, CodedContent::kWeights) == CodecMemory::kReference);
  CHECK(codec_memory(CodecKind::kInt8Delta, CodedContent::kChanges) == CodecMemory::kResidual);
  CHECK(codec_memory(CodecKind::kTopK, CodedContent::kWeights) == CodecMemory::kReference);
}
