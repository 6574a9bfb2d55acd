// What tells slow from gone, with made-up times.
#include "net/round_time_estimate.h"

#include "genkidama/wire/protocol.h"
#include "net/fixture.h"
#include "net/link/peer_watch.h"
#include "net/parent/lost_sessions.h"
#include "net/parent/parent_state.h"
#include "net/parent/session_numbers.h"
#include "support/catch.h"
#include "support/raw_peer.h"

using namespace genkidama;
using namespace genkidama::test;
using S = std::chrono::seconds;
using Ms = Milliseconds;

namespace {

const Clock::time_point kStart = Clock::now();

RoundTimeEstimate pace_of(std::initializer_list<int> seconds) {
  RoundTimeEstimate pace;
  for (const int span : seconds) pace.add(S(span));
  return pace;
}

/// After rounds of 100 steps.
FrameHeader frame_of_round(std::uint64_t session, std::uint64_t sequence) {
  FrameHeader header = child_frame(session, sequence);
  header.environment_steps = 100 * sequence;
  return header;
}

ChildStatus joining(std::uint64_t session, const std::string& name = "pi-7") {
  ChildStatus status;
  status.name = name;
  status.session = session;
  return status;
}

/// A Parent's state with a Child, "pi-7" in session 1, that joined at kStart.
struct PacedState {
  PacedState() : state(ParentOptions(), layout, random_weights(16, 1)) {
    state.joined(joining(1), 0, false, kStart);
  }
  MergeReport merge(std::uint64_t sequence, Clock::duration at, std::uint64_t session = 1) {
    return state.merge(frame_of_round(session, sequence), random_weights(16, 2), kStart + at);
  }
  std::vector<Lateness> late(Clock::duration at) { return state.become_late(S(5), kStart + at); }
  ChildStatus child(Clock::duration at) const { return state.status(kStart + at).children.at(0); }

  const ParameterLayout layout = small_layout();
  ParentState state;
};

}  // namespace

TEST_CASE("a pace without enough spans makes nothing late", "[pace]") {
  RoundTimeEstimate pace;
  CHECK_FALSE(pace.median());
  for (std::size_t i = 1; i < RoundTimeEstimate::kFewest; ++i) {
    pace.add(S(1));
    CHECK(pace.median() == S(1));
    CHECK_FALSE(pace.allowance());
    CHECK(pace.allowance(S(30)) == S(30));
  }
  pace.add(S(1));
  CHECK(pace.allowance() == S(2));
}

