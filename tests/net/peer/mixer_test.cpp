#include "net/peer/mixer.h"

#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "genkidama/wire/peer_frames.h"
#include "support/catch.h"
#include "support/fake_trainer.h"

using namespace genkidama;

namespace {

Share share_of(std::vector<float> weights, std::uint64_t round = 1, std::uint32_t neighbours = 1,
               double mass = 1) {
  Share share;
  share.sequence = round;
  share.round = round;
  share.neighbours = neighbours;
  share.mass = mass;
  share.weights = std::make_shared<const std::vector<float>>(std::move(weights));
  return share;
}

std::unique_ptr<Mixer> mixer(MixingRule rule, std::size_t size = 1, std::uint64_t max_staleness = 2) {
  MixerOptions options;
  options.rule = rule;
  options.max_staleness = max_staleness;
  auto made = Mixer::make(options, size);
  made->start(std::vector<float>(size));
  return made;
}

float mixed(Mixer& node, float own) {
  std::vector<float> weights{own};
  node.begin(weights);
  node.end(weights);
  return weights[0];
}

}  // namespace

TEST_CASE("GALA takes the mean of its own weights and of what came") {
  const auto node = mixer(MixingRule::kGala);
  node->joined(0, PeerFlow::kReceives, 0);
  node->joined(1, PeerFlow::kReceives, 0);
  node->take(0, share_of({3}));
  CHECK(mixed(*node, 1) == 2);
  // Once.
  CHECK(mixed(*node, 1) == 1);
  node->take(0, share_of({4}, 2));
  node->take(1, share_of({7}, 2));
  CHECK(mixed(*node, 1) == 4);
  // Of two the newer one.
  node->take(0, share_of({9}, 3));
  node->take(0, share_of({5}, 4));
  CHECK(mixed(*node, 1) == 3);
  CHECK(node->neighbours().at(0).mixed == 3);
}

TEST_CASE("GALA sends only where it is to send, and waits when nothing came for too long") {
  const auto node = mixer(MixingRule::kGala);
  node->joined(0, PeerFlow::kSends, 0);
  node->joined(1, PeerFlow::kReceives, 0);
  std::vector<float> weights{1};
  for (int round = 0; round < 2; ++round) {
    const auto out = node->begin(weights);
    REQUIRE(out.size() == 1);
    CHECK(out[0].neighbour == 0);
    CHECK_FALSE(node->is_waiting());
    node->end(weights);
  }
  node->begin(weights);
  CHECK(node->is_waiting());
  SECTION("until it comes") {
    node->take(1, share_of({3}));
    CHECK_FALSE(node->is_waiting());
    CHECK(node->end(weights).mixed == 1);
    CHECK(weights[0] == 2);
  }
  SECTION("or its link is gone") {
    node->left(1);
    CHECK_FALSE(node->is_waiting());
    CHECK(node->end(weights).mixed == 0);
  }
  SECTION("or the deadline has passed") {
    const MixReport report = node->end(weights);
    CHECK(report.mixed == 0);
    CHECK(report.missing == 1);
    CHECK(weights[0] == 1);
  }
}

TEST_CASE("diffusion combines with Metropolis weights of the numbers of neighbours in the shares") {
  const auto node = mixer(MixingRule::kDiffusion);
  for (std::size_t number = 0; number < 2; ++number) node->joined(number, PeerFlow::kBoth, 0);
  std::vector<float> weights{0};
  const auto out = node->begin(weights);
  REQUIRE(out.size() == 2);
  CHECK(out[0].share.neighbours == 2);
  CHECK(node->is_waiting());
  node->take(0, share_of({6}, 1, 1));
  CHECK(node->is_waiting());
  node->take(1, share_of({5}, 1, 4));
  CHECK_FALSE(node->is_waiting());
  CHECK(node->end(weights).mixed == 2);
  // 6 / (1 + max(2, 1)) + 5 / (1 + max(2, 4)).
  CHECK(weights[0] == Approx(2 + 1));
}

TEST_CASE("diffusion uses the share of the round, also when a faster neighbour has sent the next one") {
  const auto node = mixer(MixingRule::kDiffusion);
  node->joined(0, PeerFlow::kBoth, 0);
  node->joined(1, PeerFlow::kBoth, 0);
  std::vector<float> weights{0};
  node->begin(weights);
  node->take(0, share_of({2}, 1, 1));
  node->take(0, share_of({4}, 2, 1));
  node->take(1, share_of({0}, 1, 1));
  node->end(weights);
  CHECK(weights[0] == Approx(2.0 / 3));
  weights[0] = 0;
  node->begin(weights);
  node->take(1, share_of({0}, 2, 1));
  CHECK_FALSE(node->is_waiting());
  node->end(weights);
  CHECK(weights[0] == Approx(4.0 / 3));
}

