#include "genkidama/run/preset.h"

#include <fmt/format.h>

#include "genkidama/core/error.h"

namespace genkidama::run {
namespace {

constexpr std::uint64_t kThesisSteps = 8'000'000;
constexpr std::uint64_t kTunedSteps = 3'000'000;
constexpr std::uint64_t kControlSteps = 1'000'000;
constexpr std::uint64_t kSingleGradientSteps = 2'000'000;
constexpr std::uint64_t kDqnSteps = 500'000;
constexpr std::uint64_t kSacSteps = 200'000;
constexpr std::size_t kReplayCapacity = 200'000;
constexpr int kThoroughRoundSteps = 4096;
// No probability ratio is beyond it.
constexpr double kUnclipped = 1000;
constexpr int kManyEnvironments = 16;
constexpr int kR2d2Memory = 64;
// docs/results/scaling.md has the search.
constexpr double kTunedOuterMomentum = 0.5;
constexpr double kTunedRateOfRounds = 1.5;

Preset replay_preset(const Hyperparameters& hyperparameters, std::uint64_t max_steps) {
  Preset preset;
  preset.hyperparameters = hyperparameters;
  preset.replay_capacity = kReplayCapacity;
  preset.max_steps = max_steps;
  preset.alpha = 0.5;
  preset.beta = 0.5;
  preset.greedy = true;
  return preset;
}

/// Workers play on while one learner learns.
void play_for_one_learner(Preset& preset) {
  preset.exchange = ExchangeKind::kSegments;
  preset.learning = Learning::kCentral;
  preset.actor_mode = ActorMode::kAsynchronous;
}

}  // namespace

Preset thesis_preset() {
  Preset preset;
  preset.network = thesis_network();
  preset.description = "the thesis' settings: SGD with momentum, n-step returns";
  preset.max_steps = kThesisSteps;
  return preset;
}

Preset original_preset() {
  Preset preset = thesis_preset();
  Hyperparameters& h = preset.hyperparameters;
  h.bootstrap_truncated = false;
  h.bootstrap_next = false;
  h.equal_draws = true;
  h.sharing = Sharing::kOneBuffer;
  preset.description = "thesis with the faults of the thesis' own program, to find out what they do";
  return preset;
}

Preset tuned_preset() {
  Preset preset;
  preset.hyperparameters = tuned_hyperparameters();
  preset.network = mlp_network();
  preset.description =
      "PPO's clipped loss with shared Adam and GAE, two layers of 64 units, greedy evaluation";
  preset.max_steps = kTunedSteps;
  preset.alpha = 0.5;
  preset.beta = 0.5;
  preset.exchange = ExchangeKind::kRounds;
  preset.rounds.outer_optimizer.kind = OuterOptimizerKind::kNesterov;
  preset.rounds.outer_optimizer.momentum = kTunedOuterMomentum;
  preset.rounds.learning_rate_factor = kTunedRateOfRounds;
  preset.rounds.ends_after_steps = true;
  preset.greedy = true;
  return preset;
}

Preset thorough_preset() {
  Preset preset = tuned_preset();
  preset.hyperparameters.round_steps = kThoroughRoundSteps;
  preset.hyperparameters.gae_lambda = 0.98;
  preset.hyperparameters.entropy_weight_schedule = Schedule::kLinear;
  preset.description =
      "tuned with longer rounds and an entropy term that falls to 0: learns later, ends higher and more "
      "evenly";
  return preset;
}

Preset control_preset() {
  Preset preset = tuned_preset();
  preset.hyperparameters.round_steps = kThoroughRoundSteps;
  preset.hyperparameters.entropy_weight = 0;
  preset.description =
      "tuned for continuous actions: longer rounds, no entropy term, the deviation is learnt from 1 "
      "downwards";
  preset.max_steps = kControlSteps;
  return preset;
}

Preset dqn_preset() {
  Preset preset = replay_preset(dqn_hyperparameters(), kDqnSteps);
  preset.network = mlp_network({.activation = Activation::kRelu, .layer_norm = true});
  preset.description =
      "double DQN from a replay buffer, for tasks with one choice: few steps, more computing";
  return preset;
}

Preset gorila_preset() {
  Preset preset = dqn_preset();
  Hyperparameters& h = preset.hyperparameters;
  h.epsilon = 0.02;
  h.sharing = Sharing::kServer;
  h.replay = ReplayScope::kLocal;
  h.epsilon_ladder = 1;
  h.max_gradient_age = 20;
  h.max_loss_deviations = 4;
  preset.description =
      "dqn whose gradients a server applies, of this machine or in shards, with local replay";
  return preset;
}

Preset dyna_q_preset() {
  Preset preset = replay_preset(dyna_q_hyperparameters(), kDqnSteps);
  preset.network = dqn_preset().network;
  preset.description =
      "dqn with a learnt model of the task, in which it imagines steps: fewer real steps, for tasks whose "
      "steps "
      "are dear";
  return preset;
}

Preset sac_preset() {
  Preset preset = replay_preset(sac_hyperparameters(), kSacSteps);
  preset.network = mlp_network({.activation = Activation::kRelu});
  preset.description =
      "soft actor-critic from a replay buffer, for continuous actions: few steps, more computing";
  return preset;
}

Preset appo_preset() {
  Preset preset = tuned_preset();
  play_for_one_learner(preset);
  Hyperparameters& h = preset.hyperparameters;
  h.round_end = RoundEnd::kStep;
  h.round_steps = 2048;
  h.unroll = 64;
  h.gae_lambda = 0.98;
  h.vtrace = true;
  // docs/results/architectures.md has the search.
  h.vtrace_rho = 1.5;
  h.vtrace_c = 1.5;
  preset.max_steps = kControlSteps;
  preset.description = "asynchronous workers, one learner, PPO's clipped loss with V-trace";
  return preset;
}

Preset impala_preset() {
  Preset preset = appo_preset();
  Hyperparameters& h = preset.hyperparameters;
  h.epochs = 1;
  h.round_steps = 1024;
  h.gae_lambda = 1;
  h.clip_range = kUnclipped;
  preset.max_steps = kSingleGradientSteps;
  h.vtrace_rho = 1;
  h.vtrace_c = 1;
  preset.description = "asynchronous workers, one learner, one gradient for each batch with V-trace";
  return preset;
}

Preset ga3c_preset() {
  Preset preset = impala_preset();
  Hyperparameters& h = preset.hyperparameters;
  h.vtrace = false;
  h.log_epsilon = 1e-6;
  preset.inference.predictors = 1;
  preset.description =
      "predictors compute for workers that only step, one learner takes one gradient for each batch";
  return preset;
}

Preset seed_preset() {
  Preset preset = appo_preset();
  preset.hyperparameters.environments_per_worker = kManyEnvironments;
  preset.inference.predictors = 1;
  preset.description = "appo with a predictor beside the learner; environments may be on other machines";
  return preset;
}

Preset sample_factory_preset() {
  Preset preset = seed_preset();
  preset.inference.double_buffering = true;
  preset.description = "appo with a predictor, and many environments in each worker, in two halves";
  return preset;
}

Preset ape_x_preset() {
  Preset preset = dqn_preset();
  play_for_one_learner(preset);
  Hyperparameters& h = preset.hyperparameters;
  h.epsilon = 0.4;
  h.epsilon_ladder = 7;
  h.priority_exponent = 0.6;
  preset.description =
      "dqn with asynchronous workers that each explore in their own measure, one prioritized buffer and one "
      "learner";
  return preset;
}

Preset r2d2_preset() {
  Preset preset = ape_x_preset();
  preset.network = mlp_network({.activation = Activation::kRelu, .layer_norm = true, .memory = kR2d2Memory});
  preset.description = "ape-x for a network with memory, which learns from sequences";
  return preset;
}

Hyperparameters with_schedule_end(Hyperparameters hyperparameters, std::uint64_t max_steps, int machines) {
  if (machines < 1) throw ArgumentError(fmt::format("machines is {}; expected at least 1", machines));
  const bool is_open = hyperparameters.has_schedule() && hyperparameters.schedule_steps == 0;
  const auto shares = static_cast<std::uint64_t>(machines);
  if (is_open) hyperparameters.schedule_steps = max_steps / shares + (max_steps % shares == 0 ? 0 : 1);
  return hyperparameters;
}

Hyperparameters hyperparameters_for(const Preset& preset, ExchangeKind exchange) {
  Hyperparameters hyperparameters = preset.hyperparameters;
  if (exchange != ExchangeKind::kRounds) return hyperparameters;
  hyperparameters.learning_rate *= preset.rounds.learning_rate_factor;
  if (preset.rounds.ends_after_steps && hyperparameters.round_steps > 0)
    hyperparameters.round_end = RoundEnd::kStep;
  return hyperparameters;
}

void apply(const Preset& preset, OrchestratorOptions& options, int machines) {
  options.hyperparameters = preset.hyperparameters;
  options.replay_capacity = preset.replay_capacity;
  options.learning = preset.learning;
  options.actor_mode = preset.actor_mode;
  options.queued_rounds = preset.queued_rounds;
  options.inference = preset.inference;
  if (!preset.max_steps) return;
  options.hyperparameters = with_schedule_end(preset.hyperparameters, *preset.max_steps, machines);
}

void apply(const Preset& preset, ParentOptions& options) {
  options.alpha = preset.alpha.value_or(options.alpha);
}

void apply(const Preset& preset, ChildOptions& options) {
  options.beta = preset.beta.value_or(options.beta);
}

void apply(const Preset& preset, EvaluationRequest& request) {
  request.greedy = preset.greedy;
}

}  // namespace genkidama::run
