#include "net/host/quarantine.h"

#include <limits>

#include "net/fixture.h"
#include "support/catch.h"
#include "support/patience.h"
#include "support/raw_peer.h"

using namespace genkidama;
using namespace genkidama::test;

TEST_CASE("quarantine grows with each offence and is forgotten after good behaviour", "[quarantine]") {
  using S = std::chrono::seconds;
  const auto start = Clock::now();
  Quarantine quarantine(S(10), S(60));
  CHECK(quarantine.left("a", start) == S(0));
  CHECK(quarantine.punish("a", start) == S(10));
  CHECK(quarantine.left("a", start + S(4)) == S(6));
  CHECK(quarantine.left("b", start + S(4)) == S(0));
  CHECK(quarantine.left("a", start + S(10)) == S(0));
  CHECK(quarantine.punish("a", start + S(11)) == S(20));
  CHECK(quarantine.punish("a", start + S(40)) == S(40));
  CHECK(quarantine.punish("a", start + S(100)) == S(60));
  CHECK(quarantine.punish("a", start + S(170)) == S(60));
  // It was free from 230 s on, and nothing happened for 60 s.
  CHECK(quarantine.punish("a", start + S(290)) == S(10));
  Quarantine none(S(0), S(0));
  CHECK(none.punish("a", start) == S(0));
  CHECK(none.left("a", start) == S(0));
  CHECK(none.size() == 0);
}

TEST_CASE("quarantine remembers so many and no more", "[quarantine]") {
  using S = std::chrono::seconds;
  const auto start = Clock::now();
  Quarantine quarantine(S(100), S(100));
  for (std::size_t i = 0; i < Quarantine::kMaxOffenders + 10; ++i) {
    quarantine.punish(std::to_string(i), start + Milliseconds(i));
  }
  CHECK(quarantine.size() == Quarantine::kMaxOffenders);
  // The first ones would have been free soonest.
  const auto now = start + S(50);
  CHECK(quarantine.left("9", now) == S(0));
  CHECK(quarantine.left("10", now) > S(0));
  // Those that behaved long enough go first.
  quarantine.punish("new", start + S(500));
  CHECK(quarantine.size() == 1);
}

TEST_CASE("a Child whose weights were refused stays out for a while, others do not", "[quarantine]") {
  RunningParent running;
  const auto offend = [&](const std::string& name) {
    RawPeer peer(running.port());
    FrameHeader header;
    header.type = FrameType::kChildWeights;
    header.session = peer.join(small_layout(), name).session;
    header.sequence = 1;
    auto weights = random_weights(small_layout().size(), 3);
    weights[2] = std::numeric_limits<float>::infinity();
    peer.send_weights(header, weights);
    CHECK(peer.read_message<RefuseMessage>().code == RefusalCode::kWeights);
  };
  offend("mad");
  for (int i = 0; i < 2; ++i) {
    RawPeer peer(running.port());
    peer.upgrade();
    HelloMessage hello;
    hello.name = "mad";
    hello.layout = small_layout();
    peer.send_message(hello);
    const auto refusal = peer.read_message<RefuseMessage>();
    CHECK(refusal.code == RefusalCode::kBusy);
    CHECK_THAT(refusal.reason, Catch::Contains("'mad' is in quarantine for "));
  }
  {
    RawPeer other(running.port());
    CHECK(other.join(small_layout(), "sane").name == "parent");
  }
  const ParentStatus status = running.parent.status();
  CHECK(status.refused_updates == 1);
  CHECK(status.refusals.quarantine == 2);
  CHECK(status.joined == 2);
  CHECK(same_bits(running.parent.weights(), running.initial));
}

TEST_CASE("a Child in quarantine is let in when it is over", "[quarantine]") {
  ParentOptions options = parent_options();
  // Long enough for a second hello on a busy machine.
  options.quarantine_min = options.quarantine_max = patient_seconds(1);
  RunningParent running(options);
  FakeTrainer mad;
  mad.on_round = [&](std::vector<float>& weights) { weights[0] = std::numeric_limits<float>::infinity(); };
  const auto once = [](const ChildProgress&) { return false; };
  CHECK_THROWS_WITH(Child(child_options(running.port()), mad).run(once), Catch::Contains("diverged"));
  FakeTrainer cured;
  Child child(child_options(running.port()), cured);
  CHECK(child.run(exchanges(1)) == "the Child's program ended the training");
  CHECK(running.parent.status().refusals.quarantine > 0);
  CHECK(running.parent.status().updates == 1);
}

TEST_CASE("quarantine can be left out, and bad spans are refused", "[quarantine]") {
  ParentOptions options = parent_options();
  options.quarantine_min = Milliseconds(5);
  options.quarantine_max = Milliseconds(4);
  const auto weights = random_weights(small_layout().size(), 1);
  CHECK_THROWS_WITH(Parent(options, small_layout(), weights), Catch::Contains("quarantine_max"));
  options.quarantine_min = Milliseconds(0);
  CHECK_NOTHROW(Parent(options, small_layout(), weights));
}
