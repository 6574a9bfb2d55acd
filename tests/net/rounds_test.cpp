// Rounds that Children make together, with real sockets at both ends.
#include <algorithm>
#include <limits>
#include <memory>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/params/change_average.h"
#include "genkidama/params/merge_methods.h"
#include "net/fixture.h"
#include "net/log_record.h"
#include "net/run_together.h"
#include "net/token_fixture.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/raw_peer.h"
#include "support/relay.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

constexpr std::size_t kSize = 16;
/// Longer than any test: where it passes a case fails by its own deadline.
constexpr Milliseconds kNever{3'600'000};
/// Long enough for two frames over the loopback device on a loaded machine.
constexpr Milliseconds kSoon{1'000};

ParentOptions rounds_parent(std::uint64_t children, Milliseconds deadline = kNever) {
  ParentOptions options = parent_options();
  options.exchange = ExchangeKind::kRounds;
  options.rounds.first_children = children;
  options.rounds.deadline = deadline;
  options.run_id = "run";
  return options;
}

ChildOptions rounds_child(std::uint16_t port, const std::string& name) {
  ChildOptions options = child_options(port, 0, name);
  options.exchange = ExchangeKind::kRounds;
  return options;
}

/// A Parent that remembers its rounds.
struct RecordingParent {
  struct Round {
    std::uint64_t update;
    std::vector<RoundContribution> contributions;
    std::vector<float> weights;
    double waited;
  };
  explicit RecordingParent(const ParentOptions& options)
      : running(options, [this](const ParentUpdate& update) {
          const std::lock_guard lock(mutex);
          rounds.push_back({update.update,
                            update.contributions,
                            {update.weights.begin(), update.weights.end()},
                            update.waited_seconds});
        }) {}
  std::size_t closed() const {
    const std::lock_guard lock(mutex);
    return rounds.size();
  }
  ParentStatus status() const { return running.parent.status(); }
  std::uint16_t port() const { return running.port(); }

  mutable std::mutex mutex;
  std::vector<Round> rounds;  // once the Parent was stopped, without the mutex
  RunningParent running;
};

/// A Child of rounds that is only a socket.
struct RawChild : RawPeer {
  explicit RawChild(std::uint16_t port, const std::string& name,
                    const std::optional<SessionMark>& resume = {})
      : RawPeer(port) {
    HelloMessage hello;
    hello.name = name;
    hello.layout = small_layout();
    hello.exchange = "rounds";
    if (resume) hello.run_id = "run";
    hello.resume = resume;
    welcome = join(hello);
    sequence = welcome.sequence.value_or(0);
  }
  void send(const std::vector<float>& change, std::uint64_t basis, std::uint64_t steps = 100) {
    FrameHeader header = frame_header(FrameType::kChildChange, welcome.session, ++sequence);
    header.update = basis;
    header.environment_steps = 100 * sequence;
    send_with(header, change, steps);
  }
  void send_with(const FrameHeader& header, const std::vector<float>& change, std::uint64_t steps) {
    std::vector<std::byte> extra;
    encode_change_steps(steps, extra);
    send_weights(header, change, extra);
  }
  /// The update of the next answer.
  std::uint64_t answer() {
    const FrameHeader header = read_weights(weights);
    CHECK(header.sequence == sequence);
    return header.update;
  }
  SessionMark mark() const { return {welcome.session, sequence}; }

  WelcomeMessage welcome;
  std::uint64_t sequence = 0;
  std::vector<float> weights = std::vector<float>(kSize);
};

const std::vector<float> kChange = random_weights(kSize, 5);

std::vector<float> plus(std::vector<float> weights, const std::vector<float>& change, double factor = 1) {
  for (std::size_t i = 0; i < weights.size(); ++i) {
    weights[i] = static_cast<float>(weights[i] + factor * change[i]);
  }
  return weights;
}

void check_near(std::span<const float> a, std::span<const float> b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i] == Approx(b[i]).margin(1e-5));
}

