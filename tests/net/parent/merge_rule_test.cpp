// A Parent whose user merges by a rule of their own.
#include "genkidama/params/merge_rule.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <stdexcept>
#include <vector>

#include "genkidama/params/weighted_average.h"
#include "net/fixture.h"
#include "net/log_record.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/raw_peer.h"

using namespace genkidama;
using namespace genkidama::test;

namespace {

/// The greater of each two weights: no average.
void take_greater(std::span<float> parent, std::span<const float> child) {
  for (std::size_t i = 0; i < parent.size(); ++i) parent[i] = std::max(parent[i], child[i]);
}

ParentOptions with_rule(MergeRule rule, double alpha = 0.5) {
  ParentOptions options = parent_options(alpha);
  options.merge_rule = std::move(rule);
  // Sockets that do not answer when they are told to close are not waited for.
  options.limits.close_timeout = Milliseconds(100);
  return options;
}

/// A Child made of a socket, which sends weights of its own choice.
struct Sender {
  Sender(std::uint16_t port, const std::string& name) : peer(port) {
    session = peer.join(small_layout(), name).session;
  }
  void send(std::span<const float> weights) {
    FrameHeader header;
    header.session = session;
    header.sequence = ++sequence;
    peer.send_weights(header, weights);
  }
  void exchange(std::span<const float> weights) {
    send(weights);
    std::vector<float> answer(weights.size());
    REQUIRE(peer.read_weights(answer).sequence == sequence);
  }

  RawPeer peer;
  std::uint64_t session = 0, sequence = 0;
};

/// A way to fail, and what the Parent says then.
struct Fault {
  std::function<void(std::span<float>)> happen;
  std::string text;
};

const std::vector<Fault> kFaults = {
    {[](std::span<float>) { throw std::runtime_error("division by cucumber"); },
     "it threw: division by cucumber"},
    {[](std::span<float>) { throw 7; }, "it threw what is no std::exception"},
    {[](std::span<float> parent) { parent[13] = std::numeric_limits<float>::quiet_NaN(); },
     "it made weight 13 (tensor 'pi1.bias', element 1) nan"},
    {[](std::span<float> parent) { parent[0] = -std::numeric_limits<float>::infinity(); },
     "it made weight 0 (tensor 'pi1.weight', element 0) -inf"},
    {[](std::span<float> parent) { parent[5] = 1e6F; },
     "it made weights of norm 1e+06, out of proportion to the "},
};

}  // namespace

TEST_CASE("a merge rule is called once for every merge, in order, with what the observer is told after it",
          "[merge_rule]") {
  std::vector<MergeContext> contexts;
  std::vector<std::vector<float>> children;
  std::vector<ParentUpdate> updates;
  ParentOptions options = with_rule(
      [&](std::span<float> parent, std::span<const float> child, const MergeContext& context) {
        CHECK(updates.size() == contexts.size());  // the one before was told of
        contexts.push_back(context);
        children.emplace_back(child.begin(), child.end());
        weighted_average(parent, child, context.alpha);
      },
      0.25);
  options.first_update = 1000;
  RunningParent running(options, [&](const ParentUpdate& update) { updates.push_back(update); });
  FakeTrainer slow_trainer, quick_trainer;
  slow_trainer.on_round = [&](std::vector<float>&) {
    if (slow_trainer.rounds != 2) return;
    Child quick(child_options(running.port(), 0.5, "quick"), quick_trainer);
    quick.run(exchanges(3));
  };
  Child slow(child_options(running.port(), 0.5, "slow"), slow_trainer);
  slow.run(exchanges(3));
  running.parent.stop();

  REQUIRE(contexts.size() == 6);
  REQUIRE(updates.size() == 6);
  const std::vector<std::string> names = {"slow", "quick", "quick", "quick", "slow", "slow"};
  const std::vector<std::uint64_t> sequences = {1, 1, 2, 3, 2, 3};
  const std::vector<std::uint64_t> staleness = {0, 0, 0, 0, 3, 0};
  for (std::size_t i = 0; i < contexts.size(); ++i) {
    CAPTURE(i);
    CHECK(contexts[i].child == names[i]);
    CHECK(contexts[i].sequence == sequences[i]);
    CHECK(contexts[i].staleness == staleness[i]);
    CHECK(contexts[i].update == 1001 + i);
    CHECK(contexts[i].session == contexts[names[i] == "slow" ? 0 : 1].session);
    CHECK(contexts[i].since_child_began.steps == 20 * sequences[i]);
    CHECK(contexts[i].since_child_began.episodes == 2 * sequences[i]);
    CHECK(contexts[i].mean_return == Approx(static_cast<double>(sequences[i]) + 0.5));
    CHECK(contexts[i].alpha == 0.25);
    CHECK(contexts[i].layout == small_layout());
    CHECK(updates[i].update == contexts[i].update);
    CHECK(updates[i].session == contexts[i].session);
    CHECK(updates[i].sequence == contexts[i].sequence);
    CHECK(updates[i].staleness == contexts[i].staleness);
    const FakeTrainer& trainer = names[i] == "slow" ? slow_trainer : quick_trainer;
    const auto round = static_cast<std::size_t>(sequences[i] - 1);
    CHECK(same_bits(children[i], trainer.sent.at(round)));
  }
  CHECK(contexts[0].session != contexts[1].session);
}

