// The moments of Children's optimizers, averaged in rounds that they make together, with real sockets.
#include <algorithm>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/wire/moments.h"
#include "net/fixture.h"
#include "net/run_together.h"
#include "support/catch.h"
#include "support/raw_peer.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

constexpr std::size_t kSize = 16;
const MomentsShape kAdam{2 * kSize, kSize, 2 * kSize};

ParentOptions moments_parent(std::uint64_t children) {
  ParentOptions options = parent_options();
  options.exchange = ExchangeKind::kRounds;
  options.average_moments = true;
  options.rounds.first_children = children;
  options.rounds.deadline = Milliseconds(3'600'000);
  return options;
}

ChildOptions moments_child(std::uint16_t port, const std::string& name = "child") {
  ChildOptions options = child_options(port, 0, name);
  options.exchange = ExchangeKind::kRounds;
  options.average_moments = true;
  return options;
}

std::unique_ptr<FakeTrainer> trainer_of(unsigned seed, const MomentsShape& shape = kAdam) {
  auto trainer = std::make_unique<FakeTrainer>(small_layout(), seed);
  trainer->remember(shape);
  return trainer;
}

/// As they come out at the other end.
OptimizerMoments rounded(const OptimizerMoments& moments) {
  std::vector<std::byte> bytes;
  append_moments(moments, bytes);
  return decode_moments(bytes, moments.values.size()).value();
}

/// A Child's run that is refused for good.
template <typename Exception>
std::string refusal_of(const ChildOptions& options, FakeTrainer& trainer) {
  Child child(options, trainer);
  try {
    child.run();
  } catch (const Exception& error) {
    CHECK(trainer.rounds == 0);
    return error.what();
  }
  FAIL("it was not refused");
  return {};
}

/// A Child of rounds that is only a socket, and sends what it likes.
struct RawChild : RawPeer {
  RawChild(std::uint16_t port, const std::string& name) : RawPeer(port) {
    HelloMessage hello;
    hello.name = name;
    hello.layout = small_layout();
    hello.exchange = "rounds";
    hello.moments = kAdam;
    upgrade();
    send_message(hello);
    welcome = read_message<WelcomeMessage>();
    first = read().payload;
  }
  void send_moments(const OptimizerMoments& moments, std::size_t cut = 0) {
    FrameHeader header = frame_header(FrameType::kChildChange, welcome.session, 1);
    header.environment_steps = 100;
    std::vector<std::byte> extra;
    encode_change_steps(100, extra);
    append_moments(moments, extra);
    extra.resize(extra.size() - cut);
    send_weights(header, random_weights(kSize, 5), extra);
  }

  WelcomeMessage welcome;
  std::string first;
};

}  // namespace

TEST_CASE("Children go on from the mean of their moments, number for number", "[together]") {
  for (const CodecKind codec : {CodecKind::kFloat32, CodecKind::kInt8Delta}) {
    constexpr std::uint64_t kRounds = 12;
    std::vector<std::unique_ptr<FakeTrainer>> trainers;
    for (unsigned i = 0; i < 3; ++i) trainers.push_back(trainer_of(i + 1));
    RunningParent running(moments_parent(3));
    run_together(
        trainers,
        [&](std::size_t i) {
          ChildOptions options = moments_child(running.port(), "child_" + std::to_string(i + 1));
          options.codec = codec;
          return options;
        },
        kRounds);
    running.parent.stop();
    AveragedMoments expected;
    expected.begin(kAdam);
    for (std::size_t round = 0; round < kRounds; ++round) {
      std::vector<OptimizerMoments> sent;
      std::vector<WeightedMoments> weighted;
      for (const auto& trainer : trainers) sent.push_back(rounded(trainer->sent_moments.at(round)));
      for (const OptimizerMoments& each : sent) weighted.push_back({each.values, each.steps, 20});
      expected.average(weighted);
      for (const auto& trainer : trainers)
        CHECK(trainer->written_moments.at(round) == rounded(expected.mean()));
    }
    CHECK(running.parent.moments().mean() == expected.mean());
    CHECK(running.parent.moments().shape() == kAdam);
    CHECK(expected.mean().steps == 5 * kRounds);
  }
}

