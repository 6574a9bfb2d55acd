// Shards and a learner's links to them, over loopback.
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/net/shard.h"
#include "genkidama/net/shard_links.h"
#include "genkidama/wire/shard_frames.h"
#include "net/fixture.h"
#include "net/log_record.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/raw_peer.h"
#include "support/relay.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

constexpr auto kForEver = [] { return true; };

void momentum_step(std::span<float> weights, std::span<const float> gradient, std::span<float> state,
                   std::uint64_t, double rate) {
  for (std::size_t i = 0; i < weights.size(); ++i) {
    state[i] = 0.5f * state[i] + gradient[i];
    weights[i] -= static_cast<float>(rate) * state[i];
  }
}

ShardOptions shard_options(std::size_t number, std::size_t count) {
  ShardOptions options;
  options.listen = {kLoopback};
  options.slice = weight_slice(small_layout().size(), number, count);
  options.name = "shard-" + std::to_string(number);
  options.run_id = "run-" + std::to_string(number);
  options.optimizer = "sgd momentum 0.5";
  return options;
}

ShardContents contents_of(const ShardOptions& options, const std::vector<float>& all) {
  const auto begin = all.begin() + static_cast<std::ptrdiff_t>(options.slice.begin);
  return {{begin, begin + static_cast<std::ptrdiff_t>(options.slice.size())},
          std::vector<float>(options.slice.size()),
          0,
          0};
}

/// A started shard with its slice of random weights.
struct RunningShard {
  explicit RunningShard(const ShardOptions& options)
      : RunningShard(options, contents_of(options, random_weights(small_layout().size(), 99))) {}
  RunningShard(const ShardOptions& options, ShardContents contents)
      : shard(options, small_layout(), std::move(contents), momentum_step) {
    shard.start();
  }
  std::uint16_t port() const { return shard.ports().at(0); }

  Shard shard;
};

ShardLinksOptions links_options(const std::vector<std::uint16_t>& ports) {
  ShardLinksOptions options;
  for (const std::uint16_t port : ports) options.connect.push_back(loopback(port));
  options.optimizer = "sgd momentum 0.5";
  options.backoff_min = Milliseconds(5);
  options.backoff_max = Milliseconds(50);
  return options;
}

std::unique_ptr<WeightShards> links_to(const ShardLinksOptions& options,
                                       const ParameterLayout& layout = small_layout()) {
  return make_shard_links(options, {layout, {}});
}

std::string join_failure(const ShardLinksOptions& options, const ParameterLayout& layout = small_layout()) {
  try {
    links_to(options, layout)->join(kForEver);
  } catch (const Error& error) {
    return error.what();
  }
  return "joined";
}

struct Read {
  std::vector<float> weights = std::vector<float>(small_layout().size());
  std::vector<std::uint64_t> versions;
};

Read read(const WeightShards& links) {
  Read result;
  result.versions.resize(links.slices());
  links.read(result.weights, result.versions);
  return result;
}

std::vector<float> first_half(const std::vector<float>& all) {
  return {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2)};
}
std::vector<float> second_half(const std::vector<float>& all) {
  return {all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2), all.end()};
}

/// One gradient for the weights that are known now.
ShardReply apply(WeightShards& links, const std::vector<float>& gradient, double rate = 0.1) {
  const Read now = read(links);
  return links.apply(std::vector<ShardGradient>{{gradient, now.versions, rate}}, kForEver);
}

}  // namespace

TEST_CASE("two shards come to what one optimizer comes to, bit for bit", "[shard]") {
  const std::size_t size = small_layout().size();
  RunningShard one(shard_options(1, 2)), two(shard_options(2, 2));
  // In any order.
  const auto links = links_to(links_options({two.port(), one.port()}));
  REQUIRE(links->join(kForEver));
  REQUIRE(links->slices() == 2);
  std::vector<float> weights = random_weights(size, 99), state(size);
  CHECK(same_bits(read(*links).weights, weights));
  CHECK(read(*links).versions == std::vector<std::uint64_t>{0, 0});
  for (unsigned i = 1; i <= 5; ++i) {
    const std::vector<float> gradient = random_weights(size, i);
    const ShardReply reply = apply(*links, gradient, 0.1 * i);
    CHECK(reply.stale == 0);
    CHECK(reply.lost == 0);
    momentum_step(weights, gradient, state, i, 0.1 * i);
    CHECK(same_bits(read(*links).weights, weights));
    CHECK(read(*links).versions == std::vector<std::uint64_t>{i, i});
  }
  CHECK(one.shard.status().steps == 5);
  CHECK(one.shard.status().learners.at(0).gradients == 5);
  CHECK(two.shard.status().gradients == 5);
  CHECK(same_bits(one.shard.contents().weights, first_half(weights)));
  CHECK(same_bits(two.shard.contents().weights, second_half(weights)));
}

