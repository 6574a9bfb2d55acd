// A Parent whose weights several threads write: what holds all the same, and what does not.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <exception>
#include <limits>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/params/merge_methods.h"
#include "genkidama/params/weighted_average.h"
#include "net/fixture.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/raw_peer.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

constexpr std::size_t kChildren = 8;

ParameterLayout large_layout(std::size_t weights) {
  return ParameterLayout({{"weight", {static_cast<int>(weights)}}});
}

ParentOptions threads_options(int threads, double alpha) {
  ParentOptions options = parent_options(alpha);
  options.merge_threads = threads;
  options.run_id = "run";
  return options;
}

struct Told {
  std::uint64_t update, session, sequence, staleness;
  double movement;
  std::optional<double> agreement;
  std::vector<float> weights;
};

/// A Parent of any layout, and what its observer was told.
struct WatchedParent {
  WatchedParent(const ParentOptions& options, const ParameterLayout& layout, bool keeps_weights = true)
      : initial(random_weights(layout.size(), 99)), parent(options, layout, initial) {
    parent.on_update([this, keeps_weights](const ParentUpdate& update) {
      const std::lock_guard lock(mutex);
      told.push_back({update.update,
                      update.session,
                      update.sequence,
                      update.staleness,
                      update.movement,
                      update.agreement,
                      {}});
      if (keeps_weights) told.back().weights.assign(update.weights.begin(), update.weights.end());
    });
    parent.start();
  }
  std::uint16_t port() const { return parent.ports().at(0); }

  std::vector<float> initial;
  std::mutex mutex;
  std::vector<Told> told;  // guarded, until the Parent was stopped
  Parent parent;
};

std::vector<float> weights_of(std::size_t child, std::uint64_t sequence, std::size_t count) {
  return random_weights(count, static_cast<unsigned>(1000 * child + sequence));
}

using Answers = std::map<std::pair<std::uint64_t, std::uint64_t>, std::vector<float>>;

/// A Child that exchanges so often; its number by its session, and its answers. A damaged answer throws.
std::string exchange_often(std::uint16_t port, std::size_t child, const ParameterLayout& layout,
                           std::uint64_t count, std::mutex& mutex,
                           std::map<std::uint64_t, std::size_t>& child_of, Answers& answers) {
  try {
    RawPeer peer(port);
    const std::uint64_t session = peer.join(layout, "child " + std::to_string(child)).session;
    {
      const std::lock_guard lock(mutex);
      child_of[session] = child;
    }
    std::vector<float> answer(layout.size());
    for (std::uint64_t sequence = 1; sequence <= count; ++sequence) {
      peer.send_weights(child_frame(session, sequence), weights_of(child, sequence, layout.size()));
      if (peer.read_weights(answer).sequence != sequence) return "another answer";
      const std::lock_guard lock(mutex);
      answers[{session, sequence}] = answer;
    }
  } catch (const std::exception& error) {
    return error.what();
  }
  return {};
}

struct Distance {
  double greatest = 0, mean = 0;
};

Distance distance_of(std::span<const float> a, std::span<const float> b) {
  Distance distance;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double apart = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    distance.greatest = std::max(distance.greatest, apart);
    distance.mean += apart / static_cast<double>(a.size());
  }
  return distance;
}

}  // namespace

