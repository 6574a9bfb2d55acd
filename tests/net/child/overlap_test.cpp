// ChildOptions::overlap, with a Parent that answers when the test says so.
#include <atomic>
#include <cmath>

#include "genkidama/core/error.h"
#include "genkidama/params/weighted_average.h"
#include "net/fixture.h"
#include "support/catch.h"
#include "support/raw_peer.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

constexpr double kBeta = 0.6;
constexpr std::uint64_t kForEver = 1'000'000'000;

/// How many rounds may end. Where a round waits, and where a test waits for a round.
class Turnstile {
 public:
  /// From the trainer, at the end of its round: waits until that many may end.
  void pass(std::uint64_t round) {
    std::unique_lock lock(mutex_);
    reached_ = round;
    changed_.notify_all();
    changed_.wait(lock, [&] { return allowed_ >= round; });
  }
  void allow(std::uint64_t rounds) {
    const std::lock_guard lock(mutex_);
    allowed_ = rounds;
    changed_.notify_all();
  }
  /// False after 20 s. The round is played, and has not ended unless it may.
  bool wait_until_in(std::uint64_t round) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return reached_ >= round; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t reached_ = 0, allowed_ = 0;
};

std::vector<float> parent_weights(unsigned round) {
  return random_weights(small_layout().size(), 1000 + round);
}

/// A Parent that listens only to the test. `weights` is what the Child sent last.
struct ScriptedParent : RawPeer {
  ScriptedParent(std::uint16_t port, std::uint64_t session_number) : RawPeer(port), session(session_number) {
    upgrade();
    read_message<HelloMessage>();
    send_message(WelcomeMessage{"scripted", "run", "", session, 0, {}});
    send_weights(parent_frame(session, 0), parent_weights(0));
  }
  FrameHeader receive() { return read_weights(weights); }
  void answer(std::uint64_t sequence, unsigned round) {
    send_weights(parent_frame(session, sequence), parent_weights(round));
  }

  std::uint64_t session;
  std::vector<float> weights = std::vector<float>(small_layout().size());
};

/// A listening Child with overlap, whose rounds end when the test allows it.
struct OverlappingChild {
  explicit OverlappingChild(std::uint64_t rounds, const std::function<void(ChildOptions&)>& change = {})
      : child(options(change), trainer) {
    trainer.on_round = [this](std::vector<float>& weights) {
      if (spoil_round == trainer.rounds) weights[3] = NAN;
      turnstile.pass(trainer.rounds);
    };
    child.start();
    run = std::async(std::launch::async, [this, rounds] {
      return child.run([rounds](const ChildProgress& progress) { return progress.rounds < rounds; });
    });
  }
  ~OverlappingChild() {
    child.request_stop();
    turnstile.allow(kForEver);
    if (run.valid()) run.wait();
  }

  static ChildOptions options(const std::function<void(ChildOptions&)>& change) {
    ChildOptions options = child_options(0, kBeta);
    options.connect.reset();
    options.listen = kLoopback;
    options.overlap = true;
    options.limits.close_timeout = Milliseconds(200);  // nobody here answers a close
    if (change) change(options);
    return options;
  }

  Turnstile turnstile;
  std::atomic<std::uint64_t> spoil_round{0};
  FakeTrainer trainer;
  Child child;
  std::future<std::string> run;
};

/// averaged + (local - snapshot), averaged as the plain exchange would.
std::vector<float> kept(const std::vector<float>& local, const std::vector<float>& snapshot,
                        const std::vector<float>& other, double beta = kBeta) {
  std::vector<float> result = snapshot;
  weighted_average(result, other, beta);
  for (std::size_t i = 0; i < result.size(); ++i) result[i] += local[i] - snapshot[i];
  return result;
}

}  // namespace

TEST_CASE("with overlap each answer comes a round late, and no local step is lost", "[overlap]") {
  for (const double beta : {0.0, 0.6, 1.0}) {
    CAPTURE(beta);
    constexpr unsigned kRounds = 5;
    OverlappingChild playing(kRounds, [&](ChildOptions& options) { options.beta = beta; });
    ScriptedParent parent(playing.child.port(), 1);
    playing.turnstile.allow(1);
    std::vector<float> snapshot;
    for (unsigned round = 1; round <= kRounds; ++round) {
      const FrameHeader header = parent.receive();
      CHECK(header.sequence == round);
      CHECK(header.environment_steps == 20 * round);
      CHECK(header.episodes == 2 * round);
      snapshot = parent.weights;
      parent.answer(round, round);
      if (round == kRounds) break;
      parent.sync();
      // The answer is there, and the next round, which goes on meanwhile, has not ended yet.
      REQUIRE(playing.turnstile.wait_until_in(round + 1));
      playing.turnstile.allow(round + 1);
    }
    CHECK(parent.read_message<LeaveMessage>().reason == "the Child's program ended the training");
    parent.send_frame(8, "");
    CHECK(playing.run.get() == "the Child's program ended the training");

    const FakeTrainer& trainer = playing.trainer;
    // What each round ended with, and then the weights after which nothing was trained.
    REQUIRE(trainer.sent.size() == kRounds + 1);
    REQUIRE(trainer.written.size() == kRounds + 1);
    auto sent = trainer.sent[0];
    for (unsigned round = 1; round < kRounds; ++round) {
      const auto expected =
          beta == 0 ? trainer.sent[round] : kept(trainer.sent[round], sent, parent_weights(round), beta);
      CHECK(same_bits(trainer.written[round], expected));
      sent = expected;
    }
    CHECK(same_bits(snapshot, sent));
    // The last answer found the weights as they were sent: it is the plain average.
    auto last = snapshot;
    weighted_average(last, parent_weights(kRounds), beta);
    CHECK(trainer.weights() == last);
    CHECK(playing.child.progress().rounds == kRounds);
    CHECK(playing.child.progress().exchanges == kRounds);
  }
}

