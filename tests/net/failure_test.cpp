#include "genkidama/core/error.h"
#include "genkidama/params/weighted_average.h"
#include "net/fixture.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/raw_peer.h"
#include "support/relay.h"

using namespace genkidama;
using namespace genkidama::test;

TEST_CASE("a port in use is an IoError that names the endpoint", "[failure]") {
  RunningParent running;
  ParentOptions options = parent_options();
  options.listen = {loopback(running.port())};
  Parent second(options, small_layout(), running.initial);
  const std::string where = "127.0.0.1:" + std::to_string(running.port());
  CHECK_THROWS_AS(second.start(), IoError);
  FakeTrainer trainer;
  ChildOptions listening = child_options(0);
  listening.connect.reset();
  listening.listen = loopback(running.port());
  Child child(listening, trainer);
  CHECK_THROWS_WITH(child.start(), Catch::Contains(where));
}

TEST_CASE("an unreachable Parent is an IoError after join_timeout", "[failure]") {
  std::uint16_t port = 0;
  {
    RunningParent running;
    port = running.port();
  }
  FakeTrainer trainer;
  ChildOptions options = child_options(port);
  options.join_timeout = Milliseconds(100);
  Child child(options, trainer);
  CHECK_THROWS_AS(child.run(), IoError);
  Child again(options, trainer);
  CHECK_THROWS_WITH(again.run(),
                    Catch::Contains("127.0.0.1:" + std::to_string(port)) && Catch::Contains("refused"));
  CHECK(trainer.rounds == 0);
}

TEST_CASE("a listening Child that no Parent calls gives up after join_timeout", "[failure]") {
  FakeTrainer trainer;
  ChildOptions options = child_options(0);
  options.connect.reset();
  options.listen = kLoopback;
  options.join_timeout = Milliseconds(50);
  Child child(options, trainer);
  CHECK_THROWS_AS(child.run(), IoError);
}

TEST_CASE("a Child waits for a Parent that starts late", "[failure]") {
  auto first = std::make_unique<RunningParent>();
  ParentOptions options = parent_options();
  options.listen = {loopback(first->port())};
  FakeTrainer trainer;
  Child child(child_options(first->port()), trainer);
  first.reset();
  ChildRun run(child, exchanges(1));
  RunningParent late(options);
  run.get();
  CHECK(trainer.written.size() == 2);
}

TEST_CASE("when the Parent dies the Child trains on, and rejoins a new one with its own weights",
          "[failure]") {
  RunningParent first(parent_options(0.5));
  Relay relay(first.port());
  std::unique_ptr<RunningParent> second;
  FakeTrainer trainer;
  std::uint64_t offline_rounds = 0;
  Child child(child_options(relay.port()), trainer);
  child.run([&](const ChildProgress& progress) {
    if (progress.exchanges == 3 && progress.connected) relay.cut(0);
    if (!progress.connected && ++offline_rounds == 5) {
      second = std::make_unique<RunningParent>(parent_options(0.5));
      relay.cut(second->port());
    }
    return progress.exchanges < 4;
  });
  CHECK(offline_rounds >= 5);
  REQUIRE(second);
  CHECK(first.parent.status().updates == 3);
  CHECK(second->parent.status().updates == 1);
  // One write at the start and one per exchange: the new Parent's first weights were not taken.
  REQUIRE(trainer.written.size() == 5);
  auto expected = second->initial;
  weighted_average(expected, trainer.sent.back(), 0.5);
  CHECK(same_bits(second->parent.weights(), expected));
  // Rounds that were offline count for the Parent that hears of them; those merged before do not count twice.
  CHECK(first.parent.status().in_process.steps == 60);
  CHECK(second->parent.status().in_process.steps == 20 * (trainer.rounds - 3));
}

TEST_CASE("a listening Child goes on with the Parent that dials after the first one died", "[failure]") {
  FakeTrainer trainer;
  ChildOptions options = child_options(0);
  options.connect.reset();
  options.listen = kLoopback;
  Child child(options, trainer);
  child.start();
  Relay relay(child.port());
  ParentOptions dialling = parent_options();
  dialling.listen.clear();
  dialling.connect = {loopback(relay.port())};
  auto parent = std::make_unique<Parent>(dialling, small_layout(), random_weights(small_layout().size(), 5));
  parent->start();
  ChildProgress last;
  child.run([&](const ChildProgress& progress) {
    last = progress;
    // The Parent dials again by itself.
    if (progress.connected && progress.exchanges == 2) relay.cut(child.port());
    return progress.exchanges < 4;
  });
  CHECK(last.reconnects >= 1);
  CHECK(parent->status().joined >= 2);
  CHECK(parent->status().updates == 4);
}

