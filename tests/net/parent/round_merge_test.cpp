// What a Parent's state makes of a round that Children have made together.
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "genkidama/params/change_average.h"
#include "net/fixture.h"
#include "net/parent/parent_state.h"
#include "support/catch.h"
#include "support/raw_peer.h"

using namespace genkidama;
using namespace genkidama::test;
using S = std::chrono::seconds;
using Catch::Contains;

namespace {

const Clock::time_point kStart = Clock::now();
constexpr std::size_t kSize = 16;

ParentOptions rounds_options(OuterOptimizerKind kind = OuterOptimizerKind::kNone) {
  ParentOptions options;
  options.exchange = ExchangeKind::kRounds;
  OuterOptimizerOptions outer;
  outer.kind = kind;
  options.outer_optimizer = OuterOptimizer(outer);
  return options;
}

/// A Parent's state with Children "child_1", "child_2", ... in sessions of these numbers.
struct RoundState {
  explicit RoundState(std::uint64_t children, ParentOptions given = rounds_options())
      : options(std::move(given)), state(options, layout, random_weights(kSize, 1)) {
    for (std::uint64_t child = 1; child <= children; ++child) join(child);
  }
  void join(std::uint64_t child) {
    ChildStatus status;
    status.name = "child_" + std::to_string(child);
    status.session = child;
    state.joined(status, 0, false, kStart);
  }
  /// What a Child has learnt in `steps` steps from the weights of `basis`.
  void contribute(std::uint64_t child, std::uint64_t steps, std::uint64_t basis, NumberedStatistics own = {},
                  OptimizerMoments moments = {}) {
    FrameHeader frame = frame_header(FrameType::kChildChange, child, ++sequences[child]);
    frame.update = basis;
    frame.environment_steps = played[child] += steps;
    frame.episodes = sequences[child];
    frame.mean_return = 10.0 * static_cast<double>(child);
    state.contribute(frame, steps, change(child, frame.sequence), kStart + S(10), std::move(own),
                     std::move(moments));
  }
  static std::vector<float> change(std::uint64_t child, std::uint64_t sequence) {
    return random_weights(kSize, static_cast<unsigned>(1000 * child + sequence));
  }
  RoundMergeReport merge() { return state.merge_round(kStart + S(10)); }
  std::vector<float> weights() const { return state.weights(); }

  const ParameterLayout layout = small_layout();
  ParentOptions options;
  ParentState state;
  std::map<std::uint64_t, std::uint64_t> sequences, played;
};

std::vector<float> plus(std::vector<float> weights, const std::vector<float>& change) {
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] += change[i];
  return weights;
}

}  // namespace

TEST_CASE("a round's average weights each Child by its steps", "[rounds]") {
  RoundState rounds(3);
  rounds.contribute(1, 100, 0);
  rounds.contribute(2, 300, 0);
  rounds.contribute(3, 600, 0);
  CHECK(rounds.state.status().rounds.waiting == 3);
  const auto before = rounds.weights();
  const RoundMergeReport report = rounds.merge();
  CHECK(report.failure.empty());
  const auto a = RoundState::change(1, 1), b = RoundState::change(2, 1), c = RoundState::change(3, 1);
  for (std::size_t i = 0; i < kSize; ++i) {
    const double mean = 0.1 * double{a[i]} + 0.3 * double{b[i]} + 0.6 * double{c[i]};
    CHECK(rounds.weights()[i] == Approx(before[i] + mean).margin(1e-6));
  }
  const ParentStatus status = rounds.state.status();
  CHECK(status.updates == 1);
  CHECK(status.in_process.steps == 1000);
  CHECK(status.in_process.episodes == 3);
  CHECK(status.rounds.closed == 1);
  CHECK(status.rounds.contributions == 3);
  CHECK(status.rounds.late == 0);
  CHECK(status.rounds.waiting == 0);
  REQUIRE(report.contributions.size() == 3);
  CHECK(report.contributions[1].child == "child_2");
  CHECK(report.contributions[1].since_merge.steps == 300);
  CHECK(report.contributions[1].mean_return == 20);
  CHECK(status.children[1].updates == 1);
}

