#include "genkidama/wire/environment_frames.h"

#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "genkidama/wire/environment_hello.h"
#include "genkidama/wire/message.h"
#include "support/catch.h"
#include "support/hex.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

const EnvironmentSizes kSizes{2, 1, 3, 1};
const std::vector<float> kAction = {2}, kObservation = {1.5f, -2}, kMetrics = {0.5f};
const std::vector<std::uint8_t> kMask = {1, 0, 1};

EnvironmentRequest reset_request() {
  EnvironmentRequest request;
  request.environment = 3;
  request.ticket = 7;
  request.is_reset = true;
  request.seed = 0x0102030405060708;
  return request;
}

EnvironmentRequest step_request() {
  EnvironmentRequest request;
  request.environment = 258;
  request.ticket = 255;
  request.action = kAction;
  return request;
}

EnvironmentAnswer reset_answer() {
  EnvironmentAnswer answer;
  answer.environment = 3;
  answer.ticket = 7;
  answer.is_reset = true;
  answer.observation = kObservation;
  answer.mask = kMask;
  return answer;
}

EnvironmentAnswer step_answer() {
  EnvironmentAnswer answer;
  answer.environment = 258;
  answer.ticket = 255;
  answer.reward = -1;
  answer.observation = kObservation;
  answer.mask = kMask;
  return answer;
}

EnvironmentAnswer truncated_answer() {
  EnvironmentAnswer answer = step_answer();
  answer.environment = 4;
  answer.truncated = true;
  answer.metrics = kMetrics;
  return answer;
}

EnvironmentAnswer terminated_answer() {
  EnvironmentAnswer answer = truncated_answer();
  answer.environment = 5;
  answer.truncated = false;
  answer.terminated = true;
  answer.mask = {};
  return answer;
}

EnvironmentAnswer lost_answer() {
  EnvironmentAnswer answer;
  answer.environment = 6;
  answer.lost = true;
  return answer;
}

template <typename... Rows>
std::vector<std::byte> frame_of(const Rows&... rows) {
  EnvironmentFrame frame;
  (frame.add(rows), ...);
  return frame.finish();
}

std::string refused_answers(const std::vector<std::byte>& frame) {
  std::vector<float> values;
  const auto decoded = decode_environment_answers(frame, kSizes, values);
  REQUIRE_FALSE(decoded.ok());
  return decoded.reason();
}

std::string refused_requests(const std::vector<std::byte>& frame) {
  std::vector<float> values;
  const auto decoded = decode_environment_requests(frame, kSizes, values);
  REQUIRE_FALSE(decoded.ok());
  return decoded.reason();
}

bool same(const EnvironmentAnswer& a, const EnvironmentAnswer& b) {
  const auto equal = [](const auto& x, const auto& y) {
    return std::equal(x.begin(), x.end(), y.begin(), y.end());
  };
  return a.environment == b.environment && a.ticket == b.ticket && a.is_reset == b.is_reset &&
         a.terminated == b.terminated && a.truncated == b.truncated && a.lost == b.lost &&
         a.reward == b.reward && equal(a.observation, b.observation) && equal(a.metrics, b.metrics) &&
         equal(a.mask, b.mask);
}

EnvironmentHello example_hello() {
  EnvironmentHello hello;
  hello.name = "board-1";
  hello.library = "genkidama 0.3.0";
  hello.environments = 64;
  hello.environment.name = "Arm";
  hello.environment.observation_shape = {4, 84};
  hello.environment.choices = {3};
  hello.environment.low = {-0.1f, -std::numeric_limits<float>::infinity()};
  hello.environment.high = {1, std::numeric_limits<float>::infinity()};
  hello.environment.masks_actions = true;
  hello.environment.time_limit = 1000;
  hello.environment.metrics = {"success"};
  return hello;
}

std::string refused_hello(const std::string& key, const std::string& value, const std::string& by) {
  std::string text = encode_environment_hello(example_hello());
  const auto at = text.find("\"" + key + "\":" + value);
  REQUIRE(at != std::string::npos);
  text.replace(at + key.size() + 3, value.size(), by);
  const auto decoded = decode_environment_hello(text);
  REQUIRE_FALSE(decoded.ok());
  return decoded.reason();
}

}  // namespace

TEST_CASE("requests are read as they were written, in the bytes that the documentation shows", "[wire]") {
  const auto frame = frame_of(reset_request(), step_request());
  CHECK(hex(frame).substr(0, 16) == "474b444530000200");
  CHECK(hex(frame).substr(32) ==
        "030007010807060504030201"
        "0201ff0000000040");
  std::vector<float> values;
  const auto decoded = decode_environment_requests(frame, kSizes, values);
  REQUIRE(decoded.ok());
  REQUIRE(decoded.value().size() == 2);
  CHECK(decoded.value()[0].is_reset);
  CHECK(decoded.value()[0].environment == 3);
  CHECK(decoded.value()[0].ticket == 7);
  CHECK(decoded.value()[0].seed == 0x0102030405060708);
  CHECK_FALSE(decoded.value()[1].is_reset);
  CHECK(decoded.value()[1].environment == 258);
  CHECK(decoded.value()[1].action[0] == 2);
}

TEST_CASE("answers are read as they were written, of every kind", "[wire]") {
  const std::vector<EnvironmentAnswer> answers = {reset_answer(), step_answer(), truncated_answer(),
                                                  terminated_answer(), lost_answer()};
  EnvironmentFrame builder;
  for (const EnvironmentAnswer& answer : answers) builder.add(answer);
  const auto frame = builder.finish();
  CHECK(hex(frame).substr(0, 16) == "474b444531000500");
  std::vector<float> values;
  const auto decoded = decode_environment_answers(frame, kSizes, values);
  REQUIRE(decoded.ok());
  REQUIRE(decoded.value().size() == answers.size());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    CAPTURE(i);
    CHECK(same(decoded.value()[i], answers[i]));
  }
}

