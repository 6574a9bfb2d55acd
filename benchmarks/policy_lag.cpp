// What V-trace is worth where every step was played by the policy of exactly so many updates ago.
//
//   policy_lag [--lag 20] [--vtrace true] [--task cart-pole] [--steps 250000] [--seed 1] [--round-steps 1024]
//              [--unroll 64] [--epochs 4] ...       the defaults below; a flag sets one of them
//
// One trainer plays rounds with the weights that the learner had --lag updates ago, and another one learns
// from them; an update is what is learnt from one round. Until the run is that old the first weights play.
// Both trainers belong to the calling thread, so a seed gives the same figures again. Everything but --vtrace
// is the same with and without the correction.
//
// Prints one row of comma-separated values: lag, vtrace, task, steps, seed, updates, the mean return of
// --episodes greedy episodes in the end, and the curve: the mean return of ten greedy episodes after each
// 25th of the run, separated by spaces.

#include <fmt/format.h>

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/env/bundled_tasks.h"
#include "genkidama/nn/networks.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/run/preset.h"
#include "support/arguments.h"

namespace genkidama::benchmarks {
namespace {

constexpr std::uint64_t kPointsOfCurve = 25;
constexpr int kEpisodesOfPoint = 10;
constexpr std::uint64_t kEvaluationSeed = 7;

bool is_true(const Arguments& arguments, const std::string& name) {
  const std::string& text = arguments.text(name);
  if (text != "true" && text != "false")
    throw ArgumentError(fmt::format("{} is '{}'; expected true or false", name, text));
  return text == "true";
}

Schedule schedule_named(const std::string& name) {
  for (const Schedule schedule : {Schedule::kConstant, Schedule::kLinear, Schedule::kCosine}) {
    if (name == schedule_name(schedule)) return schedule;
  }
  throw ArgumentError("--schedule is '" + name + "'; expected constant, linear or cosine");
}

Hyperparameters hyperparameters_from(const Arguments& arguments) {
  Hyperparameters h = run::tuned_preset().hyperparameters;
  const auto integer = [&](const char* name) { return static_cast<int>(arguments.number(name)); };
  h.round_end = RoundEnd::kStep;
  h.round_steps = integer("--round-steps");
  h.unroll = integer("--unroll");
  h.epochs = integer("--epochs");
  h.minibatch_size = integer("--minibatch-size");
  h.learning_rate = arguments.number("--learning-rate");
  h.schedule = schedule_named(arguments.text("--schedule"));
  h.schedule_steps = static_cast<std::uint64_t>(arguments.number("--steps"));
  h.gamma = arguments.number("--gamma");
  h.gae_lambda = arguments.number("--gae-lambda");
  h.reward_scale = arguments.number("--reward-scale");
  h.entropy_weight = arguments.number("--entropy-weight");
  h.clip_range = arguments.number("--clip-range");
  h.target_kl = arguments.number("--target-kl");
  h.max_gradient_norm = arguments.number("--max-gradient-norm");
  h.adam_beta1 = arguments.number("--adam-beta1");
  h.normalise_advantages = is_true(arguments, "--normalise-advantages");
  h.vtrace = is_true(arguments, "--vtrace");
  h.vtrace_rho = arguments.number("--vtrace-rho");
  h.vtrace_c = arguments.number("--vtrace-c");
  return h;
}

OrchestratorOptions trainer_options(const Arguments& arguments, Learning learning) {
  OrchestratorOptions options;
  options.mode = WorkerMode::kCaller;
  options.workers = 1;
  options.seed = static_cast<std::uint64_t>(arguments.number("--seed"));
  options.hyperparameters = hyperparameters_from(arguments);
  options.learning = learning;
  return options;
}

double greedy_mean(CoreOrchestrator& trainer, int episodes) {
  double sum = 0;
  for (const EpisodeResult& result :
       trainer.evaluate({.episodes = episodes, .seed = kEvaluationSeed, .greedy = true})) {
    sum += result.episode_return;
  }
  return sum / episodes;
}

int run(int argc, char** argv) {
  const Arguments arguments(argc, argv,
                            {{"--lag", "20"},
                             {"--vtrace", "true"},
                             {"--task", "cart-pole"},
                             {"--steps", "250000"},
                             {"--seed", "1"},
                             {"--episodes", "100"},
                             {"--round-steps", "1024"},
                             {"--unroll", "64"},
                             {"--epochs", "4"},
                             {"--minibatch-size", "64"},
                             {"--learning-rate", "1e-3"},
                             {"--schedule", "linear"},
                             {"--gamma", "0.995"},
                             {"--gae-lambda", "0.95"},
                             {"--reward-scale", "0.05"},
                             {"--entropy-weight", "0.01"},
                             {"--clip-range", "0.2"},
                             {"--target-kl", "0"},
                             {"--max-gradient-norm", "0.5"},
                             {"--adam-beta1", "0.9"},
                             {"--normalise-advantages", "true"},
                             {"--vtrace-rho", "1"},
                             {"--vtrace-c", "1"}});
  set_log_level(LogLevel::kWarning);
  const EnvironmentFactory make = bundled_task(arguments.text("--task")).make;
  CoreOrchestrator learner(make, mlp_network(), trainer_options(arguments, Learning::kGiven));
  CoreOrchestrator player(make, mlp_network(), trainer_options(arguments, Learning::kElsewhere));

  const auto lag = static_cast<std::size_t>(arguments.number("--lag"));
  const auto steps = static_cast<std::uint64_t>(arguments.number("--steps"));
  const auto round_steps = static_cast<std::uint64_t>(arguments.number("--round-steps"));
  std::deque<std::vector<float>> weights;  // of the latest updates; the oldest ones play
  weights.emplace_back(learner.layout().size());
  learner.read_weights(weights.back());
  std::vector<Segment> segments;
  std::string curve;
  std::uint64_t updates = 0, points = 0;
  for (std::uint64_t played = 0; played < steps; ++updates) {
    player.write_weights(weights.front());
    const RoundReport round = player.play_round(round_steps, segments);
    learner.learn_round(segments, round.steps_in_round);
    played += round.steps_in_round;
    weights.emplace_back(learner.layout().size());
    learner.read_weights(weights.back());
    if (weights.size() > lag + 1) weights.pop_front();
    if (played * kPointsOfCurve < (points + 1) * steps) continue;
    points = played * kPointsOfCurve / steps;
    curve += fmt::format("{}{:.0f}", curve.empty() ? "" : " ", greedy_mean(learner, kEpisodesOfPoint));
  }
  const double mean = greedy_mean(learner, static_cast<int>(arguments.number("--episodes")));
  fmt::print("{},{},{},{},{},{},{:.1f},{}\n", lag, arguments.text("--vtrace"), arguments.text("--task"),
             steps, arguments.text("--seed"), updates, mean, curve);
  return 0;
}

}  // namespace
}  // namespace genkidama::benchmarks

int main(int argc, char** argv) {
  using namespace genkidama::benchmarks;
  return exit_code_of("policy_lag", [&] { return run(argc, argv); });
}
