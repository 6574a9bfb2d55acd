#include "genkidama/wire/message.h"

#include <random>
#include <string>
#include <vector>

#include "genkidama/wire/protocol.h"
#include "support/catch.h"

using namespace genkidama;

namespace {

ParameterLayout example_layout() {
  return ParameterLayout({{"pi1.weight", {128, 8}}, {"pi1.bias", {128}}, {"scale", {}}});
}

HelloMessage example_hello() {
  return {"pi-7", "run-1", "genkidama 0.1.0", example_layout(), 4711, {"later"}};
}

/// A hello's text with one piece of it replaced.
std::string hello_with(const std::string& piece, const std::string& instead) {
  std::string text = encode_message(example_hello());
  const std::size_t at = text.find(piece);
  REQUIRE(at != std::string::npos);
  return text.replace(at, piece.size(), instead);
}

std::string refused(const std::string& text) {
  const auto decoded = decode_message(text);
  INFO(text);
  REQUIRE_FALSE(decoded.ok());
  return decoded.reason();
}

template <typename T>
T round_trip(const T& message) {
  const auto decoded = decode_message(encode_message(message));
  INFO((decoded.ok() ? "" : decoded.reason()));
  REQUIRE(decoded.ok());
  REQUIRE(std::holds_alternative<T>(decoded.value()));
  return std::get<T>(decoded.value());
}

}  // namespace

TEST_CASE("a hello comes back as it was sent", "[message]") {
  const HelloMessage hello = round_trip(example_hello());
  CHECK(hello.name == "pi-7");
  CHECK(hello.run_id == "run-1");
  CHECK(hello.library == "genkidama 0.1.0");
  CHECK(hello.layout == example_layout());
  CHECK(hello.environment_steps == 4711);
  CHECK(hello.capabilities == std::vector<std::string>{"later"});
}

TEST_CASE("a hello carries what describes its policy, and says nothing of what is not known", "[message]") {
  HelloMessage hello = example_hello();
  CHECK(encode_message(hello).find("\"network\"") == std::string::npos);
  CHECK(encode_message(hello).find("\"behaviour\"") == std::string::npos);
  CHECK(encode_message(hello).find("\"normalisation\"") == std::string::npos);
  CHECK(round_trip(hello).policy == PolicyDescription{});
  hello.policy = {"mlp 64 64 tanh", "gaussian clip", "observations 10 rewards"};
  CHECK(round_trip(hello).policy == hello.policy);
  hello.policy.network = "a\nb\xff" + std::string(2000, 'x');
  CHECK(round_trip(hello).policy.network == description_text(hello.policy.network));
  CHECK(description_text(hello.policy.network).size() == kMaxReasonBytes);
  for (const std::string bad : {"1", "null", "[]", "{}", "true"}) {
    CHECK_THAT(refused(hello_with("\"role\":", "\"normalisation\":" + bad + ",\"role\":")),
               Catch::Contains("'normalisation'"));
    CHECK_THAT(refused(hello_with("\"role\":", "\"network\":" + bad + ",\"role\":")),
               Catch::Contains("'network'"));
  }
  CHECK_THAT(refused(hello_with("\"role\":",
                                "\"behaviour\":\"" + std::string(kMaxReasonBytes + 1, 'x') + "\",\"role\":")),
             Catch::Contains("'behaviour'"));
}

TEST_CASE("a welcome that shows a Child by another name says so, and others say nothing", "[message]") {
  WelcomeMessage welcome{"parent", "run-2", "", 12, 17, {}};
  CHECK(encode_message(welcome).find("shown_name") == std::string::npos);
  CHECK(round_trip(welcome).shown_name.empty());
  welcome.shown_name = "pi-7#2";
  CHECK(round_trip(welcome).shown_name == "pi-7#2");
  std::string text = encode_message(welcome);
  text.replace(text.find("pi-7#2"), 6, std::string(kMaxNameBytes + 1, 'x'));
  CHECK(refused(text).find("shown_name") != std::string::npos);
}

