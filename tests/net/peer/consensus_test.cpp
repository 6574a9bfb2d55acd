// Many mixers in one thread, with links that are late, lose what is on its way, and break.

#include <algorithm>
#include <cmath>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "genkidama/core/random.h"
#include "net/peer/mixer.h"
#include "support/catch.h"

using namespace genkidama;

namespace {

/// Machines that do not train: only averaging changes their weights.
class Machines {
 public:
  Machines(Topology topology, MixingRule rule, std::uint64_t seed)
      : topology_(std::move(topology)), random_(seed), weights_(topology_.nodes()) {
    for (std::size_t node = 0; node < topology_.nodes(); ++node) {
      MixerOptions options;
      options.rule = rule;
      options.max_staleness = 1'000'000;
      options.seed = node;
      nodes_.push_back(Mixer::make(options, 2));
      weights_[node] = {static_cast<float>(random_.uniform(-1, 1)), static_cast<float>(node)};
      nodes_[node]->start(weights_[node]);
    }
    for (std::size_t node = 0; node < topology_.nodes(); ++node)
      for (std::size_t other = 0; other < topology_.nodes(); ++other)
        if (node != other) connect(node, other);
  }

  void connect(std::size_t node, std::size_t other) {
    const bool out = topology_.has_edge(node, other), in = topology_.has_edge(other, node);
    if (!out && !in) return;
    nodes_[node]->joined(other,
                         out && in ? PeerFlow::kBoth
                         : out     ? PeerFlow::kSends
                                   : PeerFlow::kReceives,
                         nodes_[other]->round());
  }

  /// A round of each machine; what it sends is delivered at once, before the others' rounds end.
  void round() {
    std::vector<std::vector<OutgoingShare>> out;
    for (std::size_t node = 0; node < nodes_.size(); ++node)
      out.push_back(nodes_[node]->begin(weights_[node]));
    for (std::size_t node = 0; node < nodes_.size(); ++node)
      for (OutgoingShare& each : out[node]) deliver(node, each.neighbour, std::move(each.share));
    for (std::size_t node = 0; node < nodes_.size(); ++node) {
      CHECK_FALSE(nodes_[node]->is_waiting());
      nodes_[node]->end(weights_[node]);
    }
  }

  /// A round of one machine, whose shares are lost with a chance.
  void round_of(std::size_t node, double loss) {
    auto out = nodes_[node]->begin(weights_[node]);
    for (OutgoingShare& each : out) {
      const std::size_t to = each.neighbour;
      if (random_.uniform() >= loss) {
        deliver(node, to, std::move(each.share));
        continue;
      }
      // The link breaks while it is on its way, and comes back.
      nodes_[node]->left(to);
      nodes_[to]->left(node);
      nodes_[node]->settle(to, taken_by(to, node));
      nodes_[to]->settle(node, taken_by(node, to));
      connect(node, to);
      connect(to, node);
    }
    nodes_[node]->end(weights_[node]);
  }

  double spread() const {
    double least = 1e9, most = -1e9;
    for (const auto& each : weights_) {
      least = std::min(least, static_cast<double>(each[1]));
      most = std::max(most, static_cast<double>(each[1]));
    }
    return most - least;
  }
  double mean() const {
    double sum = 0;
    for (const auto& each : weights_) sum += each[1];
    return sum / static_cast<double>(weights_.size());
  }
  double mass() const {
    double sum = 0;
    for (const auto& node : nodes_) sum += node->mass();
    return sum;
  }
  std::size_t size() const { return nodes_.size(); }
  Random& random() { return random_; }

 private:
  void deliver(std::size_t from, std::size_t to, Share share) {
    const bool is_share = share.kind == PeerFrameKind::kShare;
    auto answer = nodes_[to]->take(from, std::move(share));
    if (answer) nodes_[from]->take(to, std::move(*answer));
    if (is_share) nodes_[from]->taken(to);
  }
  std::uint64_t taken_by(std::size_t node, std::size_t from) const {
    const auto found = nodes_[node]->neighbours().find(from);
    return found == nodes_[node]->neighbours().end() ? 0 : found->second.taken_sequence;
  }

  Topology topology_;
  Random random_;
  std::vector<std::vector<float>> weights_;
  std::vector<std::unique_ptr<Mixer>> nodes_;
};

}  // namespace

TEST_CASE("machines agree on the mean, by every rule on every graph that it can use") {
  const auto rule =
      GENERATE(MixingRule::kGala, MixingRule::kDiffusion, MixingRule::kPairs, MixingRule::kPushSum);
  const auto kind = GENERATE(TopologyKind::kDirectedRing, TopologyKind::kRing, TopologyKind::kTorus,
                             TopologyKind::kRandomRegular, TopologyKind::kFull);
  if (needs_undirected(rule) && kind == TopologyKind::kDirectedRing) return;
  CAPTURE(mixing_name(rule), topology_name(kind));
  Machines machines(Topology::make(kind, 8), rule, 5);
  for (int round = 0; round < 200; ++round) machines.round();
  CHECK(machines.spread() < 1e-3);
  CHECK(machines.mean() == Approx(3.5).epsilon(1e-3));
}

TEST_CASE("a disagreement shrinks as the spectral gap says") {
  const Topology topology = Topology::make(TopologyKind::kRing, 12);
  const double gap = spectral_gap(mixing_matrix(topology, MixingRule::kDiffusion));
  Machines machines(topology, MixingRule::kDiffusion, 3);
  for (int round = 0; round < 30; ++round) machines.round();
  const double before = machines.spread();
  for (int round = 0; round < 20; ++round) machines.round();
  CHECK(std::pow(machines.spread() / before, 1.0 / 20) == Approx(1 - gap).margin(0.01));
}

TEST_CASE("push-sum agrees on the mean of a directed graph that is not regular, although shares are lost") {
  const double loss = GENERATE(0.0, 0.3);
  CAPTURE(loss);
  Machines machines(Topology::parse("0 > 1\n1 > 2\n2 > 0\n0 > 3\n3 > 4\n4 > 0\n2 > 4\n", "a graph"),
                    MixingRule::kPushSum, 9);
  for (int turn = 0; turn < 3'000; ++turn) machines.round_of(machines.random().below(machines.size()), loss);
  CHECK(machines.spread() < 1e-3);
  CHECK(machines.mean() == Approx(2).epsilon(2e-3));
}

TEST_CASE("pairs keep the mean although links break while a request is on its way") {
  Machines machines(Topology::make(TopologyKind::kRing, 5), MixingRule::kPairs, 2);
  for (int turn = 0; turn < 2'000; ++turn) machines.round_of(machines.random().below(machines.size()), 0.3);
  CHECK(machines.spread() < 1e-3);
  CHECK(machines.mean() == Approx(2).epsilon(1e-4));
}