TEST_CASE("merge_threads out of range, and with what several threads cannot do, are refused",
          "[merge_threads]") {
  const auto make = [](const ParentOptions& options) {
    const Parent parent(options, small_layout(), std::vector<float>(small_layout().size()));
  };
  for (const int threads : {std::numeric_limits<int>::min(), -1, 0, kMaxMergeThreads + 1}) {
    CHECK_THROWS_WITH(make(threads_options(threads, 0.5)),
                      "merge_threads is " + std::to_string(threads) + "; expected 1 to 64");
  }
  for (const ExchangeKind exchange : {ExchangeKind::kRounds, ExchangeKind::kSegments}) {
    ParentOptions options = threads_options(2, 0.5);
    options.exchange = exchange;
    options.segments.round_steps = 10;
    CHECK_THROWS_AS(make(options), ArgumentError);
    CHECK_THROWS_WITH(make(options), Catch::StartsWith("merge_threads is 2 and the exchange is '") &&
                                         Catch::EndsWith("give 1, or choose 'each'"));
    options.merge_threads = 1;
    CHECK_NOTHROW(make(options));
  }
  ParentOptions with_rule = threads_options(2, 0.5);
  with_rule.merge_rule = [](std::span<float>, std::span<const float>, const MergeContext&) {};
  CHECK_THROWS_WITH(make(with_rule), Catch::StartsWith("merge_threads is 2 and a merge_rule is given"));
  ParentOptions with_method = threads_options(64, 0.5);
  MergeOptions median;
  median.kind = MergeKind::kMedian;
  with_method.merge_method = make_merge_method(median);
  CHECK_THROWS_WITH(make(with_method), Catch::StartsWith("merge_threads is 64 and merge_method is 'median'"));
  CHECK_NOTHROW(make(threads_options(kMaxMergeThreads, 0.5)));
}

TEST_CASE("while one Child comes at a time, several threads do what one does, bit for bit",
          "[merge_threads]") {
  const ParameterLayout layout = large_layout(5000);
  WatchedParent one(threads_options(1, 0.3), layout), four(threads_options(4, 0.3), layout);
  for (WatchedParent* watched : {&one, &four}) {
    RawPeer a(watched->port()), b(watched->port());
    const std::uint64_t first = a.join(layout, "a").session, second = b.join(layout, "b").session;
    std::vector<float> answer(layout.size());
    for (std::uint64_t sequence = 1; sequence <= 5; ++sequence) {
      a.send_weights(child_frame(first, sequence), weights_of(1, sequence, layout.size()));
      CHECK(a.read_weights(answer).update == 2 * sequence - 1);
      b.send_weights(child_frame(second, sequence), weights_of(2, sequence, layout.size()));
      CHECK(b.read_weights(answer).update == 2 * sequence);
    }
    a.close();
    b.close();
    watched->parent.stop();
    CHECK(same_bits(answer, watched->parent.weights()));
  }
  CHECK(same_bits(one.parent.weights(), four.parent.weights()));
  REQUIRE(one.told.size() == 10);
  REQUIRE(four.told.size() == 10);
  for (std::size_t i = 0; i < one.told.size(); ++i) {
    CHECK(four.told[i].update == one.told[i].update);
    CHECK(four.told[i].staleness == one.told[i].staleness);
    CHECK(four.told[i].movement == one.told[i].movement);
    CHECK(four.told[i].agreement == one.told[i].agreement);
    CHECK(same_bits(four.told[i].weights, one.told[i].weights));
  }
}

