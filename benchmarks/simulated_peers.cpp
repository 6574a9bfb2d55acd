// Peers in virtual time: how soon what one machine finds reaches all, how far they are apart, and what faults
// cost.
//
//   simulated_peers diffusion [--machines 4,8,16,32,64]
//   simulated_peers distance [--machines 16] [--rounds 400] [--seed 1]
//   simulated_peers faults [--rule diff-dac] [--fault none] [--machines 4] [--task lunar-lander] [--seed 1]
//                          [--step-us 600] [--seconds 90] [--episodes 100]
//
// `diffusion` prints for each graph its diameter, its spectral gap under Metropolis weights, the rounds until
// what one machine found has reached every other one with half of what it is to be in the end, by the matrix
// and in the simulator, and the rounds in which a disagreement falls to a hundredth by the gap.
//
// `distance` prints for each rule and graph the mean relative distance of neighbours of machines whose
// gradients are noise, and the spectral gap: GALA's epsilon-ball.
//
// `faults` lets machines learn (preset `tuned`), and from a third of the time to two thirds: `half` of them
// hear nothing of the others; one is `apart`; the `moving` cut divides them each second otherwise; all but
// one are `killed`, and come back; or one is five times as `slow` all the time. --rule star is a Parent with
// rounds, to which the same happens as far as it can. Prints a row: rule, fault, task, seed, steps, mean
// return of the machines' policies over greedy episodes when the fault ends and at the end, the worst
// machine's at the end, the greatest mean distance of neighbours within a second, and the share of time that
// machines waited.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/core/random.h"
#include "genkidama/env/bundled_tasks.h"
#include "genkidama/nn/networks.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/run/preset.h"
#include "genkidama/sim/peers_simulation.h"
#include "genkidama/sim/simulation.h"
#include "sim/quadratic_trainer.h"
#include "support/arguments.h"

namespace genkidama::benchmarks {
namespace {

constexpr std::uint64_t kEvaluationSeed = 7;

/// Learns nothing: only averaging changes its one weight.
class StillTrainer final : public LocalTrainer {
 public:
  explicit StillTrainer(float value) : weight_(value) {}
  const ParameterLayout& layout() const override { return layout_; }
  RoundReport train_round() override {
    RoundReport report;
    report.steps_in_round = 1;
    return report;
  }
  void read_weights(std::span<float> out) const override { out[0] = weight_; }
  void write_weights(std::span<const float> in) override { weight_ = in[0]; }
  float value() const { return weight_; }