/// So many Children, each with a trainer of its own, run for so many exchanges.
std::vector<std::unique_ptr<FakeTrainer>> train_together(std::uint16_t port, std::uint64_t children,
                                                         std::uint64_t count) {
  std::vector<std::unique_ptr<FakeTrainer>> trainers;
  for (std::uint64_t number = 1; number <= children; ++number)
    trainers.push_back(std::make_unique<FakeTrainer>(small_layout(), static_cast<unsigned>(number)));
  run_together(
      trainers, [port](std::size_t i) { return rounds_child(port, "child_" + std::to_string(i + 1)); },
      count);
  return trainers;
}

}  // namespace

TEST_CASE("Children that make rounds together all go on from their average", "[together]") {
  constexpr std::uint64_t kChildren = 4, kRounds = 20;
  RecordingParent parent(rounds_parent(kChildren));
  const auto trainers = train_together(parent.port(), kChildren, kRounds);
  parent.running.parent.stop();
  const ParentStatus status = parent.status();
  CHECK(status.updates == kRounds);
  CHECK(status.rounds.contributions == kChildren * kRounds);
  CHECK(status.rounds.late == 0);
  CHECK(status.rounds.by_deadline == 0);
  CHECK(status.in_process.steps == 20 * kChildren * kRounds);
  // Step by step: each began from the weights before, and all were given what its Parent made of the mean.
  auto expected = parent.running.initial;
  for (std::size_t round = 0; round < kRounds; ++round) {
    std::vector<std::vector<float>> changes;
    std::vector<WeightedChange> weighted;
    for (const auto& trainer : trainers) {
      CHECK(same_bits(trainer->written.at(round), expected));
      changes.push_back(trainer->sent.at(round));
      for (std::size_t i = 0; i < kSize; ++i) changes.back()[i] -= expected[i];
    }
    for (const auto& change : changes) weighted.push_back({change, 20, 1});
    std::vector<float> mean(kSize);
    average_changes(weighted, mean);
    expected = plus(expected, mean);
    CHECK(same_bits(parent.rounds.at(round).weights, expected));
    CHECK(parent.rounds[round].contributions.size() == kChildren);
  }
  for (const auto& trainer : trainers) CHECK(same_bits(trainer->written.back(), expected));
}

TEST_CASE("a run that Children make together is the same one each time", "[together]") {
  const auto result = [] {
    RecordingParent parent(rounds_parent(3));
    train_together(parent.port(), 3, 10);
    return parent.running.parent.weights();
  };
  CHECK(same_bits(result(), result()));
}

TEST_CASE("a Child and a Parent of different exchanges refuse each other, and both are named", "[together]") {
  set_log_level(LogLevel::kError);
  for (const bool parent_makes_rounds : {true, false}) {
    RunningParent running(parent_makes_rounds ? rounds_parent(0) : parent_options());
    FakeTrainer trainer;
    Child child(parent_makes_rounds ? child_options(running.port()) : rounds_child(running.port(), "child"),
                trainer);
    const std::string here = parent_makes_rounds ? "exchange is 'rounds'" : "exchange is 'each'";
    const std::string there = parent_makes_rounds ? "asks for 'each'" : "asks for 'rounds'";
    try {
      child.run();
      FAIL("it was not refused");
    } catch (const IoError& error) {
      CHECK_THAT(error.what(), Contains("(protocol)") && Contains(here) && Contains(there));
    }
    CHECK(running.parent.status().joined == 0);
    CHECK_THAT(running.parent.status().last_refusal, Contains(here) && Contains(there));
    CHECK(trainer.rounds == 0);
  }
}

