// A Parent's account of its Children, with made-up times.
#include "net/parent/parent_state.h"

#include "net/fixture.h"
#include "support/catch.h"
#include "support/raw_peer.h"

using namespace genkidama;
using namespace genkidama::test;
using S = std::chrono::seconds;
using Ms = Milliseconds;

namespace {

const Clock::time_point kStart = Clock::now();

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

TEST_CASE("a merge tells what its Child has played since the one before", "[played]") {
  const ParameterLayout layout = small_layout();
  ParentState state(ParentOptions(), layout, random_weights(layout.size(), 1));
  const auto weights = random_weights(layout.size(), 2);
  const auto merge = [&](std::uint64_t session, const Played& told) {
    FrameHeader header = child_frame(session, 1);
    header.environment_steps = told.steps;
    header.episodes = told.episodes;
    return state.merge(header, weights).since_merge;
  };
  state.joined(joining(1), 0, false);
  CHECK(merge(1, {100, 4}) == Played{100, 4});
  CHECK(merge(1, {150, 5}) == Played{50, 1});
  // A Child that counts backwards adds nothing until it is past where it was.
  CHECK(merge(1, {20, 1}) == Played{});
  CHECK(merge(1, {160, 5}) == Played{10, 0});
  // Another process, without what the first one knew, begins anew.
  state.joined(joining(2), 0, false);
  CHECK(merge(2, {300, 6}) == Played{300, 6});
  // One that goes on tells in a new session how many steps were counted: a fifth of its episodes is new.
  state.joined(joining(3), 400, true);
  CHECK(merge(3, {500, 10}) == Played{100, 2});
  CHECK(merge(3, {550, 11}) == Played{50, 1});
  CHECK(state.status().in_process == Played{100 + 50 + 10 + 300 + 100 + 50, 4 + 1 + 6 + 2 + 1});
  state.joined(joining(4), 400, true);
  CHECK(merge(4, {300, 10}) == Played{});
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
  CHECK(paced.state.status().in_process.steps == 600);
  CHECK(paced.child(S(103)).round_seconds == 1);
  CHECK(paced.state.status().resumed == 1);
  CHECK(paced.state.status().left == 1);
  paced.state.left(1, true);
  CHECK_FALSE(paced.state.rejoined(1, "pi-7", "there"));
}
