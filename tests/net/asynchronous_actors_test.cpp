// Actors that do not wait for their learner.
#include <algorithm>
#include <limits>
#include <set>

#include "genkidama/core/error.h"
#include "net/actors_fixture.h"
#include "support/eventually.h"
#include "support/relay.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

ParentOptions asynchronous_options(FullQueue when_full = FullQueue::kWait, std::uint64_t queued_rounds = 1) {
  ParentOptions options = learner_options(1);
  options.segments.mode = ActorMode::kAsynchronous;
  options.segments.when_full = when_full;
  options.segments.queued_rounds = queued_rounds;
  options.rounds.max_staleness = 20;
  return options;
}

constexpr Milliseconds kLong{20'000};

SegmentRound next_round(RunningParent& learner) {
  auto round = learner.parent.take_segments(kLong);
  REQUIRE(round);
  return std::move(*round);
}

/// The first steps of the segments, which tell them apart.
std::vector<std::uint64_t> firsts_of(const SegmentRound& round) {
  std::vector<std::uint64_t> firsts;
  for (const SegmentContribution& given : round.contributions) {
    for (const Segment& segment : given.batch.segments) {
      firsts.push_back(static_cast<std::uint64_t>(segment.rewards.at(0)));
    }
  }
  return firsts;
}

using Firsts = std::vector<std::uint64_t>;

/// What became of all that was played, once the learner has stopped.
std::uint64_t accounted_for(const Learning& learning) {
  const RoundCounts rounds = learning.running.parent.status().rounds;
  return learning.learnt().size() +
         learning.sum([](const auto& given) { return given.batch.dropped_steps; }) +
         learning.sum([](const auto& given) { return given.counts.late_steps; }) + rounds.dropped_steps +
         rounds.queued_steps;
}

}  // namespace

TEST_CASE("an asynchronous actor is told so, and answered before anybody has learnt", "[asynchronous]") {
  RunningParent learner(asynchronous_options());
  RawActor actor(learner.port());
  CHECK(actor.welcome.actors == "asynchronous");
  CHECK(actor.welcome.longest_wait_ms > 0);
  actor.send_steps(0, 15, 0);
  CHECK(actor.answer().update == 0);
  CHECK(same_bits(actor.weights, learner.initial));
  CHECK_FALSE(learner.parent.take_segments(Milliseconds(0)));
  CHECK(learner.parent.status().rounds.queued_steps == 15);
  actor.send_steps(15, 15, 0);
  CHECK(actor.answer().update == 0);
  const SegmentRound round = next_round(learner);
  CHECK(firsts_of(round) == Firsts{0, 15});
  CHECK(round.queued_steps == 0);
  CHECK(round.dropped_steps == 0);
  learner.parent.publish(weights_after(1));
  actor.send_steps(30, 30, 0);
  CHECK(actor.answer().update == 1);
  CHECK(same_bits(actor.weights, weights_after(1)));
  const SegmentContribution late = next_round(learner).contributions.at(0);
  CHECK(late.counts.max_lag == 1);
  CHECK(late.counts.lag_sum == 30);
}

TEST_CASE("a learner whose actors wait says nothing of it", "[asynchronous]") {
  RunningParent learner(learner_options(1));
  RawActor actor(learner.port());
  CHECK(actor.welcome.actors == "waiting");
}

