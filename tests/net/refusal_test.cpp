#include <cmath>
#include <limits>

#include "genkidama/core/error.h"
#include "genkidama/params/weighted_average.h"
#include "net/fixture.h"
#include "net/log_record.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/raw_peer.h"
#include "support/relay.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

/// A joined raw Child sends one frame that must be refused with `code`; the Parent must stay as it is.
/// Returns the reason that the Child is given.
std::string expect_refused(const std::function<void(RawPeer&, std::uint64_t session)>& send,
                           RefusalCode code) {
  RunningParent running;
  RawPeer peer(running.port());
  const std::uint64_t session = peer.join(small_layout()).session;
  send(peer, session);
  const auto refusal = peer.read_message<RefuseMessage>();
  CHECK(refusal.code == code);
  CHECK(peer.read().opcode == 8);
  const ParentStatus status = running.parent.status();
  CHECK(status.refused_updates == 1);
  CHECK(status.updates == 0);
  CHECK_THAT(status.last_refusal, Catch::Contains(refusal.reason));
  CHECK(same_bits(running.parent.weights(), running.initial));
  return refusal.reason;
}

}  // namespace

TEST_CASE("a different network is refused and the tensor named, on both sides", "[refusal]") {
  RunningParent running;
  FakeTrainer trainer{ParameterLayout({{"pi1.weight", {4, 3}}, {"pi1.bias", {5}}})};
  Child child(child_options(running.port()), trainer);
  CHECK_THROWS_AS(child.run(), LayoutError);
  FakeTrainer again{ParameterLayout({{"pi1.weight", {4, 3}}, {"pi1.bias", {5}}})};
  Child other(child_options(running.port()), again);
  CHECK_THROWS_WITH(other.run(),
                    Catch::Contains("pi1.bias") && Catch::Contains("[4]") && Catch::Contains("[5]"));
  CHECK(trainer.rounds == 0);
  const ParentStatus status = running.parent.status();
  // Each believed it the third time.
  CHECK(status.refused_peers == 6);
  CHECK(status.joined == 0);
  CHECK_THAT(status.last_refusal, Catch::Contains("tensor 1 is 'pi1.bias'"));
}

TEST_CASE("a network of the same tensors and another description is refused, and both are named",
          "[refusal]") {
  set_log_level(LogLevel::kError);
  const auto refusal_of = [](const PolicyDescription& here, const PolicyDescription& there) -> std::string {
    ParentOptions options = parent_options();
    options.policy = here;
    RunningParent running(options);
    FakeTrainer trainer;
    trainer.policy = there;
    Child child(child_options(running.port()), trainer);
    try {
      child.run(exchanges(1));
    } catch (const LayoutError& error) {
      CHECK(running.parent.status().joined == 0);
      CHECK_THAT(running.parent.status().last_refusal, Catch::Contains("a different network"));
      CHECK(trainer.rounds == 0);
      return error.what();
    }
    CHECK(running.parent.status().updates == 1);
    return "";
  };
  const PolicyDescription tanh{"mlp 4 tanh", "gaussian clip"};
  CHECK(refusal_of(tanh, tanh).empty());
  CHECK_THAT(refusal_of(tanh, {"mlp 4 relu", "gaussian clip"}),
             Catch::Contains(
                 "the network is 'mlp 4 tanh' at the Parent 'parent' and 'mlp 4 relu' at the Child 'child'"));
  CHECK_THAT(refusal_of(tanh, {"mlp 4 tanh", "gaussian tanh"}),
             Catch::Contains("'gaussian clip' at the Parent 'parent' and 'gaussian tanh' at the Child"));
  const PolicyDescription normalised{"mlp 4 tanh", "gaussian clip", "observations 10"};
  CHECK(refusal_of(normalised, normalised).empty());
  for (const char* there : {"none", "observations 5", "rewards", "observations 10 rewards"}) {
    CHECK_THAT(
        refusal_of(normalised, {"mlp 4 tanh", "gaussian clip", there}),
        Catch::Contains("'observations 10' at the Parent 'parent' and '" + std::string(there) + "' at"));
  }
  CHECK(refusal_of(normalised, tanh).empty());
  CHECK(refusal_of(tanh, normalised).empty());
  // Ends of earlier versions, and networks that say nothing of themselves.
  CHECK(refusal_of({}, tanh).empty());
  CHECK(refusal_of(tanh, {}).empty());
  CHECK(refusal_of(tanh, {"mlp 4 tanh", ""}).empty());
  // What a text is made fit for the wire from is the same at both ends.
  const PolicyDescription odd{"net \xff\n" + std::string(2000, 'x'), ""};
  CHECK(refusal_of(odd, odd).empty());
}