TEST_CASE("the average does not depend on the order of arrival, nor on the numbers of sessions", "[rounds]") {
  for (const auto kind : {OuterOptimizerKind::kNone, OuterOptimizerKind::kMomentum,
                          OuterOptimizerKind::kNesterov, OuterOptimizerKind::kAdam}) {
    std::set<std::vector<float>> results;
    for (const std::vector<std::uint64_t>& order :
         {std::vector<std::uint64_t>{1, 2, 3, 4, 5}, {5, 4, 3, 2, 1}, {3, 1, 5, 2, 4}}) {
      RoundState rounds(5, rounds_options(kind));
      for (std::uint64_t round = 0; round < 4; ++round) {
        for (const std::uint64_t child : order) rounds.contribute(child, 10 * child + 1, round);
        rounds.merge();
      }
      results.insert(rounds.weights());
    }
    // Children whose sessions were numbered in the order of their coming.
    RoundState rounds(0, rounds_options(kind));
    for (const std::uint64_t child : {4, 2, 5, 1, 3}) {
      ChildStatus status;
      status.name = "child_" + std::to_string(child);
      status.session = 100 - child;
      rounds.state.joined(status, 0, false, kStart);
    }
    for (std::uint64_t round = 0; round < 4; ++round) {
      for (const std::uint64_t child : {2, 1, 4, 3, 5}) {
        FrameHeader frame = frame_header(FrameType::kChildChange, 100 - child, round + 1);
        frame.update = round;
        frame.environment_steps = (round + 1) * (10 * child + 1);
        rounds.state.contribute(frame, 10 * child + 1, RoundState::change(child, round + 1), kStart + S(10));
      }
      rounds.merge();
    }
    results.insert(rounds.weights());
    CHECK(results.size() == 1);
  }
}

TEST_CASE("the outer optimizer takes the mean change into the weights", "[rounds]") {
  OuterOptimizerOptions nesterov;
  nesterov.kind = OuterOptimizerKind::kNesterov;
  RoundState rounds(2, rounds_options(nesterov.kind));
  OuterOptimizer expected_optimizer(nesterov);
  auto expected = rounds.weights();
  for (std::uint64_t round = 0; round < 5; ++round) {
    rounds.contribute(1, 100, round);
    rounds.contribute(2, 300, round);
    const auto a = RoundState::change(1, round + 1), b = RoundState::change(2, round + 1);
    std::vector<float> mean(kSize);
    average_changes(std::vector<WeightedChange>{{a, 100, 1}, {b, 300, 1}}, mean);
    expected_optimizer.apply(expected, mean);
    rounds.merge();
    CHECK(same_bits(rounds.weights(), expected));
  }
  CHECK(rounds.state.outer_optimizer().size() == kSize);
}

TEST_CASE("rounds go on bit for bit from weights and outer optimizer that were kept", "[rounds]") {
  for (const auto kind : {OuterOptimizerKind::kNone, OuterOptimizerKind::kAdam}) {
    RoundState whole(2, rounds_options(kind));
    for (std::uint64_t round = 0; round < 6; ++round) {
      whole.contribute(1, 100, round);
      whole.contribute(2, 200, round);
      whole.merge();
    }
    RoundState first(2, rounds_options(kind));
    for (std::uint64_t round = 0; round < 3; ++round) {
      first.contribute(1, 100, round);
      first.contribute(2, 200, round);
      first.merge();
    }
    ParentOptions options = rounds_options(kind);
    options.first_update = 3;
    options.outer_optimizer = first.state.outer_optimizer();
    ParentState second(options, first.layout, first.weights());
    for (const std::uint64_t child : {1, 2}) {
      ChildStatus status;
      status.name = "child_" + std::to_string(child);
      status.session = child;
      second.joined(status, 300 * child, false, kStart);
    }
    for (std::uint64_t round = 3; round < 6; ++round) {
      for (const std::uint64_t child : {1, 2}) {
        FrameHeader frame = frame_header(FrameType::kChildChange, child, round - 2);
        frame.update = round;
        frame.environment_steps = 100 * child * (round + 1);
        second.contribute(frame, 100 * child, RoundState::change(child, round + 1), kStart + S(10));
      }
      second.merge_round(kStart + S(10));
    }
    CHECK(same_bits(second.weights(), whole.weights()));
  }
}

