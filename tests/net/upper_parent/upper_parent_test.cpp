// Parents that are Children of other Parents.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/net/upper_parent.h"
#include "genkidama/params/weighted_average.h"
#include "net/fixture.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/relay.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

const bool kQuiet = [] {
  set_log_level(LogLevel::kError);
  return true;
}();

UpperParentOptions upper_options(std::uint16_t port, double beta = 0.5, std::uint64_t merges = 0) {
  UpperParentOptions options;
  options.link = child_options(port, beta, "middle");
  // Of a machine that is busy with other tests, too.
  options.link.limits.close_timeout = Milliseconds(5'000);
  options.merges = merges;
  return options;
}

void join(UpperParent& upper) {
  upper.start();
  while (!upper.joined(Milliseconds(100))) {
  }
}

/// A Parent on a free port that is a Child of another one.
struct Middle {
  Middle(UpperParentOptions upper_options, ParentOptions options = parent_options())
      : parent(std::move(options), small_layout(), random_weights(small_layout().size(), 7)),
        upper(std::move(upper_options), parent) {
    parent.on_update([this](const ParentUpdate& update) { upper.merged(update); });
    join(upper);
    parent.start();
  }
  ~Middle() { stop(); }

  void stop() {
    parent.stop();
    upper.stop("the test is over");
  }
  std::uint16_t port() const { return parent.ports().at(0); }

  Parent parent;
  UpperParent upper;
};

void train(std::uint16_t port, LocalTrainer& trainer, std::uint64_t count, double beta = 0.5) {
  Child child(child_options(port, beta), trainer);
  child.run(exchanges(count));
}

std::vector<float> averaged(std::vector<float> into, const std::vector<float>& others, double weight) {
  weighted_average(into, others, weight);
  return into;
}

/// Counts ten vectors in each round.
class CountingTrainer : public FakeTrainer {
 public:
  explicit CountingTrainer(unsigned seed)
      : FakeTrainer(small_layout(), seed), own_{seed, RunningStatistics(1)} {
    on_round = [this](std::vector<float>&) {
      for (int i = 0; i < 10; ++i) {
        const float value = static_cast<float>(i);
        own_.statistics.add({&value, 1});
      }
    };
  }
  std::size_t statistics_components() const override { return 1; }
  NumberedStatistics own_statistics() const override { return own_; }
  void write_other_statistics(const RunningStatistics& given) override { others = given; }

  RunningStatistics others;

 private:
  NumberedStatistics own_;
};

}  // namespace

TEST_CASE("a middle Parent begins with the upper one's weights, and each level averages", "[upper]") {
  constexpr double kRootAlpha = 0.3, kAlpha = 0.6, kBeta = 0.25;
  RunningParent root(parent_options(kRootAlpha));
  Middle middle(upper_options(root.port(), kBeta), parent_options(kAlpha));
  CHECK(same_bits(middle.parent.weights(), root.initial));
  FakeTrainer trainer;
  train(middle.port(), trainer, 1);
  REQUIRE(eventually([&] { return middle.upper.status().exchanges == 1; }));
  REQUIRE(trainer.sent.size() == 1);
  const auto merged = averaged(root.initial, trainer.sent[0], kAlpha);
  const auto at_root = averaged(root.initial, merged, kRootAlpha);
  CHECK(same_bits(root.parent.weights(), at_root));
  CHECK(same_bits(middle.parent.weights(), averaged(merged, at_root, kBeta)));
  // The Child has had its answer before that.
  CHECK(same_bits(trainer.weights(), averaged(trainer.sent[0], merged, 0.5)));
}