TEST_CASE("a Child that joins late begins with the moments of the others", "[together]") {
  RunningParent running(moments_parent(1));
  auto first = trainer_of(1), late = trainer_of(2);
  {
    Child child(moments_child(running.port(), "first"), *first);
    child.run(exchanges(4));
  }
  // It was given none at first, since there were none.
  CHECK(first->written_moments.size() == 4);
  const OptimizerMoments there = running.parent.moments().mean();
  CHECK(there.steps == 20);
  Child child(moments_child(running.port(), "late"), *late);
  child.run(exchanges(1));
  REQUIRE(late->written_moments.size() == 2);
  CHECK(late->written_moments[0] == rounded(there));
  CHECK(late->written_moments[1].steps == 25);
}

TEST_CASE("a Parent that is started again goes on with the moments that it had", "[together]") {
  AveragedMoments kept;
  {
    RunningParent running(moments_parent(1));
    auto trainer = trainer_of(1);
    Child child(moments_child(running.port()), *trainer);
    child.run(exchanges(3));
    kept = running.parent.moments();
  }
  ParentOptions options = moments_parent(1);
  options.moments = kept;
  RunningParent running(options);
  auto trainer = trainer_of(2);
  Child child(moments_child(running.port()), *trainer);
  child.run(exchanges(1));
  CHECK(trainer->written_moments.at(0) == rounded(kept.mean()));
  CHECK(running.parent.moments().mean().steps == 20);
  // They are those of its Children's optimizer for good.
  auto other = trainer_of(3, {kSize, 0, 0});
  CHECK_THAT(refusal_of<LayoutError>(moments_child(running.port(), "other"), *other),
             Contains("another optimizer") && Contains("16 moments") && Contains("averages 32"));
}

TEST_CASE("moments are averaged by both ends or by none", "[together]") {
  set_log_level(LogLevel::kError);
  for (const bool parent_averages : {true, false}) {
    ParentOptions parent = moments_parent(0);
    parent.average_moments = parent_averages;
    RunningParent running(parent);
    auto trainer = trainer_of(1);
    ChildOptions child = moments_child(running.port());
    child.average_moments = !parent_averages;
    CHECK_THAT(refusal_of<IoError>(child, *trainer),
               Contains("(protocol)") && Contains("give both the same"));
    CHECK(running.parent.status().joined == 0);
    CHECK(running.parent.status().refused_peers >= 3);
  }
}

TEST_CASE("Children of another optimizer are refused while others are there", "[together]") {
  set_log_level(LogLevel::kError);
  RunningParent running(moments_parent(0));
  auto other = trainer_of(2, {kSize, 0, 0});
  {
    RawChild here(running.port(), "here");
    CHECK(here.welcome.moments == 2 * kSize);
    CHECK_THAT(refusal_of<LayoutError>(moments_child(running.port(), "other"), *other),
               Contains("another optimizer"));
  }
  // Nobody is there, and nothing was averaged: the next Child says what there is to average.
  Child child(moments_child(running.port(), "other"), *other);
  child.run(exchanges(2));
  CHECK(running.parent.moments().shape() == MomentsShape{kSize, 0, 0});
  CHECK(running.parent.moments().mean().steps == 10);
}

TEST_CASE("an optimizer without moments has nothing to average", "[together]") {
  RunningParent running(moments_parent(1));
  FakeTrainer trainer;
  Child child(moments_child(running.port()), trainer);
  child.run(exchanges(2));
  CHECK(running.parent.status().updates == 2);
  CHECK(trainer.written_moments.empty());
}