TEST_CASE("what the rule makes is W_P, and what the Child averages with", "[merge_rule]") {
  RunningParent running(with_rule([](std::span<float> parent, std::span<const float> child,
                                     const MergeContext&) { take_greater(parent, child); }));
  FakeTrainer trainer;
  Child child(child_options(running.port(), 0.6), trainer);
  child.run(exchanges(10));
  auto parent = running.initial;
  REQUIRE(trainer.sent.size() == 10);
  for (std::size_t round = 0; round < 10; ++round) {
    take_greater(parent, trainer.sent[round]);
    auto expected = trainer.sent[round];
    weighted_average(expected, parent, 0.6);
    CHECK(same_bits(trainer.written[round + 1], expected));
  }
  CHECK(same_bits(running.parent.weights(), parent));
  CHECK(running.parent.status().failure.empty());
}

TEST_CASE("a rule that averages is the same as none, bit for bit", "[merge_rule]") {
  const auto run = [](const MergeRule& rule) {
    RunningParent running(with_rule(rule, 0.3));
    FakeTrainer trainer;
    Child child(child_options(running.port(), 0.6), trainer);
    child.run(exchanges(20));
    REQUIRE(running.parent.status().updates == 20);
    auto both = running.parent.weights();
    both.insert(both.end(), trainer.weights().begin(), trainer.weights().end());
    return both;
  };
  const auto average = [](std::span<float> parent, std::span<const float> child,
                          const MergeContext& context) { weighted_average(parent, child, context.alpha); };
  CHECK(same_bits(run(average), run({})));
}

TEST_CASE("a rule that fails ends the run with its fault, and W_P stays as it was", "[merge_rule]") {
  const Fault& fault = kFaults.at(GENERATE(range(std::size_t{0}, std::size_t{5})));
  CAPTURE(fault.text);
  LogRecord log;
  std::uint64_t calls = 0, observed = 0;
  RunningParent running(
      with_rule([&](std::span<float> parent, std::span<const float> child, const MergeContext& context) {
        ++calls;
        weighted_average(parent, child, context.alpha);
        if (context.update == 3) fault.happen(parent);
      }),
      [&](const ParentUpdate&) { ++observed; });
  const auto weights = [](unsigned seed) { return random_weights(small_layout().size(), seed); };
  Sender good(running.port(), "good"), unlucky(running.port(), "unlucky");
  good.exchange(weights(1));
  unlucky.exchange(weights(2));
  unlucky.send(weights(3));
  // Both are told that the run is over; nobody is told to stay away.
  REQUIRE(unlucky.peer.read_message<EndMessage>().reason == "the Parent's merge rule failed");
  REQUIRE(good.peer.read_message<EndMessage>().reason == "the Parent's merge rule failed");
  // Weights that come now are not merged, by no rule.
  good.send(weights(4));
  CHECK_THROWS_WITH(RawPeer(running.port()), Catch::Contains("cannot connect"));
  running.parent.stop();

  auto expected = running.initial;
  weighted_average(expected, weights(1), 0.5);
  weighted_average(expected, weights(2), 0.5);
  CHECK(same_bits(running.parent.weights(), expected));
  const ParentStatus status = running.parent.status();
  CHECK(status.updates == 2);
  CHECK(calls == 3);
  CHECK(observed == 2);
  CHECK_THAT(status.failure,
             Catch::StartsWith("the merge rule failed at update 3, on the weights of 'unlucky'") &&
                 Catch::Contains(fault.text) && Catch::Contains("sequence 2"));
  CHECK(log.holds("parent: the merge rule failed", fault.text));
  // The Children did nothing wrong.
  CHECK(status.refused_updates == 0);
  CHECK(status.refused_peers == 0);
  CHECK(status.last_refusal.empty());
  CHECK(status.left == 2);
}