TEST_CASE("when the queue is full an actor waits for room", "[asynchronous]") {
  RunningParent learner(asynchronous_options());
  RawActor one(learner.port(), "one"), two(learner.port(), "two");
  // One round is learnt from, and the next one fills the queue.
  for (const std::uint64_t first : {0u, 15u, 30u, 45u}) {
    one.send_steps(first, 15, 0);
    one.answer();
  }
  one.send_steps(60, 15, 0);
  two.send_steps(1'000, 15, 0);
  REQUIRE(eventually([&] { return learner.parent.status().rounds.waiting == 2; }));
  CHECK(learner.parent.status().rounds.queued_steps == 60);
  CHECK(firsts_of(next_round(learner)) == Firsts{0, 15});
  learner.parent.publish(weights_after(1));
  CHECK(one.answer().update == 1);
  CHECK(two.answer().update == 1);
  CHECK(firsts_of(next_round(learner)) == Firsts{30, 45});
  learner.parent.publish(weights_after(2));
  CHECK(firsts_of(next_round(learner)) == Firsts{60, 1'000});
  CHECK(learner.parent.status().rounds.dropped_steps == 0);
}

TEST_CASE("when the queue is full its oldest is dropped and counted", "[asynchronous]") {
  RunningParent learner(asynchronous_options(FullQueue::kDropOldest));
  RawActor actor(learner.port());
  CHECK(actor.welcome.longest_wait_ms == 0);
  for (const std::uint64_t first : {0u, 15u, 30u, 45u, 60u, 75u, 90u}) {
    actor.send_steps(first, 15, 0);
    actor.answer();
  }
  const RoundCounts counts = learner.parent.status().rounds;
  CHECK(counts.dropped_steps == 45);
  CHECK(counts.queued_steps == 60);
  CHECK(counts.waiting == 0);
  // The round that was over before cannot be taken back.
  const SegmentRound first = next_round(learner);
  CHECK(firsts_of(first) == Firsts{0, 15});
  CHECK(first.dropped_steps == 0);
  learner.parent.publish(weights_after(1));
  const SegmentRound second = next_round(learner);
  CHECK(firsts_of(second) == Firsts{75, 90});
  CHECK(second.dropped_steps == 45);
  CHECK(learner.parent.status().rounds.dropped_steps == 45);
}

TEST_CASE("a queue has as many rounds as the option says", "[asynchronous]") {
  RunningParent learner(asynchronous_options(FullQueue::kWait, 3));
  RawActor actor(learner.port());
  for (std::uint64_t i = 0; i < 4; ++i) {
    actor.send_steps(30 * i, 30, 0);
    actor.answer();
  }
  CHECK(learner.parent.status().rounds.queued_steps == 120);
  actor.send_steps(120, 30, 0);
  REQUIRE(eventually([&] { return learner.parent.status().rounds.waiting == 1; }));
}

TEST_CASE("a queue is full, too, when it takes too many bytes, and is then learnt from", "[asynchronous]") {
  const FullQueue when_full = GENERATE(FullQueue::kWait, FullQueue::kDropOldest);
  ParentOptions options = asynchronous_options(when_full, 3);
  options.segments.queue_bytes = 2 * batch_of(10, {segment_of(0, 10, 0)}).bytes();
  RunningParent learner(options);
  RawActor actor(learner.port());
  for (const std::uint64_t first : {0u, 10u}) {
    actor.send_steps(first, 10, 0);
    actor.answer();
  }
  // 20 of 30 steps.
  CHECK(firsts_of(next_round(learner)) == Firsts{0, 10});
  for (const std::uint64_t first : {20u, 30u}) {
    actor.send_steps(first, 10, 0);
    actor.answer();
  }
  actor.send_steps(40, 10, 0);
  if (when_full == FullQueue::kWait) {
    REQUIRE(eventually([&] { return learner.parent.status().rounds.waiting == 1; }));
    learner.parent.publish(weights_after(1));
    CHECK(firsts_of(next_round(learner)) == Firsts{20, 30});
    CHECK(actor.answer().update == 1);
  } else {
    actor.answer();
    learner.parent.publish(weights_after(1));
    const SegmentRound round = next_round(learner);
    CHECK(firsts_of(round) == Firsts{30, 40});
    CHECK(round.dropped_steps == 10);
  }
}

TEST_CASE("a queue that cannot hold a round is refused", "[asynchronous]") {
  const auto refused = [](std::size_t bytes, ActorMode mode) {
    ParentOptions options = asynchronous_options();
    options.segments.mode = mode;
    options.segments.queue_bytes = bytes;
    try {
      const RunningParent learner(options);
    } catch (const ArgumentError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  // 16 bytes a step, and 30 steps.
  CHECK(refused(480, ActorMode::kAsynchronous).empty());
  CHECK(refused(479, ActorMode::kAsynchronous).find("a round of 30 steps takes 480 bytes") !=
        std::string::npos);
  CHECK(refused(0, ActorMode::kAsynchronous).find("queue_bytes is 0, and a round") != std::string::npos);
  CHECK(refused(0, ActorMode::kWaiting).empty());
}

TEST_CASE("segments of too old a policy are dropped and counted", "[asynchronous]") {
  ParentOptions options = asynchronous_options();
  options.rounds.max_staleness = 1;
  RunningParent learner(options);
  RawActor actor(learner.port()), old(learner.port(), "old");
  for (std::uint64_t update = 0; update < 2; ++update) {
    actor.send_steps(30 * update, 30, update);
    actor.answer();
    next_round(learner);
    learner.parent.publish(weights_after(update + 1));
  }
  FrameHeader header = old.next_header();
  header.update = 1;
  old.send_batch(header, batch_of(30, {segment_of(1'000, 20, 0), segment_of(1'020, 10, 1)}));
  old.answer();
  const SegmentContribution given = next_round(learner).contributions.at(0);
  CHECK(given.counts.late_steps == 20);
  CHECK(given.batch.steps_in_segments() == 10);
  CHECK(given.counts.max_lag == 1);
  CHECK(given.counts.lag_sum == 10);
}

TEST_CASE("what is in the queue is not sent again when its link is lost", "[asynchronous]") {
  RunningParent learner(asynchronous_options());
  auto first = std::make_unique<RawActor>(learner.port(), "actor");
  first->send_steps(0, 15, 0);
  first->answer();
  // Its answer is lost.
  first->send_steps(15, 14, 0);
  REQUIRE(eventually([&] { return learner.parent.status().rounds.queued_steps == 29; }));
  const SessionMark mark = first->mark();
  first->close();
  REQUIRE(eventually([&] { return learner.parent.status().children.empty(); }));
  RawActor again(learner.port(), "actor", mark);
  CHECK(again.welcome.sequence == mark.sequence);
  again.send_steps(29, 15, 0);
  again.answer();
  CHECK(firsts_of(next_round(learner)) == Firsts{0, 15, 29});
}

TEST_CASE("what waits for room is sent again when its link is lost", "[asynchronous]") {
  RunningParent learner(asynchronous_options());
  auto first = std::make_unique<RawActor>(learner.port(), "actor");
  for (const std::uint64_t step : {0u, 30u}) {
    first->send_steps(step, 30, 0);
    first->answer();
  }
  first->send_steps(60, 30, 0);
  REQUIRE(eventually([&] { return learner.parent.status().rounds.waiting == 1; }));
  const SessionMark mark = first->mark();
  first->close();
  REQUIRE(eventually([&] { return learner.parent.status().children.empty(); }));
  CHECK(learner.parent.status().rounds.waiting == 0);
  RawActor again(learner.port(), "actor", mark);
  CHECK(again.welcome.sequence == mark.sequence - 1);
  again.send_steps(60, 30, 0);
  for (std::uint64_t update = 1; update <= 2; ++update) {
    CHECK(firsts_of(next_round(learner)) == Firsts{30 * (update - 1)});
    learner.parent.publish(weights_after(update));
  }
  CHECK(firsts_of(next_round(learner)) == Firsts{60});
}

TEST_CASE("what waits for room is dropped and counted when its actor leaves for good", "[asynchronous]") {
  RunningParent learner(asynchronous_options());
  RawActor staying(learner.port(), "staying"), going(learner.port(), "going");
  for (const std::uint64_t step : {0u, 30u}) {
    staying.send_steps(step, 30, 0);
    staying.answer();
  }
  going.send_steps(1'000, 12, 0);
  REQUIRE(eventually([&] { return learner.parent.status().rounds.waiting == 1; }));
  going.send_message(LeaveMessage{"it leaves"});
  REQUIRE(eventually([&] { return learner.parent.status().rounds.dropped_steps == 12; }));
  next_round(learner);
  learner.parent.publish(weights_after(1));
  CHECK(next_round(learner).dropped_steps == 12);
}

TEST_CASE("an actor plays on while its learner learns, and holds two rounds at most", "[asynchronous]") {
  RunningParent learner(asynchronous_options());
  FakeActor actor;
  Child child(actor_options(learner.port(), "actor"), actor);
  ChildRun run(child);
  // A round that is learnt from, one in the queue, one that waits for room, and one that waits here.
  REQUIRE(eventually([&] { return learner.parent.status().rounds.waiting == 1 && actor.rounds == 4; }));
  CHECK(learner.parent.status().rounds.queued_steps == 2 * kRoundSteps);
  CHECK(firsts_of(next_round(learner)).at(0) == 0);
  learner.parent.publish(weights_after(1));
  REQUIRE(eventually([&] { return actor.rounds == 5; }));
  next_round(learner);
  learner.parent.publish(weights_after(2));
  REQUIRE(eventually([&] { return actor.rounds == 6; }));
  child.request_stop();
  CHECK(run.get() == "stop requested");
  // Those of the first four rounds are older than the answer that came after them.
  for (std::size_t i = 0; i < 4; ++i) CHECK(same_bits(actor.played_with.at(i), learner.initial));
  CHECK(same_bits(actor.played_with.at(4), weights_after(1)));
}

TEST_CASE("actors share a round's steps, and each step is learnt from once", "[asynchronous]") {
  const FullQueue when_full = GENERATE(FullQueue::kWait, FullQueue::kDropOldest);
  ParentOptions options = asynchronous_options(when_full, 2);
  options.rounds.first_children = 3;
  options.rounds.max_staleness = 2;
  Learning learning(options);
  const auto actors = play_together(learning.port(), 3, 20);
  REQUIRE(eventually([&] { return learning.running.parent.status().children.empty(); }));
  learning.stop();
  std::uint64_t played = 0;
  for (const auto& actor : actors) {
    played += actor->played() % 100'000;
  }
  // The steps are divided among those that are expected, until the first round is over.
  CHECK(std::any_of(actors.begin(), actors.end(),
                    [](const auto& actor) { return actor->asked.at(0) == kRoundSteps / 3; }));
  for (const auto& [step, times] : learning.learnt()) CHECK(times == 1);
  CHECK(accounted_for(learning) == played);
  if (when_full == FullQueue::kWait) CHECK(learning.running.parent.status().rounds.dropped_steps == 0);
  // A segment says which weights it was played with.
  std::uint64_t checked = 0;
  for (std::size_t i = 0; i < learning.rounds(); ++i) {
    for (const SegmentContribution& given : learning.round(i).contributions) {
      const auto& actor = actors.at(static_cast<std::size_t>(given.told.child.back() - '0'));
      for (const Segment& segment : given.batch.segments) {
        const auto place = static_cast<std::size_t>(segment.rewards.at(0)) % 100'000;
        std::size_t round = 0;
        for (std::uint64_t first = 0; first + actor->asked.at(round) <= place; ++round) {
          first += actor->asked.at(round);
        }
        const float weight = actor->played_with.at(round).at(0);
        const float expected = segment.policy_version == 0 ? learning.running.initial.at(0)
                                                           : static_cast<float>(segment.policy_version);
        CHECK(weight == expected);
        CHECK(given.counts.max_lag <= 2);
        ++checked;
      }
    }
  }
  CHECK(checked > 0);
}

TEST_CASE("whatever happens to an asynchronous actor's link, nothing is learnt twice or lost silently",
          "[asynchronous]") {
  const FullQueue when_full = GENERATE(FullQueue::kWait, FullQueue::kDropOldest);
  Learning learning(asynchronous_options(when_full));
  FakeActor actor;
  play_over_cut_links(learning, actor, 60);
  REQUIRE(eventually([&] { return learning.running.parent.status().children.empty(); }));
  learning.stop();
  for (const auto& [step, times] : learning.learnt()) CHECK(times == 1);
  CHECK(accounted_for(learning) == actor.played());
}

TEST_CASE("asynchronous actors go on with a learner that is started again, and tell what they had to drop",
          "[asynchronous]") {
  // The first one is full, so that one round is on its way and one waits behind it.
  auto first = std::make_unique<RunningParent>(asynchronous_options());
  Relay relay(first->port());
  FakeActor actor;
  Child child(actor_options(relay.port(), "actor"), actor);
  ChildRun run(child);
  REQUIRE(eventually([&] { return first->parent.status().rounds.waiting == 1 && actor.rounds == 4; }));
  // As a process that is killed: without a word.
  relay.cut(0);
  first->parent.stop("the test is over");
  ParentOptions options = asynchronous_options();
  options.epoch = 1;
  options.first_update = 7;
  Learning second(options);
  relay.cut(second.port());
  REQUIRE(eventually([&] { return second.rounds() >= 3; }));
  child.request_stop();
  run.get();
  second.stop();
  // The two rounds that the first one had not taken.
  CHECK(second.sum([](const auto& given) { return given.batch.dropped_steps; }) == 2 * kRoundSteps);
  CHECK(firsts_of(second.round(0)).at(0) == 4 * kRoundSteps);
  CHECK(second.round(0).contributions.at(0).batch.steps == 3 * kRoundSteps);
  CHECK(second.round(0).contributions.at(0).batch.segments.at(0).policy_version == 7);
  for (const auto& [step, times] : second.learnt()) CHECK(times == 1);
}

TEST_CASE("an asynchronous actor that ends waits for the answer to what it has sent", "[asynchronous]") {
  RunningParent learner(asynchronous_options());
  FakeActor actor;
  Child child(actor_options(learner.port(), "actor"), actor);
  const auto two_rounds = [](const ChildProgress& progress) { return progress.rounds < 2; };
  CHECK(child.run(two_rounds) == "the actor's program ended the training");
  CHECK(child.progress().exchanges == 2);
  const RoundCounts counts = learner.parent.status().rounds;
  CHECK(counts.queued_steps == 2 * kRoundSteps);
  CHECK(firsts_of(next_round(learner)).at(0) == 0);
}

TEST_CASE("a queue without room is refused", "[asynchronous]") {
  for (const std::uint64_t rounds : {std::uint64_t{0}, std::numeric_limits<std::uint64_t>::max()}) {
    ParentOptions options = asynchronous_options();
    options.segments.queued_rounds = rounds;
    CHECK_THROWS_WITH(Parent(options, small_layout(), weights_after(0)), Contains("queued_rounds is "));
  }
}

TEST_CASE("an actor whose rounds are shorter than the learner's is refused", "[segments]") {
  Learning learning(learner_options(1));
  FakeActor actor;
  ChildOptions options = actor_options(learning.port(), "actor");
  options.round_steps = kRoundSteps - 1;
  Child child(options, actor);
  CHECK_THROWS_WITH(child.run(), Contains("at most 29 steps") && Contains("this learner's 30"));
  CHECK(actor.rounds == 0);
  options.round_steps = kRoundSteps;
  Child long_enough(options, actor);
  long_enough.run(exchanges(1));
  CHECK(learning.learnt().size() == kRoundSteps);
}