TEST_CASE("gradients of several workers go together and are applied in their order", "[shard]") {
  const std::size_t size = small_layout().size();
  RunningShard one(shard_options(1, 1));
  const auto links = links_to(links_options({one.port()}));
  REQUIRE(links->join(kForEver));
  std::vector<float> weights = random_weights(size, 99), state(size);
  std::vector<std::vector<float>> values;
  std::vector<ShardGradient> gradients;
  const std::vector<std::uint64_t> versions = {0};
  for (unsigned i = 1; i <= 3; ++i) values.push_back(random_weights(size, i));
  for (unsigned i = 0; i < 3; ++i) gradients.push_back({values[i], versions, 0.5 + i});
  const ShardReply reply = links->apply(gradients, kForEver);
  CHECK(reply.stale + reply.lost == 0);
  for (unsigned i = 0; i < 3; ++i) momentum_step(weights, values[i], state, i, 0.5 + i);
  CHECK(same_bits(read(*links).weights, weights));
  CHECK(read(*links).versions.front() == 3);
}

TEST_CASE("two learners share their shards, and what is too old is dropped and counted at both ends",
          "[shard]") {
  ShardOptions bounded = shard_options(1, 1);
  bounded.max_gradient_age = 1;
  RunningShard shard(bounded);
  const auto first = links_to(links_options({shard.port()})),
             second = links_to(links_options({shard.port()}));
  REQUIRE(first->join(kForEver));
  REQUIRE(second->join(kForEver));
  const std::vector<float> gradient(small_layout().size(), 1.0f);
  for (int i = 0; i < 3; ++i) CHECK(apply(*first, gradient).stale == 0);
  // The second one has not seen any of these.
  CHECK(apply(*second, gradient).stale == 1);
  CHECK(read(*second).versions.front() == 3);
  CHECK(same_bits(read(*second).weights, read(*first).weights));
  CHECK(apply(*second, gradient).stale == 0);
  CHECK(shard.shard.status().stale == 1);
  CHECK(shard.shard.status().steps == 4);
  CHECK(shard.shard.status().learners.size() == 2);
}

TEST_CASE("slices that are claimed twice, or do not cover the weights, are refused in one line", "[shard]") {
  RunningShard one(shard_options(1, 2)), again(shard_options(1, 2)), third(shard_options(3, 3));
  const std::string twice = join_failure(links_options({one.port(), again.port()}));
  CHECK_THAT(twice, Contains("both own slice 1 of 2") &&
                        Contains("127.0.0.1:" + std::to_string(one.port())) &&
                        Contains("127.0.0.1:" + std::to_string(again.port())));
  CHECK(twice.find('\n') == std::string::npos);
  CHECK_THAT(join_failure(links_options({one.port()})),
             Contains("owns slice 1 of 2, and there are links to 1 shards"));
  CHECK_THAT(join_failure(links_options({one.port(), third.port()})), Contains("links to 2 shards"));
}

TEST_CASE("another network, another optimizer and another exchange are refused by name", "[shard]") {
  RunningShard shard(shard_options(1, 1));
  const ParameterLayout other({{"pi1.weight", {4, 3}}, {"pi1.bias", {5}}});
  CHECK_THAT(join_failure(links_options({shard.port()}), other),
             Contains("refuses this learner") && Contains("what is trained differs") && Contains("pi1.bias"));
  ShardLinksOptions options = links_options({shard.port()});
  options.optimizer = "adam";
  CHECK_THAT(join_failure(options), Contains("the optimizer is 'sgd momentum 0.5' at the shard '") &&
                                        Contains("and 'adam' at the learner '"));
  FakeTrainer trainer;
  Child child(child_options(shard.port()), trainer);
  CHECK_THROWS_WITH(child.run(), Contains("this is a shard"));
  RunningParent parent;
  CHECK_THAT(join_failure(links_options({parent.port()})), Contains("'each'") && Contains("'gradients'"));
}

