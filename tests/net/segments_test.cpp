// Actors that play for a Parent which learns, and wait for it.
#include <algorithm>
#include <cstring>
#include <limits>

#include "genkidama/core/error.h"
#include "genkidama/wire/statistics.h"
#include "net/actors_fixture.h"
#include "support/eventually.h"
#include "support/relay.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

TEST_CASE("actors play a round's steps together, and each step is learnt from once", "[segments]") {
  const bool divide = GENERATE(true, false);
  ParentOptions options = learner_options(3);
  options.segments.divide = divide;
  Learning learning(options);
  const auto actors = play_together(learning.port(), 3, 4);
  learning.stop();
  const std::uint64_t share = divide ? kRoundSteps / 3 : kRoundSteps;
  for (const auto& actor : actors) {
    CHECK(std::vector<std::uint64_t>(actor->asked.begin(), actor->asked.begin() + 4) ==
          std::vector<std::uint64_t>(4, share));
    // The Parent's first weights, and then what was learnt.
    REQUIRE(actor->written.size() >= 5);
    CHECK(same_bits(actor->written[0], learning.running.initial));
    for (std::uint64_t update = 1; update <= 4; ++update) {
      CHECK(same_bits(actor->written[update], weights_after(update)));
    }
  }
  const auto learnt = learning.learnt();
  CHECK(learnt.size() >= 3 * 4 * share);
  for (const auto& [step, times] : learnt) CHECK(times == 1);
  const SegmentRound round = learning.round(1);
  REQUIRE(round.contributions.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    const SegmentContribution& given = round.contributions[i];
    CHECK(given.told.child == "actor_" + std::to_string(i));
    CHECK(given.batch.steps == share);
    CHECK(given.batch.segments.size() == 2);
    CHECK(given.batch.segments[0].policy_version == 1);
    CHECK(given.batch.episodes.size() == 1);
    CHECK(given.counts.max_lag == 0);
    CHECK(given.counts.late_steps == 0);
  }
  CHECK_FALSE(round.by_deadline);
}

TEST_CASE("an actor that goes away is not waited for, and its steps are shared out anew", "[segments]") {
  Learning learning(learner_options(2));
  RawActor staying(learning.port(), "staying");
  auto going = std::make_unique<RawActor>(learning.port(), "going");
  staying.send_steps(0, 15, 0);
  going->close();
  CHECK(staying.answer().environment_steps == kRoundSteps);
  CHECK(learning.round(0).contributions.size() == 1);
  // It is taken in again.
  RawActor back(learning.port(), "going");
  staying.send_steps(15, 30, 1);
  back.send_steps(100, 30, 1);
  CHECK(staying.answer().environment_steps == kRoundSteps / 2);
  CHECK(back.answer().update == 2);
}