TEST_CASE("the run of a Child ends when the Parent's rule fails", "[merge_rule]") {
  const LogRecord quiet;
  RunningParent running(with_rule([](std::span<float>, std::span<const float>, const MergeContext& context) {
    if (context.update == 2) throw std::runtime_error("no");
  }));
  FakeTrainer trainer;
  Child child(child_options(running.port()), trainer);
  const auto ten_rounds = [](const ChildProgress& progress) { return progress.rounds < 10; };
  CHECK(child.run(ten_rounds) == "the Parent ended the run: the Parent's merge rule failed");
  CHECK(trainer.rounds == 2);
  CHECK(same_bits(running.parent.weights(), running.initial));
}

TEST_CASE("a Parent without a limit of the norm has none for its rule", "[merge_rule]") {
  ParentOptions options = with_rule(
      [](std::span<float> parent, std::span<const float>, const MergeContext&) { parent[5] = 1e30F; });
  options.max_norm_growth = 0;
  RunningParent running(options);
  Sender sender(running.port(), "child");
  sender.exchange(random_weights(small_layout().size(), 1));
  CHECK(running.parent.weights()[5] == 1e30F);
  CHECK(running.parent.status().failure.empty());
}

TEST_CASE("a rule may ask its Parent for status and weights, and stop it", "[merge_rule]") {
  std::unique_ptr<RunningParent> running;
  Gate made;
  bool same = false;
  std::uint64_t updates = 99;
  running = std::make_unique<RunningParent>(
      with_rule([&](std::span<float> parent, std::span<const float> child, const MergeContext& context) {
        if (!made.wait()) return;
        updates = running->parent.status().updates;
        same = same_bits(running->parent.weights(), parent);
        weighted_average(parent, child, context.alpha);
        // Half a merge is nobody's business.
        same = same && !same_bits(running->parent.weights(), parent);
        running->parent.stop("one is enough");
      }));
  made.open();
  FakeTrainer trainer;
  Child child(child_options(running->port()), trainer);
  const auto ten_rounds = [](const ChildProgress& progress) { return progress.rounds < 10; };
  CHECK(child.run(ten_rounds) == "the Parent ended the run: one is enough");
  running->parent.stop();
  CHECK(updates == 0);
  CHECK(same);
  CHECK(running->parent.status().updates == 1);
}

TEST_CASE("a rule that keeps a vote of each Child can drop those of Children that have gone",
          "[merge_rule]") {
  // The median of the votes of those that are there, as a trimmed mean of three would be.
  struct Votes {
    void operator()(std::span<float> parent, std::span<const float> child, const MergeContext& context) {
      CHECK(std::is_sorted(context.present.begin(), context.present.end()));
      of[context.session].assign(child.begin(), child.end());
      std::erase_if(of, [&](const auto& vote) {
        return !std::binary_search(context.present.begin(), context.present.end(), vote.first);
      });
      for (std::size_t i = 0; i < parent.size(); ++i) {
        std::vector<float> values;
        for (const auto& [session, weights] : of) values.push_back(weights[i]);
        std::sort(values.begin(), values.end());
        parent[i] = values[values.size() / 2];
      }
    }
    std::map<std::uint64_t, std::vector<float>> of;
  } votes;
  RunningParent running(with_rule(std::ref(votes)));
  const auto all = [](float value) { return std::vector<float>(small_layout().size(), value); };
  Sender one(running.port(), "one"), two(running.port(), "two");
  {
    Sender high(running.port(), "high");
    high.exchange(all(100));
    two.exchange(all(3));
    one.exchange(all(2));
    CHECK(same_bits(running.parent.weights(), all(3)));
  }
  REQUIRE(eventually([&] { return running.parent.status().children.size() == 2; }));
  two.exchange(all(1));
  CHECK(same_bits(running.parent.weights(), all(2)));
  running.parent.stop();
  CHECK(votes.of.size() == 2);
}
