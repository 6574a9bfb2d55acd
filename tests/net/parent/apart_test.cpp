// Children that train apart from each other, and the mean that the Parent keeps of them.
#include <limits>
#include <map>
#include <set>

#include "net/fixture.h"
#include "net/parent/apart_weights.h"
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

ParentOptions apart_options(std::uint64_t from) {
  ParentOptions options;
  options.exchange = ExchangeKind::kRounds;
  options.rounds.apart_from_steps = from;
  return options;
}

/// A Parent's state with Children in sessions of these numbers, whose changes are all the same number.
struct ApartState {
  explicit ApartState(std::uint64_t children, ParentOptions given)
      : options(std::move(given)), state(options, layout, std::vector<float>(kSize, 0.0f)) {
    for (std::uint64_t child = 1; child <= children; ++child) join(child);
  }
  void join(std::uint64_t session) {
    ChildStatus status;
    status.name = name(session);
    status.session = session;
    status.address = "127.0.0.1:1";
    state.joined(status, 0, false, kStart);
  }
  static std::string name(std::uint64_t session) { return "child_" + std::to_string(session); }
  void contribute(std::uint64_t session, std::uint64_t steps, float change, std::uint64_t basis) {
    FrameHeader frame = frame_header(FrameType::kChildChange, session, ++sequences[session]);
    frame.update = basis;
    frame.environment_steps = played[session] += steps;
    state.contribute(frame, steps, std::vector<float>(kSize, change), kStart + S(10));
  }
  RoundMergeReport merge() { return state.merge_round(kStart + S(10)); }
  /// W_P.
  float weight() const { return only(state.current()); }
  float weight_of(std::uint64_t session) const { return only(state.weights_for(session)); }
  static float only(std::span<const float> weights) {
    REQUIRE(weights.size() == kSize);
    for (const float weight : weights) REQUIRE(weight == weights[0]);
    return weights[0];
  }

  const ParameterLayout layout = small_layout();
  ParentOptions options;
  ParentState state;
  std::map<std::uint64_t, std::uint64_t> sequences, played;
};

}  // namespace

TEST_CASE("Children train together, then apart, and the Parent has their mean", "[rounds]") {
  ApartState run(2, apart_options(500));
  run.contribute(1, 100, 1, 0);
  run.contribute(2, 300, 3, 0);
  CHECK(!run.merge().goes_apart);
  // (100 + 900) / 400.
  CHECK(run.weight() == 2.5f);
  CHECK(run.weight_of(1) == 2.5f);
  // Here the run has its 500 steps: the last round together.
  run.contribute(1, 100, 1, 1);
  run.contribute(2, 100, 2, 1);
  CHECK(run.merge().goes_apart);
  CHECK(run.weight() == 4);
  CHECK(run.weight_of(1) == 4);
  CHECK(run.weight_of(2) == 4);
  run.contribute(1, 100, 1, 2);
  run.contribute(2, 100, -3, 2);
  CHECK(!run.merge().goes_apart);
  // Each is sent its own weights, 5 and 1, and nobody goes on from their mean.
  CHECK(run.weight_of(1) == 5);
  CHECK(run.weight_of(2) == 1);
  CHECK(run.weight() == 3);
  run.contribute(1, 300, 2, 3);
  run.contribute(2, 100, 1, 3);
  run.merge();
  CHECK(run.weight_of(1) == 7);
  CHECK(run.weight_of(2) == 2);
  // By the steps apart: (400 x 7 + 200 x 2) / 600.
  CHECK(run.weight() == Approx(3200.0 / 600));
  CHECK(run.state.status().in_process.steps == 1200);
  CHECK(run.state.updates() == 4);
}

TEST_CASE("what a Child apart has learnt counts whole, however late it is", "[rounds]") {
  ParentOptions options = apart_options(100);
  options.rounds.max_staleness = 1;
  options.rounds.quorum_count = 1;
  ApartState run(2, options);
  run.contribute(1, 100, 1, 0);
  CHECK(run.merge().goes_apart);
  for (std::uint64_t update = 1; update <= 4; ++update) {
    run.contribute(1, 100, 1, update);
    run.merge();
  }
  // From weights of five rounds ago, onto those that the second began to be apart with.
  run.contribute(2, 400, 6, 0);
  const RoundMergeReport report = run.merge();
  REQUIRE(report.contributions.size() == 1);
  CHECK(!report.contributions[0].dropped);
  CHECK(report.contributions[0].staleness == 5);
  CHECK(run.weight_of(1) == 5);
  CHECK(run.weight_of(2) == 7);
  CHECK(run.weight() == 6);
}