TEST_CASE("float32 is not said, and another codec comes back as it was sent", "[message]") {
  HelloMessage hello = example_hello();
  WelcomeMessage welcome{"parent", "run-2", "", 12, 17, {}};
  CHECK(encode_message(hello).find("codec") == std::string::npos);
  CHECK(encode_message(welcome).find("codec") == std::string::npos);
  CHECK(round_trip(hello).codec == "f32");
  CHECK(round_trip(welcome).codec == "f32");
  // Also one of a later version: it is the receiver that knows what it does not know.
  for (const char* codec : {"int8-delta", "zip-9"}) {
    hello.codec = welcome.codec = codec;
    CHECK(round_trip(hello).codec == codec);
    CHECK(round_trip(welcome).codec == codec);
  }
  const std::string long_name = "\"" + std::string(kMaxNameBytes + 1, 'x') + "\"";
  for (const std::string& bad : {std::string("1"), std::string("null"), std::string("[]"), long_name}) {
    CHECK_THAT(refused(hello_with("\"role\":", "\"codec\":" + bad + ",\"role\":")),
               Catch::Contains("'codec'"));
  }
}

TEST_CASE("the thesis' exchange is not said, and another one comes back as it was sent", "[message]") {
  HelloMessage hello = example_hello();
  WelcomeMessage welcome{"parent", "run-2", "", 12, 17, {}};
  CHECK(encode_message(hello).find("exchange") == std::string::npos);
  CHECK(encode_message(welcome).find("exchange") == std::string::npos);
  CHECK(encode_message(welcome).find("longest_wait_ms") == std::string::npos);
  CHECK(round_trip(hello).exchange == "each");
  CHECK(round_trip(welcome).exchange == "each");
  CHECK(round_trip(welcome).longest_wait_ms == 0);
  hello.exchange = welcome.exchange = "rounds";
  welcome.longest_wait_ms = 420'000;
  CHECK(round_trip(hello).exchange == "rounds");
  CHECK(round_trip(welcome).exchange == "rounds");
  CHECK(round_trip(welcome).longest_wait_ms == 420'000);
  CHECK(encode_message(welcome).find("actors") == std::string::npos);
  CHECK(round_trip(welcome).actors == "waiting");
  welcome.actors = "asynchronous";
  CHECK(round_trip(welcome).actors == "asynchronous");
  CHECK(encode_message(hello).find("round_steps") == std::string::npos);
  CHECK(round_trip(hello).round_steps == 0);
  hello.round_steps = 2'048;
  CHECK(round_trip(hello).round_steps == 2'048);
  // Of a later version: it is the receiver that knows what it does not know.
  hello.exchange = "ring";
  CHECK(round_trip(hello).exchange == "ring");
  const std::string long_name = "\"" + std::string(kMaxNameBytes + 1, 'x') + "\"";
  for (const std::string& bad : {std::string("1"), std::string("null"), std::string("[]"), long_name}) {
    CHECK_THAT(refused(hello_with("\"role\":", "\"exchange\":" + bad + ",\"role\":")),
               Catch::Contains("'exchange'"));
  }
}

TEST_CASE("a welcome tells a member what its population explores, and others nothing", "[message]") {
  WelcomeMessage welcome{"parent", "run-2", "", 12, 17, {}};
  CHECK(encode_message(welcome).find("explored") == std::string::npos);
  CHECK(round_trip(welcome).explored.empty());
  welcome.exchange = "population";
  welcome.explored = {"learning_rate", "entropy_weight"};
  CHECK(round_trip(welcome).explored == welcome.explored);
  std::string text = encode_message(welcome);
  const std::string piece = "[\"learning_rate\",\"entropy_weight\"]";
  const std::size_t at = text.find(piece);
  REQUIRE(at != std::string::npos);
  CHECK_THAT(refused(text.replace(at, piece.size(), "\"learning_rate\"")),
             Catch::Contains("'explored' is not an array of at most 32 texts"));
}

TEST_CASE("a welcome comes back as it was sent", "[message]") {
  const WelcomeMessage welcome = round_trip(WelcomeMessage{"parent", "run-2", "", kMaxJsonInteger, 17, {}});
  CHECK(welcome.name == "parent");
  CHECK(welcome.run_id == "run-2");
  CHECK(welcome.session == kMaxJsonInteger);
  CHECK(welcome.update == 17);
  CHECK(welcome.capabilities.empty());
}

TEST_CASE("a session to go on with, and what was merged of it, come back as they were sent", "[message]") {
  HelloMessage hello = example_hello();
  CHECK_FALSE(round_trip(hello).resume);
  hello.resume = SessionMark{kMaxJsonInteger, 7};
  CHECK(round_trip(hello).resume == hello.resume);
  WelcomeMessage welcome{"parent", "run-2", "", 12, 17, {}};
  CHECK_FALSE(round_trip(welcome).sequence);
  welcome.sequence = 0;
  CHECK(round_trip(welcome).sequence == 0);
  welcome.sequence = kMaxJsonInteger;
  CHECK(round_trip(welcome).sequence == kMaxJsonInteger);
}

TEST_CASE("a malformed session to go on with is refused, and the reason names it", "[message]") {
  const auto with = [](const std::string& resume) {
    return hello_with("\"role\":", "\"resume\":" + resume + ",\"role\":");
  };
  CHECK(decode_message(with(R"({"session":1,"sequence":2})")).ok());
  CHECK(decode_message(with(R"({"session":1,"sequence":2,"later":[3]})")).ok());
  for (const char* bad : {"1", "null", "[1,2]", "\"1\"", "true"}) {
    CHECK_THAT(refused(with(bad)), Catch::Contains("'resume' is not an object"));
  }
  CHECK_THAT(refused(with("{}")), Catch::Contains("'resume': 'session' is missing"));
  CHECK_THAT(refused(with(R"({"session":1})")), Catch::Contains("'resume': 'sequence' is missing"));
  CHECK_THAT(refused(with(R"({"sequence":1})")), Catch::Contains("'resume': 'session' is missing"));
  for (const char* bad : {"9007199254740992", "-1", "1.5", "true", "\"1\"", "null", "{}"}) {
    CHECK_THAT(refused(with(std::string(R"({"session":1,"sequence":)") + bad + "}")),
               Catch::Contains("'resume': 'sequence'"));
    CHECK_THAT(refused(with(std::string(R"({"sequence":1,"session":)") + bad + "}")),
               Catch::Contains("'resume': 'session'"));
  }
  CHECK_THAT(refused(with(R"({"session":1,"session":1,"sequence":2})")), Catch::Contains("twice"));
}

TEST_CASE("a malformed number of the last merged frame is refused", "[message]") {
  const std::string start =
      R"({"type":"welcome","protocol":1,"role":"parent","name":"p","run_id":"r","update":0,"session":1,)";
  CHECK(decode_message(start + "\"sequence\":3}").ok());
  for (const char* bad : {"9007199254740992", "-1", "1.0", "true", "\"1\"", "null", "{}"}) {
    CHECK_THAT(refused(start + "\"sequence\":" + bad + "}"), Catch::Contains("'sequence'"));
  }
}

TEST_CASE("refusals, ends and leaves come back as they were sent", "[message]") {
  for (const RefusalCode code : {RefusalCode::kProtocol, RefusalCode::kLayout, RefusalCode::kWeights,
                                 RefusalCode::kFrame, RefusalCode::kSequence, RefusalCode::kBusy}) {
    const RefuseMessage refuse = round_trip(RefuseMessage{code, "because"});
    CHECK(refuse.code == code);
    CHECK(refuse.reason == "because");
  }
  CHECK(round_trip(EndMessage{"fini, merci à tous"}).reason == "fini, merci à tous");
  CHECK(round_trip(LeaveMessage{""}).reason.empty());
}

TEST_CASE("the text of the messages is the documented JSON", "[message]") {
  CHECK(encode_message(EndMessage{"done"}) == R"({"reason":"done","type":"end"})");
  CHECK(decode_message(R"({"type":"hello","protocol":1,"role":"child","name":"c",)"
                       R"("layout":[{"name":"w","shape":[2,3]}]})")
            .ok());
}

TEST_CASE("unknown keys are ignored", "[message]") {
  CHECK(decode_message(R"({"type":"end","reason":"r","later":{"a":[1,2,{"b":null}]}})").ok());
}

TEST_CASE("control characters never leave a decoded reason", "[message]") {
  const auto decoded = decode_message("{\"type\":\"end\",\"reason\":\"a\\u001b[2J\\u009bb\\nc\"}");
  REQUIRE(decoded.ok());
  CHECK(std::get<EndMessage>(decoded.value()).reason == "a?[2J?b?c");
}

TEST_CASE("a reason that is too long is cut, between characters, when sent", "[message]") {
  std::string reason = "x";
  while (reason.size() < 3 * kMaxReasonBytes) reason += "ü";
  const std::string got = round_trip(EndMessage{reason}).reason;
  CHECK(got.size() <= kMaxReasonBytes);
  CHECK(got.size() > kMaxReasonBytes - 8);
  CHECK(reason.substr(0, got.size()) == got);
}

TEST_CASE("a hello with a wrong field is refused, and the reason names the field", "[message]") {
  CHECK_THAT(refused(hello_with("\"protocol\":1", "\"protocol\":2")), Catch::Contains("protocol version 2"));
  CHECK_THAT(refused(hello_with("\"protocol\":1", "\"protocol\":\"1\"")), Catch::Contains("'protocol'"));
  CHECK_THAT(refused(hello_with("\"protocol\":1,", "")), Catch::Contains("'protocol' is missing"));
  CHECK_THAT(refused(hello_with("\"child\"", "\"parent\"")), Catch::Contains("role 'parent'"));
  CHECK_THAT(refused(hello_with("\"pi-7\"", "\"\"")), Catch::Contains("'name'"));
  CHECK_THAT(refused(hello_with("\"pi-7\"", "\"a\\u0007b\"")), Catch::Contains("'name'"));
  CHECK_THAT(refused(hello_with("pi-7", std::string(65, 'n'))), Catch::Contains("'name'"));
  CHECK_THAT(refused(hello_with("4711", "-4711")), Catch::Contains("'environment_steps'"));
  CHECK_THAT(refused(hello_with("\"run-1\"", "7")), Catch::Contains("'run_id'"));
  CHECK_THAT(refused(hello_with("[\"later\"]", "[3]")), Catch::Contains("'capabilities'"));
  CHECK_THAT(refused(hello_with("\"hello\"", "\"hullo\"")), Catch::Contains("'hullo'"));
  std::string many = "[\"c\"";
  for (std::size_t i = 0; i < kMaxCapabilities; ++i) many += ",\"c\"";
  CHECK_THAT(refused(hello_with("[\"later\"]", many + "]")), Catch::Contains("'capabilities'"));
}

TEST_CASE("a hello with an impossible layout is refused", "[message]") {
  CHECK_THAT(refused(hello_with("[128,8]", "[128,-8]")), Catch::Contains("tensor 0"));
  CHECK_THAT(refused(hello_with("[128,8]", "[128,8.5]")), Catch::Contains("tensor 0"));
  CHECK_THAT(refused(hello_with("[128,8]", "[128,0]")), Catch::Contains("pi1.weight"));
  CHECK_THAT(refused(hello_with("[128,8]", "[128,9007199254740991]")), Catch::Contains("pi1.weight"));
  CHECK_THAT(refused(hello_with("[128,8]", "[128,18446744073709551615]")), Catch::Contains("tensor 0"));
  CHECK_THAT(refused(hello_with("[128,8]", "[128,1e400]")), Catch::Contains("not JSON"));
  CHECK_THAT(refused(hello_with("[128,8]", "\"128,8\"")), Catch::Contains("tensor 0"));
  CHECK_THAT(refused(hello_with("\"pi1.bias\"", "\"pi1.weight\"")), Catch::Contains("second 'pi1.weight'"));
  CHECK_THAT(refused(hello_with("[128,8]", "[128,9]")), Catch::Contains("layout_hash"));
  std::string tensors = "{\"type\":\"hello\",\"protocol\":1,\"role\":\"child\",\"name\":\"c\",\"layout\":[1";
  for (std::size_t i = 0; i < kMaxTensors; ++i) tensors += ",1";
  CHECK_THAT(refused(tensors + "]}"), Catch::Contains("at most 16384"));
}

TEST_CASE("session and update must be integers that every language can hold", "[message]") {
  const std::string start =
      R"({"type":"welcome","protocol":1,"role":"parent","name":"p","run_id":"r","update":0,)";
  CHECK(decode_message(start + "\"session\":9007199254740991}").ok());
  for (const char* bad : {"9007199254740992", "-1", "1.0", "true", "\"1\"", "null"}) {
    CHECK_THAT(refused(start + "\"session\":" + bad + "}"), Catch::Contains("'session'"));
  }
}

TEST_CASE("text that is not a JSON object is refused", "[message]") {
  for (const char* text :
       {"", " ", "hello", "[]", "3", "null", "\"hello\"", "{", "{\"type\":}", "{}x", "{\"type\":7}", "{}",
        "{'type':'end'}", "\xff\xfe", "{\"type\":\"end\",\"reason\":\"\xff\"}"}) {
    refused(text);
  }
  refused(std::string("{\"type\":\"end\"\0}", 15));
}

TEST_CASE("a key given twice is refused", "[message]") {
  CHECK_THAT(refused(R"({"type":"end","reason":"a","reason":"b"})"), Catch::Contains("twice"));
  CHECK_THAT(refused(R"({"type":"end","reason":"a","later":[{"a":1,"a":2}]})"), Catch::Contains("twice"));
  CHECK(decode_message(R"({"type":"end","reason":"a","later":[{"a":1},{"a":2}]})").ok());
}

TEST_CASE("deep nesting is refused without deep recursion", "[message]") {
  for (const std::size_t depth : {std::size_t{20}, std::size_t{200'000}}) {
    const std::string open(depth, '['), close(depth, ']');
    CHECK_THAT(refused("{\"type\":\"end\",\"reason\":\"\",\"later\":" + open + close + "}"),
               Catch::Contains("8 objects"));
    refused(open);
  }
}

TEST_CASE("every truncation of a hello is refused", "[message]") {
  const std::string text = encode_message(example_hello());
  for (std::size_t length = 0; length < text.size(); ++length) refused(text.substr(0, length));
}

TEST_CASE("damaged messages are decoded or refused but never crash", "[message]") {
  const std::string text = encode_message(example_hello());
  std::mt19937 random(11);
  for (int i = 0; i < 20'000; ++i) {
    std::string damaged = text;
    for (unsigned flips = 1 + random() % 4; flips > 0; --flips) {
      damaged[random() % damaged.size()] = static_cast<char>(random());
    }
    const auto decoded = decode_message(damaged);
    if (decoded.ok()) {
      CHECK(std::holds_alternative<HelloMessage>(decoded.value()));
    } else {
      CHECK_FALSE(decoded.reason().empty());
    }
  }
}

TEST_CASE("a welcome tells an actor its place among all actors") {
  WelcomeMessage welcome{"parent", "run-2", "", 12, 17, {}};
  const std::string untold = encode_message(welcome);
  CHECK(untold.find("place") == std::string::npos);
  welcome.place = 3;
  welcome.places = 8;
  const std::string told = encode_message(welcome);
  const auto read = std::get<WelcomeMessage>(decode_message(told).value());
  CHECK(read.place == 3);
  CHECK(read.places == 8);
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string text = told;
    text.replace(text.find(from), from.size(), to);
    return decode_message(text);
  };
  const std::string places = "\"places\":8";
  REQUIRE(told.find(places) != std::string::npos);
  CHECK(!changed(places, "\"places\":3").ok());
  CHECK(!changed(places, "\"places\":100001").ok());
  CHECK(!changed(places, "\"places\":-1").ok());
}
