#include "genkidama/wire/peer_frames.h"

#include <bit>
#include <limits>
#include <vector>

#include "genkidama/wire/frame.h"
#include "genkidama/wire/message.h"
#include "support/catch.h"
#include "support/fake_trainer.h"

using namespace genkidama;
using Catch::Contains;

namespace {

HelloMessage peer_hello() {
  HelloMessage hello;
  hello.name = "node-1";
  hello.library = "genkidama test";
  hello.layout = test::small_layout();
  hello.exchange = "peers";
  hello.peer.emplace();
  hello.peer->instance = 77;
  hello.peer->rule = "diff-dac";
  hello.peer->flow = "sends";
  hello.peer->round = 12;
  hello.peer->neighbours = 3;
  hello.peer->first_weights = 0xfedcba9876543210;
  return hello;
}

}  // namespace

TEST_CASE("a peer's fields go over the wire") {
  const PeerFields fields{PeerFrameKind::kAnswer, 7, 0.25};
  std::vector<std::byte> bytes;
  append_peer_fields(fields, bytes);
  REQUIRE(bytes.size() == kPeerFieldsBytes);
  const std::vector<int> expected{3, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xd0, 0x3f};
  for (std::size_t i = 0; i < bytes.size(); ++i) CHECK(std::to_integer<int>(bytes[i]) == expected[i]);
  const auto decoded = decode_peer_fields(bytes);
  REQUIRE(decoded.ok());
  CHECK(decoded.value() == fields);
}

TEST_CASE("fields that no peer sends are refused") {
  std::vector<std::byte> bytes;
  append_peer_fields({PeerFrameKind::kShare, 1, 1}, bytes);
  bytes[0] = std::byte{4};
  CHECK_THAT(decode_peer_fields(bytes).reason(), Contains("kind 4"));
  for (const double mass :
       {-0.5, 1e10, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    std::vector<std::byte> wrong;
    append_peer_fields({PeerFrameKind::kShare, 1, mass}, wrong);
    CHECK_THAT(decode_peer_fields(wrong).reason(), Contains("mass"));
  }
}

TEST_CASE("a frame of a peer's weights has its fields before them") {
  std::vector<std::byte> extra, frame;
  append_peer_fields({PeerFrameKind::kShare, 2, 1}, extra);
  FrameHeader header;
  header.type = FrameType::kPeerWeights;
  header.session = 77;
  header.sequence = 5;
  header.update = 12;
  const auto weights = test::random_weights(16, 3);
  encode_frame(header, weights, frame, extra);
  std::vector<float> copy;
  const auto view = view_frame(frame, 16, copy, kPeerFieldsBytes);
  REQUIRE(view.ok());
  CHECK(view.value().header == header);
  CHECK(decode_peer_fields(view.value().extra).value().neighbours == 2);
}

TEST_CASE("a peer's hello goes over the wire") {
  const HelloMessage hello = peer_hello();
  const std::string text = encode_message(hello);
  CHECK_THAT(text, Contains("\"role\":\"peer\""));
  const auto decoded = decode_message(text);
  REQUIRE(decoded.ok());
  const auto& read = std::get<HelloMessage>(decoded.value());
  REQUIRE(read.peer.has_value());
  CHECK(*read.peer == *hello.peer);
  CHECK(read.exchange == "peers");
  CHECK(read.name == "node-1");
}

TEST_CASE("a peer's hello with anything wrong in it is refused") {
  const auto refused = [](std::string from, const std::string& to, const std::string& reason) {
    std::string text = encode_message(peer_hello());
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    text.replace(at, from.size(), to);
    const auto decoded = decode_message(text);
    REQUIRE_FALSE(decoded.ok());
    CHECK_THAT(decoded.reason(), Contains(reason));
  };
  refused("\"flow\":\"sends\"", "\"flow\":\"steals\"", "'flow' is 'steals'");
  refused("\"instance\":77", "\"instance\":-1", "instance");
  refused("\"round\":12", "\"round\":9007199254740992", "round");
  refused("fedcba9876543210", "fedcba987654321x", "first_weights");
  refused("fedcba9876543210", "fedcba98765432100", "first_weights");
  refused(",\"rule\":\"diff-dac\"", "", "rule");
  refused("\"role\":\"peer\"", "\"role\":\"child\"", "role 'child'; expected 'peer'");
  refused("\"peer\":{", "\"peer\":[{", "");
}

TEST_CASE("what was taken goes over the wire") {
  const auto decoded = decode_message(encode_message(TakenMessage{41}));
  REQUIRE(decoded.ok());
  CHECK(std::get<TakenMessage>(decoded.value()).sequence == 41);
  CHECK_FALSE(decode_message(R"({"type":"taken"})").ok());
  CHECK_FALSE(decode_message(R"({"type":"taken","sequence":-3})").ok());
}