 private:
  ParameterLayout layout_{{{"w", {1}}}};
  float weight_;
};

sim::SimulatedMachine machine_of(double seconds_per_step, double jitter) {
  sim::SimulatedMachine machine;
  machine.machine.seconds_per_step = seconds_per_step;
  machine.machine.jitter = jitter;
  machine.link.latency_seconds = 5e-4;
  machine.link.bits_per_second = 1e8;
  return machine;
}

template <typename Trainer>
std::vector<LocalTrainer*> pointers(const std::vector<std::unique_ptr<Trainer>>& trainers) {
  std::vector<LocalTrainer*> list;
  for (const auto& each : trainers) list.push_back(each.get());
  return list;
}

/// Rounds of each machine until all have half of what the first one has found.
std::uint64_t simulated_diffusion(const Topology& topology) {
  const std::size_t nodes = topology.nodes();
  std::vector<std::unique_ptr<StillTrainer>> trainers;
  for (std::size_t i = 0; i < nodes; ++i)
    trainers.push_back(std::make_unique<StillTrainer>(i == 0 ? 1.0F : 0.0F));
  sim::PeersSimulationOptions options;
  options.topology = topology;
  options.machines.assign(nodes, machine_of(0.1, 0));
  std::uint64_t rounds = 0;
  const float half = 0.5F / static_cast<float>(nodes);
  sim::PeersSimulation(options, pointers(trainers)).run([&](const sim::SimulatedPeerRound& round) {
    rounds = (round.rounds + nodes - 1) / nodes;
    return std::any_of(trainers.begin(), trainers.end(),
                       [&](const auto& each) { return each->value() < half; });
  });
  return rounds;
}

int diffusion(const Arguments& arguments) {
  fmt::print(
      "topology,machines,diameter,spectral_gap,diffusion_rounds,simulated_rounds,rounds_to_a_hundredth\n");
  for (const int machines : arguments.integers("--machines")) {
    for (const auto kind :
         {TopologyKind::kRing, TopologyKind::kTorus, TopologyKind::kRandomRegular, TopologyKind::kFull}) {
      const auto nodes = static_cast<std::size_t>(machines);
      const Topology topology = Topology::make(kind, nodes, 3);
      const MixingMatrix matrix = mixing_matrix(topology, MixingRule::kDiffusion);
      const double gap = spectral_gap(matrix);
      fmt::print("{},{},{},{:.5f},{},{},{}\n", topology_name(kind), nodes, *topology.diameter(), gap,
                 sim::diffusion_rounds(matrix).value(), simulated_diffusion(topology),
                 gap >= 1 ? 1 : static_cast<int>(std::ceil(std::log(0.01) / std::log(1 - gap))));
    }
  }
  return 0;
}

int distance(const Arguments& arguments) {
  const auto nodes = static_cast<std::size_t>(arguments.integers("--machines").front());
  const auto rounds = static_cast<std::uint64_t>(arguments.number("--rounds"));
  const auto seed = static_cast<std::uint64_t>(arguments.number("--seed"));
  sim::QuadraticOptions of_quadratic;
  of_quadratic.weights = 1000;
  const auto quadratic = std::make_shared<const sim::Quadratic>(of_quadratic);
  fmt::print(
      "rule,topology,machines,seed,spectral_gap,distance_first_half,distance_second_half,distance_max\n");
  for (const auto rule :
       {MixingRule::kGala, MixingRule::kDiffusion, MixingRule::kPairs, MixingRule::kPushSum}) {
    for (const auto kind :
         {TopologyKind::kDirectedRing, TopologyKind::kRing, TopologyKind::kTorus, TopologyKind::kFull}) {
      if (needs_undirected(rule) && kind == TopologyKind::kDirectedRing) continue;
      std::vector<std::unique_ptr<sim::QuadraticTrainer>> trainers;
      for (std::size_t i = 0; i < nodes; ++i)
        trainers.push_back(std::make_unique<sim::QuadraticTrainer>(quadratic, derive_seed(seed, {i})));
      sim::PeersSimulationOptions options;
      options.topology = Topology::make(kind, nodes);
      options.rule = rule;
      options.seed = seed;
      options.machines.assign(nodes, machine_of(0.01, 0.1));
      double halves[2] = {0, 0}, most = 0;
      std::uint64_t counts[2] = {0, 0};
      sim::PeersSimulation(options, pointers(trainers)).run([&](const sim::SimulatedPeerRound& round) {
        const std::size_t half = round.rounds * 2 > rounds * nodes ? 1 : 0;
        halves[half] += round.distance, ++counts[half];
        most = std::max(most, round.distance);
        return round.rounds < rounds * nodes;
      });
      fmt::print("{},{},{},{},{:.5f},{:.5f},{:.5f},{:.5f}\n", mixing_name(rule), topology_name(kind), nodes,
                 seed, spectral_gap(mixing_matrix(options.topology, rule)),
                 halves[0] / static_cast<double>(counts[0]), halves[1] / static_cast<double>(counts[1]),
                 most);
    }
  }
  return 0;
}

/// Machines that learn a task, and what they are evaluated with.
class Learners {
 public:
  Learners(const Arguments& arguments, const Hyperparameters& hyperparameters, std::size_t machines,
           std::uint64_t seed)
      : episodes_(static_cast<int>(arguments.number("--episodes"))) {
    const EnvironmentFactory make = bundled_task(arguments.text("--task")).make;
    // All begin with the same weights, as peers with one --seed do.
    const NetworkFactory network = [inner = NetworkFactory(mlp_network()), seed](
                                       const NetworkSpec& spec, std::uint64_t) { return inner(spec, seed); };
    for (std::size_t i = 0; i <= machines; ++i) {
      OrchestratorOptions options;
      options.mode = WorkerMode::kCaller;
      options.workers = 1;
      options.seed = derive_seed(seed, {i + 1});
      options.hyperparameters = hyperparameters;
      auto trainer = std::make_unique<CoreOrchestrator>(make, network, options);
      if (i < machines) {
        trainers_.push_back(std::move(trainer));
      } else {
        evaluator_ = std::move(trainer);
      }
    }
  }
  std::vector<LocalTrainer*> trainers() const { return pointers(trainers_); }

