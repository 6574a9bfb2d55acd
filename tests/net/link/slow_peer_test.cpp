// Slow is not dead: as long as something moves, nobody is dropped. Pauses here make peers slow; nothing is
// waited for by them.
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "genkidama/params/weighted_average.h"
#include "net/fixture.h"
#include "net/link/peer_watch.h"
#include "net/log_record.h"
#include "net/span_text.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/patience.h"
#include "support/raw_peer.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

// A frame of these is far more than the buffers of two sockets hold.
const ParameterLayout& large_layout() {
  static const ParameterLayout layout({{"large", {4'000'000}}});
  return layout;
}

/// A span that an instrumented build is given more of.
constexpr Milliseconds patient(int milliseconds) {
  return Milliseconds{GENKIDAMA_TEST_PATIENCE * milliseconds};
}

// An instrumented build takes its time over a frame of these, and so does a machine with other work.
constexpr Milliseconds kIdle = patient(1800);

/// A whole frame takes it longer than the idle timeout, and each part of one much shorter.
void make_slow(RawPeer& peer) {
  constexpr std::size_t kPauses = 24;
  peer.bytes_per_pause = frame_bytes(large_layout().size()) / kPauses;
  peer.pause = 3 * kIdle / (2 * kPauses);
}

struct LargeParent {
  explicit LargeParent(Milliseconds idle_timeout)
      : initial(random_weights(large_layout().size(), 5)),
        parent(options(idle_timeout), large_layout(), initial) {
    parent.start();
  }
  static ParentOptions options(Milliseconds idle_timeout) {
    ParentOptions options = parent_options(1);
    options.limits.idle_timeout = idle_timeout;
    return options;
  }

  std::vector<float> initial;
  Parent parent;
};

/// Its hello, and the welcome; W_P is on its way.
std::uint64_t say_hello(RawPeer& peer, const ParameterLayout& layout) {
  peer.upgrade();
  HelloMessage hello;
  hello.name = "slow";
  hello.layout = layout;
  peer.send_message(hello);
  return peer.read_message<WelcomeMessage>().session;
}

}  // namespace

TEST_CASE("a Child that takes and sends its frames slowly, and says nothing else, is served", "[slow]") {
  LargeParent large(kIdle);
  const auto sent = random_weights(large_layout().size(), 6);
  std::vector<float> first(large_layout().size()), answer(large_layout().size());
  RawPeer peer(large.parent.ports().at(0));
  // Not even a pong: only that its frames move shows that it is there.
  peer.silent = true;
  const std::uint64_t session = say_hello(peer, large_layout());
  make_slow(peer);
  CHECK(peer.read_weights(first).sequence == 0);
  peer.send_weights(child_frame(session, 1), sent);
  CHECK(peer.read_weights(answer).sequence == 1);
  CHECK(large.parent.status().left == 0);
  CHECK(same_bits(first, large.initial));
  weighted_average(first, sent, 1);
  CHECK(same_bits(answer, first));
}

TEST_CASE("a Parent that takes and sends frames slowly is waited for", "[slow]") {
  const auto first = random_weights(large_layout().size(), 7);
  std::vector<float> weights(large_layout().size());
  FakeTrainer trainer(large_layout());
  ChildOptions options = child_options(0);
  options.connect.reset();
  options.listen = kLoopback;
  options.limits.idle_timeout = kIdle;
  options.limits.handshake_timeout = kIdle;
  options.limits.close_timeout = Milliseconds(200);
  options.join_timeout = kIdle;
  options.exchange_timeout = kIdle;
  Child child(options, trainer);
  child.start();
  ChildRun run(child, exchanges(1));
  RawPeer peer(child.port());
  peer.upgrade();
  peer.read_message<HelloMessage>();
  make_slow(peer);
  peer.send_message(WelcomeMessage{"slow parent", "run", "", 1, 0, {}});
  peer.send_weights(parent_frame(1, 0), first);
  CHECK(peer.read_weights(weights).sequence == 1);
  peer.send_weights(parent_frame(1, 1), weights);
  CHECK(peer.read_message<LeaveMessage>().reason == "the Child's program ended the training");
  peer.close();
  CHECK(run.get() == "the Child's program ended the training");
  CHECK(child.progress().exchanges == 1);
  CHECK(same_bits(trainer.written.at(0), first));
}

TEST_CASE("a peer that stops in the middle of a frame is dropped, whichever way the frame goes", "[slow]") {
  const LogRecord log;
  constexpr Milliseconds kShort = patient(200);
  LargeParent large(kShort);
  const auto status = [&] { return large.parent.status(); };
  RawPeer reader(large.parent.ports().at(0));
  say_hello(reader, large_layout());
  // It reads no more.
  CHECK(eventually([&] { return status().left == 1; }));
  ParentOptions options = parent_options();
  options.limits.idle_timeout = kShort;
  RunningParent running(options);
  RawPeer sender(running.port());
  sender.join(small_layout());
  sender.send_frame(2, "GKDM", frame_bytes(small_layout().size()));
  sender.silent = true;
  CHECK(sender.read().opcode == -1);
  CHECK(eventually([&] { return running.parent.status().left == 1; }));
  const std::string reason = fmt::format("nothing was heard from the peer for {}", span_text(kShort));
  CHECK(log.holds("'slow' (session 1) is gone", reason));
  CHECK(log.holds("'raw' (session 1) is gone", reason));
}