TEST_CASE("with overlap a Parent that is slow holds up no round, and is sent one exchange at a time",
          "[overlap]") {
  OverlappingChild playing(7);
  ScriptedParent parent(playing.child.port(), 1);
  playing.turnstile.allow(5);
  CHECK(parent.receive().sequence == 1);
  const auto snapshot = parent.weights;
  // Not answered, and yet rounds 2 to 5 end.
  REQUIRE(playing.turnstile.wait_until_in(6));
  CHECK(playing.trainer.written.size() == 1);
  parent.answer(1, 1);
  parent.sync();
  playing.turnstile.allow(6);
  const FrameHeader header = parent.receive();
  // The five rounds in one: nothing else was sent.
  CHECK(header.sequence == 2);
  REQUIRE(playing.turnstile.wait_until_in(7));
  CHECK(header.environment_steps == 20 * 6);
  CHECK(same_bits(parent.weights, kept(playing.trainer.sent.at(5), snapshot, parent_weights(1))));
}

TEST_CASE("with overlap a link that is lost takes nothing but its own exchange with it", "[overlap]") {
  OverlappingChild playing(9);
  std::vector<float> unanswered;
  {
    ScriptedParent parent(playing.child.port(), 1);
    playing.turnstile.allow(1);
    CHECK(parent.receive().sequence == 1);
    unanswered = parent.weights;
  }
  ScriptedParent parent(playing.child.port(), 2);
  parent.sync();
  REQUIRE(playing.turnstile.wait_until_in(2));
  playing.turnstile.allow(2);
  FrameHeader header = parent.receive();
  CHECK(header.session == 2);
  CHECK(header.sequence == 1);
  REQUIRE(playing.turnstile.wait_until_in(3));
  CHECK(playing.trainer.written.size() == 1);
  // The local weights, with both rounds in them.
  CHECK(same_bits(parent.weights, playing.trainer.sent.at(1)));
  CHECK_FALSE(same_bits(parent.weights, unanswered));
  // And the next exchange is as any other.
  const auto snapshot = parent.weights;
  parent.answer(1, 5);
  parent.sync();
  playing.turnstile.allow(3);
  header = parent.receive();
  CHECK(header.sequence == 2);
  REQUIRE(playing.turnstile.wait_until_in(4));
  CHECK(same_bits(parent.weights, kept(playing.trainer.sent.at(2), snapshot, parent_weights(5))));
}

TEST_CASE("with overlap an answer counts although its link was lost after it", "[overlap]") {
  OverlappingChild playing(9);
  std::vector<float> snapshot;
  {
    ScriptedParent parent(playing.child.port(), 1);
    playing.turnstile.allow(1);
    parent.receive();
    snapshot = parent.weights;
    parent.answer(1, 1);
    parent.sync();
  }
  ScriptedParent parent(playing.child.port(), 2);
  parent.sync();
  REQUIRE(playing.turnstile.wait_until_in(2));
  playing.turnstile.allow(2);
  CHECK(parent.receive().session == 2);
  REQUIRE(playing.turnstile.wait_until_in(3));
  CHECK(same_bits(parent.weights, kept(playing.trainer.sent.at(1), snapshot, parent_weights(1))));
}

TEST_CASE("with overlap the end of the run waits for what is on its way, and sends the last round",
          "[overlap]") {
  OverlappingChild playing(2);
  ScriptedParent parent(playing.child.port(), 1);
  playing.turnstile.allow(2);
  parent.receive();
  const auto snapshot = parent.weights;
  // Both rounds have ended with the first exchange on its way.
  REQUIRE(playing.turnstile.wait_until_in(2));
  parent.answer(1, 1);
  const FrameHeader header = parent.receive();
  CHECK(header.sequence == 2);
  CHECK(header.environment_steps == 40);
  parent.answer(2, 2);
  CHECK(parent.read_message<LeaveMessage>().reason == "the Child's program ended the training");
  parent.send_frame(8, "");
  playing.run.get();
  auto expected = kept(playing.trainer.sent.at(1), snapshot, parent_weights(1));
  CHECK(same_bits(parent.weights, expected));
  weighted_average(expected, parent_weights(2), kBeta);
  CHECK(same_bits(playing.trainer.weights(), expected));
  CHECK(playing.child.progress().exchanges == 2);
}