TEST_CASE("moments that cannot be averaged are refused, and nothing has changed then", "[together]") {
  set_log_level(LogLevel::kError);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const OptimizerMoments sound{5, std::vector<float>(2 * kSize, 0.5f)};
  const auto refused = [&](RefusalCode code, const std::function<void(RawChild&)>& act) {
    RunningParent running(moments_parent(2));
    RawChild peer(running.port(), "hostile");
    act(peer);
    const auto refusal = peer.read_message<RefuseMessage>();
    CHECK(refusal.code == code);
    CHECK(running.parent.status().refused_updates == 1);
    CHECK(running.parent.status().rounds.waiting == 0);
    CHECK(running.parent.moments().mean().steps == 0);
    return refusal.reason;
  };
  CHECK_THAT(refused(RefusalCode::kWeights,
                     [&](RawChild& peer) {
                       OptimizerMoments bad = sound;
                       bad.values[3] = nan;
                       peer.send_moments(bad);
                     }),
             Contains("moment 3") && Contains("diverged"));
  CHECK_THAT(refused(RefusalCode::kWeights,
                     [&](RawChild& peer) {
                       OptimizerMoments bad = sound;
                       bad.values[kSize] = -1e-30f;
                       peer.send_moments(bad);
                     }),
             Contains("moment 16") && Contains("mean of squares"));
  CHECK_THAT(refused(RefusalCode::kFrame, [&](RawChild& peer) { peer.send_moments(sound, 8); }),
             Contains("bytes"));
  CHECK_THAT(refused(RefusalCode::kFrame,
                     [&](RawChild& peer) {
                       peer.send_moments({5, {}});
                     }),
             Contains("bytes"));
  CHECK_THAT(refused(RefusalCode::kFrame,
                     [&](RawChild& peer) {
                       peer.send_moments({5, std::vector<float>(3 * kSize)});
                     }),
             Contains("bytes"));
}

TEST_CASE("a Child whose moments have diverged is told so", "[together]") {
  set_log_level(LogLevel::kError);
  RunningParent running(moments_parent(1));
  auto trainer = trainer_of(1);
  trainer->on_round = [&](std::vector<float>&) {
    if (trainer->rounds == 2) trainer->moments.values[2] = std::numeric_limits<float>::infinity();
  };
  Child child(moments_child(running.port()), *trainer);
  CHECK_THROWS_WITH(child.run(), Contains("moment 2") && Contains("diverged"));
  CHECK(running.parent.status().updates == 1);
}

TEST_CASE("moments are for rounds, and have a possible shape", "[together]") {
  FakeTrainer trainer;
  for (const ExchangeKind kind : {ExchangeKind::kEach, ExchangeKind::kSegments}) {
    ChildOptions child = moments_child(1);
    child.exchange = kind;
    CHECK_THROWS_AS(Child(child, trainer), ArgumentError);
    CHECK_THROWS_WITH(Child(child, trainer), Contains("average_moments") && Contains("'rounds'"));
    ParentOptions parent = moments_parent(0);
    parent.exchange = kind;
    parent.segments.round_steps = 10;
    CHECK_THROWS_AS(Parent(parent, small_layout(), random_weights(kSize, 1)), ArgumentError);
    CHECK_THROWS_WITH(Parent(parent, small_layout(), random_weights(kSize, 1)),
                      Contains("average_moments") && Contains("'rounds'"));
  }
  trainer.remember({9 * kSize, 0, 0});
  CHECK_THROWS_AS(Child(moments_child(1), trainer), ArgumentError);
  CHECK_THROWS_WITH(Child(moments_child(1), trainer), Contains("144 moments") && Contains("at most 128"));
  trainer.remember({kSize, 0, kSize + 1});
  CHECK_THROWS_AS(Child(moments_child(1), trainer), ArgumentError);
  ParentOptions parent = moments_parent(0);
  parent.moments.begin({9 * kSize, 0, 0});
  CHECK_THROWS_AS(Parent(parent, small_layout(), random_weights(kSize, 1)), ArgumentError);
}