TEST_CASE("an actor that is silent costs the others one deadline", "[segments]") {
  Learning learning(learner_options(2, Milliseconds(200)));
  RawActor awake(learning.port(), "awake"), silent(learning.port(), "silent");
  awake.send_steps(0, 15, 0);
  awake.answer();
  CHECK(learning.round(0).by_deadline);
  for (std::uint64_t update = 1; update < 5; ++update) {
    awake.send_steps(15 * update, 15, update);
    awake.answer();
    CHECK_FALSE(learning.round(update).by_deadline);
  }
  // What it then sends is too old, and it is answered.
  silent.send_steps(1'000, 15, 0);
  awake.send_steps(100, 15, 5);
  CHECK(silent.answer().update >= 6);
  CHECK(learning.sum([](const auto& given) { return given.counts.late_steps; }) == 15);
  CHECK(learning.learnt().count(1'000) == 0);
}

TEST_CASE("how old segments may be is an option", "[segments]") {
  ParentOptions options = learner_options(1);
  options.rounds.max_staleness = 1;
  Learning learning(options);
  RawActor actor(learning.port());
  actor.send_steps(0, 30, 0);
  actor.answer();
  actor.send_steps(30, 30, 1);
  actor.answer();
  FrameHeader header = actor.next_header();
  header.update = 2;
  actor.send_batch(header, batch_of(9, {segment_of(60, 3, 0), segment_of(63, 3, 1), segment_of(66, 3, 2)}));
  actor.answer();
  const SegmentContribution given = learning.round(2).contributions.at(0);
  CHECK(given.batch.segments.size() == 2);
  CHECK(given.counts.late_steps == 3);
  CHECK(given.counts.lag_sum == 3);
  CHECK(given.counts.max_lag == 1);
  CHECK(learning.learnt().count(60) == 0);
  CHECK(learning.learnt().count(63) == 1);
}

TEST_CASE("segments whose link is lost before the round is over are sent again, and learnt once",
          "[segments]") {
  Learning learning(learner_options(2));
  auto first = std::make_unique<RawActor>(learning.port(), "first");
  RawActor second(learning.port(), "second");
  // A session that was never answered is not resumed.
  first->send_steps(0, 15, 0);
  second.send_steps(1'000, 15, 0);
  first->answer();
  second.answer();
  first->send_steps(15, 15, 1);
  first->sync();
  const SessionMark mark = first->mark();
  first->close();
  REQUIRE(eventually([&] { return learning.running.parent.status().children.size() == 1; }));
  RawActor again(learning.port(), "first", mark);
  CHECK(again.welcome.sequence == mark.sequence - 1);
  again.send_steps(15, 15, 1);
  second.send_steps(1'015, 15, 1);
  CHECK(again.answer().update == 2);
  for (const auto& [step, times] : learning.learnt()) CHECK(times == 1);
  CHECK(learning.learnt().size() == 60);
}

TEST_CASE("whatever happens to an actor's link, nothing is learnt twice or lost silently", "[segments]") {
  Learning learning(learner_options(1));
  FakeActor actor;
  play_over_cut_links(learning, actor, 40);
  const auto learnt = learning.learnt();
  for (const auto& [step, times] : learnt) CHECK(times == 1);
  // The last round's answer was waited for.
  CHECK(learnt.size() + learning.sum([](const auto& given) { return given.batch.dropped_steps; }) +
            learning.sum([](const auto& given) { return given.counts.late_steps; }) ==
        actor.played());
}

TEST_CASE("actors wait for a learner that is started again, and tell what they had to drop", "[segments]") {
  auto first = std::make_unique<Learning>(learner_options(1));
  Relay relay(first->port());
  FakeActor actor;
  Gate restarted;
  actor.on_play = [&] {
    // In the third round the learner is gone, and the next one has gone back to its first update.
    if (actor.asked.size() != 2) return;
    relay.cut(0);
    restarted.open();
  };
  Child child(actor_options(relay.port(), "actor"), actor);
  ChildRun run(child, exchanges(5));
  REQUIRE(restarted.wait());
  first->stop();
  ParentOptions options = learner_options(1);
  options.epoch = 1;
  options.first_update = 1;
  Learning second(options);
  relay.cut(second.port());
  run.get();
  // Two rounds at the first one, of which the third was lost.
  CHECK(first->learnt().size() == 2 * kRoundSteps);
  CHECK(second.sum([](const auto& given) { return given.batch.dropped_steps; }) == kRoundSteps);
  for (const auto& [step, times] : second.learnt()) CHECK(times == 1);
  CHECK(second.learnt().count(2 * kRoundSteps) == 0);
  CHECK(second.learnt().count(3 * kRoundSteps) == 1);
  CHECK(second.round(0).contributions.at(0).batch.steps == 2 * kRoundSteps);
  CHECK(second.round(0).contributions.at(0).batch.segments.at(0).policy_version == 1);
}

TEST_CASE("an actor gives up when its learner stays away", "[segments]") {
  Learning learning(learner_options(1));
  Relay relay(learning.port());
  FakeActor actor;
  actor.on_play = [&] {
    if (actor.asked.size() == 1) relay.cut(0);
  };
  ChildOptions options = actor_options(relay.port(), "actor");
  options.away_timeout = Milliseconds(100);
  Child child(options, actor);
  CHECK_THROWS_AS(child.run(), IoError);
  CHECK(actor.asked.size() == 2);
}

TEST_CASE("an actor that is stopped while it waits for its learner ends", "[segments]") {
  Learning learning(learner_options(1));
  Relay relay(learning.port());
  FakeActor actor;
  Gate cut;
  actor.on_play = [&] {
    if (actor.asked.size() != 1) return;
    relay.cut(0);
    cut.open();
  };
  Child child(actor_options(relay.port(), "actor"), actor);
  ChildRun run(child);
  REQUIRE(cut.wait());
  child.request_stop();
  CHECK(run.get() == "stop requested");
}

TEST_CASE("a learner that ends tells its actors so", "[segments]") {
  Learning learning(learner_options(2));
  FakeActor actor;
  Child child(actor_options(learning.port(), "actor"), actor);
  // It waits for the second actor.
  ChildRun run(child);
  REQUIRE(eventually([&] { return learning.running.parent.status().rounds.waiting == 1; }));
  learning.stop();
  CHECK_THAT(run.get(), Contains("the test is over"));
}

TEST_CASE("actors tell each other's statistics through the learner", "[segments]") {
  ParentOptions options = learner_options(2);
  options.statistics = StreamStatistics(1);
  Learning learning(options);
  const auto actors = play_together(learning.port(), 2, 3, 1);
  learning.stop();
  // Of the three rounds that both were answered, at least.
  for (const std::size_t i : {0u, 1u}) {
    const RunningStatistics& others = actors[i]->others;
    const double first = 100'000.0 * static_cast<double>(1 - i);
    REQUIRE(others.count() >= 45);
    CHECK(others.mean(0) == Approx(first + (static_cast<double>(others.count()) - 1) / 2));
  }
  CHECK(learning.running.parent.statistics().all().count() >= 90);
}

TEST_CASE("what is no sound batch of segments is refused, and changes nothing", "[segments]") {
  Learning learning(learner_options(1));
  const auto refused = [&](auto send, RefusalCode code, const std::string& text) {
    RawActor actor(learning.port());
    send(actor);
    const auto refusal = actor.read_message<RefuseMessage>();
    CHECK(refusal.code == code);
    CHECK_THAT(refusal.reason, Contains(text));
  };
  const SegmentBatch batch = batch_of(5, {segment_of(0, 5, 0)});
  refused(
      [&](RawActor& actor) { actor.send_weights(child_frame(actor.welcome.session, 1), weights_after(1)); },
      RefusalCode::kFrame, "type 2");
  refused([&](RawActor& actor) { actor.send_batch(actor.next_header(), {}, {.observation = 2}); },
          RefusalCode::kLayout, "observations of 2");
  refused([&](RawActor& actor) { actor.send_weights(actor.next_header(), {}); }, RefusalCode::kFrame, "head");
  refused(
      [&](RawActor& actor) {
        actor.next_header();
        actor.send_batch(actor.next_header(), batch);
      },
      RefusalCode::kSequence, "sequence 2 where 1 is next");
  refused(
      [&](RawActor& actor) {
        FrameHeader header = actor.next_header();
        header.session += 7;
        actor.send_batch(header, batch);
      },
      RefusalCode::kSequence, "session");
  refused(
      [&](RawActor& actor) {
        FrameHeader header = actor.next_header();
        header.update = 5;
        actor.send_batch(header, batch);
      },
      RefusalCode::kSequence, "update 5");
  refused([&](RawActor& actor) { actor.send_steps(0, 5, 3); }, RefusalCode::kSequence, "update 3");
  refused([&](RawActor& actor) { actor.send_batch(actor.next_header(), batch_of(5, {segment_of(0, 5, 3)})); },
          RefusalCode::kFrame, "update 3");
  refused([&](RawActor& actor) { actor.send_steps(0, kRoundSteps + 1'025, 0); }, RefusalCode::kFrame,
          "steps");
  refused(
      [&](RawActor& actor) {
        std::vector<std::byte> payload;
        encode_segments(batch, kShape, payload);
        const float nan = std::numeric_limits<float>::quiet_NaN();
        std::memcpy(payload.data() + kSegmentsHeadBytes + 24, &nan, sizeof nan);
        actor.send_weights(actor.next_header(), {}, payload);
      },
      RefusalCode::kFrame, "not finite");
  CHECK(learning.rounds() == 0);
  CHECK(same_bits(learning.running.parent.weights(), learning.running.initial));
  RawActor sound(learning.port());
  sound.send_steps(0, 5, 0);
  CHECK(sound.answer().update == 1);
}

TEST_CASE("a second batch before the answer to the first is refused", "[segments]") {
  Learning learning(learner_options(2));
  RawActor actor(learning.port());
  actor.send_steps(0, 5, 0);
  actor.send_steps(5, 5, 0);
  CHECK(actor.read_message<RefuseMessage>().code == RefusalCode::kSequence);
}

TEST_CASE("an actor and a Parent of another exchange refuse each other", "[segments]") {
  RunningParent averaging;
  FakeActor actor;
  Child child(actor_options(averaging.port(), "actor"), actor);
  CHECK_THROWS_WITH(child.run(), Contains("'each'") && Contains("'segments'"));
  Learning learning(learner_options(1));
  FakeTrainer trainer;
  Child averaged(child_options(learning.port()), trainer);
  CHECK_THROWS_WITH(averaged.run(), Contains("'each'") && Contains("'segments'"));
}

TEST_CASE("a trainer that does not play for others is an error", "[segments]") {
  Learning learning(learner_options(1));
  FakeTrainer trainer;
  Child child(actor_options(learning.port(), "actor"), trainer);
  CHECK_THROWS_AS(child.run(), ArgumentError);
}

TEST_CASE("options of a learner out of range are refused", "[segments]") {
  const auto make = [](auto change) {
    ParentOptions options = learner_options(1);
    change(options);
    Parent parent(options, small_layout(), weights_after(0));
  };
  CHECK_THROWS_WITH(make([](auto& o) { o.segments.round_steps = 0; }), Contains("round_steps is 0"));
  CHECK_THROWS_WITH(make([](auto& o) { o.segments.round_steps = std::uint64_t{1} << 31; }),
                    Contains("round_steps"));
  CHECK_THROWS_WITH(make([](auto& o) {
                      o.merge_rule = [](std::span<float>, std::span<const float>, const MergeContext&) {};
                    }),
                    Contains("merge_rule"));
  FakeActor actor;
  ChildOptions options = actor_options(1, "actor");
  options.overlap = true;
  CHECK_THROWS_WITH(Child(options, actor), Contains("overlap"));
  options = actor_options(1, "actor");
  options.away_timeout = Milliseconds(0);
  CHECK_THROWS_WITH(Child(options, actor), Contains("away_timeout"));
}

TEST_CASE("only what was learnt from a round that was taken is published", "[segments]") {
  RunningParent learner(learner_options(1));
  CHECK_FALSE(learner.parent.take_segments(Milliseconds(0)));
  CHECK_THROWS_AS(learner.parent.publish(weights_after(1)), ArgumentError);
  RawActor actor(learner.port());
  actor.send_steps(0, 5, 0);
  REQUIRE(learner.parent.take_segments(Milliseconds(20'000)));
  CHECK_THROWS_AS(learner.parent.publish(std::vector<float>(kActorWeights - 1)), ArgumentError);
  auto weights = weights_after(1);
  weights[3] = std::numeric_limits<float>::infinity();
  CHECK_THROWS_AS(learner.parent.publish(weights), ArgumentError);
  learner.parent.publish(weights_after(1));
  CHECK(actor.answer().update == 1);
  CHECK(same_bits(actor.weights, weights_after(1)));
  CHECK_THROWS_AS(learner.parent.publish(weights_after(2)), ArgumentError);
}

TEST_CASE("no second round is over while the first is learnt from", "[segments]") {
  RunningParent learner(learner_options(1));
  RawActor first(learner.port(), "first");
  first.send_steps(0, 5, 0);
  REQUIRE(learner.parent.take_segments(Milliseconds(20'000)));
  RawActor second(learner.port(), "second");
  second.send_steps(100, 5, 0);
  second.sync();
  CHECK_FALSE(learner.parent.take_segments(Milliseconds(50)));
  learner.parent.publish(weights_after(1));
  CHECK(first.answer().update == 1);
  // It has contributed to the next round, with weights of the one before.
  first.send_steps(5, 5, 1);
  const auto round = learner.parent.take_segments(Milliseconds(20'000));
  REQUIRE(round);
  CHECK(round->contributions.size() == 2);
  learner.parent.publish(weights_after(2));
  CHECK(first.answer().update == 2);
  CHECK(second.answer().update == 2);
}