TEST_CASE("a link that goes silent is dropped and made anew", "[failure]") {
  RunningParent running;
  Relay relay(running.port());
  FakeTrainer trainer;
  ChildOptions options = child_options(relay.port());
  options.exchange_timeout = Milliseconds(100);
  Child child(options, trainer);
  bool frozen = false, thawed = false;
  ChildProgress last;
  child.run([&](const ChildProgress& progress) {
    last = progress;
    if (progress.exchanges == 2 && progress.connected) {
      frozen = true;
      relay.freeze();
    }
    if (frozen && !progress.connected && !thawed) {
      thawed = true;
      relay.cut(running.port());
    }
    return progress.exchanges < 3;
  });
  CHECK(thawed);
  CHECK(last.reconnects >= 1);
}

TEST_CASE("a Parent that stops ends its Children's runs and gives the reason", "[failure]") {
  RunningParent running;
  FakeTrainer trainer_a, trainer_b;
  Child a(child_options(running.port()), trainer_a);
  Child b(child_options(running.port()), trainer_b);
  ChildRun run_a(a), run_b(b);
  REQUIRE(eventually(
      [&] { return running.parent.status().children.size() == 2 && running.parent.status().updates > 10; }));
  running.parent.stop("2000 updates were made");
  CHECK(run_a.get() == "the Parent ended the run: 2000 updates were made");
  CHECK(run_b.get() == "the Parent ended the run: 2000 updates were made");
  CHECK(running.parent.status().left == 2);
  running.parent.stop();
  CHECK(running.parent.weights().size() == small_layout().size());
}

TEST_CASE("an `end` reaches a Child in the middle of a round", "[failure]") {
  RunningParent running;
  FakeTrainer trainer;
  trainer.on_round = [&](std::vector<float>&) {
    if (trainer.rounds == 2) running.parent.stop("enough");
  };
  Child child(child_options(running.port()), trainer);
  CHECK(child.run() == "the Parent ended the run: enough");
  CHECK(trainer.rounds == 2);
}

TEST_CASE("a peer that never answers a close does not hold up stop()", "[failure]") {
  ParentOptions options = parent_options();
  options.limits.close_timeout = Milliseconds(50);
  RunningParent running(options);
  RawPeer joined(running.port()), waiting(running.port()), fresh(running.port());
  joined.join(small_layout());
  waiting.upgrade();
  running.parent.stop("over");
  CHECK(joined.read_message<EndMessage>().reason == "over");
  CHECK(running.parent.status().children.empty());
}

TEST_CASE("stop() may come at any time and more than once", "[failure]") {
  const auto weights = random_weights(small_layout().size(), 1);
  Parent never_started(parent_options(), small_layout(), weights);
  never_started.stop();
  for (int i = 0; i < 20; ++i) {
    Parent parent(parent_options(), small_layout(), weights);
    parent.start();
    CHECK_THROWS_AS(parent.start(), ArgumentError);
    auto other = std::async(std::launch::async, [&] { parent.stop(); });
    parent.stop();
    other.get();
    CHECK_FALSE(parent.ports().empty());
  }
}

TEST_CASE("an observer may stop its Parent", "[failure]") {
  std::unique_ptr<RunningParent> running;
  ParentOptions options = parent_options();
  Gate made;
  running = std::make_unique<RunningParent>(options, [&](const ParentUpdate& update) {
    if (made.wait() && update.update == 3) running->parent.stop("three updates");
  });
  made.open();
  FakeTrainer trainer;
  Child child(child_options(running->port()), trainer);
  CHECK(child.run() == "the Parent ended the run: three updates");
  running->parent.stop();
  CHECK(running->parent.status().updates >= 3);
}

TEST_CASE("request_stop ends a run after the round, and the Parent is told that the Child leaves",
          "[failure]") {
  RunningParent running;
  FakeTrainer trainer;
  Child child(child_options(running.port()), trainer);
  trainer.on_round = [&](std::vector<float>&) {
    if (trainer.rounds == 2) child.request_stop();
  };
  CHECK(child.run() == "stop requested");
  CHECK(trainer.rounds == 2);
  CHECK(eventually([&] { return running.parent.status().left == 1; }));
  CHECK(running.parent.status().refused_peers == 0);
  CHECK_THROWS_AS(child.run(), ArgumentError);
}

TEST_CASE("a trainer's exception ends the run, and the Parent goes on", "[failure]") {
  RunningParent running;
  FakeTrainer trainer;
  trainer.on_round = [&](std::vector<float>&) { throw WorkerError("worker 3 died"); };
  Child child(child_options(running.port()), trainer);
  CHECK_THROWS_AS(child.run(), WorkerError);
  CHECK(eventually([&] { return running.parent.status().left == 1; }));
}

TEST_CASE("a Child that is destroyed without a run lets go of its port", "[failure]") {
  FakeTrainer trainer;
  ChildOptions options = child_options(0);
  options.connect.reset();
  options.listen = kLoopback;
  auto child = std::make_unique<Child>(options, trainer);
  child->start();
  options.listen = loopback(child->port());
  child.reset();
  Child again(options, trainer);
  again.start();
  CHECK(again.port() == options.listen->port);
}
