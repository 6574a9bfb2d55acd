#include <cmath>
#include <map>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/params/weighted_average.h"
#include "net/fixture.h"
#include "support/catch.h"
#include "support/eventually.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

// Peers come and go in every test; only what goes wrong inside is worth reading.
const bool kQuiet = [] {
  set_log_level(LogLevel::kError);
  return true;
}();

/// What one Child and its Parent hold after `rounds`, and what the Child had sent.
struct Outcome {
  std::vector<float> parent, child;
  FakeTrainer trainer;
};

Outcome exchange_with(double alpha, double beta, std::uint64_t rounds) {
  RunningParent running(parent_options(alpha));
  Outcome outcome;
  Child child(child_options(running.port(), beta), outcome.trainer);
  child.run([&](const ChildProgress& progress) {
    CHECK(progress.connected);
    return progress.rounds < rounds;
  });
  outcome.parent = running.parent.weights();
  outcome.child = outcome.trainer.weights();
  return outcome;
}

}  // namespace

TEST_CASE("a Child starts from the Parent's weights", "[exchange]") {
  RunningParent running;
  FakeTrainer trainer;
  Child child(child_options(running.port()), trainer);
  child.run([](const ChildProgress&) { return false; });
  REQUIRE_FALSE(trainer.written.empty());
  CHECK(same_bits(trainer.written.front(), running.initial));
}

TEST_CASE("after an exchange Child and Parent differ by (1-alpha)(1-beta) of what they differed by",
          "[exchange]") {
  const auto initial = random_weights(small_layout().size(), 99);
  for (const double alpha : {0.0, 0.1, 0.5, 0.9, 1.0}) {
    for (const double beta : {0.0, 0.5, 0.9, 1.0}) {
      const Outcome outcome = exchange_with(alpha, beta, 1);
      REQUIRE(outcome.trainer.sent.size() == 1);
      for (std::size_t i = 0; i < initial.size(); ++i) {
        const double before = double{outcome.trainer.sent[0][i]} - double{initial[i]};
        const double after = double{outcome.child[i]} - double{outcome.parent[i]};
        CHECK(std::abs(after - (1 - alpha) * (1 - beta) * before) < 1e-6);
      }
    }
  }
}

TEST_CASE("the exchange is the one weighted average, at the Parent and then at the Child, bit by bit",
          "[exchange]") {
  constexpr std::uint64_t kRounds = 20;
  const Outcome outcome = exchange_with(0.3, 0.6, kRounds);
  auto parent = random_weights(small_layout().size(), 99);
  REQUIRE(outcome.trainer.sent.size() == kRounds);
  REQUIRE(outcome.trainer.written.size() == kRounds + 1);
  for (std::size_t round = 0; round < kRounds; ++round) {
    weighted_average(parent, outcome.trainer.sent[round], 0.3);
    auto child = outcome.trainer.sent[round];
    weighted_average(child, parent, 0.6);
    CHECK(same_bits(outcome.trainer.written[round + 1], child));
  }
  CHECK(same_bits(outcome.parent, parent));
}

TEST_CASE("many Children at once are merged in some serial order, each merge whole", "[exchange]") {
  constexpr int kChildren = 6;
  constexpr std::uint64_t kRounds = 50;
  struct Merge {
    std::uint64_t update;
    std::string child;
    std::uint64_t sequence;
    std::vector<float> weights;
  };
  std::vector<Merge> merges;
  ParentOptions options = parent_options(0.4);
  RunningParent running(options, [&](const ParentUpdate& update) {
    merges.push_back(
        {update.update, update.child, update.sequence, {update.weights.begin(), update.weights.end()}});
  });
  std::map<std::string, FakeTrainer> trainers;
  std::vector<std::future<void>> children;
  for (int i = 0; i < kChildren; ++i) {
    const std::string name = "child" + std::to_string(i);
    FakeTrainer& trainer = trainers.try_emplace(name, small_layout(), static_cast<unsigned>(i)).first->second;
    children.push_back(std::async(std::launch::async, [&trainer, name, port = running.port()] {
      Child child(child_options(port, 0.5, name), trainer);
      child.run([](const ChildProgress& progress) { return progress.exchanges < kRounds; });
    }));
  }
  for (auto& child : children) child.get();
  // Joins the thread that runs the observer.
  running.parent.stop();
  REQUIRE(merges.size() == kChildren * kRounds);
  auto expected = running.initial;
  std::map<std::string, std::uint64_t> sequences;
  std::uint64_t updates = 0;
  bool equal = true;
  for (const Merge& merge : merges) {
    REQUIRE(merge.update == ++updates);
    REQUIRE(merge.sequence == ++sequences[merge.child]);
    const auto round = static_cast<std::size_t>(merge.sequence - 1);
    weighted_average(expected, trainers.at(merge.child).sent.at(round), 0.4);
    equal = equal && same_bits(expected, merge.weights);
  }
  CHECK(equal);
  CHECK(same_bits(running.parent.weights(), expected));
}

