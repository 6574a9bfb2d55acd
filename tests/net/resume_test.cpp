// A session outlives its link: what was merged is not merged again, what was lost is not missed.
#include <map>

#include "genkidama/core/error.h"
#include "genkidama/params/weighted_average.h"
#include "net/fixture.h"
#include "net/log_record.h"
#include "net/parent/session_numbers.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/raw_peer.h"
#include "support/relay.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

constexpr double kAlpha = 0.5;

struct Merge {
  std::uint64_t session, sequence;
  std::vector<float> weights;
};

/// A Parent of the run "run" that remembers its merges.
struct RecordingParent {
  explicit RecordingParent(const std::function<void(ParentOptions&)>& change = {})
      : running(options(change), [this](const ParentUpdate& update) {
          merges.push_back({update.session, update.sequence, {update.weights.begin(), update.weights.end()}});
          const std::lock_guard lock(mutex);
          if (merged) merged(update);
        }) {}
  void on_merge(std::function<void(const ParentUpdate&)> call) {
    const std::lock_guard lock(mutex);
    merged = std::move(call);
  }

  static ParentOptions options(const std::function<void(ParentOptions&)>& change) {
    ParentOptions options = parent_options(kAlpha);
    options.run_id = "run";
    if (change) change(options);
    return options;
  }

  std::mutex mutex;  // of the next
  std::function<void(const ParentUpdate&)> merged;
  std::vector<Merge> merges;  // once the Parent was stopped
  RunningParent running;
};

/// Each merge is that of one of `sent`, of a later one every time, and all are in sessions whose frames are
/// numbered without a gap. Returns which of `sent` were merged.
std::vector<std::size_t> check_merges(RecordingParent& parent, const std::vector<std::vector<float>>& sent) {
  parent.running.parent.stop();
  auto weights = parent.running.initial;
  std::map<std::uint64_t, std::uint64_t> last;
  std::vector<std::size_t> merged;
  std::size_t at = 0;
  for (const Merge& merge : parent.merges) {
    CHECK(merge.sequence == ++last[merge.session]);
    auto expected = weights;
    for (; at < sent.size(); ++at) {
      expected = weights;
      weighted_average(expected, sent[at], kAlpha);
      if (same_bits(expected, merge.weights)) break;
    }
    REQUIRE(at < sent.size());
    merged.push_back(at++);
    weights = merge.weights;
  }
  CHECK(same_bits(parent.running.parent.weights(), weights));
  CHECK(parent.running.parent.status().updates == merged.size());
  return merged;
}

/// A joined Child that is only a socket.
struct RawChild : RawPeer {
  explicit RawChild(std::uint16_t port, const std::optional<SessionMark>& resume = {},
                    const std::string& name = "raw", const std::string& run_id = "run")
      : RawPeer(port) {
    upgrade();
    HelloMessage hello;
    hello.name = name;
    hello.run_id = run_id;
    hello.layout = small_layout();
    hello.resume = resume;
    send_message(hello);
    welcome = read_message<WelcomeMessage>();
    CHECK(read_weights(weights).sequence == 0);
  }
  static FrameHeader frame(std::uint64_t session, std::uint64_t sequence) {
    FrameHeader header;
    header.session = session;
    header.sequence = sequence;
    header.environment_steps = 100 * sequence;
    return header;
  }
  void exchange(std::uint64_t sequence) {
    send_weights(frame(welcome.session, sequence), kSent);
    CHECK(read_weights(weights).sequence == sequence);
  }
  SessionMark mark(std::uint64_t sequence) const { return {welcome.session, sequence}; }

  static inline const std::vector<float> kSent = random_weights(small_layout().size(), 3);
  WelcomeMessage welcome;
  std::vector<float> weights = std::vector<float>(small_layout().size());
};

const auto kSixRounds = exchanges(6);

}  // namespace

