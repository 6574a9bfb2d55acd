#include "genkidama/net/peer.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "net/log_record.h"
#include "net/peer/peer_fixture.h"
#include "support/catch.h"
#include "support/eventually.h"

using namespace genkidama;
using namespace genkidama::test;
using Catch::Contains;

namespace {

/// Peers of a graph on loopback; each dials the neighbours that were made before it.
std::vector<std::unique_ptr<PeerThread>> graph(const Topology& topology, MixingRule rule) {
  std::vector<std::unique_ptr<PeerThread>> peers;
  for (std::size_t node = 0; node < topology.nodes(); ++node) {
    PeerOptions options = peer_options("node-" + std::to_string(node), rule);
    for (std::size_t other = 0; other < node; ++other) {
      const bool out = topology.has_edge(node, other), in = topology.has_edge(other, node);
      if (!out && !in) continue;
      options.neighbours.push_back({loopback(peers[other]->port()), out && in ? PeerFlow::kBoth
                                                                    : out     ? PeerFlow::kSends
                                                                              : PeerFlow::kReceives});
    }
    peers.push_back(std::make_unique<PeerThread>(std::move(options)));
  }
  return peers;
}

double distance(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum);
}

bool all(const std::vector<PeerNeighbourStatus>& neighbours, std::size_t count) {
  return static_cast<std::size_t>(std::count_if(neighbours.begin(), neighbours.end(),
                                                [](const auto& each) { return each.connected; })) == count;
}

/// Each says once that it has seen enough, and nobody leaves before all have: the others would miss it.
class Together {
 public:
  explicit Together(std::size_t count) : left_(static_cast<int>(count)) {}

  /// Whether to go on, for one who asks after each round.
  bool goes_on(bool has_enough, bool& said) {
    if (has_enough && !std::exchange(said, true)) --left_;
    return left_ > 0;
  }

 private:
  std::atomic<int> left_;
};

}  // namespace

TEST_CASE("peers in a ring average by every rule, and stay together") {
  const auto rule =
      GENERATE(MixingRule::kGala, MixingRule::kDiffusion, MixingRule::kPairs, MixingRule::kPushSum);
  const bool directed = GENERATE(false, true);
  if (directed && needs_undirected(rule)) return;
  CAPTURE(mixing_name(rule), directed);
  const auto peers =
      graph(Topology::make(directed ? TopologyKind::kDirectedRing : TopologyKind::kRing, 5), rule);
  std::vector<PeerProgress> ends(5);
  std::vector<double> greatest(5);
  Together together(5);
  for (std::size_t i = 0; i < 5; ++i) {
    // The same weights, and other steps: apart from one another they would walk away.
    peers[i]->trainer = FakeTrainer(small_layout(), 1);
    for (std::size_t skipped = 0; skipped < i; ++skipped) peers[i]->trainer.train_round();
    peers[i]->trainer.write_weights(random_weights(small_layout().size(), 1));
    peers[i]->run([&, i, said = false](const PeerProgress& progress) mutable {
      ends[i] = progress;
      greatest[i] = std::max(greatest[i], progress.distance_max);
      const bool has_enough =
          progress.rounds >= 40 && progress.exchanges >= 20 && all(peers[i]->peer.neighbours(), 2);
      return together.goes_on(has_enough, said);
    });
  }
  for (auto& peer : peers) CHECK_THAT(peer->get(), Contains("ended the training"));
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(ends[i].exchanges >= 20);
    CHECK(greatest[i] > 0);
    CHECK(greatest[i] < 4);
    CHECK(ends[i].bytes_sent > 0);
  }
}

