#include "cli/commands/idle_options.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "cli/commands/dependent_options.h"
#include "cli/options/command_line.h"
#include "cli/options/is_one_of.h"
#include "cli/options/population_check.h"
#include "cli/options/settings_check.h"
#include "genkidama/core/log.h"
#include "genkidama/rl/algorithms.h"
#include "genkidama/run/run_options.h"
#include "run/evaluation/run_evaluator.h"

namespace genkidama::cli {
namespace {

using Names = std::vector<std::string>;

/// Options that only some algorithms know. The others take them without a word, so that one preset can serve
/// several algorithms.
struct Scope {
  Names algorithms;
  Names options;
};

const std::vector<Scope>& scopes() {
  const Names policy_gradient = {"a3c", "ppo"};
  const Names& of_values = value_algorithms();
  const Names from_replay = {"dqn", "dyna_q", "qr_dqn", "sac", "td3"};
  static const std::vector<Scope> all = {
      {{"a3c"}, {"batch-size", "pull-every"}},
      {{"ppo"},
       {"epochs", "clip-range", "clip-range-schedule", "value-clip-range", "target-kl", "log-epsilon",
        "normalise-advantages"}},
      {policy_gradient,
       {"gae-lambda", "value-weight", "entropy-weight", "entropy-weight-schedule", "deviation",
        "action-bounds", "initial-log-deviation", "noise-correlation"}},
      {{"a3c", "ppo", "dqn", "dyna_q", "qr_dqn"}, {"epsilon"}},
      {from_replay,
       {"replay", "replay-ratio", "learning-starts", "n-step", "priority-exponent", "importance-exponent",
        "target-period", "target-rate", "huber-delta"}},
      {of_values,
       {"double-q", "first-epsilon", "epsilon-steps", "epsilon-ladder", "noisy-layers", "noisy-deviation"}},
      {{"dqn", "dyna_q"}, {"dueling"}},
      {{"dyna_q"},
       {"model-ensemble", "model-units", "model-learning-rate", "model-ratio", "model-error-limit",
        "planning-ratio", "planning-starts", "planning-steps", "planning-epsilon", "sweeping-exponent",
        "modellers", "planners"}},
      {{"qr_dqn"}, {"quantiles"}},
      {{"sac", "td3"}, {"critics", "target-critics"}},
      {{"sac"}, {"temperature", "learn-temperature", "target-entropy"}},
      {{"td3"}, {"exploration-noise", "target-noise", "target-noise-limit", "policy-period"}},
  };
  return all;
}

void warn_of_others_options(const Settings& settings) {
  const Hyperparameters& given = settings.learning.hyperparameters;
  for (const Scope& scope : scopes()) {
    if (is_one_of(given.algorithm, scope.algorithms)) continue;
    for (const std::string& option : scope.options) {
      if (is_explored(settings, option))
        warn_of_idle("--explore " + option, fmt::format("--loss is '{}', and it is for {}", given.algorithm,
                                                        fmt::join(scope.algorithms, ", ")));
      if (!names_option(settings.command_line, option)) continue;
      warn_of_idle("--" + option, fmt::format("--loss is '{}', and it is for {}", given.algorithm,
                                              fmt::join(scope.algorithms, ", ")));
    }
  }
  if (names_option(settings.command_line, "target-critics") && given.target_critics > given.critics &&
      is_one_of(given.algorithm, {"sac", "td3"})) {
    warn_of_idle("--target-critics",
                 fmt::format("it is {}, and there are {} critics, all of which make a target",
                             given.target_critics, given.critics));
  }
}

}  // namespace

void warn_of_idle(std::string_view flag, const std::string& why) {
  log(LogLevel::kWarning, "{} has no effect: {}", flag, why);
}

void warn_of_idle_options(const Settings& settings, const run::Preset& of_preset,
                          const EnvironmentSpec& environment) {
  if (settings.plumbing.idle_told) return;
  const Hyperparameters& given = settings.learning.hyperparameters;
  const Hyperparameters& preset = of_preset.hyperparameters;
  if (given.sequence_length != preset.sequence_length && settings.network && settings.network->memory == 0)
    warn_of_idle("--sequence-length", "the network has no memory, which --memory gru:N gives it");
  const auto network = mlp_options(of_preset.network);
  if (network && network->memory > 0 && settings.network && settings.network->memory == 0) {
    log(LogLevel::kWarning,
        "--memory is 'none', and the preset '{}' is for a network with memory: what is played and learnt "
        "from has "
        "none; expected gru:{}, or another preset",
        settings.preset, network->memory);
  }
  const bool is_bundled = is_one_of(given.algorithm, algorithm_names());
  const bool takes_continuous = !is_bundled || is_one_of(given.algorithm, {"a3c", "ppo"});
  if (environment.action_space.low.empty() && takes_continuous) {
    const std::string why =
        fmt::format("the actions of '{}' have no continuous components", environment.name);
    if (given.action_bounds != preset.action_bounds) warn_of_idle("--action-bounds", why);
    if (given.state_dependent_deviation != preset.state_dependent_deviation) warn_of_idle("--deviation", why);
    if (given.initial_log_deviation != preset.initial_log_deviation)
      warn_of_idle("--initial-log-deviation", why);
  }
  if (is_bundled) warn_of_others_options(settings);
  for (const DependentOption& idle : idle_dependent_options(settings))
    warn_of_idle("--" + idle.option, idle.why);
  if (given.vtrace && is_bundled && given.algorithm != "ppo")
    warn_of_idle("--vtrace", fmt::format("--loss is '{}'; expected 'ppo'", given.algorithm));
  if (!given.vtrace) {
    const std::string why = "it is a part of V-trace; expected --vtrace together with it";
    if (given.vtrace_rho != preset.vtrace_rho) warn_of_idle("--vtrace-rho", why);
    if (given.vtrace_c != preset.vtrace_c) warn_of_idle("--vtrace-c", why);
  }
  const run::RunOptions& limits = settings.run;
  if (settings.resume.empty() && settings.learning.replay_capacity > 0 && limits.max_steps &&
      *limits.max_steps <= given.learning_starts && learns_from_replay(given)) {
    log(LogLevel::kWarning, "nothing is learnt: the run ends after {} steps, and --learning-starts is {}",
        *limits.max_steps, given.learning_starts);
  }
  if (!limits.patience || !limits.updates) return;
  const std::uint64_t every = limits.evaluate_every.value_or(run::kEvaluateEvery);
  // The first one is always the best until then.
  if (*limits.updates / every > *limits.patience) return;
  warn_of_idle(
      "--patience",
      fmt::format("{} updates have {} evaluations, one in {} (--evaluate-every); expected more than {}",
                  *limits.updates, *limits.updates / every, every, *limits.patience));
}

}  // namespace genkidama::cli