TEST_CASE("the root counts what was played anywhere below it", "[upper]") {
  const auto exchange = GENERATE(ExchangeKind::kEach, ExchangeKind::kRounds);
  const auto below = GENERATE(ExchangeKind::kEach, ExchangeKind::kRounds);
  CAPTURE(exchange_name(exchange), exchange_name(below));
  const auto parent_of = [](ExchangeKind kind) {
    ParentOptions options = parent_options(0.5);
    options.exchange = kind;
    return options;
  };
  constexpr std::uint64_t kRounds = 8;
  RunningParent root(parent_of(exchange));
  Played told, played;
  {
    std::vector<std::unique_ptr<Middle>> middles;
    for (const char* const name : {"left", "right"}) {
      UpperParentOptions options = upper_options(root.port());
      options.link.name = name;
      options.link.exchange = exchange;
      middles.push_back(std::make_unique<Middle>(std::move(options), parent_of(below)));
    }
    std::vector<FakeTrainer> trainers(4);
    std::vector<std::unique_ptr<Child>> children;
    std::vector<std::unique_ptr<ChildRun>> runs;
    for (std::size_t i = 0; i < trainers.size(); ++i) {
      ChildOptions options = child_options(middles[i / 2]->port(), 0.5, "child" + std::to_string(i));
      options.exchange = below;
      children.push_back(std::make_unique<Child>(std::move(options), trainers[i]));
      runs.push_back(std::make_unique<ChildRun>(*children.back(), exchanges(kRounds)));
    }
    for (auto& run : runs) run->get();
    for (auto& middle : middles) {
      middle->stop();
      played += middle->parent.status().in_process;
      told += middle->upper.status().told;
      CHECK(middle->upper.over());
      CHECK(middle->upper.status().exchanges > 0);
    }
  }
  // With the last exchange, which stop() makes.
  CHECK(told.steps == played.steps);
  CHECK(told.episodes == played.episodes);
  CHECK(played.steps >= 4 * kRounds * 20);
  REQUIRE(eventually([&] { return root.parent.status().in_process.steps == played.steps; }));
  CHECK(root.parent.status().in_process.episodes == played.episodes);
  CHECK(root.parent.status().joined == 2);
}

TEST_CASE("three levels above the Children come to what all of them agree on", "[upper]") {
  RunningParent root(parent_options(0.5));
  Middle upper(upper_options(root.port()), parent_options(0.5));
  Middle lower(upper_options(upper.port()), parent_options(0.5));
  CHECK(same_bits(lower.parent.weights(), root.initial));
  // Everybody who trains wants the same weights, and gets nearer by half in each round.
  const std::vector<float> goal = random_weights(small_layout().size(), 1234);
  const auto approach = [&](std::vector<float>& weights) {
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] += 0.5f * (goal[i] - weights[i]);
  };
  const auto far_from_goal = [&](const std::vector<float>& weights) {
    double most = 0;
    for (std::size_t i = 0; i < goal.size(); ++i)
      most = std::max(most, std::abs(double{weights[i]} - double{goal[i]}));
    return most;
  };
  FakeTrainer trainer;
  trainer.on_round = [&](std::vector<float>& weights) {
    for (int i = 0; i < 20; ++i) approach(weights);
  };
  Child child(child_options(lower.port(), 0.1), trainer);
  ChildRun run(child);
  CHECK(eventually([&] { return far_from_goal(root.parent.weights()) < 0.01; }));
  CHECK(root.parent.status().in_process.steps > 0);
  CHECK(far_from_goal(upper.parent.weights()) < 0.1);
}

TEST_CASE("statistics go up once, and down to everybody else", "[upper]") {
  ParentOptions counting = parent_options();
  counting.statistics = StreamStatistics(1);
  RunningParent root(counting);
  auto left_options = upper_options(root.port()), right_options = upper_options(root.port());
  left_options.link.name = "left";
  right_options.link.name = "right";
  Middle left(left_options, counting), right(right_options, counting);
  CountingTrainer a(1), b(2), c(3);
  const auto total = [&] { return 10.0 * static_cast<double>(a.rounds + b.rounds + c.rounds); };
  const auto exchanged = [&](Middle& middle) {
    return eventually(
        [&] { return middle.upper.status().told.steps == middle.parent.status().in_process.steps; });
  };
  for (int i = 0; i < 3; ++i) {
    train(left.port(), a, 2);
    train(left.port(), b, 1);
    REQUIRE(exchanged(left));
    train(right.port(), c, 2);
    REQUIRE(exchanged(right));
    CHECK(root.parent.statistics().all().count() == total());
  }
  // The right middle Parent has heard of the left one's Children, and has told its own since.
  CHECK(right.parent.statistics().all().count() == total());
  // So a Child hears of it with its next answer.
  train(right.port(), c, 1);
  CHECK(c.others.count() == total() - 10.0 * static_cast<double>(c.rounds));
  REQUIRE(exchanged(right));
  train(left.port(), a, 1);
  REQUIRE(exchanged(left));
  CHECK(left.parent.statistics().all().count() == total());
  CHECK(root.parent.statistics().all().count() == total());
}

