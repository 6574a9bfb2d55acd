#include "cli/simulation/simulation_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <utility>

#include "cli/options/settings_check.h"
#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/params/segment.h"
#include "genkidama/run/stop_signal.h"
#include "genkidama/sim/peers_simulation.h"
#include "genkidama/wire/environment_frames.h"
#include "genkidama/wire/segments.h"
#include "sim/engine.h"
#include "sim/quadratic_trainer.h"

namespace genkidama::cli {
namespace {

// An evaluation that begins with so few episodes below the target is not played to its end.
constexpr int kFirstLook = 20;

double mean_return(const std::vector<EpisodeResult>& episodes) {
  const double sum = std::accumulate(episodes.begin(), episodes.end(), 0.0,
                                     [](double all, const auto& each) { return all + each.episode_return; });
  return sum / static_cast<double>(std::max<std::size_t>(episodes.size(), 1));
}

/// Evaluates weights with a trainer of its own, so that training knows nothing of it.
class Evaluator {
 public:
  Evaluator(const Settings& settings, std::unique_ptr<CoreOrchestrator> player)
      : settings_(settings), player_(std::move(player)) {}

  /// Of Parents that merge, these are the weights that their Children begin with.
  void first_weights(LocalTrainer& trainer) const {
    std::vector<float> weights(player_->layout().size());
    player_->read_weights(weights);
    trainer.write_weights(weights);
  }

  std::optional<double> evaluate(const sim::SimulatedUpdate& update) {
    if (!settings_.run.target && !settings_.run.evaluate_every) return std::nullopt;
    if (update.update % settings_.run.evaluate_every.value_or(1) != 0) return std::nullopt;
    player_->write_weights(update.weights);
    if (player_->statistics_components() > 0) player_->write_other_statistics(update.all_statistics);
    const int episodes = settings_.run.target_episodes;
    // The episodes that a cluster's Parent plays after this update.
    seed_ = derive_seed(settings_.run.eval_seed, {update.update});
    std::vector<EpisodeResult> results =
        play(0, settings_.run.target ? std::min(kFirstLook, episodes) : episodes);
    const int played = static_cast<int>(results.size());
    if (played < episodes && mean_return(results) >= *settings_.run.target) {
      const std::vector<EpisodeResult> rest = play(played, episodes - played);
      results.insert(results.end(), rest.begin(), rest.end());
    }
    return mean_return(results);
  }

 private:
  std::vector<EpisodeResult> play(int first, int episodes) {
    return player_->evaluate({.episodes = episodes,
                              .seed = seed_,
                              .greedy = settings_.run.greedy,
                              .first_episode = static_cast<std::uint64_t>(first)});
  }