TEST_CASE("two peers that list each other have one link") {
  PeerThread first(peer_options("a"));
  PeerOptions options = peer_options("b");
  options.neighbours = {{loopback(first.port())}};
  PeerThread second(options);
  // The first one's list needs the second one's port, so it is a third that lists and is listed.
  PeerOptions both = peer_options("c");
  both.neighbours = {{loopback(first.port())}, {loopback(second.port())}};
  PeerThread third(both);
  Together together(3);
  for (PeerThread* peer : {&first, &second, &third}) {
    peer->run([&together, peer, said = false](const PeerProgress& progress) mutable {
      return together.goes_on(progress.exchanges >= 10 && all(peer->peer.neighbours(), 2), said);
    });
  }
  for (PeerThread* peer : {&first, &second, &third}) {
    CHECK_THAT(peer->get(), Contains("ended"));
    CHECK(peer->peer.neighbours().size() == 2);
  }
}

TEST_CASE("peers that dial each other at the same moment end with one link") {
  // Free ports are found by binding them; then both are taken again by name.
  std::uint16_t one = 0, two = 0;
  {
    PeerThread a(peer_options("a")), b(peer_options("b"));
    one = a.port(), two = b.port();
  }
  PeerOptions first = peer_options("a"), second = peer_options("b");
  first.listen = loopback(one), second.listen = loopback(two);
  first.neighbours = {{loopback(two)}}, second.neighbours = {{loopback(one)}};
  PeerThread a(first), b(second);
  Together together(2);
  for (PeerThread* peer : {&a, &b}) {
    peer->run([&together, said = false](const PeerProgress& progress) mutable {
      return together.goes_on(progress.exchanges >= 50, said);
    });
  }
  for (PeerThread* peer : {&a, &b}) {
    CHECK_THAT(peer->get(), Contains("ended"));
    CHECK(peer->peer.neighbours().size() == 1);
  }
}

TEST_CASE("a peer that comes late takes the weights of a neighbour that has trained longer") {
  PeerOptions early = peer_options("early", MixingRule::kGala);
  early.join_timeout = Milliseconds(20);
  Gate trained;  // outlives the thread that opens it
  PeerThread first(early);
  first.run([&](const PeerProgress& progress) {
    if (progress.rounds == 10) trained.open();
    return true;
  });
  REQUIRE(trained.wait());
  PeerOptions late = peer_options("late", MixingRule::kGala);
  late.neighbours = {{loopback(first.port())}};
  PeerThread second(late, 77);
  second.run(peer_rounds(1));
  CHECK_THAT(second.get(), Contains("ended"));
  REQUIRE_FALSE(second.trainer.written.empty());
  CHECK(second.peer.progress().round_number > 10);
  // What it took is what the other one had, and not what it began with.
  CHECK(distance(second.trainer.written[0], random_weights(small_layout().size(), 77)) > 0.1);
}

TEST_CASE("of two new peers with other weights the one with the greater name takes the other's") {
  PeerThread first(peer_options("a"), 1);
  PeerOptions options = peer_options("b");
  options.neighbours = {{loopback(first.port())}};
  PeerThread second(options, 2);
  const auto weights = first.trainer.weights();
  first.run(peer_rounds(3));
  second.run(peer_rounds(3));
  CHECK_THAT(first.get(), Contains("ended"));
  CHECK_THAT(second.get(), Contains("ended"));
  REQUIRE_FALSE(second.trainer.written.empty());
  CHECK(same_bits(second.trainer.written[0], weights));
}

TEST_CASE("a peer goes on when all of its neighbours are gone, and averages again when one is back") {
  const auto rule =
      GENERATE(MixingRule::kGala, MixingRule::kDiffusion, MixingRule::kPairs, MixingRule::kPushSum);
  CAPTURE(mixing_name(rule));
  Gate alone, together_again;
  std::atomic<bool> gone{false};
  std::uint64_t rounds_alone = 0;
  std::optional<std::uint64_t> exchanges_before;
  PeerThread lasting(peer_options("lasting", rule));
  PeerOptions options = peer_options("leaving", rule);
  options.neighbours = {{loopback(lasting.port())}};
  auto leaving = std::make_unique<PeerThread>(options);
  lasting.run([&](const PeerProgress& progress) {
    if (gone && progress.connected == 0 && ++rounds_alone == 20) {
      exchanges_before = progress.exchanges;
      alone.open();
    }
    if (exchanges_before && progress.exchanges > *exchanges_before + 5) together_again.open();
    return true;
  });
  leaving->run(peer_rounds(5));
  CHECK_THAT(leaving->get(), Contains("ended"));
  leaving.reset();
  gone = true;
  REQUIRE(alone.wait());
  PeerThread back(options);
  back.run();
  CHECK(together_again.wait());
}

