// What tells a slow peer from one that is gone, with made-up times.
#include "net/link/peer_watch.h"

#include "support/catch.h"

using namespace genkidama;
using S = std::chrono::seconds;
using Ms = Milliseconds;

namespace {

const Clock::time_point kStart = Clock::now();

}  // namespace

TEST_CASE("a peer that is silent is gone after the idle timeout, and is pinged at half of it", "[pace]") {
  PeerWatch watch(S(16), kStart);
  PeerWatch::Wire wire{kStart, 100, 0};
  watch.look(wire, kStart + S(7));
  CHECK_FALSE(watch.wants_ping(kStart + S(7)));
  wire.written = 200;
  watch.look(wire, kStart + S(8));
  CHECK(watch.wants_ping(kStart + S(8)));
  watch.pinged(kStart + S(8));
  CHECK_FALSE(watch.wants_ping(kStart + S(15)));
  CHECK_FALSE(watch.objection(kStart + S(16) - Ms(1)));
  CHECK(watch.next(kStart + S(15)) == kStart + S(16));
  const auto gone = watch.objection(kStart + S(16));
  REQUIRE(gone);
  CHECK_THAT(*gone, Catch::Contains("nothing was heard from the peer for 16 s"));
  wire.heard = kStart + S(15);
  watch.look(wire, kStart + S(16));
  CHECK_FALSE(watch.objection(kStart + S(16)));
}

TEST_CASE("what came is a sign of the peer although nobody reads it", "[pace]") {
  PeerWatch watch(S(16), kStart);
  for (unsigned second = 1; second <= 60; ++second) {
    watch.look({kStart, 100, 0, 6 * second}, kStart + S(second));
    REQUIRE_FALSE(watch.objection(kStart + S(second)));
  }
  watch.look({kStart, 100, 0, 6 * 60}, kStart + S(74));
  CHECK(watch.objection(kStart + S(74)));
}

TEST_CASE("a peer that only listens is sent a ping too", "[pace]") {
  PeerWatch watch(S(16), kStart);
  for (int second = 1; second <= 8; ++second) {
    watch.look({kStart + S(second), 0, 0}, kStart + S(second));
    CHECK(watch.wants_ping(kStart + S(second)) == (second == 8));
  }
}

TEST_CASE("a peer that takes a frame, however slowly, is not gone", "[pace]") {
  PeerWatch watch(S(16), kStart);
  watch.frame_begins();
  // A megabyte waits; a kilobyte a second is taken, and not a word is heard.
  constexpr std::uint64_t kFrame = 1'000'000;
  for (int second = 1; second <= 600; ++second) {
    watch.look({kStart, kFrame, kFrame - 1000u * static_cast<unsigned>(second)}, kStart + S(second));
    REQUIRE_FALSE(watch.objection(kStart + S(second)));
    if (second == 300) watch.frame_written(kFrame);  // into the system's buffers
  }
  CHECK(watch.frame_taken() == kStart + S(600));
  // Then no more.
  CHECK_FALSE(watch.objection(kStart + S(600 + 13)));
  CHECK(watch.objection(kStart + S(600 + 16)));
}

TEST_CASE("a ping that the peer's system takes is no sign of the peer", "[pace]") {
  PeerWatch watch(S(16), kStart);
  watch.frame_begins();
  watch.frame_written(1000);
  watch.look({kStart, 1000, 0}, kStart + S(1));
  for (unsigned second = 2; second <= 16; ++second) {
    watch.look({kStart, 1000 + 6 * second, second % 2 == 0 ? 6u : 0u}, kStart + S(second));
  }
  CHECK(watch.frame_taken() == kStart + S(1));
  CHECK(watch.objection(kStart + S(16)));
}

TEST_CASE("a peer that talks but takes nothing is given more time, and not for ever", "[pace]") {
  PeerWatch watch(S(16), kStart);
  watch.frame_begins();
  const auto at = [&](int second) {
    const auto now = kStart + S(second);
    watch.look({now, 1000, 1000}, now);
    return watch.objection(now);
  };
  CHECK_FALSE(at(1));
  CHECK_FALSE(at(16 * PeerWatch::kDeafPatience));
  const auto deaf = at(16 * PeerWatch::kDeafPatience + 1);
  REQUIRE(deaf);
  CHECK_THAT(*deaf, Catch::Contains("took nothing"));
}