TEST_CASE("a peer that talks and takes nothing is dropped too, later", "[slow]") {
  const LogRecord log;
  constexpr Milliseconds kShort = patient(400);
  LargeParent large(kShort);
  RawPeer peer(large.parent.ports().at(0));
  say_hello(peer, large_layout());
  // Pings are not to wait for one another's acknowledgement.
  const int yes = 1;
  REQUIRE(::setsockopt(peer.socket(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) == 0);
  // So many that each timeout has some, and so few that the system has room for those that nobody reads.
  int looks = 0;
  CHECK(eventually([&] {
    if (++looks % 8 == 0) peer.send_frame(9, "hello?");
    return large.parent.status().left == 1;
  }));
  CAPTURE(log.text());
  CHECK(log.holds("'slow' (session 1) is gone", fmt::format("took nothing of what it was sent for {}",
                                                            span_text(PeerWatch::kDeafPatience * kShort))));
}

TEST_CASE("answers that are not read are replaced by newer ones, not heaped up", "[slow]") {
  constexpr std::uint64_t kFrames = 60;
  const ParameterLayout layout({{"w", {250'000}}});  // a megabyte
  const auto initial = random_weights(layout.size(), 5);
  Parent parent(parent_options(1), layout, initial);
  parent.start();
  RawPeer peer(parent.ports().at(0));
  const std::uint64_t session = say_hello(peer, layout);
  for (std::uint64_t sequence = 1; sequence <= kFrames; ++sequence) {
    peer.send_weights(child_frame(session, sequence),
                      random_weights(layout.size(), 100 + static_cast<unsigned>(sequence)));
  }
  REQUIRE(eventually([&] { return parent.status().updates == kFrames; }));
  // The first weights, what the buffers of two sockets hold, one that was being sent and the newest.
  std::vector<float> weights(layout.size());
  std::uint64_t answers = 0, sequence = 0;
  for (; sequence < kFrames; ++answers) {
    const FrameHeader header = peer.read_weights(weights);
    CHECK(header.sequence >= sequence);
    sequence = header.sequence;
  }
  CHECK(answers < kFrames / 2);
  CHECK(same_bits(weights, parent.weights()));
}

TEST_CASE("a Parent that answers pings but no exchange is left; the next one is given longer", "[slow]") {
  const LogRecord log;
  FakeTrainer trainer;
  ChildOptions options = child_options(0);
  options.connect.reset();
  options.listen = kLoopback;
  constexpr Milliseconds kPatience = patient(200);
  options.exchange_timeout = kPatience;
  options.limits.idle_timeout = 3 * kPatience;
  Child child(options, trainer);
  child.start();
  ChildRun run(child);
  const auto weights = random_weights(small_layout().size(), 42);
  for (const int times : {1, 2, 4, 4}) {
    RawPeer peer(child.port());
    peer.upgrade();
    peer.read_message<HelloMessage>();
    peer.send_message(WelcomeMessage{"silent", "run", "", 1, 0, {}});
    peer.send_weights(parent_frame(1, 0), weights);
    std::vector<float> sent(weights.size());
    peer.read_weights(sent);
    while (peer.read().opcode >= 0) {
    }
    const std::string span = fmt::format("for {} of an exchange", span_text(times * kPatience));
    CHECK(eventually([&] { return log.holds("the link is gone", span); }));
  }
  CHECK_FALSE(log.holds("the link is gone", fmt::format("for {}", span_text(8 * kPatience))));
  child.request_stop();
  run.get();
  CHECK(child.progress().exchanges == 0);
}

TEST_CASE("a Parent that welcomes and then sends no weights is left", "[slow]") {
  FakeTrainer trainer;
  ChildOptions options = child_options(0);
  options.connect.reset();
  options.listen = kLoopback;
  options.exchange_timeout = Milliseconds(50);
  options.join_timeout = Milliseconds(500);
  Child child(options, trainer);
  child.start();
  ChildRun run(child);
  RawPeer peer(child.port());
  peer.upgrade();
  peer.read_message<HelloMessage>();
  peer.send_message(WelcomeMessage{"silent", "run", "", 1, 0, {}});
  CHECK(peer.read().opcode == -1);
  CHECK_THROWS_WITH(run.get(), Catch::Contains("no Parent within 0.5 s"));
}

TEST_CASE("a ping is answered in the middle of a large frame", "[slow]") {
  LargeParent large(Milliseconds(15'000));
  RawPeer peer(large.parent.ports().at(0));
  say_hello(peer, large_layout());
  // Sent when most of the frame still waits; the answer comes between its fragments.
  peer.send_frame(9, "in between");
  CHECK(peer.pong_within_message());
}