TEST_CASE("a peer that is to wait for two neighbours trains no round before both are there") {
  PeerOptions options = peer_options("waiting", MixingRule::kGala);
  options.first_neighbours = 2;
  std::size_t at_first = 0;
  Gate trained;
  PeerThread waiting(options);
  waiting.run([&](const PeerProgress& progress) {
    if (progress.rounds == 1) at_first = progress.connected;
    return progress.rounds < 2;
  });
  PeerOptions of_neighbour = peer_options("a", MixingRule::kGala);
  of_neighbour.neighbours = {{loopback(waiting.port())}};
  PeerThread first(of_neighbour);
  first.run([&](const PeerProgress& progress) {
    if (progress.rounds == 5) trained.open();
    return true;
  });
  REQUIRE(trained.wait());
  of_neighbour.name = "b";
  PeerThread second(of_neighbour);
  second.run();
  CHECK_THAT(waiting.get(), Contains("ended"));
  CHECK(at_first == 2);
}

TEST_CASE("a peer begins when its starter says so, with as many neighbours as it is told") {
  Gate all_started;
  PeerOptions options = peer_options("a", MixingRule::kGala);
  options.first_neighbours = 5;
  options.await_start = [&] { return all_started.wait() ? std::size_t{1} : std::size_t{5}; };
  std::size_t at_first = 0;
  PeerThread waiting(options);
  waiting.run([&](const PeerProgress& progress) {
    if (progress.rounds == 1) at_first = progress.connected;
    return progress.rounds < 2;
  });
  PeerOptions of_neighbour = peer_options("b", MixingRule::kGala);
  of_neighbour.neighbours = {{loopback(waiting.port())}};
  PeerThread neighbour(of_neighbour);
  neighbour.run([&](const PeerProgress& progress) {
    if (progress.rounds == 5) all_started.open();
    return true;
  });
  CHECK_THAT(waiting.get(), Contains("ended"));
  CHECK(at_first == 1);
}

TEST_CASE("a refusal of a neighbour that comes late is told, and ends no run that trains") {
  std::uint16_t later = 0;
  {
    PeerThread nobody_yet(peer_options("wrong"));
    later = nobody_yet.port();
  }
  LogRecord record;
  Gate trained, alone;
  PeerThread good(peer_options("good"));
  PeerOptions options = peer_options("healthy");
  options.neighbours = {{loopback(good.port())}, {loopback(later)}};
  PeerThread healthy(options);
  healthy.run([&, rounds_alone = 0](const PeerProgress& progress) mutable {
    if (progress.exchanges > 3) trained.open();
    if (progress.exchanges > 3 && progress.connected == 0 && ++rounds_alone == 20) alone.open();
    return true;
  });
  good.run();
  REQUIRE(trained.wait());
  PeerOptions of_wrong = peer_options("wrong", MixingRule::kGala);
  of_wrong.listen = loopback(later);
  PeerThread wrong(of_wrong);
  wrong.run();
  CHECK(eventually([&] { return record.holds("refused this peer", "10 times so far"); }));
  CHECK(record.holds("peer 'wrong': refused", "averages by the rule"));
  good.stop();
  CHECK(alone.wait());
  healthy.stop();
  CHECK(healthy.get() == "stop requested");
}