TEST_CASE("a Child apart that is gone stays in the mean, and goes on from its own weights if it can",
          "[rounds]") {
  ApartState run(2, apart_options(1));
  run.contribute(1, 100, 1, 0);
  run.contribute(2, 100, 1, 0);
  CHECK(run.merge().goes_apart);
  run.contribute(1, 100, 2, 1);
  run.contribute(2, 100, 4, 1);
  run.merge();
  CHECK(run.weight() == 4);
  const bool for_good = GENERATE(false, true);
  run.state.left(2, for_good);
  run.contribute(1, 100, 2, 2);
  run.merge();
  // (200 x 5 + 100 x 5) / 300: the second has 5 for ever.
  CHECK(run.weight_of(1) == 5);
  CHECK(run.weight() == 5);
  run.contribute(1, 100, 6, 3);
  run.merge();
  CHECK(run.weight_of(1) == 11);
  CHECK(run.weight() == Approx((300 * 11 + 100 * 5) / 400.0));
  if (!for_good) {
    REQUIRE(run.state.rejoined(2, "child_2", "127.0.0.1:2", kStart + S(10)) == 2);
    CHECK(run.weight_of(2) == 5);
    run.contribute(2, 100, 1, 2);
    run.merge();
    CHECK(run.weight_of(2) == 6);
    CHECK(run.weight() == Approx((300 * 11 + 200 * 6) / 500.0));
  }
  // A new process begins from the mean.
  const float mean = run.weight();
  run.join(3);
  CHECK(run.weight_of(3) == mean);
}

TEST_CASE("a Parent that goes on in the second phase has Children apart from its weights on", "[rounds]") {
  ParentOptions options = apart_options(1'000);
  options.first_steps = 1'000;
  options.first_update = 7;
  ApartState run(2, options);
  run.contribute(1, 100, 1, 7);
  run.contribute(2, 100, 3, 7);
  CHECK(!run.merge().goes_apart);
  CHECK(run.weight_of(1) == 1);
  CHECK(run.weight_of(2) == 3);
  CHECK(run.weight() == 2);
  // A frame's field is for the steps of a learner's run.
  CHECK(run.state.run_steps() == 0);
}

TEST_CASE("the mean of Children apart does not depend on who came first", "[rounds]") {
  std::set<float> means;
  for (const std::vector<std::uint64_t>& order :
       {std::vector<std::uint64_t>{1, 2, 3, 4}, {4, 3, 2, 1}, {2, 4, 1, 3}}) {
    ApartState run(0, apart_options(1));
    for (const std::uint64_t child : order) run.join(child);
    for (std::uint64_t round = 0; round < 3; ++round) {
      for (const std::uint64_t child : order)
        run.contribute(child, 10 * child, 0.1f * static_cast<float>(child + round), round);
      run.merge();
    }
    means.insert(run.weight());
  }
  CHECK(means.size() == 1);
}

TEST_CASE("Children apart that were lost long ago take no memory, and stay in the mean", "[rounds]") {
  ApartWeights apart(1);
  const float zero = 0;
  constexpr std::uint64_t kMany = ApartWeights::kMostGone + 20;
  double sum = 0;
  for (std::uint64_t session = 1; session <= kMany; ++session) {
    apart.joined(session, "child", {&zero, 1});
    const auto change = static_cast<float>(session);
    apart.learnt(session, {&change, 1}, session);
    sum += static_cast<double>(session * session);
    apart.left(session, false);
  }
  float mean = 0;
  apart.mean({&mean, 1});
  CHECK(mean == Approx(sum / (kMany * (kMany + 1) / 2.0)));
  // The first one is forgotten, and begins anew; the last one is not.
  apart.joined(1, "child", {&zero, 1});
  apart.joined(kMany, "child", {&zero, 1});
  CHECK(apart.of(1)[0] == 0);
  CHECK(apart.of(kMany)[0] == static_cast<float>(kMany));
}

TEST_CASE("weights apart that overflow end the run, and the Parent's stay as they were", "[rounds]") {
  ApartState run(1, apart_options(1));
  run.contribute(1, 100, 1, 0);
  run.merge();
  const float huge = 0.75f * std::numeric_limits<float>::max();
  run.contribute(1, 100, huge, 1);
  CHECK(run.merge().failure.empty());
  const float before = run.weight();
  run.contribute(1, 100, huge, 2);
  CHECK_THAT(run.merge().failure, Contains("the mean of the Children's weights failed at update 3"));
  CHECK(run.weight() == before);
  CHECK(run.state.updates() == 2);
}