  double evaluate(std::span<const float> weights) {
    evaluator_->write_weights(weights);
    double sum = 0;
    for (const EpisodeResult& result :
         evaluator_->evaluate({.episodes = episodes_, .seed = kEvaluationSeed, .greedy = true}))
      sum += result.episode_return;
    return sum / episodes_;
  }
  /// Of each machine's own weights: the mean and the worst.
  std::pair<double, double> evaluate_all() {
    double sum = 0, worst = 1e300;
    std::vector<float> weights(evaluator_->layout().size());
    for (const auto& each : trainers_) {
      each->read_weights(weights);
      const double mean = evaluate(weights);
      sum += mean;
      worst = std::min(worst, mean);
    }
    return {sum / static_cast<double>(trainers_.size()), worst};
  }

 private:
  const int episodes_;
  std::vector<std::unique_ptr<CoreOrchestrator>> trainers_;
  std::unique_ptr<CoreOrchestrator> evaluator_;
};

/// What happens to peers from `begin` to `end`.
void add_fault(const std::string& fault, double begin, double end, sim::PeersSimulationOptions& options) {
  const std::size_t nodes = options.topology.nodes();
  const auto first = [](std::size_t count) {
    std::vector<std::size_t> list;
    for (std::size_t i = 0; i < count; ++i) list.push_back(i);
    return list;
  };
  if (fault == "half") {
    options.partitions.push_back({begin, end, first(nodes / 2)});
  } else if (fault == "apart") {
    options.partitions.push_back({begin, end, {0}});
  } else if (fault == "moving") {
    for (int second = 0; begin + second < end; ++second) {
      std::vector<std::size_t> part;
      for (std::size_t i = 0; i < nodes / 2; ++i)
        part.push_back((i + static_cast<std::size_t>(second)) % nodes);
      options.partitions.push_back({begin + second, begin + second + 1, part});
    }
  } else if (fault == "killed") {
    for (std::size_t i = 1; i < nodes; ++i) {
      options.machines[i].machine.present_seconds = begin;
      options.machines[i].machine.away_seconds = end - begin;
    }
  } else if (fault == "slow") {
    options.machines[0].machine.factor = 5;
  } else if (fault != "none") {
    throw ArgumentError("--fault is '" + fault + "'; expected none, half, apart, moving, killed or slow");
  }
}

int faults(const Arguments& arguments) {
  const std::string &rule_name = arguments.text("--rule"), &fault = arguments.text("--fault");
  const bool is_star = rule_name == "star";
  const auto rule = mixing_of(rule_name);
  if (!rule && !is_star)
    throw ArgumentError("--rule is '" + rule_name + "'; expected a rule of peers, or star");
  const auto nodes = static_cast<std::size_t>(arguments.integers("--machines").front());
  const auto seed = static_cast<std::uint64_t>(arguments.number("--seed"));
  const double seconds = arguments.number("--seconds"), step = arguments.number("--step-us") / 1e6;
  const double begin = seconds / 3, end = 2 * seconds / 3;
  const auto steps = static_cast<std::uint64_t>(static_cast<double>(nodes) * seconds / step);
  const run::Preset preset = run::tuned_preset();
  const ExchangeKind exchange = is_star ? ExchangeKind::kRounds : ExchangeKind::kEach;
  const Hyperparameters hyperparameters =
      run::with_schedule_end(run::hyperparameters_for(preset, exchange), steps, static_cast<int>(nodes));
  Learners learners(arguments, hyperparameters, nodes, seed);

  double after = 0, most = 0, waiting = 0, total = 0;
  bool is_after = false;
  std::uint64_t played = 0;
  std::pair<double, double> last;
  if (is_star) {
    sim::SimulationOptions options;
    options.seed = seed;
    options.exchange.kind = exchange;
    options.exchange.outer_optimizer = preset.rounds.outer_optimizer;
    options.exchange.rounds.first_children = nodes;
    options.machines.assign(nodes, machine_of(step, 0.1));
    options.max_seconds = seconds;
    // A partition cuts machines off the Parent, which stands in the first half.
    const std::size_t cut = fault == "half" ? nodes / 2 : fault == "apart" ? 1 : 0;
    for (std::size_t i = 0; i < cut; ++i) {
      options.machines[i].link.connected_seconds = begin;
      options.machines[i].link.partition_seconds = end - begin;
    }
    for (std::size_t i = 1; i < nodes && fault == "killed"; ++i) {
      options.machines[i].machine.present_seconds = begin;
      options.machines[i].machine.away_seconds = end - begin;
    }
    if (fault == "slow") options.machines[0].machine.factor = 5;
    if (fault == "moving")
      throw ArgumentError("--fault moving is for peers; expected another one with --rule star");
    std::vector<float> weights;
    const auto summary =
        sim::Simulation(std::move(options), learners.trainers()).run([&](const sim::SimulatedUpdate& update) {
          weights.assign(update.weights.begin(), update.weights.end());
          if (update.seconds >= end && !std::exchange(is_after, true)) after = learners.evaluate(weights);
          return true;
        });
    last.first = last.second = learners.evaluate(weights);
    waiting = summary.waiting_seconds, total = summary.computing_seconds + summary.waiting_seconds;
    played = summary.played.steps;
  } else {
    sim::PeersSimulationOptions options;
    options.topology = Topology::make(TopologyKind::kRing, nodes);
    options.rule = *rule;
    options.seed = seed;
    options.machines.assign(nodes, machine_of(step, 0.1));
    options.max_seconds = seconds;
    add_fault(fault, begin, end, options);
    double sum = 0, count = 0;
    int second = 0;
    const auto summary =
        sim::PeersSimulation(std::move(options), learners.trainers())
            .run([&](const sim::SimulatedPeerRound& round) {
              if (static_cast<int>(round.seconds) != std::exchange(second, static_cast<int>(round.seconds))) {
                // What has settled; the first rounds begin from equal weights.
                if (count > 0) most = std::max(most, sum / count);
                sum = count = 0;
              }
              sum += round.distance, count += 1;
              if (round.seconds >= end && !std::exchange(is_after, true))
                after = learners.evaluate_all().first;
              return true;
            });
    last = learners.evaluate_all();
    waiting = summary.waiting_seconds, total = summary.computing_seconds + summary.waiting_seconds;
    played = summary.played.steps;
  }
  fmt::print("{},{},{},{},{},{},{:.1f},{:.1f},{:.1f},{:.4f},{:.4f}\n", rule_name, fault,
             arguments.text("--task"), nodes, seed, played, after, last.first, last.second, most,
             total > 0 ? waiting / total : 0);
  return 0;
}

int run_all(int argc, char** argv) {
  const Arguments arguments(argc, argv,
                            {{"--machines", "4"},
                             {"--rounds", "400"},
                             {"--rule", "diff-dac"},
                             {"--fault", "none"},
                             {"--task", "lunar-lander"},
                             {"--seed", "1"},
                             {"--step-us", "600"},
                             {"--seconds", "90"},
                             {"--episodes", "100"}});
  set_log_level(LogLevel::kWarning);
  const std::string what = arguments.positional.size() == 1 ? arguments.positional.front() : "";
  if (what == "diffusion") return diffusion(arguments);
  if (what == "distance") return distance(arguments);
  if (what == "faults") return faults(arguments);
  throw ArgumentError("expected one of diffusion, distance and faults");
}

}  // namespace
}  // namespace genkidama::benchmarks

int main(int argc, char** argv) {
  using namespace genkidama::benchmarks;
  return exit_code_of("simulated_peers", [&] { return run_all(argc, argv); });
}