TEST_CASE("hellos damaged on their way cost links and not the Child", "[refusal]") {
  RunningParent running;
  Relay relay(running.port());
  relay.damage(2);
  FakeTrainer trainer;
  const LogRecord log;
  Child child(child_options(relay.port()), trainer);
  CHECK(child.run(exchanges(2)) == "the Child's program ended the training");
  const ParentStatus status = running.parent.status();
  CHECK(status.refused_peers == 2);
  CHECK(status.joined == 1);
  CHECK(status.updates == 2);
  const std::string code(refusal_code_text(RefusalCode::kProtocol));
  CHECK(log.holds(code, "1 of 3"));
  CHECK(log.holds(code, "2 of 3"));
  CHECK_FALSE(log.holds(code, "3 of 3"));
}

TEST_CASE("a Child whose hellos are refused every time gives up at the third", "[refusal]") {
  RunningParent running;
  Relay relay(running.port());
  relay.damage(1'000);
  FakeTrainer trainer;
  Child child(child_options(relay.port()), trainer);
  CHECK_THROWS_WITH(child.run(), Catch::Contains(std::string(refusal_code_text(RefusalCode::kProtocol))));
  CHECK(running.parent.status().refused_peers == 3);
  CHECK(trainer.rounds == 0);
}

TEST_CASE("a Parent that dials a Child with another network is believed too", "[refusal]") {
  FakeTrainer trainer{ParameterLayout({{"pi1.weight", {4, 3}}, {"pi1.bias", {5}}})};
  ChildOptions options = child_options(0);
  options.connect.reset();
  options.listen = kLoopback;
  Child child(options, trainer);
  child.start();
  ParentOptions dialling = parent_options();
  dialling.listen.clear();
  dialling.connect = {loopback(child.port())};
  Parent parent(dialling, small_layout(), random_weights(small_layout().size(), 5));
  parent.start();
  CHECK_THROWS_AS(child.run(), LayoutError);
  CHECK(parent.status().refused_peers >= 3);
  CHECK(parent.status().joined == 0);
}

TEST_CASE("weights that are not finite are refused and leave the Parent's bit-identical", "[refusal]") {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    const std::string reason = expect_refused(
        [&](RawPeer& peer, std::uint64_t session) {
          auto weights = random_weights(small_layout().size(), 3);
          weights[7] = bad;
          peer.send_weights(child_frame(session, 1), weights);
        },
        RefusalCode::kWeights);
    CHECK_THAT(reason, Catch::Contains("element 7"));
  }
}

TEST_CASE("a Child whose training diverged is told so by the Parent and fails", "[refusal]") {
  RunningParent running;
  FakeTrainer trainer;
  std::vector<float> before;
  trainer.on_round = [&](std::vector<float>& weights) {
    if (trainer.rounds != 3) return;
    before = running.parent.weights();
    weights[0] = std::numeric_limits<float>::quiet_NaN();
  };
  Child child(child_options(running.port()), trainer);
  CHECK_THROWS_WITH(
      child.run(), Catch::Contains("refused") && Catch::Contains("element 0") && Catch::Contains("diverged"));
  CHECK(running.parent.status().updates == 2);
  CHECK(running.parent.status().refused_updates == 1);
  CHECK(same_bits(running.parent.weights(), before));
}