TEST_CASE("a step of LunarLander takes 48 bytes in both directions, and a frame 16 more each way", "[wire]") {
  const EnvironmentSizes lander{8, 1, 0, 0};
  EnvironmentAnswer answer;
  const std::vector<float> observation(8);
  answer.observation = observation;
  const auto there = frame_of(step_request()), back = frame_of(answer);
  CHECK(there.size() + back.size() == 48 + 2 * kEnvironmentHeaderBytes);
  CHECK(answer_row_bytes(lander) == 40);
}

TEST_CASE("whatever is wrong with a frame of environments is told", "[wire]") {
  const auto sound = frame_of(step_answer(), lost_answer());
  for (std::size_t i = 0; i < sound.size(); ++i) {
    auto damaged = sound;
    damaged[i] ^= std::byte{0x10};
    CAPTURE(i);
    CHECK_FALSE(refused_answers(damaged).empty());
    auto cut = sound;
    cut.resize(i);
    CHECK_FALSE(refused_answers(cut).empty());
  }
  CHECK_THAT(refused_answers(frame_of(step_request())), Contains("type 48; expected type 49"));
  CHECK_THAT(refused_requests(frame_of(step_answer())), Contains("type 49; expected type 48"));
  EnvironmentFrame empty;
  CHECK_THAT(refused_answers(empty.finish()), Contains("expected type") || Contains("without rows"));

  const std::vector<float> bad = {1, std::numeric_limits<float>::quiet_NaN()};
  EnvironmentAnswer answer = step_answer();
  answer.observation = bad;
  CHECK_THAT(refused_answers(frame_of(lost_answer(), answer)),
             Contains("row 1 has a number that is not finite"));
  answer = step_answer();
  answer.reward = std::numeric_limits<float>::infinity();
  CHECK_THAT(refused_answers(frame_of(answer)), Contains("not finite"));
  answer = truncated_answer();
  answer.metrics = std::span(bad).subspan(1);
  CHECK_THAT(refused_answers(frame_of(answer)), Contains("not finite"));
  const std::vector<std::uint8_t> mask = {1, 2, 0};
  answer = step_answer();
  answer.mask = mask;
  CHECK_THAT(refused_answers(frame_of(answer)), Contains("another byte than 0 or 1"));
  answer = step_answer();
  answer.terminated = answer.truncated = true;
  CHECK_THAT(refused_answers(frame_of(answer)), Contains("flags 6"));
  answer = step_answer();
  answer.mask = {};
  CHECK_THAT(refused_answers(frame_of(answer)), Contains("ends within row 0"));
  answer = terminated_answer();
  answer.mask = kMask;
  CHECK_THAT(refused_answers(frame_of(answer)), Contains("bytes behind the last row"));
  EnvironmentRequest request = step_request();
  request.action = std::span(bad).subspan(1);
  CHECK_THAT(refused_requests(frame_of(request)), Contains("not finite"));
  request.action = kObservation;
  CHECK_THAT(refused_requests(frame_of(request)), Contains("bytes behind the last row"));
}

TEST_CASE("a host's hello is read as it was written", "[wire]") {
  const EnvironmentHello hello = example_hello();
  const std::string text = encode_environment_hello(hello);
  CHECK(is_environment_hello(text));
  const auto decoded = decode_environment_hello(text);
  REQUIRE(decoded.ok());
  CHECK(decoded.value().name == hello.name);
  CHECK(decoded.value().library == hello.library);
  CHECK(decoded.value().environments == 64);
  CHECK(decoded.value().environment == hello.environment);
  // Others do not take it for theirs.
  CHECK_THAT(decode_message(text).reason(), Contains("environment_hello"));
  CHECK_FALSE(is_environment_hello(encode_message(LeaveMessage{"x"})));
  CHECK_FALSE(is_environment_hello("no JSON"));
}

TEST_CASE("whatever is wrong with a host's hello is told", "[wire]") {
  CHECK_THAT(refused_hello("protocol", "1", "2"), Contains("protocol version 2; this side speaks 1"));
  CHECK_THAT(refused_hello("environments", "64", "0"), Contains("'environments' is 0; expected 1 to 4096"));
  CHECK_THAT(refused_hello("environments", "64", "4097"), Contains("4097"));
  CHECK_THAT(refused_hello("name", "\"board-1\"", "\"\""), Contains("'name' is empty"));
  CHECK_THAT(refused_hello("role", "\"environment_host\"", "\"child\""), Contains("role 'child'"));
  CHECK_THAT(refused_hello("observation_shape", "[4,84]", "[]"), Contains("'observation_shape' is empty"));
  CHECK_THAT(refused_hello("observation_shape", "[4,84]", "[4,0]"), Contains("observation_shape"));
  CHECK_THAT(refused_hello("observation_shape", "[4,84]", "[1,1,1,1,1,1,1,1,1]"), Contains("9 entries"));
  CHECK_THAT(refused_hello("choices", "[3]", "[\"3\"]"), Contains("choices"));
  CHECK_THAT(refused_hello("low", "[-0.1,null]", "[-0.1]"), Contains("'low' has 1 entries and 'high' 2"));
  CHECK_THAT(refused_hello("low", "[-0.1,null]", "[-0.1,1e39]"), Contains("a float holds"));
  CHECK_THAT(refused_hello("masks_actions", "1", "2"), Contains("neither 0 nor 1"));
  CHECK_THAT(refused_hello("metrics", "[\"success\"]", "[1]"), Contains("metrics"));
}