TEST_CASE("peers of different tasks, rules or names are told so") {
  PeerThread first(peer_options("a"));
  first.run();
  const auto refusal_of = [&](PeerOptions options, FakeTrainer trainer) {
    options.neighbours = {{loopback(first.port())}};
    options.join_timeout = Milliseconds(20'000);
    Peer peer(options, trainer);
    try {
      return peer.run();
    } catch (const std::exception& error) {
      return std::string(error.what());
    }
  };
  CHECK_THAT(refusal_of(peer_options("b", MixingRule::kGala), FakeTrainer()),
             Contains("averages by the rule"));
  CHECK_THAT(refusal_of(peer_options("a"), FakeTrainer()), Contains("a name of its own"));
  CHECK_THAT(refusal_of(peer_options("b"), FakeTrainer(ParameterLayout({{"w", {2, 2}}}))),
             Contains("what is trained differs"));
}

TEST_CASE("a Child is no peer, and a peer no Child") {
  LogRecord record;
  PeerThread first(peer_options("a"));
  first.run();
  FakeTrainer trainer;
  Child child(child_options(first.port()), trainer);
  CHECK_THROWS_WITH(child.run(), Contains("this is a peer"));
  CHECK(record.holds("peer 'a': refused 127.0.0.1", "connect peers to peers"));
  RunningParent parent;
  PeerOptions options = peer_options("b");
  options.neighbours = {{loopback(parent.port())}};
  PeerThread lost(options);
  lost.run();
  CHECK_THAT(lost.get(), Contains("connect peers to peers"));
  ParentOptions of_dialling = parent_options();
  of_dialling.connect = {loopback(first.port())};
  of_dialling.limits.handshake_timeout = Milliseconds(100);
  RunningParent dialling(of_dialling);
  CHECK(eventually([&] { return record.holds("did not join", "dial only a Child that listens"); }));
}

TEST_CASE("weights that the round spoilt reach no neighbour") {
  PeerThread sound(peer_options("a", MixingRule::kGala));
  PeerOptions options = peer_options("b", MixingRule::kGala);
  options.neighbours = {{loopback(sound.port())}};
  PeerThread spoilt(options);
  spoilt.trainer.on_round = [](std::vector<float>& weights) { weights[0] = std::nanf(""); };
  sound.run(peer_rounds(30));
  spoilt.run(peer_rounds(30));
  CHECK_THAT(spoilt.get(), Contains("ended"));
  CHECK_THAT(sound.get(), Contains("ended"));
  CHECK(sound.peer.progress().exchanges == 0);
  for (const float weight : sound.trainer.weights()) CHECK(std::isfinite(weight));
}

TEST_CASE("impossible options of a peer are refused") {
  FakeTrainer trainer;
  const auto refused = [&](const std::function<void(PeerOptions&)>& change, const std::string& reason) {
    PeerOptions options = peer_options("a");
    change(options);
    CHECK_THROWS_WITH(Peer(options, trainer), Contains(reason));
  };
  refused([](PeerOptions& o) { o.listen.reset(); }, "needs neighbours");
  refused([](PeerOptions& o) { o.name = ""; }, "name");
  refused(
      [](PeerOptions& o) {
        o.neighbours = {{loopback(1), PeerFlow::kSends}};
      },
      "both ends of a link send");
  refused([](PeerOptions& o) { o.neighbours = {{loopback(1)}, {loopback(1)}}; }, "twice");
  refused([](PeerOptions& o) { o.max_staleness = 0; }, "max_staleness");
  refused([](PeerOptions& o) { o.overlap = true; }, "overlap");
  refused([](PeerOptions& o) { o.exchange_timeout = Milliseconds(0); }, "exchange_timeout");
  refused([](PeerOptions& o) { o.max_norm_growth = -1; }, "max_norm_growth");
  refused([](PeerOptions& o) { o.listen = Endpoint{"0.0.0.0", 0}; }, "token");
}
