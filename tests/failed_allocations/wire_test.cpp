// Messages and frames: std::bad_alloc and nothing else, and never the end of the program.
#include <bit>
#include <new>
#include <span>
#include <string>
#include <vector>

#include "failing_new.h"
#include "genkidama/wire/frame.h"
#include "genkidama/wire/message.h"
#include "support/catch.h"
#include "support/fake_trainer.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

/// Fails at every allocation in turn; every time it must throw std::bad_alloc, and at last return true.
/// Returns how often.
template <typename Action>
std::uint64_t fail_everywhere(const Action& action) {
  return until_none_fails([&](std::uint64_t number) {
    bool threw = false, failed = false, right = false;
    {
      const FailingAllocation failing(number);
      try {
        right = action();
      } catch (const std::bad_alloc&) {
        threw = true;
      }
      failed = failing.failed();
    }
    CAPTURE(number);
    REQUIRE(threw == failed);
    REQUIRE((threw || right));
    return failed;
  });
}

HelloMessage hello() {
  HelloMessage message;
  message.name = "a child with a name that is too long for the small strings";
  message.library = "genkidama, and more than fits into a small string";
  message.layout = small_layout();
  message.capabilities = {"one capability of more than sixteen bytes", "another one of such a length"};
  message.resume = SessionMark{7, 8};
  message.run_id = "a run of which the name is long enough";
  return message;
}

}  // namespace

TEST_CASE("a message that is read without memory is no wrong one") {
  const std::string sound = encode_message(hello());
  CHECK(fail_everywhere([&] { return decode_message(sound).ok(); }) > 30);
  const std::string welcome =
      encode_message(WelcomeMessage{"a parent's name that is long", "its run, long too", "", 1, 2, {"a"}});
  CHECK(fail_everywhere([&] { return decode_message(welcome).ok(); }) > 10);
}

TEST_CASE("a damaged message that is read without memory does not end the program") {
  const std::string sound = encode_message(hello());
  const std::string nested = R"({"type":"hello","layout":[[[[[[[[[[[[1]]]]]]]]]]]]})";
  const std::string repeated = R"({"type":"hello","layout":[{"a":[1,2,{"b":[3]}]}],"layout":{"c":[4]}})";
  for (const std::string& wrong :
       {sound.substr(0, sound.size() / 2), nested, repeated, std::string("[[1],[2]]")}) {
    CAPTURE(wrong);
    CHECK(fail_everywhere([&] { return !decode_message(wrong).ok(); }) > 0);
  }
}

TEST_CASE("a message is written whole or not at all") {
  const HelloMessage message = hello();
  const std::string whole = encode_message(message);
  CHECK(fail_everywhere([&] { return encode_message(message) == whole; }) > 10);
}

TEST_CASE("a frame is read and written whole or not at all") {
  const auto weights = random_weights(100, 1);
  FrameHeader header;
  header.type = FrameType::kChildWeights;
  std::vector<std::byte> whole;
  encode_frame(header, weights, whole);
  CHECK(fail_everywhere([&] {
          std::vector<std::byte> frame;
          encode_frame(header, weights, frame);
          return frame == whole;
        }) > 0);
  // A sound one takes no memory at all.
  std::vector<float> read(weights.size());
  CHECK(fail_everywhere([&] { return decode_frame(whole, read).ok(); }) == 0);
  CHECK(read == weights);
  auto damaged = whole;
  damaged.back() ^= std::byte{1};
  const std::vector<float> before(weights.size(), 0.25f);
  read = before;
  CHECK(fail_everywhere([&] { return !decode_frame(damaged, read).ok(); }) > 0);
  CHECK(read == before);
}

TEST_CASE("a frame in a codec is read and written whole or not at all") {
  const ParameterLayout layout = small_layout();
  const auto weights = random_weights(layout.size(), 1), begin = random_weights(layout.size(), 2);
  for (const CodecKind kind : kCodecKinds) {
    CAPTURE(codec_name(kind));
    const auto write = [&](std::vector<std::byte>& frame) {
      WeightEncoder encoder(kind, layout, CodedContent::kWeights);
      encoder.begin(begin);
      encode_frame({}, weights, encoder, frame);
    };
    std::vector<std::byte> whole;
    write(whole);
    CHECK(fail_everywhere([&] {
            std::vector<std::byte> frame;
            write(frame);
            return frame == whole;
          }) > 0);
    WeightDecoder decoder(kind, layout, CodedContent::kWeights);
    // A sound one takes no more memory than the decoder has.
    CHECK(fail_everywhere([&] {
            decoder.begin(begin);
            const auto parts = split_frame(whole);
            std::span<const float> read;
            return parts.ok() && decoder.decode(parts.value().codec, parts.value().weights, read).empty();
          }) == 0);
    CHECK(fail_everywhere([&] {
            std::span<const float> read;
            return !decoder.decode(kind, std::span(whole).first(90), read).empty();
          }) > 0);
  }
}
