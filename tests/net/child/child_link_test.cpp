// A Child that listens, and a peer that plays its Parent badly.
#include <poll.h>

#include <chrono>
#include <limits>

#include "genkidama/core/error.h"
#include "genkidama/params/weighted_average.h"
#include "net/fixture.h"
#include "support/catch.h"
#include "support/raw_peer.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

/// A listening Child whose run() goes on in another thread until two exchanges were made or it is stopped.
struct ListeningChild {
  explicit ListeningChild(const std::function<void(ChildOptions&)>& change = {})
      : child(options(change), trainer), run((child.start(), child), exchanges(2)) {}

  static ChildOptions options(const std::function<void(ChildOptions&)>& change) {
    ChildOptions options = child_options(0);
    options.connect.reset();
    options.listen = kLoopback;
    options.limits.close_timeout = Milliseconds(200);  // some of the peers here never answer a close
    if (change) change(options);
    return options;
  }

  FakeTrainer trainer;
  Child child;
  ChildRun run;
};

const std::vector<float> kWeights = random_weights(small_layout().size(), 42);

void welcome(RawPeer& peer, std::uint64_t session) {
  peer.send_message(WelcomeMessage{"raw parent", "run", "", session, 0, {}});
  peer.send_weights(parent_frame(session, 0), kWeights);
}

/// Answers two exchanges as a Parent with alpha 1 would.
void serve(RawPeer& peer, std::uint64_t session) {
  for (std::uint64_t sequence = 1; sequence <= 2; ++sequence) {
    std::vector<float> weights(kWeights.size());
    const FrameHeader header = peer.read_weights(weights);
    CHECK(header.type == FrameType::kChildWeights);
    CHECK(header.session == session);
    CHECK(header.sequence == sequence);
    peer.send_weights(parent_frame(session, sequence), weights);
  }
}

/// A Parent that has read the Child's hello.
class ParentPeer : public RawPeer {
 public:
  explicit ParentPeer(const ListeningChild& listening) : RawPeer(listening.child.port()) {
    upgrade();
    hello = read_message<HelloMessage>();
  }
  /// Takes the Child, whose first weights prove that it has joined.
  FrameHeader take(std::uint64_t session) {
    welcome(*this, session);
    return read_weights(weights);
  }

  HelloMessage hello;
  std::vector<float> weights = std::vector<float>(kWeights.size());  ///< the Child's latest
};

/// A Parent that does not take the Child.
void refuse_hello(ListeningChild& listening, RefusalCode code) {
  ParentPeer peer(listening);
  peer.send_message(RefuseMessage{code, "not you"});
  CHECK(peer.read().opcode == 8);
}

/// After bad peers: a sound one must still be served.
void expect_joins(ListeningChild& listening, std::uint64_t session = 77) {
  RawPeer peer(listening.child.port());
  peer.upgrade();
  CHECK(peer.read_message<HelloMessage>().layout == small_layout());
  welcome(peer, session);
  serve(peer, session);
  CHECK(peer.read_message<LeaveMessage>().reason == "the Child's program ended the training");
  peer.send_frame(8, "");
  CHECK(listening.run.get() == "the Child's program ended the training");
}

}  // namespace

TEST_CASE("a peer that sends garbage to a listening Child is refused, and a Parent still joins", "[child]") {
  ListeningChild listening;
  const auto refused = [&](const std::function<void(RawPeer&)>& send, RefusalCode code) {
    ParentPeer peer(listening);
    send(peer);
    CHECK(peer.read_message<RefuseMessage>().code == code);
  };
  refused([](RawPeer& peer) { peer.send_frame(1, "garbage"); }, RefusalCode::kProtocol);
  refused([](RawPeer& peer) { peer.send_frame(2, "garbage"); }, RefusalCode::kProtocol);
  refused([](RawPeer& peer) { peer.send_message(LeaveMessage{""}); }, RefusalCode::kProtocol);
  const auto after_welcome = [&](const FrameHeader& header, std::span<const float> weights,
                                 RefusalCode code) {
    refused(
        [&](RawPeer& peer) {
          peer.send_message(WelcomeMessage{"p", "r", "", 5, 0, {}});
          peer.send_weights(header, weights);
        },
        code);
  };
  after_welcome(parent_frame(6, 0), kWeights, RefusalCode::kSequence);
  after_welcome(parent_frame(5, 1), kWeights, RefusalCode::kSequence);
  after_welcome(parent_frame(5, 0), std::span(kWeights).first(3), RefusalCode::kFrame);
  auto infinite = kWeights;
  infinite[2] = std::numeric_limits<float>::infinity();
  after_welcome(parent_frame(5, 0), infinite, RefusalCode::kWeights);
  FrameHeader wrong_type = parent_frame(5, 0);
  wrong_type.type = FrameType::kChildWeights;
  after_welcome(wrong_type, kWeights, RefusalCode::kSequence);
  {
    RawPeer browser(listening.child.port());
    CHECK_THAT(browser.upgrade("/genkidama/1", "Origin: null\r\n"), Catch::StartsWith("HTTP/1.1 403"));
  }
  expect_joins(listening);
}