TEST_CASE("a frame whose answer was lost is not merged again", "[resume]") {
  RecordingParent parent;
  Relay relay(parent.running.port());
  FakeTrainer trainer;
  // The answer to the third frame comes to the relay and no further.
  trainer.on_round = [&](std::vector<float>&) {
    if (trainer.rounds == 3) relay.mute();
  };
  parent.on_merge([&](const ParentUpdate& update) {
    if (update.sequence == 3) relay.cut(parent.running.port());
  });
  Child child(child_options(relay.port()), trainer);
  child.run(kSixRounds);
  const ParentStatus status = parent.running.parent.status();
  CHECK(status.resumed == 1);
  CHECK(status.joined == 2);
  // All that was sent was merged, in one session, and once.
  const auto merged = check_merges(parent, trainer.sent);
  CHECK(merged == std::vector<std::size_t>{0, 1, 2, 3, 4, 5, 6});
  CHECK(parent.merges.back().session == parent.merges.front().session);
  CHECK(child.progress().exchanges == 6);
  CHECK(child.progress().merges == 7);
  CHECK(child.progress().reconnects == 1);
  CHECK(status.in_process.steps == 20 * trainer.rounds);
  // The session as a later process would be told it.
  CHECK(child.progress().session.run_id == "run");
  CHECK(child.progress().session.session == parent.merges.front().session);
  CHECK(child.progress().session.sequence == 7);
  CHECK(child.progress().session.since_child_began.steps == 20 * trainer.rounds);
  CHECK(child.progress().session.since_child_began.episodes == 2 * trainer.rounds);
}

TEST_CASE("a frame that was lost is not missed: the next has its number and newer weights", "[resume]") {
  RecordingParent parent;
  Relay relay(parent.running.port());
  FakeTrainer trainer;
  ChildOptions options = child_options(relay.port());
  options.exchange_timeout = Milliseconds(300);
  bool frozen = false, thawed = false;
  trainer.on_round = [&](std::vector<float>&) {
    if (trainer.sent.size() != 2 || std::exchange(frozen, true)) return;
    relay.freeze();
  };
  Child child(options, trainer);
  child.run([&](const ChildProgress& progress) {
    if (frozen && !progress.connected && !std::exchange(thawed, true)) relay.cut(parent.running.port());
    return kSixRounds(progress);
  });
  CHECK(thawed);
  CHECK(parent.running.parent.status().resumed >= 1);
  const auto merged = check_merges(parent, trainer.sent);
  CHECK(std::find(merged.begin(), merged.end(), 2) == merged.end());
  CHECK(parent.merges.back().session == parent.merges.front().session);
  CHECK(child.progress().exchanges == 6);
  CHECK(child.progress().merges == merged.size());
}

TEST_CASE("a Child whose link is cut again and again is merged in one order, nothing twice", "[resume]") {
  RecordingParent parent;
  Relay relay(parent.running.port());
  FakeTrainer trainer;
  // In the middle of whatever goes on.
  parent.on_merge([&](const ParentUpdate& update) {
    if (update.update % 5 == 0) relay.cut(parent.running.port());
  });
  ChildOptions options = child_options(relay.port());
  options.overlap = GENERATE(false, true);
  CAPTURE(options.overlap);
  Child child(options, trainer);
  child.run([](const ChildProgress& progress) { return progress.merges < 60; });
  const ParentStatus status = parent.running.parent.status();
  CHECK(status.resumed >= 5);
  CHECK(status.refused_updates == 0);
  if (!options.overlap) {
    const auto merged = check_merges(parent, trainer.sent);
    CHECK(merged.size() == child.progress().merges);
  }
  parent.running.parent.stop();
  std::uint64_t sequence = 0;
  for (const Merge& merge : parent.merges) CHECK(merge.sequence == ++sequence);
  CHECK(parent.merges.back().session == parent.merges.front().session);
  CHECK(child.progress().merges >= 60);
  CHECK(child.progress().merges <= status.updates);
}

