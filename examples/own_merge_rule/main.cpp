// Your own merge rule, at the Parent: the longer ago a Child was last sent the weights, the less its own
// count. As in asynchronous federated optimization (Xie, Koyejo and Gupta, 2019), alpha falls with the
// staleness.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <map>
#include <span>
#include <thread>
#include <vector>

#include "genkidama/env/cart_pole.h"
#include "genkidama/net/child.h"
#include "genkidama/net/parent.h"
#include "genkidama/nn/networks.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/params/merge_rule.h"
#include "genkidama/params/weighted_average.h"

namespace {

double alpha_of(const genkidama::MergeContext& context) {
  return context.alpha / std::sqrt(1.0 + static_cast<double>(context.staleness));
}

void merge_by_staleness(std::span<float> parent, std::span<const float> child,
                        const genkidama::MergeContext& context) {
  genkidama::weighted_average(parent, child, alpha_of(context));
}

double distance(std::span<const float> a, std::span<const float> b) {
  std::vector<float> difference(a.begin(), a.end());
  for (std::size_t i = 0; i < difference.size(); ++i) difference[i] -= b[i];
  return genkidama::euclidean_norm(difference);
}

// How far the rule has let merges of one staleness move the Parent's weights towards the Child's.
struct Moves {
  std::uint64_t merges = 0;
  double expected = 0, seen = 0;
};

// The rule above and a look at what it does, which a program of yours would not need.
class WatchedRule {
 public:
  void operator()(std::span<float> parent, std::span<const float> child,
                  const genkidama::MergeContext& context) {
    before_.assign(parent.begin(), parent.end());
    merge_by_staleness(parent, child, context);
    Moves& moves = moves_[context.staleness];
    ++moves.merges;
    moves.expected = alpha_of(context);
    moves.seen = distance(before_, parent) / distance(before_, child);
    if (context.staleness > 0) ++stale_;
  }

  std::uint64_t stale() const { return stale_; }
  // Once the Parent has stopped.
  const std::map<std::uint64_t, Moves>& moves() const { return moves_; }

 private:
  std::vector<float> before_;
  std::map<std::uint64_t, Moves> moves_;  // by staleness
  std::atomic<std::uint64_t> stale_{0};   // the Children's threads ask
};

genkidama::OrchestratorOptions options(int round_steps) {
  genkidama::OrchestratorOptions options;
  options.workers = 1;
  options.hyperparameters.round_steps = round_steps;
  return options;
}

}  // namespace

int main() {
  // Two machines in one program. The slow one plays long rounds, and merges what it learnt from old weights.
  genkidama::CoreOrchestrator quick(genkidama::make_cart_pole, genkidama::thesis_network(), options(200));
  genkidama::CoreOrchestrator slow(genkidama::make_cart_pole, genkidama::thesis_network(), options(2'000));
  std::vector<float> weights(quick.layout().size());
  quick.read_weights(weights);

  WatchedRule rule;
  genkidama::ParentOptions parent_options;
  parent_options.listen = {genkidama::Endpoint::parse("127.0.0.1:0")};
  parent_options.alpha = 0.5;
  parent_options.merge_rule = std::ref(rule);
  genkidama::Parent parent(parent_options, quick.layout(), weights);
  parent.start();

  const auto train = [&](genkidama::CoreOrchestrator& trainer) {
    genkidama::ChildOptions child_options;
    child_options.connect = genkidama::Endpoint{"127.0.0.1", parent.ports().front()};
    child_options.beta = 1;
    genkidama::Child(child_options, trainer).run([&](const genkidama::ChildProgress&) {
      return rule.stale() < 10 && parent.status().failure.empty();
    });
  };
  std::thread other([&] { train(quick); });
  train(slow);
  other.join();
  parent.stop();

  fmt::print("staleness  merges  alpha  of the way to the Child's weights\n");
  double wrong = 0;
  for (const auto& [staleness, moves] : rule.moves()) {
    fmt::print("{:9}  {:6}  {:5.3f}  {:.3f}\n", staleness, moves.merges, moves.expected, moves.seen);
    wrong = std::max(wrong, std::abs(moves.seen - moves.expected));
  }
  return parent.status().failure.empty() && rule.stale() >= 10 && wrong < 1e-3 ? 0 : 1;
}
