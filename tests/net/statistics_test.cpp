// Running statistics that travel with the weights.

#include <limits>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/wire/statistics.h"
#include "net/fixture.h"
#include "support/catch.h"
#include "support/raw_peer.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

constexpr std::size_t kComponents = 2;

/// Counts ten vectors in each round; which ones follows from its stream and the round.
class CountingTrainer : public FakeTrainer {
 public:
  explicit CountingTrainer(std::uint64_t stream, std::size_t components = kComponents)
      : FakeTrainer(small_layout(), static_cast<unsigned>(stream)),
        own_{stream, RunningStatistics(components)} {
    on_round = [this](std::vector<float>&) { count(own_.statistics, own_.stream, rounds); };
  }

  static void count(RunningStatistics& into, std::uint64_t stream, std::uint64_t round) {
    const auto values = random_weights(10 * into.components(), static_cast<unsigned>(1000 * stream + round));
    for (std::size_t i = 0; i < 10; ++i) {
      into.add(std::span(values).subspan(i * into.components(), into.components()));
    }
  }

  std::size_t statistics_components() const override { return own_.statistics.components(); }
  NumberedStatistics own_statistics() const override { return own_; }
  void write_other_statistics(const RunningStatistics& given) override { others.push_back(given); }

  /// Own and others' as the trainer would normalise with.
  RunningStatistics merged() const {
    RunningStatistics all = own_.statistics;
    if (!others.empty()) all.merge(others.back());
    return all;
  }

  std::vector<RunningStatistics> others;

 private:
  NumberedStatistics own_;
};

ParentOptions counting_parent() {
  ParentOptions options = parent_options();
  options.statistics = StreamStatistics(kComponents);
  return options;
}

RunningStatistics one_stream(std::initializer_list<std::pair<std::uint64_t, std::uint64_t>> stream_rounds) {
  RunningStatistics whole(kComponents);
  for (const auto& [stream, rounds] : stream_rounds) {
    for (std::uint64_t round = 1; round <= rounds; ++round) CountingTrainer::count(whole, stream, round);
  }
  return whole;
}

void check_same(const RunningStatistics& a, const RunningStatistics& b) {
  CHECK(a.count() == b.count());
  for (std::size_t i = 0; i < kComponents; ++i) {
    CHECK(a.mean(i) == Approx(b.mean(i)).epsilon(1e-9));
    CHECK(a.variance(i) == Approx(b.variance(i)).epsilon(1e-9));
  }
}

void train(std::uint16_t port, CountingTrainer& trainer, std::uint64_t count, bool overlap = false) {
  ChildOptions options = child_options(port);
  options.overlap = overlap;
  Child child(options, trainer);
  child.run(exchanges(count));
}

}  // namespace

TEST_CASE("what all Children count is merged as if it were one stream", "[statistics]") {
  RunningParent running(counting_parent());
  CountingTrainer a(1), b(2);
  train(running.port(), a, 3);
  check_same(running.parent.statistics().all(), one_stream({{1, 3}}));
  CHECK(a.others.back().count() == 0);
  train(running.port(), b, 4);
  const RunningStatistics whole = one_stream({{1, 3}, {2, 4}});
  check_same(running.parent.statistics().all(), whole);
  check_same(b.merged(), whole);
  // With its first weights the Child got what others had counted.
  check_same(b.others.front(), one_stream({{1, 3}}));
}

TEST_CASE("a Child that comes again is not counted twice", "[statistics]") {
  RunningParent running(counting_parent());
  CountingTrainer a(1), b(2);
  train(running.port(), b, 2);
  train(running.port(), a, 2);
  // Each train() is another Child and another session; the trainers count on.
  train(running.port(), a, 3);
  const RunningStatistics whole = one_stream({{1, 5}, {2, 2}});
  check_same(running.parent.statistics().all(), whole);
  check_same(a.merged(), whole);
  for (const RunningStatistics& others : a.others) CHECK(others.count() == 20);
}