TEST_CASE("a welcome says what was merged last, and the figures go on", "[resume]") {
  RecordingParent parent;
  SessionMark mark;
  {
    RawChild child(parent.running.port());
    CHECK_FALSE(child.welcome.sequence);
    child.exchange(1);
    child.exchange(2);
    mark = child.mark(3);
  }
  REQUIRE(eventually([&] { return parent.running.parent.status().left == 1; }));
  RawChild again(parent.running.port(), mark);
  CHECK(again.welcome.session == mark.session);
  CHECK(again.welcome.sequence == 2);
  again.exchange(3);
  const ParentStatus status = parent.running.parent.status();
  REQUIRE(status.children.size() == 1);
  CHECK(status.children[0].updates == 3);
  CHECK(status.in_process.steps == 300);
  CHECK(status.resumed == 1);
}

TEST_CASE("a half-open session is taken over by the Child that noticed first", "[resume]") {
  RecordingParent parent;
  RawChild half_open(parent.running.port());
  half_open.exchange(1);
  // The Parent knows nothing of the loss.
  CHECK(parent.running.parent.status().children.size() == 1);
  RawChild again(parent.running.port(), half_open.mark(2));
  CHECK(again.welcome.session == half_open.welcome.session);
  CHECK(again.welcome.sequence == 1);
  CHECK(parent.running.parent.status().children.size() == 1);
  // Whatever still comes on the old link is of no effect, and whoever reads it is told.
  half_open.send_weights(RawChild::frame(half_open.welcome.session, 2), RawChild::kSent);
  const auto refusal = half_open.read_message<RefuseMessage>();
  CHECK(refusal.code == RefusalCode::kSequence);
  CHECK_THAT(refusal.reason, Catch::Contains("another link"));
  again.exchange(2);
  const ParentStatus status = parent.running.parent.status();
  CHECK(status.updates == 2);
  CHECK(status.refused_updates == 0);
  CHECK(status.refused_peers == 0);
  CHECK(status.joined == 2);
  CHECK(status.left == 1);
}

TEST_CASE("only a session that is known, this Child's, and of this run and start goes on", "[resume]") {
  const LogRecord log;
  RecordingParent parent([](ParentOptions& options) { options.epoch = 3; });
  SessionMark mark;
  {
    RawChild child(parent.running.port());
    child.exchange(1);
    mark = child.mark(1);
    CHECK(SessionNumbers::epoch_of(mark.session) == 3);
  }
  REQUIRE(eventually([&] { return parent.running.parent.status().left == 1; }));
  const auto expect_new = [&](const SessionMark& resume, const std::string& name, const std::string& run_id,
                              const std::string& why) {
    RawChild child(parent.running.port(), resume, name, run_id);
    CHECK_FALSE(child.welcome.sequence);
    CHECK(child.welcome.session > mark.session);
    CHECK(log.holds("cannot go on with session " + std::to_string(resume.session), why));
  };
  expect_new({mark.session + 100, 1}, "raw", "run", "not known");
  expect_new(mark, "another", "run", "another Child's");
  expect_new(mark, "raw", "another run", "another run");
  expect_new(mark, "raw", "", "another run");
  expect_new({mark.session - SessionNumbers::kPerEpoch, 1}, "raw", "run", "another start");
  expect_new({1, 1}, "raw", "run", "another start");
  CHECK(parent.running.parent.status().resumed == 0);
  // None of them took it from the one whose it is.
  {
    RawChild child(parent.running.port(), mark);
    CHECK(child.welcome.session == mark.session);
    child.send_message(LeaveMessage{"for good"});
    CHECK(child.read().opcode == 8);
  }
  REQUIRE(eventually([&] { return parent.running.parent.status().children.empty(); }));
  expect_new(mark, "raw", "run", "not known");
}

TEST_CASE("a session that somebody else has is not taken from him by its number", "[resume]") {
  RecordingParent parent;
  RawChild owner(parent.running.port(), {}, "owner");
  owner.exchange(1);
  RawChild thief(parent.running.port(), owner.mark(1), "thief");
  CHECK_FALSE(thief.welcome.sequence);
  owner.exchange(2);
}

