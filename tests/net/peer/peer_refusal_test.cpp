// What a neighbour may send that no sound peer would.

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "genkidama/wire/peer_frames.h"
#include "genkidama/wire/protocol.h"
#include "net/peer/peer_fixture.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/raw_peer.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

constexpr std::size_t kWeights = 16;

HelloMessage hello_of(const std::string& name, MixingRule rule) {
  HelloMessage hello;
  hello.name = name;
  hello.library = "a test";
  hello.layout = small_layout();
  hello.exchange = "peers";
  hello.peer.emplace();
  hello.peer->instance = 4711;
  hello.peer->rule = mixing_name(rule);
  return hello;
}

FrameHeader header_of(std::uint64_t sequence) {
  FrameHeader header;
  header.type = FrameType::kPeerWeights;
  header.session = 4711;
  header.sequence = sequence;
  header.update = sequence;
  return header;
}

std::vector<std::byte> fields_of(PeerFrameKind kind, double mass = 1) {
  std::vector<std::byte> bytes;
  append_peer_fields({kind, 1, mass}, bytes);
  return bytes;
}

/// Upgraded, and greeted both ways; the neighbour's first frame was read.
void greet(RawPeer& peer, MixingRule rule, const std::string& name = "raw") {
  peer.upgrade();
  peer.send_message(hello_of(name, rule));
  REQUIRE(peer.read_message<HelloMessage>().peer.has_value());
  REQUIRE(peer.read().opcode == 2);
}

void join(RawPeer& peer, MixingRule rule, const std::string& name = "raw") {
  greet(peer, rule, name);
  peer.send_weights(header_of(0), random_weights(kWeights, 5), fields_of(PeerFrameKind::kFirst));
}

/// The refusal, whatever frames and texts come before it.
RefuseMessage refusal_of(RawPeer& peer) {
  while (true) {
    const auto received = peer.read();
    if (received.opcode == 2) continue;
    REQUIRE(received.opcode == 1);
    const auto message = decode_message(received.payload);
    REQUIRE(message.ok());
    if (const auto* refusal = std::get_if<RefuseMessage>(&message.value())) return *refusal;
  }
}

/// After whatever happened, a sound neighbour is averaged with.
void expect_serves(PeerThread& running, MixingRule rule) {
  PeerOptions options = peer_options("sound", rule);
  options.neighbours = {{loopback(running.port())}};
  PeerThread sound(options);
  sound.run([](const PeerProgress& progress) { return progress.exchanges < 3; });
  CHECK_THAT(sound.get(), Contains("ended"));
  for (const float weight : sound.trainer.weights()) CHECK(std::isfinite(weight));
}

PeerOptions patient(MixingRule rule) {
  PeerOptions options = peer_options("victim", rule);
  options.exchange_timeout = Milliseconds(2'000);
  return options;
}

}  // namespace

TEST_CASE("frames that no peer sends are refused, and the peer goes on") {
  const MixingRule rule = MixingRule::kGala;
  PeerThread running(patient(rule));
  running.run();
  const auto weights = random_weights(kWeights, 5);
  const auto refused = [&](RefusalCode code, const std::string& reason, const auto& send) {
    CAPTURE(reason);
    RawPeer peer(running.port());
    join(peer, rule);
    send(peer);
    const RefuseMessage refusal = refusal_of(peer);
    CHECK(refusal.code == code);
    CHECK_THAT(refusal.reason, Contains(reason));
  };
  refused(RefusalCode::kFrame, "from a peer", [&](RawPeer& peer) {
    FrameHeader header = header_of(1);
    header.type = FrameType::kChildWeights;
    peer.send_weights(header, weights, fields_of(PeerFrameKind::kShare));
  });
  refused(RefusalCode::kSequence, "instance", [&](RawPeer& peer) {
    FrameHeader header = header_of(1);
    header.session = 4712;
    peer.send_weights(header, weights, fields_of(PeerFrameKind::kShare));
  });
  refused(RefusalCode::kSequence, "behind frame 3", [&](RawPeer& peer) {
    peer.send_weights(header_of(3), weights, fields_of(PeerFrameKind::kShare));
    peer.send_weights(header_of(3), weights, fields_of(PeerFrameKind::kShare));
  });
  refused(RefusalCode::kSequence, "second first frame",
          [&](RawPeer& peer) { peer.send_weights(header_of(0), weights, fields_of(PeerFrameKind::kFirst)); });
  refused(RefusalCode::kProtocol, "not for the rule", [&](RawPeer& peer) {
    peer.send_weights(header_of(1), weights, fields_of(PeerFrameKind::kRequest));
  });
  refused(RefusalCode::kFrame, "mass", [&](RawPeer& peer) {
    peer.send_weights(header_of(1), weights, fields_of(PeerFrameKind::kShare, -1));
  });
  refused(RefusalCode::kFrame, "frame", [&](RawPeer& peer) {
    peer.send_weights(header_of(1), std::span(weights).first(3), fields_of(PeerFrameKind::kShare));
  });
  for (const std::uint64_t round : {~std::uint64_t{0}, kMaxJsonInteger + 6, kMaxJsonInteger}) {
    refused(RefusalCode::kSequence, "weights of round", [&](RawPeer& peer) {
      FrameHeader header = header_of(1);
      header.update = round;
      peer.send_weights(header, weights, fields_of(PeerFrameKind::kShare));
    });
  }
  refused(RefusalCode::kFrame, "", [&](RawPeer& peer) { peer.send_frame(2, std::string(200, 'x')); });
  refused(RefusalCode::kProtocol, "not expected here",
          [&](RawPeer& peer) { peer.send_message(EndMessage{"over"}); });
  refused(RefusalCode::kProtocol, "", [&](RawPeer& peer) { peer.send_frame(1, "{\"type\":\"taken\"}"); });
  expect_serves(running, rule);
}