TEST_CASE("an overlapped exchange carries statistics too", "[statistics]") {
  RunningParent running(counting_parent());
  CountingTrainer a(1), b(2);
  train(running.port(), a, 3, /*overlap=*/true);
  train(running.port(), b, 3, /*overlap=*/true);
  const double rounds = static_cast<double>(a.rounds + b.rounds);
  CHECK(running.parent.statistics().all().count() == 10 * rounds);
  CHECK(b.others.back().count() == 10 * static_cast<double>(a.rounds));
}

TEST_CASE("a Parent goes on with the statistics of its run", "[statistics]") {
  ParentOptions options = counting_parent();
  {
    RunningParent before(counting_parent());
    CountingTrainer a(1);
    train(before.port(), a, 2);
    options.statistics = before.parent.statistics();
  }
  RunningParent running(options);
  CountingTrainer b(2);
  train(running.port(), b, 1);
  check_same(b.merged(), one_stream({{1, 2}, {2, 1}}));
}

TEST_CASE("ends that do not count the same are refused, whichever of them counts", "[statistics]") {
  set_log_level(LogLevel::kError);
  SECTION("a Child that normalises, at a Parent that does not") {
    RunningParent running;
    CountingTrainer trainer(1);
    Child child(child_options(running.port()), trainer);
    CHECK_THROWS_WITH(child.run(), Contains("statistics of 2 components") && Contains("those of 0"));
    CHECK(trainer.rounds == 0);
  }
  SECTION("a Child that does not, at a Parent that does") {
    RunningParent running(counting_parent());
    FakeTrainer trainer;
    Child child(child_options(running.port()), trainer);
    CHECK_THROWS_AS(child.run(), LayoutError);
    CHECK(trainer.rounds == 0);
  }
  SECTION("another number of components") {
    RunningParent running(counting_parent());
    CountingTrainer trainer(1, 3);
    Child child(child_options(running.port()), trainer);
    CHECK_THROWS_WITH(child.run(), Contains("3 components") && Contains("those of 2"));
  }
}

TEST_CASE("statistics that no stream has are refused and change nothing", "[statistics]") {
  set_log_level(LogLevel::kError);
  const auto expect_refused = [](const std::vector<double>& values, const std::string& reason) {
    RunningParent running(counting_parent());
    RawPeer peer(running.port());
    peer.upgrade();
    HelloMessage hello;
    hello.name = "raw";
    hello.layout = small_layout();
    hello.statistics = kComponents;
    hello.stream = 7;
    peer.send_message(hello);
    const auto welcome = peer.read_message<WelcomeMessage>();
    CHECK(welcome.statistics == kComponents);
    CHECK(peer.read().opcode == 2);
    std::vector<std::byte> extra;
    for (const double value : values) {
      const auto bytes = std::as_bytes(std::span(&value, 1));
      extra.insert(extra.end(), bytes.begin(), bytes.end());
    }
    std::vector<std::byte> frame;
    encode_frame(child_frame(welcome.session, 1), random_weights(small_layout().size(), 1), frame, extra);
    peer.send_frame(2, {reinterpret_cast<const char*>(frame.data()), frame.size()});
    const auto refusal = peer.read_message<RefuseMessage>();
    CHECK(refusal.code == RefusalCode::kFrame);
    CHECK_THAT(refusal.reason, Contains(reason));
    CHECK(running.parent.status().updates == 0);
    CHECK(running.parent.statistics().size() == 0);
    CHECK(same_bits(running.parent.weights(), running.initial));
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  expect_refused({1, nan, 0, 0, 0}, "mean of component 0");
  expect_refused({1, 0, 0, 0, -1}, "squares of component 1");
  expect_refused({0.5, 0, 0, 0, 0}, "whole number");
  expect_refused({9e15, 0, 0, 0, 0}, "at most");
  expect_refused({1, 0, 0}, "announced");
}