TEST_CASE("a shard that is not there, or wants a token, is told by its address and reason", "[shard]") {
  ShardLinksOptions options = links_options({1});
  options.join_timeout = Milliseconds(200);
  CHECK_THAT(join_failure(options), Contains("no link to the shard at 127.0.0.1:1 within 0.2 s"));
  ShardOptions guarded = shard_options(1, 1);
  guarded.security.token = "a-token-of-some-length";
  RunningShard shard(guarded);
  options = links_options({shard.port()});
  options.join_timeout = Milliseconds(500);
  CHECK_THAT(join_failure(options), Contains("within 0.5 s") && Contains("token"));
  options = links_options({shard.port()});
  options.security.token = guarded.security.token;
  CHECK(join_failure(options) == "joined");
}

TEST_CASE("who joins stops waiting when told to", "[shard]") {
  ShardLinksOptions options = links_options({1});
  CHECK_FALSE(links_to(options)->join([] { return false; }));
}

TEST_CASE("a learner waits for a shard that is away, and follows one that comes back from an older state",
          "[shard]") {
  const LogRecord log;
  RunningShard one(shard_options(1, 2));
  auto two = std::make_unique<RunningShard>(shard_options(2, 2));
  Relay relay(two->port());
  const auto links = links_to(links_options({one.port(), relay.port()}));
  REQUIRE(links->join(kForEver));
  const std::vector<float> gradient(small_layout().size(), 1.0f);
  apply(*links, gradient);
  const ShardContents old = two->shard.contents();
  for (int i = 0; i < 3; ++i) apply(*links, gradient);
  relay.cut(0);
  two.reset();
  REQUIRE(eventually([&] { return log.holds("is away", "learning waits for it"); }));
  // Not before it is back.
  std::thread later([&] {
    two = std::make_unique<RunningShard>(shard_options(2, 2), old);
    relay.cut(two->port());
  });
  const ShardReply reply = apply(*links, gradient);
  later.join();
  CHECK(reply.lost == 0);
  CHECK(log.holds("came back from an older state", "it is at step 1, and step 4 was seen before"));
  // Its gradient was computed with weights that are gone, and counts as one of the present ones.
  CHECK(read(*links).versions == std::vector<std::uint64_t>{5, 2});
  CHECK(same_bits(second_half(read(*links).weights), two->shard.contents().weights));
}

TEST_CASE("a gradient whose link is lost before the answer counts as lost, and is not sent again",
          "[shard]") {
  RunningShard shard(shard_options(1, 1));
  Relay relay(shard.port());
  const auto links = links_to(links_options({relay.port()}));
  REQUIRE(links->join(kForEver));
  const std::vector<float> gradient(small_layout().size(), 1.0f);
  // The gradient arrives, the answer does not.
  relay.mute();
  std::thread later([&] {
    CHECK(eventually([&] { return shard.shard.status().steps == 1; }));
    relay.cut(shard.port());
  });
  const ShardReply reply = apply(*links, gradient);
  later.join();
  CHECK(reply.lost == 1);
  CHECK(shard.shard.status().steps == 1);
  CHECK(read(*links).versions.front() == 1);
  CHECK(same_bits(read(*links).weights, shard.shard.contents().weights));
}

TEST_CASE("a frozen shard is given up after the exchange timeout, and joined again", "[shard]") {
  RunningShard shard(shard_options(1, 1));
  Relay relay(shard.port());
  ShardLinksOptions options = links_options({relay.port()});
  options.exchange_timeout = Milliseconds(100);
  const auto links = links_to(options);
  REQUIRE(links->join(kForEver));
  relay.freeze();
  const LogRecord log;
  std::thread later([&] {
    CHECK(eventually([&] { return log.holds("is away", "nothing of an answer came"); }));
    relay.cut(shard.port());
  });
  const std::vector<float> gradient(small_layout().size(), 1.0f);
  CHECK(apply(*links, gradient).lost == 1);
  later.join();
  CHECK(apply(*links, gradient).lost == 0);
}