TEST_CASE("a late contribution enters the next round and counts less", "[rounds]") {
  RoundState rounds(2);
  rounds.contribute(1, 100, 0);
  // A deadline, as it were.
  rounds.state.left(2, true);
  rounds.merge();
  rounds.join(2);
  const auto before = rounds.weights();
  rounds.contribute(2, 100, 0);
  rounds.contribute(1, 100, 1);
  const RoundMergeReport report = rounds.merge();
  REQUIRE(report.contributions.size() == 2);
  CHECK(report.contributions[0].staleness == 0);
  CHECK(report.contributions[1].staleness == 1);
  CHECK_FALSE(report.contributions[1].dropped);
  const auto fresh = RoundState::change(1, 2), late = RoundState::change(2, 1);
  for (std::size_t i = 0; i < kSize; ++i) {
    const double mean = 0.5 * double{fresh[i]} + 0.5 * double{late[i]} / std::sqrt(2.0);
    CHECK(rounds.weights()[i] == Approx(before[i] + mean).margin(1e-6));
  }
  const RoundCounts counts = rounds.state.status().rounds;
  CHECK(counts.late == 1);
  CHECK(counts.staleness == 1);
  CHECK(counts.dropped == 0);
  CHECK(rounds.state.status().children[1].staleness == 1);
}