  const Settings& settings_;
  std::unique_ptr<CoreOrchestrator> player_;
  std::uint64_t seed_ = 0;
};

/// What a step takes in a batch of segments, as the real encoder has it.
std::size_t bytes_per_step(const EnvironmentSpec& spec) {
  constexpr std::size_t kSteps = 1024;
  SegmentShape shape;
  shape.observation = static_cast<std::size_t>(spec.observation_size);
  shape.action = spec.action_space.width();
  shape.alternatives = spec.masks_actions ? spec.action_space.alternatives() : 0;
  SegmentBatch batch;
  Segment& segment = batch.segments.emplace_back();
  segment.observations.resize(kSteps * shape.observation);
  segment.actions.resize(kSteps * shape.action);
  segment.masks.resize(kSteps * shape.alternatives);
  segment.rewards.resize(kSteps);
  segment.log_probabilities.resize(kSteps);
  segment.last_observation.resize(shape.observation);
  std::vector<std::byte> bytes;
  encode_segments(batch, shape, bytes);
  return (bytes.size() + kSteps - 1) / kSteps;
}

/// What a row of requests and of answers takes between a server and a host.
EnvironmentSizes sizes_of(const EnvironmentSpec& spec) {
  return {.observation = static_cast<std::size_t>(spec.observation_size),
          .action = spec.action_space.width(),
          .mask = spec.masks_actions ? spec.action_space.alternatives() : 0,
          .metrics = 0};
}

bool are_peers(const SimulationSettings& settings) {
  return settings.cut == "peers";
}

bool plays_asynchronously(const Settings& settings) {
  return settings.simulation.cut == "segments" && settings.links.actor_mode == ActorMode::kAsynchronous;
}

/// How many machines play for one learner.
int machines_of_learner(const SimulationSettings& settings) {
  if (settings.cut == "segments" || settings.cut == "gradients") return settings.machines;
  // The first one is the server, which plays nothing.
  if (settings.cut == "environments") return settings.machines - 1;
  return settings.cut == "tree" ? settings.machines / groups_of(settings) : 1;
}

/// Of a learner with players, or a server with hosts: each has the environments that a machine has, and the
/// round is the same in all.
Hyperparameters of_learner(const Job& job, std::optional<int> round_steps = std::nullopt) {
  Hyperparameters hyper = resolved_hyperparameters(job.settings);
  const SimulationSettings& simulation = job.settings.simulation;
  hyper.round_steps = round_steps.value_or(hyper.round_steps);
  if (simulation.cut == "alone" || simulation.cut == "weights" || are_peers(simulation)) return hyper;
  const int machines = machines_of_learner(simulation);
  // Each of the learners has rounds of its own.
  if (simulation.cut == "gradients") {
    if (!are_rounds_in_reach(hyper, machines)) {
      throw ArgumentError(
          fmt::format("--round-steps is {} with --cut gradients and {} machines; expected at most {:.0f}, or "
                      "fewer machines",
                      hyper.round_steps, machines, kMostRoundSteps / machines));
    }
    hyper.round_steps *= machines;
  }
  if (hyper.round_steps < machines) {
    throw ArgumentError(
        fmt::format("--round-steps is {} with --cut {} and {} machines for each learner; expected at least a "
                    "step for each",
                    hyper.round_steps, simulation.cut, machines));
  }
  hyper.round_end = RoundEnd::kStep;
  // One trainer plays for all of them, unless they play with weights of their own.
  if (!plays_asynchronously(job.settings)) hyper.environments_per_worker *= machines;
  return hyper;
}

std::vector<std::unique_ptr<CoreOrchestrator>> make_trainers(const Job& job,
                                                             const std::vector<SimulatedPart>& machines) {
  std::vector<std::unique_ptr<CoreOrchestrator>> trainers;
  const std::uint64_t seed = job.settings.learning.seed;
  if (plays_asynchronously(job.settings)) {
    const Hyperparameters hyper = of_learner(job);
    for (std::size_t i = 0; i < machines.size(); ++i) {
      trainers.push_back(make_called_trainer(job, hyper, derive_seed(seed, {i + 1}),
                                             EnvironmentPurpose::kTrain, Learning::kElsewhere));
    }
    trainers.push_back(make_called_trainer(job, hyper, seed, EnvironmentPurpose::kTrain, Learning::kGiven));
    return trainers;
  }
  if (const SimulationSettings& simulation = job.settings.simulation; simulation.cut == "tree") {
    const auto of_group = static_cast<std::size_t>(machines_of_learner(simulation));
    for (std::size_t group = 0; group * of_group < machines.size(); ++group) {
      // As a Child of a cluster.
      trainers.push_back(make_called_trainer(job, of_learner(job, machines[group * of_group].round_steps),
                                             derive_seed(seed, {group + 1}), EnvironmentPurpose::kTrain));
    }
    return trainers;
  }
  if (job.settings.simulation.cut != "weights" && !are_peers(job.settings.simulation)) {
    trainers.push_back(make_called_trainer(job, of_learner(job), seed, EnvironmentPurpose::kTrain));
    return trainers;
  }
  Hyperparameters hyper = resolved_hyperparameters(job.settings);
  const int usual_steps = hyper.round_steps;
  for (std::size_t i = 0; i < machines.size(); ++i) {
    hyper.round_steps = machines[i].round_steps.value_or(usual_steps);
    // As in a cluster.
    trainers.push_back(
        make_called_trainer(job, hyper, derive_seed(seed, {i + 1}), EnvironmentPurpose::kTrain));
  }
  return trainers;
}

void complete_tree(const SimulationSettings& settings, sim::SimulationOptions& options) {
  options.groups = static_cast<std::size_t>(groups_of(settings));
  for (std::size_t group = 0; group < options.groups; ++group) {
    sim::LinkModel link = options.machines[sim::first_machine_of_group(options, group)].link;
    if (settings.group_latency_ms) link.latency_seconds = 1e-3 * *settings.group_latency_ms;
    if (settings.group_bandwidth_mbit) link.bits_per_second = 1e6 * *settings.group_bandwidth_mbit;
    options.group_links.push_back(link);
  }
}

/// As Simulation::run(), of peers. An update is a round of as many machines as there are, and its weights are
/// those of the machine that ended it.
sim::SimulationSummary simulate_peers(const Settings& settings, const std::vector<SimulatedPart>& machines,
                                      std::vector<LocalTrainer*> trainers,
                                      const sim::Simulation::Observer& observer) {
  sim::PeersSimulationOptions options;
  options.topology = topology_of(settings);
  options.rule = settings.links.mixing;
  options.max_staleness = settings.links.mixing_staleness;
  options.overlap = settings.links.overlap;
  options.exchange_timeout_seconds = settings.links.exchange_timeout_s;
  for (const SimulatedPart& each : machines) options.machines.push_back(each.model);
  options.environments = settings.learning.hyperparameters.environments_per_worker;
  options.seed = settings.learning.seed;
  options.max_seconds = settings.simulation.max_seconds;
  options.give_up = [] { return run::stop_signal() != 0; };
  const std::uint64_t count = machines.size();
  std::uint64_t updates = 0;
  const sim::PeersSummary peers = sim::PeersSimulation(std::move(options), std::move(trainers))
                                      .run([&](const sim::SimulatedPeerRound& round) {
                                        if (round.rounds % count != 0) return true;
                                        sim::SimulatedUpdate update;
                                        update.seconds = round.seconds;
                                        update.update = ++updates;
                                        update.played = round.played;
                                        update.recent_return = round.recent_return;
                                        update.weights = round.weights;
                                        return observer(update);
                                      });
  sim::SimulationSummary summary;
  summary.seconds = peers.seconds;
  summary.updates = updates;
  summary.played = peers.played;
  summary.optimizer_steps = peers.optimizer_steps;
  summary.bytes_up = summary.bytes_down = peers.bytes;
  summary.computing_seconds = peers.computing_seconds;
  summary.waiting_seconds = peers.waiting_seconds;
  summary.contributions = peers.mixed;
  summary.dropped = peers.missing;
  summary.links_lost = peers.links_lost;
  summary.events = peers.events;
  summary.end = peers.end;
  return summary;
}

}  // namespace

std::unique_ptr<CoreOrchestrator> make_called_trainer(const Job& job, const Hyperparameters& hyperparameters,
                                                      std::uint64_t seed, EnvironmentPurpose purpose,
                                                      Learning learning) {
  OrchestratorOptions options;
  options.mode = WorkerMode::kCaller;
  options.workers = 1;
  options.seed = seed;
  options.hyperparameters = hyperparameters;
  options.environment_spec = job.program.environment_spec;
  options.purpose = purpose;
  options.learning = learning;
  options.optimizer = job.program.optimizer;
  options.algorithm = job.program.algorithm;
  if (learning != Learning::kElsewhere)
    options.replay_capacity = static_cast<std::size_t>(job.settings.learning.replay_capacity);
  return std::make_unique<CoreOrchestrator>(environment_of(job), network_of(job), options);
}

std::optional<StepCosts> complete_costs(const Job& job, std::vector<SimulatedPart>& machines) {
  const SimulationSettings& settings = job.settings.simulation;
  if (settings.step_us && settings.gradient_us) return std::nullopt;
  const auto trainer = make_called_trainer(job, resolved_hyperparameters(job.settings),
                                           job.settings.learning.seed, EnvironmentPurpose::kTrain);
  const StepCosts measured = measured_costs(*trainer);
  // As they are printed, so that who gives them gets the same run.
  const auto rounded = [](double us) { return std::round(100 * us) / 100; };
  StepCosts costs{settings.step_us.value_or(rounded(measured.step_us)),
                  settings.gradient_us.value_or(rounded(measured.gradient_us)), settings.inference_us};
  const bool has_hosts = job.settings.command == kPlan || settings.cut == "environments";
  if (has_hosts && !costs.inference_us && !settings.step_us)
    costs.inference_us = rounded(std::max(0.0, costs.step_us - measured_environment_us(environment_of(job))));
  if (costs.inference_us && *costs.inference_us > costs.step_us) {
    throw ArgumentError(fmt::format(
        "--inference-us is {:g}, a part of a step, which was measured to take {:g}; expected at most so "
        "many, or --step-us too",
        *costs.inference_us, costs.step_us));
  }
  for (SimulatedPart& each : machines) {
    sim::MachineModel& machine = each.model.machine;
    if (!each.has_own_step) machine.seconds_per_step = 1e-6 * costs.step_us;
    if (!each.has_own_gradient) machine.seconds_per_gradient = 1e-6 * costs.gradient_us;
    if (each.has_own_inference) continue;
    machine.seconds_per_inference = std::min(1e-6 * costs.inference_us.value_or(0), machine.seconds_per_step);
  }
  return costs;
}

std::string end_of(const Settings& settings, const SimulatedRow& row) {
  const run::RunOptions& run = settings.run;
  if (run.target && row.evaluated_return && *row.evaluated_return >= *run.target) return "target";
  if (run.updates && row.update >= *run.updates) return "updates";
  if (run.max_steps && row.played.steps >= *run.max_steps) return "max-steps";
  const double most = settings.simulation.max_seconds;
  if (most > 0 && row.seconds >= most) return "max-seconds";
  if (run::stop_signal() != 0) return "signal";
  return "";
}

bool are_rounds_in_reach(const Hyperparameters& hyperparameters, int learners) {
  return hyperparameters.round_steps <= kMostRoundSteps / learners;
}

sim::SimulationOptions simulation_options(const Job& job, const std::vector<SimulatedPart>& machines) {
  const Settings& settings = job.settings;
  sim::SimulationOptions options;
  options.cut = *sim::cut_of(settings.simulation.cut);
  for (const SimulatedPart& each : machines) options.machines.push_back(each.model);
  const LinkOptions& links = settings.links;
  options.exchange.kind = links.exchange;
  options.exchange.alpha = links.alpha;
  options.exchange.beta = links.beta;
  options.exchange.overlap = links.overlap;
  options.exchange.codec = links.codec;
  options.exchange.merge_rule = job.program.merge_rule;
  options.exchange.merge_method = make_merge_method(links.merge);
  options.exchange.rounds = links.rounds;
  options.exchange.rounds.deadline =
      Milliseconds(static_cast<long long>(std::ceil(1000 * links.round_deadline_s)));
  options.exchange.rounds.apart_from_steps = apart_from_steps(settings);
  const bool has_levels = options.cut == sim::Cut::kTree ||
                          (options.cut == sim::Cut::kWeights && settings.simulation.groups.has_value());
  if (has_levels) complete_tree(settings.simulation, options);
  // Children that begin together make the first round together, as in a cluster.
  if (links.exchange == ExchangeKind::kRounds && links.rounds.first_children == 0) {
    options.exchange.rounds.first_children =
        static_cast<std::uint64_t>(std::count_if(machines.begin(), machines.end(), [](const auto& each) {
          return each.model.machine.joins_seconds == 0;
        }));
    if (options.cut == sim::Cut::kTree) options.exchange.rounds.first_children = options.groups;
  }
  options.exchange.outer_optimizer = links.outer_optimizer;
  options.exchange.average_moments = links.average_moments && links.exchange == ExchangeKind::kRounds &&
                                     job.settings.simulation.quadratic == 0;
  options.shards = static_cast<std::size_t>(settings.simulation.slices.value_or(1));
  if (plays_asynchronously(settings)) {
    options.segments.mode = links.actor_mode;
    options.segments.round_steps = static_cast<std::uint64_t>(settings.learning.hyperparameters.round_steps);
    options.segments.queued_rounds = links.queued_rounds;
    options.segments.when_full = links.when_full;
    options.max_policy_lag = most_policy_lag(settings);
  }
  options.parent_bits_per_second = 1e6 * settings.simulation.parent_mbit;
  options.environments = settings.learning.hyperparameters.environments_per_worker;
  options.seed = settings.learning.seed;
  options.max_seconds = settings.simulation.max_seconds;
  options.give_up = [] { return run::stop_signal() != 0; };
  return options;
}

SimulationResult simulate_quadratic(const Job& job, const std::vector<SimulatedPart>& machines) {
  const Settings& settings = job.settings;
  const Hyperparameters& hyper = settings.learning.hyperparameters;
  sim::QuadraticOptions quadratic;
  quadratic.weights = static_cast<std::size_t>(settings.simulation.quadratic);
  quadratic.learning_rate = hyper.learning_rate;
  quadratic.noise = settings.simulation.noise;
  std::map<int, std::shared_ptr<const sim::Quadratic>> quadratics;  // by the steps of a round
  std::vector<std::unique_ptr<sim::QuadraticTrainer>> trainers;
  std::vector<LocalTrainer*> pointers;
  for (std::size_t i = 0; i < machines.size(); ++i) {
    const int steps = std::max(1, machines[i].round_steps.value_or(hyper.round_steps));
    quadratic.steps = static_cast<std::uint64_t>(steps);
    auto& shared = quadratics[steps];
    if (!shared) shared = std::make_shared<const sim::Quadratic>(quadratic);
    trainers.push_back(
        std::make_unique<sim::QuadraticTrainer>(shared, derive_seed(settings.learning.seed, {i + 1})));
    pointers.push_back(trainers.back().get());
  }
  // Where each Child is merged by itself, a look at every one would cost more than the merges.
  const bool is_each = settings.links.exchange == ExchangeKind::kEach && !are_peers(settings.simulation);
  const std::uint64_t every = settings.run.evaluate_every.value_or(is_each ? machines.size() : 1);
  SimulationResult result;
  result.cut = settings.simulation.cut;
  const bool peers = are_peers(settings.simulation);
  result.exchange = peers ? mixing_name(settings.links.mixing) : exchange_name(settings.links.exchange);
  result.machines = static_cast<int>(machines.size());
  const sim::Simulation::Observer observer = [&](const sim::SimulatedUpdate& update) {
    SimulatedRow row{update.seconds, update.update, update.played, std::nullopt, std::nullopt};
    const bool is_looked_at = update.update % every == 0;
    if (is_looked_at) row.evaluated_return = -quadratics.begin()->second->value(update.weights);
    result.end = end_of(settings, row);
    if (result.end == "target") result.reached = row;
    if (is_looked_at || !result.end.empty()) result.rows.push_back(row);
    return result.end.empty();
  };
  result.summary =
      peers ? simulate_peers(settings, machines, std::move(pointers), observer)
            : sim::Simulation(simulation_options(job, machines), std::move(pointers)).run(observer);
  if (result.end.empty()) result.end = result.summary.end;
  return result;
}

namespace {

SimulationResult simulate_task_of_peers(const Settings& settings, const std::vector<SimulatedPart>& machines,
                                        const std::vector<std::unique_ptr<CoreOrchestrator>>& trainers,
                                        Evaluator& evaluator) {
  std::vector<LocalTrainer*> pointers;
  for (const auto& trainer : trainers) {
    // As peers with one --seed.
    evaluator.first_weights(*trainer);
    pointers.push_back(trainer.get());
  }
  SimulationResult result;
  result.cut = settings.simulation.cut;
  result.exchange = mixing_name(settings.links.mixing);
  result.machines = static_cast<int>(machines.size());
  result.summary =
      simulate_peers(settings, machines, std::move(pointers), [&](const sim::SimulatedUpdate& update) {
        SimulatedRow row{update.seconds, update.update, update.played, update.recent_return,
                         evaluator.evaluate(update)};
        result.end = end_of(settings, row);
        if (result.end == "target") result.reached = row;
        result.rows.push_back(row);
        return result.end.empty();
      });
  if (result.end.empty()) result.end = result.summary.end;
  return result;
}

}  // namespace

SimulationResult simulate_task(const Job& job, const std::vector<SimulatedPart>& machines) {
  const Settings& settings = job.settings;
  Evaluator evaluator(settings, make_called_trainer(job, resolved_hyperparameters(settings),
                                                    settings.learning.seed, EnvironmentPurpose::kEvaluate));
  const auto trainers = make_trainers(job, machines);
  if (are_peers(settings.simulation)) return simulate_task_of_peers(settings, machines, trainers, evaluator);
  sim::SimulationOptions options = simulation_options(job, machines);
  if (options.cut == sim::Cut::kSegments || options.cut == sim::Cut::kTree)
    options.bytes_per_step = bytes_per_step(trainers.front()->environment_spec());
  if (options.cut == sim::Cut::kEnvironments) {
    const EnvironmentSizes sizes = sizes_of(completed(trainers.front()->environment_spec()));
    options.bytes_per_request = request_row_bytes(sizes);
    options.bytes_per_answer = answer_row_bytes(sizes);
  }
  if (has_parent(settings.simulation)) evaluator.first_weights(*trainers.front());
  std::vector<LocalTrainer*> pointers;
  for (const auto& trainer : trainers) pointers.push_back(trainer.get());

  SimulationResult result;
  result.cut = settings.simulation.cut;
  if (has_parent(settings.simulation)) result.exchange = exchange_name(options.exchange.kind);
  result.machines = static_cast<int>(machines.size());
  if (options.groups > 1 || options.cut == sim::Cut::kTree) result.groups = static_cast<int>(options.groups);
  sim::Simulation simulation(std::move(options), std::move(pointers));
  result.summary = simulation.run([&](const sim::SimulatedUpdate& update) {
    SimulatedRow row{update.seconds, update.update, update.played, update.recent_return,
                     evaluator.evaluate(update)};
    result.end = end_of(settings, row);
    if (result.end == "target") result.reached = row;
    result.rows.push_back(row);
    return result.end.empty();
  });
  if (result.end.empty()) result.end = result.summary.end;
  return result;
}

}  // namespace genkidama::cli