TEST_CASE("a middle Parent goes on without the upper one, and takes part again", "[upper]") {
  RunningParent root(parent_options(0.5));
  Relay relay(root.port());
  Middle middle(upper_options(relay.port()), parent_options(0.5));
  FakeTrainer trainer;
  train(middle.port(), trainer, 2);
  REQUIRE(eventually([&] { return middle.upper.status().exchanges >= 1; }));
  relay.cut(0);
  REQUIRE(eventually([&] { return !middle.upper.status().connected; }));
  REQUIRE(eventually([&] { return root.parent.status().children.empty(); }));
  const auto updates = root.parent.status().updates;
  train(middle.port(), trainer, 5);
  CHECK(root.parent.status().updates == updates);
  CHECK_FALSE(middle.upper.over());
  relay.cut(root.port());
  REQUIRE(eventually([&] { return middle.upper.status().connected; }));
  train(middle.port(), trainer, 1);
  REQUIRE(eventually(
      [&] { return root.parent.status().in_process.steps == middle.parent.status().in_process.steps; }));
  CHECK(middle.upper.status().reconnects >= 1);
}

TEST_CASE("the Children of a middle Parent that is lost train on, and its next process has them again",
          "[upper]") {
  RunningParent root(parent_options(0.5));
  ParentOptions options = parent_options(0.5);
  options.run_id = "middle";
  auto middle = std::make_unique<Middle>(upper_options(root.port()), options);
  Relay relay(middle->port());
  FakeTrainer trainer;
  Child child(child_options(relay.port()), trainer);
  std::atomic<std::uint64_t> rounds{0}, exchanged{0};
  ChildRun run(child, [&](const ChildProgress& progress) {
    rounds = progress.rounds;
    exchanged = progress.exchanges;
    return true;
  });
  REQUIRE(eventually([&] { return middle->upper.status().exchanges >= 3; }));
  // The Child hears nothing of it, as of a machine that has lost its power.
  relay.cut(0);
  options.first_update = middle->parent.status().updates;
  middle.reset();
  REQUIRE(eventually([&] { return root.parent.status().children.empty(); }));
  const auto updates = root.parent.status().updates;
  // The answer that came last before the cut may not have been counted yet.
  const auto rounds_at_cut = rounds.load();
  REQUIRE(eventually([&] { return rounds > rounds_at_cut + 2; }));
  const auto rounds_before = rounds.load(), exchanged_before = exchanged.load();
  REQUIRE(eventually([&] { return rounds > rounds_before + 3; }));
  CHECK(exchanged == exchanged_before);
  CHECK(root.parent.status().updates == updates);
  options.epoch = 1;
  middle = std::make_unique<Middle>(upper_options(root.port()), options);
  relay.cut(middle->port());
  REQUIRE(eventually([&] { return exchanged > exchanged_before + 3; }));
  REQUIRE(eventually([&] { return root.parent.status().updates > updates + 3; }));
  CHECK_FALSE(run.ended());
}

TEST_CASE("what ends the upper Parent's run is told below", "[upper]") {
  auto root = std::make_unique<RunningParent>(parent_options(0.5));
  Middle middle(upper_options(root->port()), parent_options(0.5));
  FakeTrainer trainer;
  train(middle.port(), trainer, 1);
  root->parent.stop("enough was learnt");
  REQUIRE(eventually([&] { return middle.upper.over().has_value(); }));
  CHECK_THAT(*middle.upper.over(), Contains("enough was learnt"));
  const auto exchanges_before = middle.upper.status().exchanges;
  // Merging goes on until the program stops it, and nobody waits.
  train(middle.port(), trainer, 2);
  middle.stop();
  CHECK(middle.upper.status().exchanges == exchanges_before);
}

TEST_CASE("whoever finds no upper Parent, or is refused there, says so", "[upper]") {
  Parent parent(parent_options(), small_layout(), random_weights(small_layout().size(), 7));
  SECTION("nobody listens") {
    std::uint16_t port = 0;
    {
      RunningParent gone;
      port = gone.port();
    }
    UpperParentOptions options = upper_options(port);
    options.link.join_timeout = Milliseconds(200);
    UpperParent upper(options, parent);
    CHECK_THROWS_AS(join(upper), IoError);
    CHECK_THROWS_AS(upper.over(), IoError);
    CHECK_FALSE(upper.status().connected);
  }
  SECTION("another network") {
    const ParameterLayout other({{"pi1.weight", {2, 3}}});
    Parent root(parent_options(), other, random_weights(other.size(), 1));
    root.start();
    UpperParent upper(upper_options(root.ports().at(0)), parent);
    CHECK_THROWS_AS(join(upper), LayoutError);
  }
  SECTION("another exchange") {
    RunningParent root;
    UpperParentOptions options = upper_options(root.port());
    options.link.exchange = ExchangeKind::kRounds;
    UpperParent upper(options, parent);
    CHECK_THROWS_WITH(join(upper), Contains("rounds"));
  }
  SECTION("itself: a Parent that waits for an upper one does not listen yet") {
    ParentOptions options = parent_options();
    std::uint16_t port = 0;
    {
      RunningParent gone;
      port = gone.port();
    }
    options.listen = {loopback(port)};
    Parent itself(options, small_layout(), random_weights(small_layout().size(), 7));
    UpperParentOptions to_itself = upper_options(port);
    to_itself.link.join_timeout = Milliseconds(200);
    UpperParent upper(to_itself, itself);
    CHECK_THROWS_WITH(join(upper), Contains("no upper Parent within"));
  }
}