TEST_CASE("an old frame is refused after its session was resumed, and the session is over", "[resume]") {
  for (const std::uint64_t replayed : {1, 2, 4}) {
    RecordingParent parent;
    SessionMark mark;
    {
      RawChild child(parent.running.port());
      child.exchange(1);
      child.exchange(2);
      mark = child.mark(2);
    }
    REQUIRE(eventually([&] { return parent.running.parent.status().left == 1; }));
    const auto before = parent.running.parent.weights();
    RawChild again(parent.running.port(), mark);
    again.send_weights(RawChild::frame(mark.session, replayed), RawChild::kSent);
    const auto refusal = again.read_message<RefuseMessage>();
    CHECK(refusal.code == RefusalCode::kSequence);
    CHECK_THAT(refusal.reason, Catch::Contains("where 3 is next"));
    CHECK(same_bits(parent.running.parent.weights(), before));
    CHECK(parent.running.parent.status().updates == 2);
    CHECK(parent.running.parent.status().refused_updates == 1);
    again.close();
    REQUIRE(eventually([&] { return parent.running.parent.status().left == 2; }));
    CHECK_FALSE(RawChild(parent.running.port(), mark).welcome.sequence);
  }
}

TEST_CASE("a frame of an earlier start of the Parent is refused and named as such", "[resume]") {
  RecordingParent parent([](ParentOptions& options) { options.epoch = 2; });
  RawChild child(parent.running.port());
  CHECK(child.welcome.session == 2 * SessionNumbers::kPerEpoch + 1);
  child.send_weights(RawChild::frame(SessionNumbers::kPerEpoch + 1, 1), RawChild::kSent);
  const auto refusal = child.read_message<RefuseMessage>();
  CHECK(refusal.code == RefusalCode::kSequence);
  CHECK_THAT(refusal.reason, Catch::Contains("earlier start") && Catch::Contains("epoch 1"));
  CHECK(parent.running.parent.status().updates == 0);
  CHECK(same_bits(parent.running.parent.weights(), parent.running.initial));
}

TEST_CASE("when the Parent is started again its Children train on and rejoin in its new epoch", "[resume]") {
  RecordingParent first;
  Relay relay(first.running.port());
  std::unique_ptr<RecordingParent> second;
  FakeTrainer trainer;
  std::uint64_t offline_rounds = 0;
  Child child(child_options(relay.port()), trainer);
  child.run([&](const ChildProgress& progress) {
    if (progress.exchanges == 3 && progress.connected) relay.cut(0);
    if (!progress.connected && ++offline_rounds == 3) {
      second = std::make_unique<RecordingParent>([](ParentOptions& options) {
        options.epoch = 1;
        options.first_update = 3;
      });
      relay.cut(second->running.port());
    }
    return kSixRounds(progress);
  });
  REQUIRE(second);
  CHECK(second->running.parent.status().resumed == 0);
  const ChildSessionState session = child.progress().session;
  second->running.parent.stop();
  REQUIRE(second->merges.size() == 3);
  CHECK(second->merges[0].session == SessionNumbers::kPerEpoch + 1);
  CHECK(second->merges[0].sequence == 1);
  CHECK(session.session == SessionNumbers::kPerEpoch + 1);
  CHECK(session.sequence == 3);
  CHECK(trainer.written.size() == 7);
}

TEST_CASE("a later process of a Child goes on with its session and keeps its weights", "[resume]") {
  RecordingParent parent;
  Relay relay(parent.running.port());
  FakeTrainer before;
  ChildSessionState state;
  {
    Child child(child_options(relay.port()), before);
    child.run([&](const ChildProgress& progress) {
      state = progress.session;
      // So that it cannot say that it leaves: it was killed.
      if (progress.exchanges == 3) relay.cut(0);
      return progress.exchanges < 3;
    });
  }
  CHECK(state.sequence == 3);
  CHECK(state.since_child_began.steps == 60);
  FakeTrainer after(small_layout(), 7);
  ChildOptions options = child_options(parent.running.port());
  options.resume = state;
  Child child(options, after);
  child.run(exchanges(2));
  const ParentStatus status = parent.running.parent.status();
  CHECK(status.resumed == 1);
  CHECK(status.in_process.steps == 100);
  // Nothing was written at the start.
  CHECK(after.written.size() == 2);
  CHECK(child.progress().merges == 2);
  CHECK(child.progress().in_process.steps == 40);
  CHECK(child.progress().session.sequence == 5);
  CHECK(child.progress().session.since_child_began.steps == 100);
  auto sent = before.sent;
  sent.insert(sent.end(), after.sent.begin(), after.sent.end());
  CHECK(check_merges(parent, sent).size() == 5);
}