TEST_CASE(
    "moments count as much as the change that they came with, and the outer optimizer leaves them alone",
    "[rounds]") {
  ParentOptions options = rounds_options(OuterOptimizerKind::kNesterov);
  options.average_moments = true;
  options.rounds.max_staleness = 2;
  options.rounds.quorum_count = 1;
  const MomentsShape shape{2, 1, 2};
  const auto given = [](std::uint64_t steps, float mean, float square) {
    return OptimizerMoments{steps, {mean, square}};
  };
  RoundState rounds(0, options);
  CHECK(rounds.state.begin_moments(shape).empty());
  for (const std::uint64_t child : {1, 2, 3}) rounds.join(child);
  rounds.contribute(1, 100, 0, {}, given(10, 2, 4));
  rounds.contribute(2, 300, 0, {}, given(12, -2, 8));
  rounds.merge();
  CHECK(rounds.state.moments().mean() == given(12, -1, 7));
  // A late one counts 1 / sqrt(2) as much.
  rounds.contribute(1, 100, 1, {}, given(20, 1, 1));
  rounds.contribute(3, 100, 0, {}, given(15, 3, 3));
  rounds.merge();
  const double late = 1 / std::sqrt(2.0), mean = (1 + 3 * late) / (1 + late);
  CHECK(rounds.state.moments().mean().steps == 20);
  CHECK(rounds.state.moments().mean().values[0] == Approx(mean));
  CHECK(rounds.state.moments().mean().values[1] == Approx(mean));
  // One that is dropped counts nothing, also when it is alone; nor does one without an optimizer step so far.
  rounds.contribute(1, 100, 2, {}, given(30, 1, 1));
  rounds.merge();
  rounds.contribute(2, 100, 3, {}, given(40, 5, 5));
  rounds.contribute(3, 100, 0, {}, given(1'000, 9, 9));
  rounds.contribute(1, 100, 3, {}, given(0, 0, 0));
  CHECK(rounds.merge().contributions.at(2).dropped);
  CHECK(rounds.state.moments().mean() == given(40, 5, 5));
  rounds.state.left(1, true);
  rounds.state.left(2, true);
  rounds.contribute(3, 100, 0, {}, given(2'000, 9, 9));
  rounds.merge();
  CHECK(rounds.state.moments().mean() == given(40, 5, 5));
}

TEST_CASE("a contribution that is too stale counts nothing, and its steps were played", "[rounds]") {
  ParentOptions options = rounds_options();
  options.rounds.max_staleness = 2;
  options.rounds.quorum_count = 1;  // the first rounds are over without the second Child
  RoundState rounds(2, options);
  for (std::uint64_t round = 0; round < 3; ++round) {
    rounds.contribute(1, 100, round);
    rounds.merge();
  }
  const auto before = rounds.weights();
  rounds.contribute(1, 100, 3);
  rounds.contribute(2, 100'000, 0);
  const RoundMergeReport report = rounds.merge();
  CHECK(report.contributions.at(1).dropped);
  CHECK(same_bits(rounds.weights(), plus(before, RoundState::change(1, 4))));
  CHECK(rounds.state.status().rounds.dropped == 1);
  CHECK(rounds.state.status().in_process.steps == 100'400);
  // Alone it changes nothing, and is answered all the same.
  rounds.state.left(1, true);
  rounds.contribute(2, 100, 0);
  const auto alone = rounds.weights();
  CHECK(rounds.merge().contributions.at(0).dropped);
  CHECK(same_bits(rounds.weights(), alone));
  CHECK(rounds.state.updates() == 5);
}

TEST_CASE("what a Child has contributed goes with its link, and its session goes on without it", "[rounds]") {
  RoundState rounds(2);
  rounds.contribute(1, 100, 0);
  rounds.contribute(2, 100, 0);
  rounds.merge();
  rounds.contribute(2, 100, 1);
  rounds.contribute(1, 100, 1);
  const auto before = rounds.weights();
  rounds.state.left(2, false);
  CHECK(rounds.state.status().rounds.waiting == 1);
  CHECK(rounds.state.is_round_over(kStart + S(10)));
  rounds.merge();
  CHECK(same_bits(rounds.weights(), plus(before, RoundState::change(1, 2))));
  // The frame that was lost is not counted: its number is the next one.
  CHECK(rounds.state.rejoined(2, "child_2", "127.0.0.1:1", kStart) == 1);
  CHECK(rounds.state.status().in_process.steps == 300);
}

TEST_CASE("statistics count with the contribution that brought them", "[rounds]") {
  ParentOptions options = rounds_options();
  options.statistics = StreamStatistics(1);
  RoundState rounds(2, options);
  const auto counted = [](int vectors) {
    RunningStatistics statistics(1);
    for (int i = 0; i < vectors; ++i) statistics.add(std::vector<float>{static_cast<float>(i)});
    return statistics;
  };
  rounds.contribute(1, 100, 0, {11, counted(5)});
  rounds.contribute(2, 100, 0, {22, counted(7)});
  CHECK(rounds.state.statistics().all().count() == 0);
  rounds.merge();
  CHECK(rounds.state.statistics().all().count() == 12);
  CHECK(rounds.state.other_statistics(11).count() == 7);
  // Its next ones replace those before: nothing is counted twice.
  rounds.contribute(1, 100, 1, {11, counted(9)});
  rounds.state.left(2, false);
  rounds.merge();
  CHECK(rounds.state.statistics().all().count() == 16);
}

TEST_CASE("an outer optimizer whose result is not finite changes nothing, and is named", "[rounds]") {
  ParentOptions options = rounds_options();
  OuterOptimizerOptions outer;
  outer.kind = OuterOptimizerKind::kMomentum;
  outer.learning_rate = 3e38;
  options.outer_optimizer = OuterOptimizer(outer);
  RoundState rounds(1, options);
  const auto before = rounds.weights();
  rounds.contribute(1, 100, 0);
  std::vector<float> huge(kSize, 2);
  rounds.state.left(1, true);
  rounds.join(1);
  FrameHeader frame = frame_header(FrameType::kChildChange, 1, 1);
  frame.environment_steps = 100;
  rounds.state.contribute(frame, 100, huge, kStart + S(10));
  const RoundMergeReport report = rounds.merge();
  CHECK_THAT(report.failure, Contains("'momentum'") && Contains("update 1") && Contains("pi1.weight") &&
                                 Contains("lower learning rate"));
  CHECK(rounds.state.status().failure == report.failure);
  CHECK(rounds.state.updates() == 0);
  CHECK(same_bits(rounds.weights(), before));
  CHECK(rounds.state.outer_optimizer().size() == 0);
}

TEST_CASE("a Child that waits for the others is not late", "[rounds]") {
  RoundState rounds(2);
  const auto play = [&](int made, bool both) {
    const auto now = kStart + S(10 * (made + 1));
    for (const std::uint64_t child :
         both ? std::vector<std::uint64_t>{1, 2} : std::vector<std::uint64_t>{1}) {
      FrameHeader frame = frame_header(FrameType::kChildChange, child, static_cast<std::uint64_t>(made) + 1);
      frame.update = static_cast<std::uint64_t>(made);
      frame.environment_steps = 100 * frame.sequence;
      rounds.state.contribute(frame, 100, RoundState::change(child, frame.sequence), now);
    }
    if (both) rounds.state.merge_round(now);
    return now;
  };
  for (int made = 0; made < 6; ++made) play(made, true);
  const auto now = play(6, false);
  const auto late = rounds.state.become_late(S(5), now + S(1'000));
  REQUIRE(late.size() == 1);
  CHECK(late[0].child == "child_2");
  CHECK(late[0].round == 10);
}