TEST_CASE("many Children and four threads: each merge is counted once, and the result is near a serial one",
          "[merge_threads]") {
  constexpr double kAlpha = 0.02;
  constexpr std::uint64_t kEach = 15;
  const ParameterLayout layout = large_layout(60'000);
  WatchedParent watched(threads_options(4, kAlpha), layout);
  std::mutex mutex;
  std::map<std::uint64_t, std::size_t> child_of;
  Answers answers;
  std::vector<std::string> errors(kChildren);
  {
    std::vector<std::thread> children;
    for (std::size_t child = 0; child < kChildren; ++child) {
      children.emplace_back([&, child] {
        errors[child] = exchange_often(watched.port(), child, layout, kEach, mutex, child_of, answers);
      });
    }
    for (std::thread& thread : children) thread.join();
  }
  watched.parent.stop();
  for (const std::string& error : errors) REQUIRE(error.empty());
  const ParentStatus status = watched.parent.status();
  CHECK(status.updates == kEach * kChildren);
  CHECK(status.refused_updates == 0);
  REQUIRE(watched.told.size() == kEach * kChildren);
  std::vector<float> serial = watched.initial;
  std::map<std::uint64_t, std::uint64_t> last;
  std::uint64_t update = 0, others = 0;
  for (const Told& told : watched.told) {
    CHECK(told.update == ++update);
    CHECK(told.sequence == ++last[told.session]);
    others += told.staleness;
    // What the observer is shown is what the Child is sent.
    CHECK(same_bits(told.weights, answers.at({told.session, told.sequence})));
    weighted_average(serial, weights_of(child_of.at(told.session), told.sequence, layout.size()), kAlpha);
  }
  CHECK(others > 0);
  const auto weights = watched.parent.weights();
  // No element leaves the hull of what was averaged.
  for (const float weight : weights) CHECK(std::abs(weight) <= 1.0001F);
  // Two merges in another order differ by alpha^2 times their distance, and one that is lost in an element by
  // alpha times that, which is at most 2. The merges as a whole move an element by far more.
  const Distance apart = distance_of(weights, serial), moved = distance_of(watched.initial, serial);
  CHECK(apart.mean < kAlpha / 2);
  CHECK(moved.mean > 10 * apart.mean);
}

TEST_CASE("a Child that comes back while its frame is being merged is merged once", "[merge_threads]") {
  const ParameterLayout layout = large_layout(100'000);
  for (int round = 0; round < 4; ++round) {
    WatchedParent watched(threads_options(2, 0.5), layout);
    const auto sent = [&](std::uint64_t sequence) { return weights_of(1, sequence, layout.size()); };
    std::vector<float> answer(layout.size());
    RawPeer first(watched.port());
    const std::uint64_t session = first.join(layout).session;
    first.send_weights(child_frame(session, 1), sent(1));
    first.read_weights(answer);
    first.send_weights(child_frame(session, 2), sent(2));
    HelloMessage hello;
    hello.name = "raw";
    hello.layout = layout;
    hello.run_id = "run";
    hello.resume = SessionMark{session, 2};
    RawPeer again(watched.port());
    const WelcomeMessage welcome = again.join(hello);
    REQUIRE(welcome.sequence);
    CHECK((*welcome.sequence == 1 || *welcome.sequence == 2));
    if (*welcome.sequence == 1) {
      again.send_weights(child_frame(session, 2), sent(2));
      again.read_weights(answer);
    }
    again.send_weights(child_frame(session, 3), sent(3));
    CHECK(again.read_weights(answer).update == 3);
    again.close();
    watched.parent.stop();
    CHECK(watched.parent.status().updates == 3);
    CHECK(watched.told.size() == 3);
    auto expected = watched.initial;
    for (const std::uint64_t sequence : {1, 2, 3}) weighted_average(expected, sent(sequence), 0.5);
    CHECK(same_bits(watched.parent.weights(), expected));
  }
}

TEST_CASE("Children that vanish in the middle of a merge leave a Parent that serves the others",
          "[merge_threads]") {
  const ParameterLayout layout = large_layout(200'000);
  WatchedParent watched(threads_options(2, 0.5), layout, false);
  constexpr std::uint64_t kVanish = 12;
  for (std::uint64_t i = 0; i < kVanish; ++i) {
    RawPeer peer(watched.port());
    peer.send_weights(child_frame(peer.join(layout).session, 1), weights_of(1, i, layout.size()));
    peer.close();
  }
  REQUIRE(eventually([&] { return watched.parent.status().left == kVanish; }));
  CHECK(watched.parent.status().children.empty());
  RawPeer sound(watched.port());
  const std::uint64_t session = sound.join(layout).session;
  std::vector<float> answer(layout.size());
  sound.send_weights(child_frame(session, 1), weights_of(2, 1, layout.size()));
  sound.read_weights(answer);
  sound.close();
  watched.parent.stop();
  CHECK(watched.told.size() == watched.parent.status().updates);
  CHECK(same_bits(watched.parent.weights(), answer));
}

TEST_CASE("a Parent stops while its threads merge, and has told what it has counted", "[merge_threads]") {
  const ParameterLayout layout = large_layout(200'000);
  for (const int threads : {2, 8}) {
    WatchedParent watched(threads_options(threads, 0.5), layout, false);
    std::mutex mutex;
    std::map<std::uint64_t, std::size_t> child_of;
    Answers answers;
    std::vector<std::thread> children;
    for (std::size_t child = 0; child < kChildren; ++child) {
      children.emplace_back(
          [&, child] { exchange_often(watched.port(), child, layout, 1'000, mutex, child_of, answers); });
    }
    CHECK(eventually([&] { return watched.parent.status().updates >= 2 * kChildren; }));
    watched.parent.stop();
    for (std::thread& thread : children) thread.join();
    const ParentStatus status = watched.parent.status();
    CHECK(status.children.empty());
    CHECK(status.updates == watched.told.size());
    // A Child may not have read the last answer.
    CHECK(answers.size() + kChildren >= status.updates);
  }
}

TEST_CASE("frames that one thread refuses are refused by several, and change nothing", "[merge_threads]") {
  const ParameterLayout layout = large_layout(3000);
  ParentOptions options = threads_options(4, 0.5);
  options.quarantine_min = Milliseconds(0);
  WatchedParent watched(options, layout);
  const auto sound = weights_of(1, 1, layout.size());
  const auto refused = [&](const FrameHeader& header, std::vector<float> weights, int damage) {
    RawPeer peer(watched.port());
    FrameHeader own = header;
    if (own.session == 0) own.session = peer.join(layout).session;
    std::vector<std::byte> frame;
    encode_frame(own, weights, frame);
    if (damage > 0) frame[static_cast<std::size_t>(damage)] ^= std::byte{1};
    peer.send_frame(2, std::string_view(reinterpret_cast<const char*>(frame.data()), frame.size()));
    return peer.read_message<RefuseMessage>();
  };
  auto bad = sound;
  bad[2999] = std::numeric_limits<float>::quiet_NaN();
  CHECK(refused(child_frame(0, 1), bad, 0).code == RefusalCode::kWeights);
  bad[2999] = 1e30F;
  CHECK_THAT(refused(child_frame(0, 1), bad, 0).reason, Catch::Contains("out of proportion"));
  CHECK_THAT(refused(child_frame(0, 1), sound, 5000).reason, Catch::Contains("damaged"));
  CHECK(refused(child_frame(0, 2), sound, 0).code == RefusalCode::kSequence);
  CHECK(refused(parent_frame(0, 1), sound, 0).code == RefusalCode::kFrame);
  CHECK(refused(child_frame(0, 1), std::vector<float>(2999), 0).code == RefusalCode::kFrame);
  CHECK(eventually([&] { return watched.parent.status().left == 6; }));
  CHECK(watched.parent.status().refused_updates == 6);
  CHECK(watched.parent.status().updates == 0);
  CHECK(same_bits(watched.parent.weights(), watched.initial));
}

TEST_CASE("frames that come before the answer are merged one after the other", "[merge_threads]") {
  const ParameterLayout layout = large_layout(50'000);
  WatchedParent watched(threads_options(4, 0.5), layout);
  RawPeer peer(watched.port());
  const std::uint64_t session = peer.join(layout).session;
  auto expected = watched.initial;
  for (std::uint64_t sequence = 1; sequence <= 3; ++sequence) {
    const auto weights = weights_of(1, sequence, layout.size());
    peer.send_weights(child_frame(session, sequence), weights);
    weighted_average(expected, weights, 0.5);
  }
  CHECK(eventually([&] { return watched.parent.status().updates == 3; }));
  CHECK(same_bits(watched.parent.weights(), expected));
}

TEST_CASE("several threads answer in the codec of each link", "[merge_threads]") {
  for (const CodecKind codec : kCodecKinds) {
    RunningParent running(threads_options(3, 0.5));
    FakeTrainer one(small_layout(), 1), two(small_layout(), 2);
    ChildOptions options = child_options(running.port(), 0.5, "one");
    options.codec = codec;
    Child first(options, one);
    options.name = "two";
    Child second(options, two);
    {
      ChildRun other(second, exchanges(20));
      CHECK(first.run(exchanges(20)) == "the Child's program ended the training");
      CHECK(other.get() == "the Child's program ended the training");
    }
    CHECK(running.parent.status().refused_updates == 0);
    CHECK(running.parent.status().updates == 40);
  }
}