TEST_CASE("weights out of all proportion are refused", "[refusal]") {
  expect_refused(
      [](RawPeer& peer, std::uint64_t session) {
        peer.send_weights(child_frame(session, 1), std::vector<float>(small_layout().size(), 1e30f));
      },
      RefusalCode::kWeights);
}

TEST_CASE("what is out of proportion is measured by the Parent's weights, or by 1 when they are small",
          "[refusal]") {
  const auto of_norm = [](double norm) {
    auto weights = random_weights(small_layout().size(), 99);
    const double factor = norm / euclidean_norm(weights);
    for (float& weight : weights) weight = static_cast<float>(factor * weight);
    return weights;
  };
  const auto is_merged = [&](double child_norm, double parent_norm) {
    ParentOptions options = parent_options();
    options.max_norm_growth = 2;
    Parent parent(options, small_layout(), of_norm(parent_norm));
    parent.start();
    RawPeer peer(parent.ports().at(0));
    const std::uint64_t session = peer.join(small_layout()).session;
    peer.send_weights(child_frame(session, 1), of_norm(child_norm));
    const bool answered = peer.read().opcode == 2;
    CHECK(parent.status().updates == (answered ? 1 : 0));
    CHECK(parent.status().refused_updates == (answered ? 0 : 1));
    return answered;
  };
  CHECK(is_merged(19.9, 10));
  CHECK_FALSE(is_merged(20.1, 10));
  CHECK(is_merged(1.9, 0.1));
  CHECK_FALSE(is_merged(2.1, 0.1));
}

TEST_CASE("a repeated, skipped or foreign frame is refused", "[refusal]") {
  const auto weights = random_weights(small_layout().size(), 3);
  expect_refused(
      [&](RawPeer& peer, std::uint64_t session) { peer.send_weights(child_frame(session, 2), weights); },
      RefusalCode::kSequence);
  expect_refused(
      [&](RawPeer& peer, std::uint64_t session) { peer.send_weights(child_frame(session, 0), weights); },
      RefusalCode::kSequence);
  expect_refused(
      [&](RawPeer& peer, std::uint64_t session) { peer.send_weights(child_frame(session + 1, 1), weights); },
      RefusalCode::kSequence);

  RunningParent running;
  RawPeer peer(running.port());
  const std::uint64_t session = peer.join(small_layout()).session;
  peer.send_weights(child_frame(session, 1), weights);
  std::vector<float> answer(weights.size());
  const FrameHeader header = peer.read_weights(answer);
  CHECK(header.type == FrameType::kParentWeights);
  CHECK(header.sequence == 1);
  CHECK(header.update == 1);
  auto expected = running.initial;
  weighted_average(expected, weights, 0.9);
  CHECK(same_bits(answer, expected));
  peer.send_weights(child_frame(session, 1), weights);
  CHECK(peer.read_message<RefuseMessage>().code == RefusalCode::kSequence);
  CHECK(same_bits(running.parent.weights(), expected));
  CHECK(running.parent.status().updates == 1);
  CHECK(running.parent.status().refused_updates == 1);
}

TEST_CASE("a damaged or misdirected frame is refused", "[refusal]") {
  const auto weights = random_weights(small_layout().size(), 3);
  expect_refused(
      [&](RawPeer& peer, std::uint64_t session) {
        std::vector<std::byte> frame;
        encode_frame(child_frame(session, 1), weights, frame);
        frame.back() ^= std::byte{1};
        peer.send_frame(2, {reinterpret_cast<const char*>(frame.data()), frame.size()});
      },
      RefusalCode::kFrame);
  expect_refused(
      [&](RawPeer& peer, std::uint64_t session) {
        FrameHeader header = child_frame(session, 1);
        header.type = FrameType::kParentWeights;
        peer.send_weights(header, weights);
      },
      RefusalCode::kFrame);
  expect_refused([](RawPeer& peer, std::uint64_t) { peer.send_frame(2, ""); }, RefusalCode::kFrame);
  expect_refused(
      [&](RawPeer& peer, std::uint64_t session) {
        peer.send_weights(child_frame(session, 1), std::span(weights).first(weights.size() - 1));
      },
      RefusalCode::kFrame);
}
