#include "genkidama/rl/hyperparameters.h"

#include <fmt/format.h>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"

namespace genkidama {
namespace {

constexpr double kMostReplayRatio = 10'000;
constexpr double kMostRatioToReal = 1'000;
constexpr int kMostHelpers = 1024;

[[noreturn]] void refuse(const char* field, double value, const char* expected) {
  throw ArgumentError(fmt::format("{} is {}; expected {}", field, value, expected));
}

void in_closed_unit(const char* field, double value) {
  if (!is_finite(value) || value < 0 || value > 1) refuse(field, value, "a number in [0, 1]");
}

void in_half_open_unit(const char* field, double value) {
  if (!is_finite(value) || value < 0 || value >= 1) refuse(field, value, "a number in [0, 1)");
}

void positive(const char* field, double value) {
  if (!is_finite(value) || value <= 0) refuse(field, value, "a number above 0");
}

void not_negative(const char* field, double value) {
  if (!is_finite(value) || value < 0) refuse(field, value, "a number of at least 0");
}

void in_ratio(const char* field, double value) {
  if (!is_finite(value) || value < 0 || value > kMostRatioToReal)
    refuse(field, value, "a number in [0, 1000]");
}

/// What the settings of algorithms that learn from a replay buffer have in common.
Hyperparameters replay_hyperparameters(const char* algorithm) {
  Hyperparameters h;
  h.algorithm = algorithm;
  h.round_steps = 1000;
  h.round_end = RoundEnd::kStep;
  h.minibatch_size = 64;
  h.optimizer = "adam";
  h.learning_rate = 1e-3;
  h.schedule = Schedule::kLinear;
  h.weight_decay = 0;
  h.gamma = 0.995;
  h.reward_scale = 0.05;
  h.n_step = 3;
  return h;
}

}  // namespace

void Hyperparameters::check() const {
  in_closed_unit("gamma", gamma);
  in_closed_unit("gae_lambda", gae_lambda);
  positive("reward_scale", reward_scale);
  positive("observation_clip", observation_clip);
  not_negative("value_weight", value_weight);
  not_negative("entropy_weight", entropy_weight);
  if (batch_size < 1) refuse("batch_size", batch_size, "at least 1");
  if (pull_every < 1) refuse("pull_every", pull_every, "at least 1");
  if (environments_per_worker < 1 || environments_per_worker > 1024) {
    refuse("environments_per_worker", environments_per_worker, "1 to 1024");
  }
  in_closed_unit("epsilon", epsilon);
  if (!is_finite(initial_log_deviation) || initial_log_deviation < -20 || initial_log_deviation > 20)
    refuse("initial_log_deviation", initial_log_deviation, "a number in [-20, 20]");
  in_half_open_unit("noise_correlation", noise_correlation);
  if (round_steps < 0) refuse("round_steps", round_steps, "at least 0");
  if (round_end == RoundEnd::kStep && round_steps < 1)
    refuse("round_steps", round_steps, "at least 1 where rounds end after steps");
  if (epochs < 1) refuse("epochs", epochs, "at least 1");
  if (minibatch_size < 1) refuse("minibatch_size", minibatch_size, "at least 1");
  if (sequence_length < 1) refuse("sequence_length", sequence_length, "at least 1");
  positive("clip_range", clip_range);
  not_negative("value_clip_range", value_clip_range);
  not_negative("target_kl", target_kl);
  positive("vtrace_rho", vtrace_rho);
  positive("vtrace_c", vtrace_c);
  not_negative("log_epsilon", log_epsilon);
  if (unroll < 0) refuse("unroll", unroll, "at least 0");
  if (!is_finite(replay_ratio) || replay_ratio <= 0 || replay_ratio > kMostReplayRatio)
    refuse("replay_ratio", replay_ratio, "a number above 0 and at most 10000");
  if (n_step < 1) refuse("n_step", n_step, "at least 1");
  in_closed_unit("priority_exponent", priority_exponent);
  in_closed_unit("importance_exponent", importance_exponent);
  if (target_period < 0) refuse("target_period", target_period, "at least 0");
  if (!is_finite(target_rate) || target_rate <= 0 || target_rate > 1)
    refuse("target_rate", target_rate, "a number in (0, 1]");
  not_negative("huber_delta", huber_delta);
  if (burn_in < 0) refuse("burn_in", burn_in, "at least 0");
  not_negative("noisy_deviation", noisy_deviation);
  if (quantiles < 1 || quantiles > 1000) refuse("quantiles", quantiles, "1 to 1000");
  in_closed_unit("first_epsilon", first_epsilon);
  not_negative("epsilon_ladder", epsilon_ladder);
  if (model_ensemble < 1 || model_ensemble > 100) refuse("model_ensemble", model_ensemble, "1 to 100");
  if (model_units < 1 || model_units > 10'000) refuse("model_units", model_units, "1 to 10000");
  positive("model_learning_rate", model_learning_rate);
  in_ratio("model_ratio", model_ratio);
  positive("model_error_limit", model_error_limit);
  in_ratio("planning_ratio", planning_ratio);
  if (planning_steps < 1 || planning_steps > minibatch_size)
    refuse("planning_steps", planning_steps, "1 to minibatch_size");
  in_closed_unit("planning_epsilon", planning_epsilon);
  in_closed_unit("sweeping_exponent", sweeping_exponent);
  if (priority_exponent > 0 && sweeping_exponent > 0 && priority_exponent != sweeping_exponent)
    refuse("sweeping_exponent", sweeping_exponent,
           "0 or the priority_exponent, for a row of the replay buffer has one priority");
  if (modellers < 0 || modellers > kMostHelpers) refuse("modellers", modellers, "0 to 1024");
  if (planners < 0 || planners > kMostHelpers) refuse("planners", planners, "0 to 1024");
  if (critics < 1) refuse("critics", critics, "at least 1");
  if (target_critics < 1) refuse("target_critics", target_critics, "at least 1");
  positive("temperature", temperature);
  if (!is_finite(target_entropy)) refuse("target_entropy", target_entropy, "a finite number");
  not_negative("exploration_noise", exploration_noise);
  not_negative("target_noise", target_noise);
  not_negative("target_noise_limit", target_noise_limit);
  if (policy_period < 1) refuse("policy_period", policy_period, "at least 1");
  if (merge_every < 0) refuse("merge_every", merge_every, "at least 0");
  not_negative("max_loss_deviations", max_loss_deviations);
  not_negative("proximal", proximal);
  positive("learning_rate", learning_rate);
  if (!is_finite(final_learning_rate) || final_learning_rate < 0 || final_learning_rate > learning_rate) {
    refuse("final_learning_rate", final_learning_rate,
           "a number of at least 0 that is no larger than learning_rate");
  }
  if (has_schedule() && schedule_steps == 0) {
    refuse("schedule_steps", 0, "the environment steps after which a schedule ends, above 0");
  }
  in_half_open_unit("momentum", momentum);
  not_negative("weight_decay", weight_decay);
  in_half_open_unit("rms_decay", rms_decay);
  in_half_open_unit("adam_beta1", adam_beta1);
  in_half_open_unit("adam_beta2", adam_beta2);
  positive("denominator_epsilon", denominator_epsilon);
  not_negative("max_gradient_norm", max_gradient_norm);
}

Hyperparameters dqn_hyperparameters() {
  Hyperparameters h = replay_hyperparameters("dqn");
  h.final_learning_rate = 1e-4;
  h.max_gradient_norm = 10;
  h.epsilon = 0.005;
  h.epsilon_steps = 30'000;
  return h;
}

Hyperparameters dyna_q_hyperparameters() {
  Hyperparameters h = dqn_hyperparameters();
  h.algorithm = "dyna_q";
  h.epsilon = 0.02;
  h.replay_ratio = 1;
  h.planning_ratio = 1;
  h.planning_starts = 1'000;
  h.sweeping_exponent = 0.6;
  return h;
}

Hyperparameters sac_hyperparameters() {
  Hyperparameters h = replay_hyperparameters("sac");
  h.replay_ratio = 1;
  h.learning_starts = 2'000;
  h.huber_delta = 0;
  return h;
}

Hyperparameters tuned_hyperparameters() {
  Hyperparameters h;
  h.algorithm = "ppo";
  h.round_steps = 2048;
  h.epochs = 5;
  h.minibatch_size = 64;
  h.optimizer = "adam";
  h.learning_rate = 1e-3;
  h.schedule = Schedule::kLinear;
  h.denominator_epsilon = 1e-5;
  h.weight_decay = 0;
  h.gamma = 0.995;
  h.gae_lambda = 0.95;
  h.reward_scale = 0.05;
  h.value_weight = 0.5;
  h.entropy_weight = 0.01;
  h.epsilon = 0;
  h.max_gradient_norm = 0.5;
  return h;
}

}  // namespace genkidama