TEST_CASE(
    "diffusion goes on without a neighbour that is gone, and one that joins takes part from the next round") {
  const auto node = mixer(MixingRule::kDiffusion);
  node->joined(0, PeerFlow::kBoth, 0);
  std::vector<float> weights{1};
  node->begin(weights);
  node->joined(1, PeerFlow::kBoth, 40);
  node->left(0);
  CHECK_FALSE(node->is_waiting());
  node->end(weights);
  CHECK(weights[0] == 1);
  // Its rounds are further on, and nobody waits for those that it will never send.
  node->begin(weights);
  CHECK(node->round() == 40);
  CHECK(node->is_waiting());
  node->take(1, share_of({3}, 41, 1));
  CHECK_FALSE(node->is_waiting());
  node->end(weights);
  CHECK(weights[0] == 2);
}

TEST_CASE("both ends of a pair move to the middle, whatever they have learnt meanwhile") {
  const auto active = mixer(MixingRule::kPairs), passive = mixer(MixingRule::kPairs);
  active->joined(0, PeerFlow::kBoth, 0);
  passive->joined(0, PeerFlow::kBoth, 0);
  std::vector<float> a{10}, b{2};
  passive->begin(b);  // its own request is on its way
  const auto out = active->begin(a);
  REQUIRE(out.size() == 1);
  CHECK(out[0].share.kind == PeerFrameKind::kRequest);
  CHECK(active->is_waiting());
  const auto answer = passive->take(0, out[0].share);
  REQUIRE(answer);
  CHECK((*answer->weights)[0] == 2);
  CHECK((active->take(0, *answer), !active->is_waiting()));
  active->end(a);
  CHECK(a[0] == 6);
  // What the passive end trained since is kept.
  b[0] += 100;
  passive->end(b);
  CHECK(b[0] == 106);
}

TEST_CASE("a ring of three that all ask at once does not lock, and keeps its sum") {
  std::vector<std::unique_ptr<Mixer>> nodes;
  std::vector<std::vector<float>> weights{{1}, {5}, {12}};
  for (std::size_t i = 0; i < 3; ++i) {
    nodes.push_back(mixer(MixingRule::kPairs));
    nodes[i]->joined((i + 1) % 3, PeerFlow::kBoth, 0);
  }
  // Each asks the next one, before any answers.
  std::vector<Share> requests;
  for (std::size_t i = 0; i < 3; ++i) requests.push_back(nodes[i]->begin(weights[i]).at(0).share);
  std::vector<Share> answers;
  for (std::size_t i = 0; i < 3; ++i) answers.push_back(nodes[(i + 1) % 3]->take(i, requests[i]).value());
  for (std::size_t i = 0; i < 3; ++i) {
    nodes[i]->take((i + 1) % 3, answers[i]);
    CHECK_FALSE(nodes[i]->is_waiting());
    nodes[i]->end(weights[i]);
  }
  CHECK(weights[0][0] + weights[1][0] + weights[2][0] == Approx(18));
}

TEST_CASE("an answer that was lost with its link comes again, and counts once") {
  const auto active = mixer(MixingRule::kPairs), passive = mixer(MixingRule::kPairs);
  active->joined(0, PeerFlow::kBoth, 0);
  passive->joined(0, PeerFlow::kBoth, 0);
  std::vector<float> a{10}, b{2};
  const Share request = active->begin(a).at(0).share;
  passive->begin(b);
  const auto answer = passive->take(0, request);
  REQUIRE(answer);
  active->left(0);
  passive->left(0);
  active->end(a);
  CHECK(a[0] == 10);
  passive->end(b);
  CHECK(b[0] == 6);
  // The new link's first frames.
  active->settle(0, passive->neighbours().at(0).taken_sequence);
  active->joined(0, PeerFlow::kBoth, 1);
  const auto again = passive->settle(0, active->neighbours().at(0).taken_sequence);
  REQUIRE(again);
  active->take(0, *again);
  active->take(0, *again);
  active->begin(a);
  active->end(a);
  CHECK(a[0] == 6);
}

TEST_CASE("a request that never arrived changes neither end") {
  const auto active = mixer(MixingRule::kPairs);
  active->joined(0, PeerFlow::kBoth, 0);
  std::vector<float> a{10};
  active->begin(a);
  active->left(0);
  active->end(a);
  active->settle(0, 0);
  active->joined(0, PeerFlow::kBoth, 0);
  CHECK(active->begin(a).size() == 1);
  CHECK(a[0] == 10);
}