TEST_CASE("with overlap a Parent that never answers does not keep a Child from its end", "[overlap]") {
  SECTION("of its rounds: exchange_timeout") {
    OverlappingChild playing(2, [](ChildOptions& options) { options.exchange_timeout = Milliseconds(50); });
    ScriptedParent parent(playing.child.port(), 1);
    playing.turnstile.allow(2);
    CHECK(playing.run.get() == "the Child's program ended the training");
    CHECK(playing.trainer.written.size() == 1);
    CHECK(same_bits(playing.trainer.weights(), playing.trainer.sent.at(1)));
    CHECK(playing.child.progress().exchanges == 0);
  }
  SECTION("by request: close_timeout") {
    OverlappingChild playing(100);
    ScriptedParent parent(playing.child.port(), 1);
    playing.turnstile.allow(1);
    parent.receive();
    REQUIRE(playing.turnstile.wait_until_in(2));
    playing.child.request_stop();
    playing.turnstile.allow(2);
    CHECK(playing.run.get() == "stop requested");
    CHECK(playing.trainer.rounds == 2);
    CHECK(playing.trainer.written.size() == 1);
  }
}

TEST_CASE("with overlap an answer that takes too long costs the link", "[overlap]") {
  OverlappingChild playing(kForEver,
                           [](ChildOptions& options) { options.exchange_timeout = Milliseconds(50); });
  ScriptedParent parent(playing.child.port(), 1);
  // Rounds follow one another without an end, and no answer comes.
  playing.turnstile.allow(kForEver);
  CHECK(parent.receive().sequence == 1);
  CHECK(parent.read().opcode == -1);
  // The Child takes another Parent.
  ScriptedParent other(playing.child.port(), 2);
  other.receive();
}

TEST_CASE("with overlap an answer that came before the Parent ended the run counts", "[overlap]") {
  OverlappingChild playing(100);
  ScriptedParent parent(playing.child.port(), 1);
  playing.turnstile.allow(1);
  parent.receive();
  parent.answer(1, 1);
  parent.send_message(EndMessage{"enough"});
  CHECK(parent.read().opcode == 8);
  parent.close();
  REQUIRE(playing.turnstile.wait_until_in(2));
  playing.turnstile.allow(2);
  CHECK(playing.run.get() == "the Parent ended the run: enough");
  CHECK(playing.trainer.rounds == 2);
  CHECK(same_bits(playing.trainer.weights(),
                  kept(playing.trainer.sent.at(1), playing.trainer.sent.at(0), parent_weights(1))));
  CHECK(playing.child.progress().exchanges == 1);
}

TEST_CASE("with overlap weights that a round spoilt are not averaged, and the Parent refuses them",
          "[overlap]") {
  OverlappingChild playing(100);
  playing.spoil_round = 2;
  ScriptedParent parent(playing.child.port(), 1);
  playing.turnstile.allow(1);
  parent.receive();
  parent.answer(1, 1);
  parent.sync();
  REQUIRE(playing.turnstile.wait_until_in(2));
  playing.turnstile.allow(2);
  parent.receive();
  CHECK(std::isnan(parent.weights[3]));
  REQUIRE(playing.turnstile.wait_until_in(3));
  CHECK(playing.trainer.written.size() == 1);
  parent.send_message(RefuseMessage{RefusalCode::kWeights, "not a number"});
  playing.turnstile.allow(kForEver);
  CHECK_THROWS_WITH(playing.run.get(), Catch::Contains("not a number"));
}

TEST_CASE("with overlap every step reaches a real Parent", "[overlap]") {
  RunningParent running(parent_options(0.5));
  FakeTrainer trainer;
  ChildOptions options = child_options(running.port(), 0.5);
  options.overlap = true;
  Child child(options, trainer);
  child.run([](const ChildProgress& progress) { return progress.rounds < 200; });
  const ParentStatus status = running.parent.status();
  CHECK(child.progress().exchanges == status.updates);
  CHECK(status.updates >= 1);
  CHECK(status.updates <= 200);
  CHECK(status.in_process.steps == 20 * 200);
}

TEST_CASE("overlap does not change which options are possible", "[overlap]") {
  FakeTrainer trainer;
  for (const double beta : {-0.1, 1.1, std::nan("")}) {
    ChildOptions options = child_options(1, beta);
    options.overlap = true;
    CHECK_THROWS_AS(Child(options, trainer), ArgumentError);
  }
}