TEST_CASE("the Parent may dial Children that listen", "[exchange]") {
  FakeTrainer trainer_a, trainer_b;
  ChildOptions options = child_options(0);
  options.connect.reset();
  options.listen = kLoopback;
  options.name = "a";
  Child a(options, trainer_a);
  options.name = "b";
  Child b(options, trainer_b);
  a.start();
  b.start();
  REQUIRE(a.port() != 0);
  REQUIRE(a.port() != b.port());
  ParentOptions dialling = parent_options();
  dialling.listen.clear();
  dialling.connect = {loopback(a.port()), loopback(b.port())};
  const auto initial = random_weights(small_layout().size(), 99);
  Parent parent(dialling, small_layout(), initial);
  parent.start();
  ChildRun other(b, exchanges(5));
  a.run(exchanges(5));
  other.get();
  // Whichever joined second may have found merged weights.
  CHECK((same_bits(trainer_a.written.at(0), initial) || same_bits(trainer_b.written.at(0), initial)));
  CHECK(parent.status().updates == 10);
  // Both were joined, though one may dial in vain for a while before its Child runs.
  CHECK(eventually([&] { return parent.status().left == 2; }));
}

TEST_CASE("a round without an episode's end tells the mean return of before, for no more episodes",
          "[exchange]") {
  struct CutTrainer : FakeTrainer {
    RoundReport train_round() override {
      const std::vector<std::vector<double>> returns = {{}, {1, 2}, {}, {7, 8, 9}, {}};
      RoundReport report = FakeTrainer::train_round();
      report.episodes.clear();
      for (const double episode_return : returns.at(rounds - 1))
        report.episodes.push_back({episode_return, 10, false});
      return report;
    }
  };
  std::vector<ParentUpdate> updates;
  RunningParent running(parent_options(), [&](const ParentUpdate& update) { updates.push_back(update); });
  CutTrainer trainer;
  Child child(child_options(running.port()), trainer);
  child.run(exchanges(5));
  running.parent.stop();
  REQUIRE(updates.size() == 5);
  const std::vector<std::uint64_t> episodes = {0, 2, 2, 5, 5};
  const std::vector<double> means = {0, 1.5, 1.5, 8, 8};
  for (std::size_t i = 0; i < 5; ++i) {
    CAPTURE(i);
    CHECK(updates[i].since_child_began.episodes == episodes[i]);
    CHECK(updates[i].mean_return == means[i]);
  }
}

TEST_CASE("the observer is told what each Child did", "[exchange]") {
  std::vector<ParentUpdate> updates;
  ParentOptions options = parent_options();
  options.first_update = 1000;
  RunningParent running(options, [&](const ParentUpdate& update) { updates.push_back(update); });
  FakeTrainer trainer;
  Child child(child_options(running.port(), 0.5, "pi-7"), trainer);
  ChildProgress last;
  child.run([&](const ChildProgress& progress) {
    last = progress;
    return progress.rounds < 3;
  });
  running.parent.stop();
  REQUIRE(updates.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(updates[i].update == 1001 + i);
    CHECK(updates[i].child == "pi-7");
    CHECK(updates[i].sequence == i + 1);
    CHECK(updates[i].since_child_began.steps == 20 * (i + 1));
    CHECK(updates[i].since_child_began.episodes == 2 * (i + 1));
    CHECK(updates[i].mean_return == Approx(static_cast<double>(i) + 1.5));
    CHECK(updates[i].staleness == 0);
  }
  CHECK(last.rounds == 3);
  CHECK(last.exchanges == 3);
  CHECK(last.in_process.steps == 60);
  CHECK(last.reconnects == 0);
  CHECK(running.parent.status().in_process.steps == 60);
}

TEST_CASE("staleness counts the merges of others", "[exchange]") {
  std::vector<std::uint64_t> staleness;
  RunningParent running(parent_options(), [&](const ParentUpdate& update) {
    if (update.child == "slow") staleness.push_back(update.staleness);
  });
  FakeTrainer slow_trainer, quick_trainer;
  slow_trainer.on_round = [&](std::vector<float>&) {
    if (slow_trainer.rounds != 1) return;
    Child quick(child_options(running.port(), 0.5, "quick"), quick_trainer);
    quick.run(exchanges(7));
  };
  Child slow(child_options(running.port(), 0.5, "slow"), slow_trainer);
  slow.run(exchanges(2));
  running.parent.stop();
  CHECK(staleness == std::vector<std::uint64_t>{7, 0});
}

