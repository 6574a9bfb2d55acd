// What a merge rule is worth where some of the Children send wrong weights.
//
//   attacked_parent [--merge average] [--attack none] [--scale 1] [--exchange rounds] [--task cart-pole]
//                   [--steps 200000] [--seed 1] [--machines 8] [--attackers 2] [--assumed 2]
//                   [--episodes 100] [--alpha 0.5] [--beta 0.5]
//
// Simulates a Parent and its Children (genkidama/sim/simulation.h), so the merges and the exchange are the
// real ones and a seed gives the same figures again. The first --machines minus --attackers learn with the
// preset `tuned`, the others learn nothing and send, in place of the weights W that the Parent has sent them,
// others of --scale times their norm: `negative` is -W, `noise` is normal noise, and `constant` has the same
// number in each place. With --attack none all machines learn. --steps counts the steps of those that learn;
// --assumed is what the rule is told (MergeOptions::attackers).
//
// Prints one row of comma-separated values: exchange, merge, attack, scale, task, steps, seed, updates, the
// mean return of --episodes greedy episodes in the end, and the curve: the mean return of ten greedy episodes
// after each tenth of the run, separated by spaces.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/core/random.h"
#include "genkidama/env/bundled_tasks.h"
#include "genkidama/nn/networks.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/params/merge_methods.h"
#include "genkidama/params/weighted_average.h"
#include "genkidama/run/preset.h"
#include "genkidama/sim/simulation.h"
#include "support/arguments.h"

namespace genkidama::benchmarks {
namespace {

constexpr std::uint64_t kPointsOfCurve = 10;
constexpr int kEpisodesOfPoint = 10;
constexpr std::uint64_t kEvaluationSeed = 7;

/// A Child that learns nothing and sends wrong weights.
class Attacker final : public LocalTrainer {
 public:
  Attacker(const CoreOrchestrator& like, std::string attack, double scale, double beta, std::uint64_t seed,
           std::uint64_t steps)
      : layout_(like.layout()),
        policy_(like.policy_description()),
        attack_(std::move(attack)),
        scale_(scale),
        beta_(beta),
        random_(seed),
        steps_(steps),
        weights_(layout_.size()),
        sent_(layout_.size()) {
    like.read_weights(weights_);
    forge();
  }

  const ParameterLayout& layout() const override { return layout_; }
  PolicyDescription policy_description() const override { return policy_; }
  RoundReport train_round() override {
    forge();
    is_forged_ = true;
    RoundReport report;
    report.steps_in_round = steps_;
    return report;
  }
  /// Before a round, where its changes are counted from; after one, what it pretends to have learnt.
  void read_weights(std::span<float> out) const override {
    const auto& from = is_forged_ ? sent_ : weights_;
    std::copy(from.begin(), from.end(), out.begin());
  }
  /// The Child has averaged what it has sent with W_P, by beta; this takes W_P out of that again.
  void write_weights(std::span<const float> in) override {
    const double keep = is_forged_ ? 1 - beta_ : 0;
    for (std::size_t i = 0; i < in.size(); ++i)
      weights_[i] = static_cast<float>((in[i] - keep * sent_[i]) / (1 - keep));
    is_forged_ = false;
  }

 private:
  void forge() {
    const double norm = euclidean_norm(weights_);
    for (std::size_t i = 0; i < sent_.size(); ++i) {
      if (attack_ == "negative") {
        sent_[i] = -weights_[i];
      } else {
        sent_[i] = attack_ == "noise" ? static_cast<float>(random_.normal()) : 1.0F;
      }
    }
    const double scale = scale_ * norm / euclidean_norm(sent_);
    for (float& value : sent_) value = static_cast<float>(scale * static_cast<double>(value));
  }