TEST_CASE("two of push-sum whose shares are both unanswered do not wait for each other's shares") {
  const auto a = mixer(MixingRule::kPushSum, 1, 6), b = mixer(MixingRule::kPushSum, 1, 6);
  const auto both = {a.get(), b.get()};
  std::vector<float> weights{1};
  for (Mixer* node : both) {
    node->joined(0, PeerFlow::kBoth, 0);
    // Their answers are slow.
    REQUIRE(node->begin(weights).size() == 1);
    CHECK_FALSE(node->is_waiting());
    node->end(weights);
    for (int round = 0; round < 5; ++round) {
      CHECK(node->begin(weights).empty());
      CHECK_FALSE(node->is_waiting());
      node->end(weights);
    }
  }
  // Whoever has sent nothing for too long waits until its link has told what became of the share.
  for (Mixer* node : both) {
    CHECK(node->begin(weights).empty());
    CHECK(node->is_waiting());
    node->taken(0);
    CHECK_FALSE(node->is_waiting());
    node->end(weights);
  }
  // With a share on its way each waits for what the other sends in its turn.
  CHECK(a->begin(weights).size() == 1);
  CHECK(a->is_waiting());
  a->take(0, share_of({3}));
  CHECK_FALSE(a->is_waiting());
}

TEST_CASE("push-sum does not wait for what became of a share when the link is gone") {
  const auto node = mixer(MixingRule::kPushSum, 1, 1);
  node->joined(0, PeerFlow::kSends, 0);
  std::vector<float> weights{1};
  REQUIRE(node->begin(weights).size() == 1);
  node->end(weights);
  CHECK(node->begin(weights).empty());
  CHECK(node->is_waiting());
  node->left(0);
  CHECK_FALSE(node->is_waiting());
}

TEST_CASE("push-sum's weights count their mass") {
  const auto node = mixer(MixingRule::kPushSum);
  node->joined(0, PeerFlow::kSends, 0);
  node->joined(1, PeerFlow::kReceives, 0);
  std::vector<float> weights{4};
  const auto out = node->begin(weights);
  REQUIRE(out.size() == 1);
  CHECK(out[0].share.mass == 0.5);
  CHECK((*out[0].share.weights)[0] == 4);
  // Two before the next round count both.
  node->take(1, share_of({1}, 1, 1, 0.25));
  node->take(1, share_of({2}, 2, 1, 0.25));
  node->end(weights);
  CHECK(node->mass() == 1);
  CHECK(weights[0] == Approx(0.5 * 4 + 0.25 * 1 + 0.25 * 2));
}

TEST_CASE("push-sum's mass stays what a neighbour takes, whatever the others claim") {
  const auto node = mixer(MixingRule::kPushSum);
  node->joined(0, PeerFlow::kReceives, 0);
  node->joined(1, PeerFlow::kReceives, 0);
  node->joined(2, PeerFlow::kSends, 0);
  std::vector<float> weights{4};
  for (std::uint64_t round = 1; round <= 3; ++round) {
    for (const std::size_t liar : {0, 1}) node->take(liar, share_of({2}, round, 1, kMostMass));
    node->end(weights);
  }
  CHECK(node->mass() == kMostMass);
  CHECK(weights[0] == Approx(2));
  const auto out = node->begin(weights);
  REQUIRE(out.size() == 1);
  CHECK(out[0].share.mass <= kMostMass);
}

TEST_CASE(
    "push-sum sends nothing more before it knows what became of the last, and takes back what was lost") {
  const auto node = mixer(MixingRule::kPushSum);
  node->joined(0, PeerFlow::kSends, 0);
  std::vector<float> weights{4};
  node->begin(weights);
  node->end(weights);
  CHECK(node->begin(weights).empty());
  node->end(weights);
  CHECK(node->mass() == 0.5);
  SECTION("it arrived") {
    node->taken(0);
    CHECK(node->begin(weights).size() == 1);
    CHECK(node->mass() == 0.25);
  }
  SECTION("it was lost with the link") {
    node->left(0);
    weights[0] = 0;
    node->settle(0, 0);
    node->begin(weights);
    node->end(weights);
    CHECK(node->mass() == 1);
    CHECK(weights[0] == Approx(2));
  }
  SECTION("the link was lost behind it") {
    node->left(0);
    node->settle(0, 1);
    node->begin(weights);
    node->end(weights);
    CHECK(node->mass() == 0.5);
  }
  SECTION("the neighbour is a new process") {
    node->left(0);
    node->renewed(0);
    node->begin(weights);
    node->end(weights);
    CHECK(node->mass() == 1);
  }
}