TEST_CASE("a Child that joins late starts from the averaged weights, and one that leaves is forgotten",
          "[exchange]") {
  RunningParent running(parent_options(0.5));
  FakeTrainer early_trainer, late_trainer;
  Child early(child_options(running.port(), 0.5, "early"), early_trainer);
  early.run(exchanges(4));
  REQUIRE(eventually([&] { return running.parent.status().children.empty(); }));
  const auto average = running.parent.weights();
  CHECK_FALSE(same_bits(average, running.initial));
  Child late(child_options(running.port(), 0.5, "late"), late_trainer);
  late.run([&](const ChildProgress&) {
    const ParentStatus status = running.parent.status();
    REQUIRE(status.children.size() == 1);
    CHECK(status.children[0].name == "late");
    CHECK(status.children[0].updates == 1);
    CHECK(status.children[0].since_child_began.steps == 20);
    CHECK_THAT(status.children[0].address, Catch::StartsWith("127.0.0.1:"));
    return false;
  });
  CHECK(same_bits(late_trainer.written.at(0), average));
  REQUIRE(eventually([&] { return running.parent.status().left == 2; }));
  CHECK(running.parent.status().joined == 2);
  CHECK(running.parent.status().refused_peers == 0);
}

TEST_CASE("an observer that throws does not stop the Parent", "[exchange]") {
  set_log_sink([](LogLevel, std::string_view) {});
  RunningParent running(parent_options(), [](const ParentUpdate& update) {
    if (update.update % 2 == 0) throw std::runtime_error("observer");
    throw 7;
  });
  FakeTrainer trainer;
  Child child(child_options(running.port()), trainer);
  child.run(exchanges(4));
  running.parent.stop();
  set_log_sink({});
  CHECK(running.parent.status().updates == 4);
}

TEST_CASE("weights and status may be read while Children are merged", "[exchange]") {
  RunningParent running(parent_options(0.5));
  FakeTrainer trainer;
  Child child(child_options(running.port()), trainer);
  ChildRun run(child, exchanges(200));
  std::uint64_t before = 0;
  while (!run.ended()) {
    REQUIRE(running.parent.weights().size() == small_layout().size());
    const std::uint64_t now = running.parent.status().updates;
    REQUIRE(now >= before);
    before = now;
  }
  run.get();
  CHECK(running.parent.status().updates == 200);
}

TEST_CASE("misuse of a Parent or a Child is an ArgumentError", "[exchange]") {
  const auto weights = random_weights(small_layout().size(), 1);
  ParentOptions options = parent_options();
  options.alpha = 1.5;
  CHECK_THROWS_AS(Parent(options, small_layout(), weights), ArgumentError);
  options = parent_options();
  options.listen.clear();
  CHECK_THROWS_AS(Parent(options, small_layout(), weights), ArgumentError);
  options = parent_options();
  options.name = "two\nlines";
  CHECK_THROWS_AS(Parent(options, small_layout(), weights), ArgumentError);
  options = parent_options();
  options.limits.idle_timeout = Milliseconds(0);
  CHECK_THROWS_AS(Parent(options, small_layout(), weights), ArgumentError);
  CHECK_THROWS_AS(Parent(parent_options(), small_layout(), std::vector<float>(3)), ArgumentError);
  CHECK_THROWS_AS(Parent(parent_options(), small_layout(), std::vector<float>(16, NAN)), ArgumentError);

  FakeTrainer trainer;
  CHECK_THROWS_AS(Child(child_options(1, -0.1), trainer), ArgumentError);
  CHECK_THROWS_AS(Child(ChildOptions{}, trainer), ArgumentError);
  ChildOptions both = child_options(1);
  both.listen = kLoopback;
  CHECK_THROWS_AS(Child(both, trainer), ArgumentError);
  ChildOptions small = child_options(1);
  small.limits.max_control_bytes = 4096;
  std::vector<ParameterLayout::Tensor> tensors;
  for (int i = 0; i < 200; ++i) tensors.push_back({"tensor" + std::to_string(i), {1}});
  FakeTrainer wide{ParameterLayout(tensors)};
  CHECK_THROWS_AS(Child(small, wide), ArgumentError);
}