  const ParameterLayout layout_;
  const PolicyDescription policy_;
  const std::string attack_;
  const double scale_;
  const double beta_;
  Random random_;
  const std::uint64_t steps_;
  std::vector<float> weights_, sent_;
  bool is_forged_ = false;
};

double greedy_mean(CoreOrchestrator& trainer, std::span<const float> weights, int episodes) {
  trainer.write_weights(weights);
  double sum = 0;
  for (const EpisodeResult& result :
       trainer.evaluate({.episodes = episodes, .seed = kEvaluationSeed, .greedy = true})) {
    sum += result.episode_return;
  }
  return sum / episodes;
}

OrchestratorOptions trainer_options(const Hyperparameters& hyperparameters, std::uint64_t seed) {
  OrchestratorOptions options;
  options.mode = WorkerMode::kCaller;
  options.workers = 1;
  options.seed = seed;
  options.hyperparameters = hyperparameters;
  return options;
}

int run(int argc, char** argv) {
  const Arguments arguments(argc, argv,
                            {{"--merge", "average"},
                             {"--attack", "none"},
                             {"--scale", "1"},
                             {"--exchange", "rounds"},
                             {"--task", "cart-pole"},
                             {"--steps", "200000"},
                             {"--seed", "1"},
                             {"--machines", "8"},
                             {"--attackers", "2"},
                             {"--assumed", "2"},
                             {"--episodes", "100"},
                             {"--alpha", "0.5"},
                             {"--beta", "0.5"}});
  set_log_level(LogLevel::kWarning);
  const auto integer = [&](const char* name) { return static_cast<std::uint64_t>(arguments.number(name)); };
  const std::string& attack = arguments.text("--attack");
  if (attack != "none" && attack != "negative" && attack != "noise" && attack != "constant")
    throw ArgumentError("--attack is '" + attack + "'; expected none, negative, noise or constant");
  const auto kind = merge_kind_of(arguments.text("--merge"));
  if (!kind) throw ArgumentError("--merge is '" + arguments.text("--merge") + "'; expected a merge rule");
  const auto exchange = exchange_of(arguments.text("--exchange"));
  if (!exchange || *exchange == ExchangeKind::kSegments)
    throw ArgumentError("--exchange is '" + arguments.text("--exchange") + "'; expected each or rounds");

  const std::uint64_t attackers = attack == "none" ? 0 : integer("--attackers"), seed = integer("--seed"),
                      steps = integer("--steps");
  if (attackers >= integer("--machines")) throw ArgumentError("--attackers must be fewer than --machines");
  const std::uint64_t honest = integer("--machines") - attackers;
  const run::Preset preset = run::tuned_preset();
  const Hyperparameters hyperparameters =
      run::with_schedule_end(run::hyperparameters_for(preset, *exchange), steps, static_cast<int>(honest));
  const EnvironmentFactory make = bundled_task(arguments.text("--task")).make;

  sim::SimulationOptions options;
  options.seed = seed;
  options.exchange.kind = *exchange;
  options.exchange.alpha = arguments.number("--alpha");
  options.exchange.beta = arguments.number("--beta");
  options.exchange.outer_optimizer = preset.rounds.outer_optimizer;
  MergeOptions merge;
  merge.kind = *kind;
  merge.attackers = integer("--assumed");
  options.exchange.merge_method = make_merge_method(merge);

  std::vector<std::unique_ptr<CoreOrchestrator>> learners;
  std::vector<std::unique_ptr<Attacker>> liars;
  std::vector<LocalTrainer*> trainers;
  for (std::uint64_t i = 0; i < honest; ++i) {
    learners.push_back(std::make_unique<CoreOrchestrator>(
        make, mlp_network(), trainer_options(hyperparameters, derive_seed(seed, {i + 1}))));
    trainers.push_back(learners.back().get());
  }
  for (std::uint64_t i = 0; i < attackers; ++i) {
    const double beta = *exchange == ExchangeKind::kRounds ? 1 : options.exchange.beta;
    liars.push_back(std::make_unique<Attacker>(*learners.front(), attack, arguments.number("--scale"), beta,
                                               derive_seed(seed, {1000 + i}),
                                               static_cast<std::uint64_t>(hyperparameters.round_steps)));
    trainers.push_back(liars.back().get());
  }
  // Machines are equal but for a tenth, so that the order in which they are merged changes.
  for (std::size_t i = 0; i < trainers.size(); ++i) {
    sim::SimulatedMachine machine;
    machine.machine.seconds_per_step = 1e-5;
    machine.machine.jitter = 0.1;
    machine.link.latency_seconds = 1e-3;
    options.machines.push_back(machine);
  }
  options.exchange.rounds.first_children = trainers.size();

  CoreOrchestrator evaluator(make, mlp_network(), trainer_options(hyperparameters, seed));
  std::vector<float> weights(evaluator.layout().size());
  std::uint64_t points = 0, updates = 0;
  std::string curve;
  sim::Simulation simulation(std::move(options), trainers);
  const auto summary = simulation.run([&](const sim::SimulatedUpdate& update) {
    updates = update.update;
    std::copy(update.weights.begin(), update.weights.end(), weights.begin());
    std::uint64_t played = 0;
    for (const auto& learner : learners) played += learner->environment_steps();
    if (played * kPointsOfCurve >= (points + 1) * steps) {
      points = played * kPointsOfCurve / steps;
      curve += fmt::format("{}{:.0f}", curve.empty() ? "" : " ",
                           greedy_mean(evaluator, weights, kEpisodesOfPoint));
    }
    return played < steps;
  });
  if (!summary.end.empty()) throw Error("the simulation ended early: " + summary.end);
  const double mean = greedy_mean(evaluator, weights, static_cast<int>(arguments.number("--episodes")));
  fmt::print("{},{},{},{},{},{},{},{},{:.1f},{}\n", exchange_name(*exchange), merge_kind_name(*kind), attack,
             attackers > 0 ? arguments.text("--scale") : "", arguments.text("--task"), steps, seed, updates,
             mean, curve);
  return 0;
}

}  // namespace
}  // namespace genkidama::benchmarks

int main(int argc, char** argv) {
  using namespace genkidama::benchmarks;
  return exit_code_of("attacked_parent", [&] { return run(argc, argv); });
}