TEST_CASE("a second Parent is told that the Child is busy", "[child]") {
  ListeningChild listening;
  ParentPeer first(listening);
  first.take(1);
  RawPeer second(listening.child.port());
  second.upgrade();
  CHECK(second.read_message<RefuseMessage>().code == RefusalCode::kBusy);
  first.close();
  expect_joins(listening);
}

TEST_CASE("weights that were not asked for, and answers to something else, cut the link only", "[child]") {
  ListeningChild listening;
  for (const std::uint64_t sequence : {0, 2}) {
    ParentPeer peer(listening);
    peer.take(1);
    peer.send_weights(parent_frame(1, sequence), kWeights);
    CHECK(peer.read_message<RefuseMessage>().code == RefusalCode::kSequence);
  }
  expect_joins(listening);
}

TEST_CASE("an answer to weights that are still being sent cuts the link", "[child]") {
  // More than the buffers of two sockets hold, so that it is not all sent while nobody reads.
  const ParameterLayout layout({{"large", {4'000'000}}});
  FakeTrainer trainer(layout);
  // The peer takes all that was on its way before it reads why.
  Child child(ListeningChild::options(
                  [](ChildOptions& options) { options.limits.close_timeout = Milliseconds(20'000); }),
              trainer);
  child.start();
  ChildRun run(child);
  RawPeer peer(child.port());
  peer.upgrade();
  peer.read_message<HelloMessage>();
  const std::vector<float> weights(layout.size(), 0.5f);
  peer.send_message(WelcomeMessage{"hasty parent", "run", "", 1, 0, {}});
  peer.send_weights(parent_frame(1, 0), weights);
  // The first bytes of the Child's weights.
  pollfd ready{peer.socket(), POLLIN, 0};
  REQUIRE(::poll(&ready, 1, 20'000) == 1);
  peer.send_weights(parent_frame(1, 1), weights);
  std::vector<float> sent(layout.size());
  CHECK(peer.read_weights(sent).sequence == 1);
  CHECK(same_bits(sent, trainer.sent.at(0)));
  const auto refusal = peer.read_message<RefuseMessage>();
  CHECK(refusal.code == RefusalCode::kSequence);
  CHECK_THAT(refusal.reason, Catch::Contains("not yet sent"));
  peer.close();
  child.request_stop();
  CHECK(run.get() == "stop requested");
  // Its own weights, not the average.
  CHECK(trainer.written.size() == 1);
}

TEST_CASE("a Parent that does not answer in time is left for another", "[child]") {
  ListeningChild listening([](ChildOptions& options) { options.exchange_timeout = Milliseconds(100); });
  {
    ParentPeer silent(listening);
    silent.take(1);
    CHECK(silent.read().opcode == -1);
  }
  // Another attempt begins; the deadline above is too short to rely on for the rest of it.
  RawPeer other(listening.child.port());
  other.upgrade();
  CHECK(other.read_message<HelloMessage>().run_id == "run");
}

TEST_CASE("a Parent that ends the run before its first weights ends it", "[child]") {
  ListeningChild listening;
  ParentPeer peer(listening);
  peer.send_message(EndMessage{"over before it began"});
  CHECK(listening.run.get() == "the Parent ended the run: over before it began");
  CHECK(listening.trainer.rounds == 0);
}

TEST_CASE("a refusal fails the run at the third time in a row; a busy Parent is none", "[child]") {
  ListeningChild listening;
  refuse_hello(listening, RefusalCode::kProtocol);
  refuse_hello(listening, RefusalCode::kBusy);
  refuse_hello(listening, RefusalCode::kLayout);
  refuse_hello(listening, RefusalCode::kBusy);
  CHECK_FALSE(listening.run.ended());
  refuse_hello(listening, RefusalCode::kProtocol);
  CHECK_THROWS_WITH(listening.run.get(), Catch::Contains("(protocol): not you"));
  CHECK(listening.trainer.rounds == 0);
}

TEST_CASE("a Child that is refused twice and then accepted trains", "[child]") {
  ListeningChild listening;
  refuse_hello(listening, RefusalCode::kLayout);
  refuse_hello(listening, RefusalCode::kLayout);
  expect_joins(listening);
}

TEST_CASE("an accepted hello makes up for the refused ones before it", "[child]") {
  ListeningChild listening;
  for (int i = 0; i < 3; ++i) {
    refuse_hello(listening, RefusalCode::kLayout);
    refuse_hello(listening, RefusalCode::kProtocol);
    // Accepted, and lost before its first weights.
    ParentPeer peer(listening);
    peer.send_message(WelcomeMessage{"p", "r", "", 5, 0, {}});
    peer.sync();
  }
  CHECK_FALSE(listening.run.ended());
  expect_joins(listening);
}

TEST_CASE("a Parent that takes the hello and then understands nothing is believed at the third time",
          "[child]") {
  ListeningChild listening;
  for (int i = 0; i < 3; ++i) {
    ParentPeer peer(listening);
    peer.take(10 + static_cast<std::uint64_t>(i));
    CHECK_FALSE(listening.run.ended());
    peer.send_message(RefuseMessage{RefusalCode::kProtocol, "not you"});
    CHECK(peer.read().opcode == 8);
  }
  CHECK_THROWS_WITH(listening.run.get(), Catch::Contains("(protocol): not you"));
}

TEST_CASE("an answer makes up for the refusals after earlier hellos", "[child]") {
  ListeningChild listening([](ChildOptions& options) { options.beta = 0.5; });
  for (int i = 0; i < 3; ++i) {
    ParentPeer peer(listening);
    peer.take(10);
    if (i == 1) {
      peer.send_weights(parent_frame(10, 1), peer.weights);
      peer.read_weights(peer.weights);
    }
    peer.send_message(RefuseMessage{RefusalCode::kProtocol, "not you"});
    CHECK(peer.read().opcode == 8);
  }
  CHECK_FALSE(listening.run.ended());
}

TEST_CASE("weights that the Parent refused fail the run at once", "[child]") {
  ListeningChild listening;
  ParentPeer peer(listening);
  peer.take(1);
  peer.send_message(RefuseMessage{RefusalCode::kWeights, "not a number"});
  CHECK_THROWS_WITH(listening.run.get(), Catch::Contains("(weights): not a number"));
}

TEST_CASE("the mean return of rounds that were not answered is told again", "[child]") {
  ListeningChild listening;
  std::vector<float> weights(kWeights.size());
  {
    ParentPeer peer(listening);
    welcome(peer, 1);
    CHECK(peer.read_weights(weights).mean_return == 1.5);
  }
  ParentPeer peer(listening);
  welcome(peer, 2);
  // Some rounds may have been played without a Parent. The two episodes of round r have the returns r and r
  // + 1.
  const FrameHeader header = peer.read_weights(weights);
  CHECK(header.episodes >= 4);
  CHECK(header.mean_return == Approx(static_cast<double>(header.episodes) / 4 + 1));
  peer.send_weights(parent_frame(2, 1), weights);
  // What was answered is not.
  const FrameHeader next = peer.read_weights(weights);
  CHECK(next.episodes == header.episodes + 2);
  CHECK(next.mean_return == static_cast<double>(next.episodes) / 2 + 0.5);
}

TEST_CASE("the hello of a Child that rejoins names the run it came from", "[child]") {
  ListeningChild listening;
  {
    RawPeer peer(listening.child.port());
    peer.upgrade();
    const auto hello = peer.read_message<HelloMessage>();
    CHECK(hello.run_id.empty());
    CHECK(hello.environment_steps == 0);
    welcome(peer, 1);
    std::vector<float> weights(kWeights.size());
    const FrameHeader header = peer.read_weights(weights);
    CHECK(header.environment_steps == 20);
    CHECK(header.episodes == 2);
    CHECK(header.mean_return == 1.5);
    peer.send_weights(parent_frame(1, 1), weights);
    // The second round's weights prove that the first answer arrived.
    peer.read_weights(weights);
  }
  RawPeer peer(listening.child.port());
  peer.upgrade();
  const auto hello = peer.read_message<HelloMessage>();
  CHECK(hello.run_id == "run");
  CHECK(hello.environment_steps == 20);
}