TEST_CASE("a learner that goes on learns with the shards that are there", "[shard]") {
  const LogRecord log;
  RunningShard one(shard_options(1, 2)), two(shard_options(2, 2));
  Relay relay(two.port());
  ShardLinksOptions options = links_options({one.port(), relay.port()});
  options.when_away = ShardAway::kGoOn;
  const auto links = links_to(options);
  REQUIRE(links->join(kForEver));
  relay.cut(0);
  REQUIRE(eventually([&] { return log.holds("is away", "goes on with the weights"); }));
  const std::vector<float> before = read(*links).weights, gradient(small_layout().size(), 1.0f);
  CHECK(apply(*links, gradient).lost == 1);
  CHECK(read(*links).versions == std::vector<std::uint64_t>{1, 0});
  const std::vector<float> after = read(*links).weights;
  CHECK(same_bits(second_half(after), second_half(before)));
  CHECK_FALSE(same_bits(first_half(after), first_half(before)));
  relay.cut(two.port());
  CHECK(eventually([&] { return apply(*links, gradient).lost == 0; }));
  CHECK(two.shard.status().steps > 0);
}

TEST_CASE("a shard that stays away too long ends the learner, with its address", "[shard]") {
  auto shard = std::make_unique<RunningShard>(shard_options(1, 1));
  ShardLinksOptions options = links_options({shard->port()});
  options.away_timeout = Milliseconds(200);
  const auto links = links_to(options);
  REQUIRE(links->join(kForEver));
  shard.reset();
  const std::vector<float> gradient(small_layout().size(), 1.0f);
  CHECK_THROWS_WITH(([&] {
                      for (int i = 0; i < 1000; ++i) apply(*links, gradient);
                    }()),
                    Contains("has been away for 0.2 s") && Contains("127.0.0.1"));
}

TEST_CASE("a shard of another run or with another slice is not taken for the one that was here", "[shard]") {
  const LogRecord log;
  auto shard = std::make_unique<RunningShard>(shard_options(1, 2));
  RunningShard other(shard_options(2, 2));
  Relay relay(shard->port());
  const auto links = links_to(links_options({relay.port(), other.port()}));
  REQUIRE(links->join(kForEver));
  ShardOptions new_run = shard_options(1, 2);
  new_run.run_id = "another";
  RunningShard foreign(new_run);
  relay.cut(foreign.port());
  CHECK(eventually([&] { return log.holds("run is another", "run-1"); }));
  relay.cut(other.port());
  CHECK(eventually([&] { return log.holds("owns slice 2 of 2", "before slice 1 of 2"); }));
  relay.cut(shard->port());
  const std::vector<float> gradient(small_layout().size(), 1.0f);
  CHECK(apply(*links, gradient).lost == 0);
}

TEST_CASE("options of shards and links that cannot be are refused", "[shard]") {
  ShardOptions options = shard_options(1, 2);
  const auto make = [&] {
    Shard(options, small_layout(), contents_of(shard_options(1, 2), random_weights(small_layout().size(), 1)),
          momentum_step);
  };
  make();
  options.listen.clear();
  CHECK_THROWS_WITH(make(), Contains("listen"));
  options = shard_options(1, 2);
  options.slice.end += 1;
  CHECK_THROWS_WITH(make(), Contains("weight_slice()"));
  options = shard_options(2, 2);
  options.slice = weight_slice(small_layout().size(), 1, 4);
  CHECK_THROWS_WITH(make(), Contains("weights; its slice has"));
  options = shard_options(1, 2);
  options.listen = {Endpoint{"0.0.0.0", 0}};
  CHECK_THROWS_WITH(make(), Contains("token"));
  CHECK_THROWS_WITH(links_to(links_options({})), Contains("connect names 0 shards"));
  CHECK_THROWS_WITH(links_to(links_options(std::vector<std::uint16_t>(65, 1))), Contains("65 shards"));
  ShardLinksOptions links = links_options({1});
  links.away_timeout = Milliseconds(0);
  CHECK_THROWS_WITH(links_to(links), Contains("away_timeout is 0 ms"));
}