TEST_CASE("options that do not go together are refused", "[together]") {
  FakeTrainer trainer;
  ChildOptions child = rounds_child(1, "child");
  child.overlap = true;
  CHECK_THROWS_AS(Child(child, trainer), ArgumentError);
  CHECK_THROWS_WITH(Child(child, trainer), Contains("overlap") && Contains("'rounds'"));
  const auto weights = random_weights(kSize, 1);
  const auto refused = [&](const ParentOptions& options, const char* name) {
    CHECK_THROWS_AS(Parent(options, small_layout(), weights), ArgumentError);
    CHECK_THROWS_WITH(Parent(options, small_layout(), weights), Contains(name));
  };
  ParentOptions parent = rounds_parent(0);
  parent.merge_rule = [](std::span<float>, std::span<const float>, const MergeContext&) {};
  refused(parent, "merge_rule");
  parent = rounds_parent(0);
  parent.rounds.quorum_share = 0;
  refused(parent, "quorum_share");
  parent = rounds_parent(0);
  OuterOptimizerOptions outer;
  outer.kind = OuterOptimizerKind::kNesterov;
  OuterOptimizer other(outer);
  std::vector<float> small(3);
  other.apply(small, small);
  parent.outer_optimizer = other;
  refused(parent, "memory of 3 weights");
  parent = rounds_parent(0);
  parent.rounds.apart_from_steps = 100;
  parent.average_moments = true;
  refused(parent, "rounds.apart_from_steps is 100 and average_moments is set");
  parent.average_moments = false;
  MergeOptions median;
  median.kind = MergeKind::kMedian;
  parent.merge_method = make_merge_method(median);
  refused(parent, "there is a merge method");
  parent.merge_method = nullptr;
  parent.exchange = ExchangeKind::kEach;
  refused(parent, "the exchange is 'each'");
}

TEST_CASE("a token is asked for, whatever the exchange is", "[together]") {
  set_log_level(LogLevel::kError);
  ParentOptions options = rounds_parent(2);
  options.security.token = kToken;
  RecordingParent parent(options);
  FakeTrainer trainer_a, trainer_b, trainer_c;
  ChildOptions wrong = rounds_child(parent.port(), "wrong");
  wrong.security.token = kToken + "0";
  wrong.join_timeout = Milliseconds(100);
  Child refused(wrong, trainer_c);
  CHECK_THROWS_AS(refused.run(), IoError);
  ChildOptions right = rounds_child(parent.port(), "a");
  right.security.token = kToken;
  Child a(right, trainer_a);
  right.name = "b";
  Child b(right, trainer_b);
  ChildRun run_a(a, exchanges(3)), run_b(b, exchanges(3));
  run_a.get();
  run_b.get();
  CHECK(parent.status().rounds.contributions >= 6);
  CHECK(parent.status().refusals.token >= 1);
}