TEST_CASE("a later process whose session is not known starts from the Parent's weights", "[resume]") {
  RecordingParent parent;
  ChildOptions options = child_options(parent.running.port());
  options.resume = ChildSessionState{"run", 4711, 12, {240, 24}};
  FakeTrainer trainer;
  Child child(options, trainer);
  child.run(exchanges(1));
  REQUIRE(trainer.written.size() == 2);
  CHECK(same_bits(trainer.written[0], parent.running.initial));
  // Steps that were counted before are not counted again.
  CHECK(parent.running.parent.status().in_process.steps == 20);
  CHECK(child.progress().session.since_child_began.steps == 260);
  CHECK(child.progress().session.sequence == 1);
}

TEST_CASE("a session and an epoch that cannot be are refused", "[resume]") {
  FakeTrainer trainer;
  ChildOptions child = child_options(1);
  child.resume = ChildSessionState{"run", std::uint64_t{1} << 53, 0, {}};
  CHECK_THROWS_AS(Child(child, trainer), ArgumentError);
  child.resume = ChildSessionState{"two\nlines", 1, 0, {}};
  CHECK_THROWS_AS(Child(child, trainer), ArgumentError);
  ParentOptions parent = parent_options();
  parent.epoch = kMaxEpoch + 1;
  CHECK_THROWS_WITH(Parent(parent, small_layout(), random_weights(16, 1)), Catch::Contains("epoch"));
}

TEST_CASE("a Child does not go on with a session that it did not name", "[resume]") {
  FakeTrainer trainer;
  ChildOptions options = child_options(0);
  options.connect.reset();
  options.listen = kLoopback;
  options.limits.close_timeout = Milliseconds(200);
  Child child(options, trainer);
  child.start();
  ChildRun run(child);
  const auto weights = random_weights(small_layout().size(), 42);
  std::vector<float> sent(weights.size());
  const auto welcome_with = [&](RawPeer& peer, std::uint64_t session,
                                const std::optional<std::uint64_t>& sequence) {
    peer.send_message(WelcomeMessage{"raw", "run", "", session, 0, {}, sequence});
    peer.send_weights(parent_frame(session, 0), weights);
  };
  {
    RawPeer peer(child.port());
    peer.upgrade();
    CHECK_FALSE(peer.read_message<HelloMessage>().resume);
    welcome_with(peer, 5, 0);
    CHECK(peer.read_message<RefuseMessage>().code == RefusalCode::kProtocol);
  }
  {
    RawPeer peer(child.port());
    peer.upgrade();
    peer.read_message<HelloMessage>();
    welcome_with(peer, 5, std::nullopt);
    CHECK(peer.read_weights(sent).sequence == 1);
  }
  {
    RawPeer peer(child.port());
    peer.upgrade();
    CHECK(peer.read_message<HelloMessage>().resume == SessionMark{5, 1});
    welcome_with(peer, 6, 1);
    CHECK(peer.read_message<RefuseMessage>().code == RefusalCode::kProtocol);
  }
  {
    // It is told that the frame was merged, and goes on behind it.
    RawPeer peer(child.port());
    peer.upgrade();
    CHECK(peer.read_message<HelloMessage>().resume == SessionMark{5, 1});
    welcome_with(peer, 5, 1);
    CHECK(peer.read_weights(sent).sequence == 2);
    // A refusal of that kind ends the session.
    peer.send_message(RefuseMessage{RefusalCode::kSequence, "taken over"});
    CHECK(peer.read().opcode == 8);
  }
  RawPeer peer(child.port());
  peer.upgrade();
  CHECK_FALSE(peer.read_message<HelloMessage>().resume);
  child.request_stop();
  peer.close();
  run.get();
  CHECK(child.progress().merges == 1);
  CHECK(trainer.written.size() == 1);
}