namespace {

HelloMessage raw_hello() {
  HelloMessage hello{"raw", "", "", small_layout(), 0, {}};
  hello.exchange = kGradientsExchange;
  return hello;
}

/// A peer that has joined, and the welcome.
WelcomeMessage join(RawPeer& peer) {
  peer.upgrade();
  peer.send_message(raw_hello());
  const auto welcome = peer.read_message<WelcomeMessage>();
  peer.read();  // the weights
  return welcome;
}

std::vector<std::byte> payload(std::size_t size, std::uint64_t version = 0, float value = 1) {
  const std::vector<float> values(size, value);
  std::vector<std::byte> bytes;
  append_gradients(std::vector<SliceGradient>{{version, 0.5, values}}, bytes);
  return bytes;
}

}  // namespace

TEST_CASE("whatever a peer sends, a shard's slice stays as it is unless a sound frame came", "[shard]") {
  RunningShard shard(shard_options(1, 1));
  const std::size_t size = small_layout().size();
  const ShardContents before = shard.shard.contents();
  const auto refusal = [&](FrameType type, std::uint64_t session_off, std::uint64_t sequence,
                           const std::vector<std::byte>& bytes) {
    RawPeer peer(shard.port());
    const WelcomeMessage welcome = join(peer);
    peer.send_weights(frame_header(type, welcome.session + session_off, sequence), {}, bytes);
    return peer.read_message<RefuseMessage>();
  };
  using enum FrameType;
  CHECK(refusal(kChildWeights, 0, 1, payload(size)).code == RefusalCode::kFrame);
  CHECK(refusal(kShardWeights, 0, 1, payload(size)).code == RefusalCode::kFrame);
  CHECK(refusal(kLearnerGradients, 1, 1, payload(size)).code == RefusalCode::kSequence);
  CHECK(refusal(kLearnerGradients, 0, 2, payload(size)).code == RefusalCode::kSequence);
  CHECK(refusal(kLearnerGradients, 0, 1, payload(size + 1)).code == RefusalCode::kWeights);
  CHECK(refusal(kLearnerGradients, 0, 1, payload(size, 1)).code == RefusalCode::kWeights);
  CHECK(refusal(kLearnerGradients, 0, 1, payload(size, 0, std::numeric_limits<float>::infinity())).code ==
        RefusalCode::kWeights);
  CHECK(shard.shard.status().refused_frames == 7);
  {
    RawPeer peer(shard.port());
    peer.upgrade();
    peer.send_frame(2, "binary before a hello");
    CHECK(peer.read_message<RefuseMessage>().code == RefusalCode::kProtocol);
  }
  {
    RawPeer peer(shard.port());
    join(peer);
    peer.send_frame(2, std::string(200, 'x'));
    CHECK(peer.read_message<RefuseMessage>().code == RefusalCode::kFrame);
  }
  {
    // Larger than any frame of this slice.
    RawPeer peer(shard.port());
    join(peer);
    peer.send_frame(2, "x", std::uint64_t{1} << 40);
    CHECK(peer.read().opcode == 8);
  }
  {
    RawPeer peer(shard.port());
    join(peer);
    peer.send_message(raw_hello());
    CHECK(peer.read_message<RefuseMessage>().code == RefusalCode::kProtocol);
  }
  CHECK(same_bits(shard.shard.contents().weights, before.weights));
  CHECK(shard.shard.status().steps == 0);
  RawPeer peer(shard.port());
  const WelcomeMessage welcome = join(peer);
  REQUIRE(welcome.slice);
  CHECK(welcome.slice->end == size);
  peer.send_weights(frame_header(kLearnerGradients, welcome.session, 1), {}, payload(size));
  const auto answer = peer.read();
  CHECK(answer.opcode == 2);
  CHECK(answer.payload.size() == frame_bytes(size, 8));
  CHECK(shard.shard.status().steps == 1);
}