TEST_CASE("an upper Parent's options are checked", "[upper]") {
  Parent parent(parent_options(), small_layout(), random_weights(small_layout().size(), 7));
  const auto expect = [&](const std::function<void(UpperParentOptions&)>& change, const std::string& text) {
    UpperParentOptions options = upper_options(1);
    change(options);
    CHECK_THROWS_WITH(UpperParent(options, parent), Contains(text));
  };
  expect([](auto& o) { o.link.exchange = ExchangeKind::kSegments; }, "expected 'each' or 'rounds'");
  expect([](auto& o) { o.link.overlap = true; }, "overlap");
  expect([](auto& o) { o.link.round_steps = 5; }, "round_steps");
  expect([](auto& o) { o.link.connect.reset(); }, "exactly one of connect and listen");
  expect([](auto& o) { o.link.beta = 2; }, "beta");
  expect(
      [](auto& o) {
        o.link.exchange = ExchangeKind::kRounds;
        o.link.average_moments = true;
      },
      "average_moments");
  ParentOptions learner = parent_options();
  learner.exchange = ExchangeKind::kSegments;
  learner.segments.round_steps = 10;
  Parent of_segments(learner, small_layout(), random_weights(small_layout().size(), 7));
  CHECK_THROWS_WITH(UpperParent(upper_options(1), of_segments), Contains("'segments'"));
}

TEST_CASE("stop() ends a Parent that waits for an upper one at once", "[upper]") {
  std::uint16_t port = 0;
  {
    RunningParent gone;
    port = gone.port();
  }
  Parent parent(parent_options(), small_layout(), random_weights(small_layout().size(), 7));
  UpperParent upper(upper_options(port), parent);
  upper.start();
  CHECK_THROWS_AS(upper.start(), ArgumentError);
  upper.stop("no more");
  CHECK(upper.over());
  CHECK_FALSE(upper.joined(Milliseconds(0)));
  upper.stop("again");
}

TEST_CASE("weights of elsewhere come into a Parent beside its merges", "[upper]") {
  const auto from = random_weights(small_layout().size(), 1), to = random_weights(small_layout().size(), 2);
  SECTION("before it is started, and after it has ended") {
    Parent parent(parent_options(), small_layout(), from);
    CHECK(parent.change_weights(from, to));
    CHECK(same_bits(parent.weights(), to));
    parent.start();
    parent.stop();
    CHECK_FALSE(parent.change_weights(to, from));
    CHECK(same_bits(parent.weights(), to));
    CHECK(parent.status().updates == 0);
  }
  SECTION("what was merged meanwhile is kept") {
    RunningParent running(parent_options(1));
    FakeTrainer trainer;
    train(running.port(), trainer, 1);
    const auto merged = trainer.sent.at(0);
    REQUIRE(same_bits(running.parent.weights(), merged));
    CHECK(running.parent.change_weights(running.initial, to));
    const auto weights = running.parent.weights();
    for (std::size_t i = 0; i < weights.size(); ++i)
      CHECK(weights[i] == Approx(merged[i] + (to[i] - running.initial[i])).margin(1e-6));
  }
  SECTION("what is impossible is refused and changes nothing") {
    RunningParent running;
    auto bad = to;
    CHECK_THROWS_AS(running.parent.change_weights(std::span(from).first(1), to), ArgumentError);
    CHECK_THROWS_AS(running.parent.change_weights(from, std::span(to).first(1)), ArgumentError);
    bad[3] = std::numeric_limits<float>::quiet_NaN();
    CHECK_THROWS_WITH(running.parent.change_weights(from, bad), Contains("element 3"));
    auto low = from, high = from;
    low[2] = -3e38f;
    high[2] = 3e38f;
    CHECK_THROWS_WITH(running.parent.change_weights(low, high), Contains("expected finite weights"));
    CHECK_THROWS_AS(running.parent.write_statistics(1, RunningStatistics(3)), ArgumentError);
    CHECK(same_bits(running.parent.weights(), running.initial));
  }
}