TEST_CASE("the Parent answers when all have contributed, and says how long that may take", "[together]") {
  RecordingParent parent(rounds_parent(2, Milliseconds(60'000)));
  RawChild a(parent.port(), "a"), b(parent.port(), "b");
  CHECK(a.welcome.exchange == "rounds");
  CHECK(a.welcome.longest_wait_ms == 420'000);
  a.send(kChange, 0);
  a.sync();
  CHECK(parent.status().rounds.waiting == 1);
  CHECK(parent.status().updates == 0);
  CHECK(same_bits(parent.running.parent.weights(), parent.running.initial));
  b.send(kChange, 0);
  CHECK(a.answer() == 1);
  CHECK(b.answer() == 1);
  check_near(a.weights, plus(parent.running.initial, kChange));
  CHECK(same_bits(a.weights, b.weights));
}

TEST_CASE("a quorum closes the round, and the late one enters the next with its staleness", "[together]") {
  ParentOptions options = rounds_parent(3);
  options.rounds.quorum_share = 0.6;
  RecordingParent parent(options);
  RawChild a(parent.port(), "a"), b(parent.port(), "b"), slow(parent.port(), "slow");
  for (std::uint64_t round = 0; round < 3; ++round) {
    a.send(kChange, round);
    b.send(kChange, round);
    CHECK(a.answer() == round + 1);
    CHECK(b.answer() == round + 1);
  }
  // It is not failed, and what it has learnt is not lost.
  slow.send(kChange, 0);
  slow.sync();
  a.send(kChange, 3);
  CHECK(a.answer() == 4);
  CHECK(slow.answer() == 4);
  parent.running.parent.stop();
  REQUIRE(parent.rounds.size() == 4);
  const auto& last = parent.rounds.back().contributions;
  REQUIRE(last.size() == 2);
  CHECK(last[1].child == "slow");
  CHECK(last[1].staleness == 3);
  CHECK(parent.status().rounds.late == 1);
  check_near(parent.rounds[3].weights,
             plus(parent.rounds[2].weights, kChange, 0.5 + 0.5 * staleness_discount(3)));
}

TEST_CASE("a Child that goes silent costs the others one deadline, once", "[together]") {
  RecordingParent parent(rounds_parent(3, kSoon));
  RawChild a(parent.port(), "a"), b(parent.port(), "b"), frozen(parent.port(), "frozen");
  for (std::uint64_t round = 0; round < 5; ++round) {
    a.send(kChange, round);
    b.send(kChange, round);
    CHECK(a.answer() == round + 1);
    CHECK(b.answer() == round + 1);
  }
  CHECK(parent.status().rounds.by_deadline <= 1);
  CHECK(parent.status().children.size() == 3);
  // It wakes up, and takes part again.
  frozen.send(kChange, 0);
  frozen.sync();
  a.send(kChange, 5);
  b.send(kChange, 5);
  CHECK(frozen.answer() == 6);
  CHECK(parent.status().rounds.late == 1);
}

TEST_CASE("a Child whose link closes in the middle of a round is not waited for", "[together]") {
  RecordingParent parent(rounds_parent(3));
  RawChild a(parent.port(), "a"), b(parent.port(), "b");
  {
    RawChild killed(parent.port(), "killed");
    a.send(kChange, 0);
    b.send(kChange, 0);
    b.sync();
    CHECK(parent.status().updates == 0);
  }
  CHECK(a.answer() == 1);
  CHECK(b.answer() == 1);
  // One that had contributed already takes its contribution with it.
  RawChild back(parent.port(), "back");
  back.send(kChange, 1);
  back.sync();
  CHECK(parent.status().rounds.waiting == 1);
  back.close();
  REQUIRE(eventually([&] { return parent.status().children.size() == 2; }));
  CHECK(parent.status().rounds.waiting == 0);
  a.send(kChange, 1);
  b.send(kChange, 1);
  CHECK(a.answer() == 2);
  CHECK(b.answer() == 2);
  check_near(a.weights, plus(parent.running.initial, kChange, 2));
}

TEST_CASE("a Parent whose Children have all left waits, and goes on with the next one", "[together]") {
  RecordingParent parent(rounds_parent(0, kSoon));
  {
    RawChild a(parent.port(), "a"), b(parent.port(), "b");
    a.send(kChange, 0);
    a.sync();
  }
  REQUIRE(eventually([&] { return parent.status().children.empty(); }));
  CHECK(parent.status().rounds.waiting == 0);
  RawChild c(parent.port(), "c");
  c.send(kChange, parent.status().updates);
  const std::uint64_t update = c.answer();
  CHECK(update == parent.status().updates);
  CHECK(same_bits(c.weights, parent.running.parent.weights()));
}

TEST_CASE("a Child that joins late is given the present weights and takes part in the next round",
          "[together]") {
  RecordingParent parent(rounds_parent(1));
  RawChild a(parent.port(), "a");
  a.send(kChange, 0);
  CHECK(a.answer() == 1);
  a.send(kChange, 1);
  CHECK(a.answer() == 2);
  RawChild late(parent.port(), "late");
  CHECK(late.welcome.update == 2);
  a.send(kChange, 2);
  a.sync();
  // Nobody had contributed when it joined, so it is waited for.
  CHECK(parent.status().updates == 2);
  late.send(kChange, 2);
  CHECK(a.answer() == 3);
  CHECK(late.answer() == 3);
  CHECK(parent.status().rounds.late == 0);
}

TEST_CASE("contributions that cannot be merged are refused, and the weights stay as they are", "[together]") {
  set_log_level(LogLevel::kError);
  const auto refusal_of = [](RefusalCode code, const std::function<void(RawChild&)>& act) {
    RecordingParent parent(rounds_parent(2));
    RawChild peer(parent.port(), "hostile"), sound(parent.port(), "sound");
    act(peer);
    const auto refusal = peer.read_message<RefuseMessage>();
    CHECK(refusal.code == code);
    CHECK(parent.status().refused_updates == 1);
    CHECK(parent.status().updates == 0);
    CHECK(same_bits(parent.running.parent.weights(), parent.running.initial));
    // The others lose nothing by it.
    peer.close();
    sound.send(kChange, 0);
    CHECK(sound.answer() == 1);
    return refusal.reason;
  };
  CHECK_THAT(refusal_of(RefusalCode::kSequence, [](RawChild& peer) { peer.send(kChange, 1); }),
             Contains("weights of update 1") && Contains("at update 0"));
  CHECK_THAT(refusal_of(RefusalCode::kFrame, [](RawChild& peer) { peer.send(kChange, 0, 101); }),
             Contains("101 steps") && Contains("played 100"));
  CHECK_THAT(refusal_of(RefusalCode::kFrame, [](RawChild& peer) { peer.send(random_weights(15, 1), 0); }),
             Contains("bytes of weights"));
  CHECK_THAT(refusal_of(RefusalCode::kWeights,
                        [](RawChild& peer) {
                          auto change = kChange;
                          change[3] = std::numeric_limits<float>::quiet_NaN();
                          peer.send(change, 0);
                        }),
             Contains("element 3") && Contains("nan"));
  CHECK_THAT(refusal_of(RefusalCode::kWeights,
                        [](RawChild& peer) { peer.send(std::vector<float>(kSize, 1e9f), 0); }),
             Contains("out of proportion"));
  CHECK_THAT(refusal_of(RefusalCode::kSequence,
                        [](RawChild& peer) {
                          peer.send(kChange, 0);
                          peer.send(kChange, 0);
                        }),
             Contains("before the answer to 1"));
  CHECK_THAT(refusal_of(RefusalCode::kSequence,
                        [](RawChild& peer) {
                          peer.send_with(frame_header(FrameType::kChildChange, peer.welcome.session, 2),
                                         kChange, 0);
                        }),
             Contains("sequence 2 where 1 is next"));
  CHECK_THAT(refusal_of(RefusalCode::kSequence,
                        [](RawChild& peer) {
                          peer.send_with(frame_header(FrameType::kChildChange, peer.welcome.session + 7, 1),
                                         kChange, 0);
                        }),
             Contains("a frame of session"));
  for (const auto type : {FrameType::kChildWeights, FrameType::kParentWeights}) {
    refusal_of(RefusalCode::kFrame, [&](RawChild& peer) {
      peer.send_with(frame_header(type, peer.welcome.session, 1), kChange, 0);
    });
  }
}

TEST_CASE("a change is refused where each Child is merged by itself", "[together]") {
  RunningParent running;
  RawPeer peer(running.port());
  const std::uint64_t session = peer.join(small_layout()).session;
  peer.send_weights(frame_header(FrameType::kChildChange, session, 1), kChange);
  const auto refusal = peer.read_message<RefuseMessage>();
  CHECK(refusal.code == RefusalCode::kFrame);
  CHECK_THAT(refusal.reason, Contains("type 3") && Contains("'each'"));
  CHECK(running.parent.status().updates == 0);
}

TEST_CASE("a Child that is frozen and comes back loses nothing, and its work counts once", "[together]") {
  ParentOptions rounds = rounds_parent(2, kSoon);
  // The other Child makes many rounds meanwhile.
  rounds.rounds.max_staleness = 1'000'000'000;
  RecordingParent parent(rounds);
  Relay relay(parent.port());
  FakeTrainer trainer_a, trainer_b(small_layout(), 2);
  Child a(rounds_child(parent.port(), "a"), trainer_a);
  ChildOptions options = rounds_child(relay.port(), "b");
  options.limits.idle_timeout = Milliseconds(1'000);
  Child b(options, trainer_b);
  ChildRun run_a(a);
  std::uint64_t offline = 0;
  // Its link goes silent, and is made anew some rounds later.
  ChildRun run_b(b, [&](const ChildProgress& progress) {
    if (progress.exchanges == 3 && progress.connected) relay.freeze();
    if (!progress.connected && ++offline == 3) relay.cut(parent.port());
    return progress.exchanges < 6;
  });
  run_b.get();
  parent.running.parent.stop();
  CHECK(offline >= 3);
  CHECK(b.progress().reconnects >= 1);
  std::uint64_t steps = 0, last = 0;
  for (const auto& round : parent.rounds) {
    for (const auto& each : round.contributions) {
      if (each.child != "b") continue;
      CHECK(each.sequence == last + 1);
      last = each.sequence;
      steps += each.since_merge.steps;
    }
  }
  // All that it has played was counted, each step once.
  CHECK(steps == 20 * trainer_b.rounds);
}

TEST_CASE("what was merged and whose answer was lost is not contributed again", "[together]") {
  /// Remembers the sum of all that it has learnt.
  class LearningTrainer : public FakeTrainer {
   public:
    RoundReport train_round() override {
      const auto before = weights();
      const RoundReport report = FakeTrainer::train_round();
      for (std::size_t i = 0; i < kSize; ++i) learnt[i] += double{weights()[i]} - double{before[i]};
      return report;
    }
    std::vector<double> learnt = std::vector<double>(kSize, 0);
  };
  RecordingParent parent(rounds_parent(1));
  Relay relay(parent.port());
  LearningTrainer trainer;
  trainer.on_round = [&](std::vector<float>&) {
    if (trainer.rounds == 3) relay.mute();
  };
  Child child(rounds_child(relay.port(), "child"), trainer);
  ChildRun run(child, exchanges(6));
  // The third contribution is merged, and its answer comes to the relay and no further.
  REQUIRE(eventually([&] { return parent.closed() == 3; }));
  relay.cut(parent.port());
  run.get();
  parent.running.parent.stop();
  CHECK(parent.status().resumed == 1);
  CHECK(child.progress().exchanges == 6);
  CHECK(child.progress().merges == 7);
  for (std::size_t i = 0; i < kSize; ++i) {
    const double expected = parent.running.initial[i] + trainer.learnt[i];
    CHECK(parent.running.parent.weights()[i] == Approx(expected).margin(1e-5));
  }
  CHECK(parent.status().in_process.steps == 20 * trainer.rounds);
}

TEST_CASE("a Child whose Parent was started again takes its weights and takes part again", "[together]") {
  auto first = std::make_unique<RunningParent>(rounds_parent(1));
  Relay relay(first->port());
  FakeTrainer trainer;
  std::unique_ptr<RecordingParent> second;
  Child child(rounds_child(relay.port(), "child"), trainer);
  child.run([&](const ChildProgress& progress) {
    if (progress.exchanges == 3 && progress.connected && !second) {
      relay.cut(0);
      first->parent.stop();
      // From a state of an earlier round, as after a crash.
      ParentOptions options = rounds_parent(1);
      options.first_update = 1;
      options.epoch = 1;
      second = std::make_unique<RecordingParent>(options);
      relay.cut(second->port());
    }
    return progress.exchanges < 5;
  });
  second->running.parent.stop();
  CHECK(first->parent.status().updates == 3);
  REQUIRE(second->rounds.size() == 2);
  CHECK(second->rounds[0].update == 2);
  CHECK(second->rounds[0].contributions.at(0).staleness == 0);
  // The second Parent's weights were taken as they are, like those of the first.
  CHECK(std::count_if(trainer.written.begin(), trainer.written.end(),
                      [&](const auto& written) { return same_bits(written, second->running.initial); }) == 2);
  CHECK(same_bits(trainer.written.back(), second->rounds[1].weights));
  CHECK(second->status().refused_updates == 0);
}

TEST_CASE("Children that train apart keep their own weights, and their Parent has the mean", "[together]") {
  constexpr std::uint64_t kChildren = 3, kTogether = 4, kApart = 5;
  ParentOptions options = rounds_parent(kChildren);
  options.rounds.apart_from_steps = 20 * kChildren * kTogether;
  RecordingParent parent(options);
  const auto trainers = train_together(parent.port(), kChildren, kTogether + kApart);
  parent.running.parent.stop();
  CHECK(parent.status().updates == kTogether + kApart);
  CHECK(parent.status().in_process.steps == 20 * kChildren * (kTogether + kApart));
  std::vector<double> sum(kSize, 0);
  for (const auto& trainer : trainers) {
    // The weights at the beginning and those of each round together, and then what it had sent itself.
    CHECK(same_bits(trainer->written.at(kTogether), parent.rounds.at(kTogether - 1).weights));
    for (std::size_t round = kTogether; round < kTogether + kApart; ++round)
      check_near(trainer->written.at(round + 1), trainer->sent.at(round));
    for (std::size_t i = 0; i < kSize; ++i) sum[i] += trainer->written.back()[i];
  }
  CHECK(!same_bits(trainers[0]->written.back(), trainers[1]->written.back()));
  for (std::size_t i = 0; i < kSize; ++i)
    CHECK(parent.running.parent.weights()[i] == Approx(sum[i] / kChildren).margin(1e-6));
}

TEST_CASE("a Child apart whose link is cut goes on from its own weights, and one that is killed counts on",
          "[together]") {
  ParentOptions options = rounds_parent(2);
  options.rounds.apart_from_steps = 1;
  RecordingParent parent(options);
  auto a = std::make_unique<RawChild>(parent.port(), "a");
  RawChild b(parent.port(), "b");
  // The second one learns the opposite.
  const std::vector<float> opposite = plus(std::vector<float>(kSize, 0.0f), kChange, -1);
  for (std::uint64_t update = 0; update < 3; ++update) {
    a->send(kChange, update);
    b.send(opposite, update);
    CHECK(a->answer() == update + 1);
    CHECK(b.answer() == update + 1);
  }
  // One round together, in which they cancelled out, and two apart.
  const auto& initial = parent.running.initial;
  check_near(a->weights, plus(initial, kChange, 2));
  check_near(b.weights, plus(initial, kChange, -2));
  check_near(parent.running.parent.weights(), initial);
  const SessionMark mark = a->mark();
  a.reset();
  REQUIRE(eventually([&] { return parent.status().children.size() == 1; }));
  // Killed, for all that anybody knows: it counts with what it had learnt.
  b.send(opposite, 3);
  CHECK(b.answer() == 4);
  check_near(parent.running.parent.weights(), plus(initial, kChange, (2 * 2 - 3 * 3) / 5.0));
  RawChild back(parent.port(), "a", mark);
  CHECK(back.welcome.session == mark.session);
  back.send(kChange, 3);
  b.send(opposite, 4);
  CHECK(b.answer() == 5);
  CHECK(back.answer() == 5);
  check_near(back.weights, plus(initial, kChange, 3));
  RawChild fresh(parent.port(), "fresh");
  fresh.send(std::vector<float>(kSize, 0.0f), 5, 0);
  back.send(kChange, 5);
  b.send(opposite, 5);
  CHECK(fresh.answer() == 6);
  // From the mean of the moment: (3 x 3 - 4 x 4) / 7.
  check_near(fresh.weights, plus(initial, kChange, -1));
}

TEST_CASE("a Parent that stops in the middle of a round merges no part of it", "[together]") {
  RecordingParent parent(rounds_parent(3));
  RawChild a(parent.port(), "a"), b(parent.port(), "b"), c(parent.port(), "c");
  a.send(kChange, 0);
  b.send(kChange, 0);
  b.sync();
  a.sync();
  CHECK(parent.status().rounds.waiting == 2);
  parent.running.parent.stop("enough");
  CHECK(a.read_message<EndMessage>().reason == "enough");
  CHECK(parent.status().updates == 0);
  CHECK(same_bits(parent.running.parent.weights(), parent.running.initial));
}

TEST_CASE("a Child that waits for others ends with its Parent, and when it is asked to", "[together]") {
  RecordingParent parent(rounds_parent(3));
  FakeTrainer trainer_a, trainer_b;
  Child a(rounds_child(parent.port(), "a"), trainer_a), b(rounds_child(parent.port(), "b"), trainer_b);
  ChildRun run_a(a), run_b(b);
  REQUIRE(eventually([&] { return parent.status().rounds.waiting == 2; }));
  b.request_stop();
  CHECK(run_b.get() == "stop requested");
  REQUIRE(eventually([&] { return parent.status().rounds.waiting == 1; }));
  parent.running.parent.stop("over");
  CHECK(run_a.get() == "the Parent ended the run: over");
  CHECK(trainer_a.rounds == 1);
  CHECK(a.progress().exchanges == 0);
}

TEST_CASE("an outer optimizer that fails ends the run, and the Children hear of it", "[together]") {
  const LogRecord log;
  ParentOptions options = rounds_parent(1);
  OuterOptimizerOptions outer;
  outer.learning_rate = 3e38;
  options.outer_optimizer = OuterOptimizer(outer);
  RecordingParent parent(options);
  RawChild child(parent.port(), "child");
  child.send(std::vector<float>(kSize, 10), 0);
  CHECK(child.read_message<EndMessage>().reason == "the Parent's outer optimizer failed");
  REQUIRE(eventually([&] { return !parent.status().failure.empty(); }));
  CHECK(parent.status().updates == 0);
  CHECK(same_bits(parent.running.parent.weights(), parent.running.initial));
  CHECK(log.holds("outer optimizer 'none'", "at update 1"));
}

TEST_CASE("statistics travel with what Children contribute", "[together]") {
  class Counting : public FakeTrainer {
   public:
    explicit Counting(std::uint64_t stream) : stream_(stream), own_(1) {
      on_round = [this](std::vector<float>&) { own_.add(std::vector<float>{1}); };
    }
    std::size_t statistics_components() const override { return 1; }
    NumberedStatistics own_statistics() const override { return {stream_, own_}; }
    void write_other_statistics(const RunningStatistics& given) override { others.push_back(given.count()); }
    std::vector<double> others;

   private:
    std::uint64_t stream_;
    RunningStatistics own_;
  };
  ParentOptions options = rounds_parent(2);
  options.statistics = StreamStatistics(1);
  RecordingParent parent(options);
  Counting trainer_a(1), trainer_b(2);
  Child a(rounds_child(parent.port(), "a"), trainer_a), b(rounds_child(parent.port(), "b"), trainer_b);
  ChildRun run_a(a, exchanges(4)), run_b(b, exchanges(4));
  run_a.get();
  run_b.get();
  CHECK(parent.running.parent.statistics().all().count() == 8);
  CHECK(trainer_a.others == std::vector<double>{0, 1, 2, 3, 4});
  CHECK(trainer_b.others == std::vector<double>{0, 1, 2, 3, 4});
}