TEST_CASE("a neighbour cannot move the clock of rounds out of reach") {
  const MixingRule rule = MixingRule::kGala;
  PeerThread running(patient(rule));
  running.run();
  {
    RawPeer peer(running.port());
    peer.upgrade();
    HelloMessage hello = hello_of("raw", rule);
    hello.peer->round = kMaxJsonInteger;
    peer.send_message(hello);
    CHECK_THAT(refusal_of(peer).reason, Contains("weights of round"));
  }
  {
    RawPeer peer(running.port());
    greet(peer, rule);
    FrameHeader header = header_of(0);
    header.update = kMaxJsonInteger;
    peer.send_weights(header, random_weights(kWeights, 5), fields_of(PeerFrameKind::kFirst));
    CHECK_THAT(refusal_of(peer).reason, Contains("weights of round"));
  }
  expect_serves(running, rule);
  for (const PeerNeighbourStatus& each : running.peer.neighbours())
    if (each.name == "sound") CHECK(each.round < 1'000'000);
}

TEST_CASE("weights that are not finite or out of proportion are refused, and their sender for a while") {
  const MixingRule rule = GENERATE(MixingRule::kGala, MixingRule::kPairs, MixingRule::kDiffusion);
  CAPTURE(mixing_name(rule));
  PeerThread running(patient(rule));
  running.run();
  std::vector<float> weights = random_weights(kWeights, 5);
  const bool is_finite = GENERATE(false, true);
  if (is_finite) {
    for (float& weight : weights) weight *= 1e6F;
  } else {
    weights[2] = std::numeric_limits<float>::quiet_NaN();
  }
  const auto kind = rule == MixingRule::kPairs ? PeerFrameKind::kRequest : PeerFrameKind::kShare;
  {
    RawPeer peer(running.port());
    join(peer, rule);
    peer.send_weights(header_of(1), weights, fields_of(kind));
    const RefuseMessage refusal = refusal_of(peer);
    CHECK(refusal.code == RefusalCode::kWeights);
    CHECK_THAT(refusal.reason, Contains(is_finite ? "out of proportion" : "not a finite number"));
  }
  {
    RawPeer again(running.port());
    again.upgrade();
    again.send_message(hello_of("raw", rule));
    const RefuseMessage refusal = refusal_of(again);
    CHECK(refusal.code == RefusalCode::kBusy);
    CHECK_THAT(refusal.reason, Contains("may come again"));
  }
  expect_serves(running, rule);
}

TEST_CASE("requests without waiting for their answers are refused") {
  PeerThread running(patient(MixingRule::kPairs));
  running.run();
  RawPeer peer(running.port());
  join(peer, MixingRule::kPairs);
  // Read nothing: answers pile up at the other end.
  bool is_refused = false;
  for (std::uint64_t sequence = 1; sequence <= 2'000 && !is_refused; ++sequence) {
    try {
      peer.send_weights(header_of(sequence), random_weights(kWeights, 5), fields_of(PeerFrameKind::kRequest));
    } catch (const std::exception&) {
      is_refused = true;
    }
  }
  expect_serves(running, MixingRule::kPairs);
}

TEST_CASE("a neighbour that greets and then says nothing is let go, and holds nobody up") {
  const MixingRule rule = MixingRule::kDiffusion;
  PeerOptions options = patient(rule);
  options.exchange_timeout = Milliseconds(300);
  options.join_timeout = Milliseconds(10);
  PeerThread running(options);
  running.run();
  SECTION("before its first frame") {
    RawPeer peer(running.port());
    greet(peer, rule);
    peer.silent = true;
    // It ends with the connection, and not with the test's own deadline.
    CHECK_NOTHROW(peer.read_to_end());
  }
  SECTION("when a share is due") {
    RawPeer peer(running.port());
    join(peer, rule);
    peer.silent = true;
    CHECK_NOTHROW(peer.read_to_end());
  }
  expect_serves(running, rule);
}

TEST_CASE("another process of the same name has to wait until the link of the first is gone") {
  const MixingRule rule = MixingRule::kGala;
  PeerThread running(patient(rule));
  running.run();
  HelloMessage hello = hello_of("raw", rule);
  hello.peer->instance = 4712;
  {
    RawPeer old(running.port());
    join(old, rule);
    // It has answered the first share, so its end of the link is joined.
    while (old.read().opcode != 2) {
    }
    RawPeer fresh(running.port());
    fresh.upgrade();
    fresh.send_message(hello);
    const RefuseMessage refusal = refusal_of(fresh);
    CHECK(refusal.code == RefusalCode::kBusy);
    CHECK_THAT(refusal.reason, Contains("a name of its own"));
  }
  CHECK(eventually([&] {
    RawPeer fresh(running.port());
    fresh.upgrade();
    fresh.send_message(hello);
    const auto received = fresh.read();
    const auto message = decode_message(received.payload);
    return message.ok() && std::holds_alternative<HelloMessage>(message.value());
  }));
  expect_serves(running, rule);
}