TEST_CASE("the allowance is the median and a multiple of the deviations, twice the median at least",
          "[pace]") {
  CHECK(pace_of({12, 12, 12, 12, 12}).allowance() == S(24));
  // Median 12; deviations 0 1 2 2 3, their median 2.
  const RoundTimeEstimate pace = pace_of({10, 11, 12, 14, 15});
  CHECK(pace.median() == S(12));
  CHECK(pace.allowance() == S(12 + RoundTimeEstimate::kDeviations * 2));
  CHECK(pace.allowance(S(5)) == S(28));
  CHECK(pace.allowance(S(30)) == S(30));
  // One span out of the order moves little.
  CHECK(pace_of({12, 12, 12, 12, 12, 100'000}).allowance() == S(24));
}

TEST_CASE("a pace follows a change within its spans, and survives impossible ones", "[pace]") {
  RoundTimeEstimate pace;
  for (std::size_t i = 0; i < RoundTimeEstimate::kSpans; ++i) pace.add(S(1));
  for (std::size_t i = 0; i < RoundTimeEstimate::kSpans / 2; ++i) pace.add(S(60));
  CHECK(pace.median() == S(60));
  for (std::size_t i = 0; i < RoundTimeEstimate::kSpans; ++i) pace.add(S(60));
  CHECK(pace.allowance() == S(120));
  CHECK(pace.spans() == RoundTimeEstimate::kSpans);
  CHECK(pace_of({-1, -1, -1, -1}).median() == S(0));
}

TEST_CASE("a Child that is later than its pace is told once, and once when it is back", "[pace]") {
  PacedState paced;
  // 30 s until the first update say nothing about its rounds of 12 s.
  for (int i = 0; i < 6; ++i) CHECK_FALSE(paced.merge(i + 1, S(30 + 12 * i)).was_late);
  const S last(30 + 12 * 5);
  CHECK(paced.child(last).round_seconds == 12);
  CHECK(paced.late(last + S(24)).empty());
  CHECK_FALSE(paced.child(last + S(24)).late);
  const auto late = paced.late(last + S(25));
  REQUIRE(late.size() == 1);
  CHECK(late[0].child == "pi-7");
  CHECK(late[0].round == 12);
  CHECK(late[0].silence == 25);
  CHECK(paced.late(last + S(95)).empty());
  CHECK(paced.child(last + S(95)).late);
  CHECK(paced.child(last + S(95)).seconds_since_update == 95);
  const MergeReport back = paced.merge(7, last + S(100));
  REQUIRE(back.was_late);
  CHECK(back.was_late->silence == 100);
  CHECK_FALSE(paced.child(last + S(100)).late);
  CHECK_FALSE(paced.merge(8, last + S(112)).was_late);
}

TEST_CASE("quick Children are not late within the floor, and new ones never", "[pace]") {
  PacedState paced;
  CHECK(paced.late(S(1'000'000)).empty());
  for (int i = 0; i < 6; ++i) paced.merge(i + 1, Ms(10 * i));
  CHECK(paced.late(Ms(50) + S(5)).empty());
  CHECK(paced.late(Ms(51) + S(5)).size() == 1);
}

TEST_CASE("each Child's staleness is known: of its last update, and in the mean", "[pace]") {
  PacedState paced;
  paced.state.joined(joining(2, "other"), 0, false, kStart);
  CHECK(paced.merge(1, S(1)).staleness == 0);
  for (int i = 1; i <= 4; ++i) paced.merge(i, S(1), 2);
  CHECK(paced.merge(2, S(2)).staleness == 4);
  CHECK(paced.child(S(2)).staleness == 4);
  CHECK(paced.child(S(2)).mean_staleness == 2);
  CHECK(paced.merge(3, S(3)).staleness == 0);
  CHECK(paced.child(S(3)).mean_staleness == Approx(4.0 / 3));
  CHECK_THAT(paced.state.summary(1), Catch::Contains("3 updates") && Catch::Contains("1 s a round"));
  CHECK(paced.state.summary(7) == "no updates");
}

TEST_CASE("a session whose link was lost goes on as it was; the gap is no round", "[pace]") {
  PacedState paced;
  for (int i = 0; i < 5; ++i) paced.merge(i + 1, S(i));
  paced.state.left(1, false);
  CHECK(paced.state.status().children.empty());
  CHECK_FALSE(paced.state.rejoined(1, "another", "there", kStart + S(90)));
  CHECK_FALSE(paced.state.rejoined(2, "pi-7", "there", kStart + S(90)));
  CHECK(paced.state.rejoined(1, "pi-7", "there", kStart + S(100)) == 5);
  CHECK_FALSE(paced.state.rejoined(1, "pi-7", "there", kStart + S(100)));
  const ChildStatus child = paced.child(S(102));
  CHECK(child.address == "there");
  CHECK(child.updates == 5);
  CHECK(child.round_seconds == 1);
  CHECK(child.seconds_since_update == 2);
  paced.merge(6, S(103));
  // The steps that were counted before are not counted again.
  CHECK(paced.state.status().environment_steps == 600);
  CHECK(paced.child(S(103)).round_seconds == 1);
  CHECK(paced.state.status().resumed == 1);
  CHECK(paced.state.status().left == 1);
  paced.state.left(1, true);
  CHECK_FALSE(paced.state.rejoined(1, "pi-7", "there"));
}

TEST_CASE("lost sessions are remembered up to a number, the first one lost is forgotten first", "[pace]") {
  LostSessions lost;
  SessionRecord record;
  record.own_name = "c";
  for (std::uint64_t session = 1; session <= LostSessions::kMost + 2; ++session) {
    record.status.session = session;
    lost.keep(record);
  }
  CHECK(lost.size() == LostSessions::kMost);
  CHECK_FALSE(lost.take(2, "c"));
  CHECK(lost.take(3, "c"));
  CHECK_FALSE(lost.take(3, "c"));
  CHECK_FALSE(lost.take(4, "d"));
  CHECK(lost.take(4, "c"));
}

TEST_CASE("session numbers of different epochs differ, and all fit into JSON", "[pace]") {
  SessionNumbers first(0), second(1), last(kMaxEpoch);
  CHECK(first.next() == 1);
  CHECK(first.next() == 2);
  CHECK(second.next() == SessionNumbers::kPerEpoch + 1);
  CHECK(SessionNumbers::epoch_of(*second.next()) == 1);
  CHECK(last.epoch() == kMaxEpoch);
  CHECK(kMaxEpoch * SessionNumbers::kPerEpoch + (SessionNumbers::kPerEpoch - 1) == kMaxJsonInteger);
}

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
  CHECK_THAT(*gone, Catch::Contains("nothing was heard from the peer for 16000 ms"));
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
