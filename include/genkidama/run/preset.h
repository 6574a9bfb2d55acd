#pragma once

/// @file
/// Named settings of a whole run: what is learnt with, with which network, for how long, and how it is
/// shared.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "genkidama/core/export.h"
#include "genkidama/net/child.h"
#include "genkidama/net/parent.h"
#include "genkidama/nn/networks.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/params/exchange_kind.h"
#include "genkidama/params/outer_optimizer.h"
#include "genkidama/rl/hyperparameters.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// How machines learn when they make rounds together (ExchangeKind::kRounds). The mean of what several
/// machines have learnt has less noise than what one has, so that a higher learning rate pays, and is
/// shorter, for which an outer momentum makes up.
struct RoundsPreset {
  OuterOptimizerOptions outer_optimizer{};  ///< of the Parent
  double learning_rate_factor = 1;          ///< multiplies Hyperparameters::learning_rate; > 0
  /// Rounds of at least one step end after exactly so many (RoundEnd::kStep), so that nobody waits for
  /// somebody else's long episode; false: as the hyperparameters say.
  bool ends_after_steps = false;
};

/// A preset is a value: copy one, change a field, and use the copy. The functions `apply` below fill the
/// options of each class that takes part in a run:
///
///     const auto preset = genkidama::run::tuned_preset();
///     genkidama::OrchestratorOptions options;
///     genkidama::run::apply(preset, options);
///     genkidama::CoreOrchestrator trainer(environment, preset.network, options);
struct Preset {
  Hyperparameters hyperparameters;  ///< how each machine learns
  /// What is trained. Empty: the network of whoever uses the preset.
  NetworkFactory network;
  std::size_t replay_capacity =
      0;                    ///< steps that each worker keeps; see OrchestratorOptions::replay_capacity
  std::string description;  ///< one line for --help
  /// Environment steps of a run whose length nobody says. A linear learning rate whose end nobody says ends
  /// there too. Empty: the run goes on until something else ends it.
  std::optional<std::uint64_t> max_steps;
  std::optional<double> alpha;  ///< of a Parent, see ParentOptions::alpha; empty: the thesis' 0.9
  std::optional<double> beta;   ///< of a Child, see ChildOptions::beta; empty: the thesis' 0
  /// How the machines of a cluster exchange weights: kEach or kRounds.
  ExchangeKind exchange = ExchangeKind::kEach;
  RoundsPreset rounds{};  ///< for kRounds, by whomever it was chosen
  bool greedy = false;    ///< evaluations take the likeliest action; false: they sample the policy
  // Where the agent is cut on one machine; see OrchestratorOptions.
  Learning learning = Learning::kWorkers;      ///< who learns from what the workers play
  ActorMode actor_mode = ActorMode::kWaiting;  ///< whether workers wait while the learner learns
  std::uint64_t queued_rounds = 1;             ///< rounds in the queue of asynchronous workers
  InferenceOptions inference{};                ///< who computes what actions are chosen from
};

/// The thesis' settings and network: A3C with n-step returns and SGD with momentum (sections 4.6 and 5.2). A
/// run has 8,000,000 environment steps.
Preset thesis_preset();

/// thesis_preset() as the thesis' own program was: it takes the time limit for a terminal state, bootstraps
/// with the value of the last stored observation, draws the same random numbers in every worker, and lets the
/// workers' gradients overwrite each other. Each of these is an option, for comparisons.
Preset original_preset();

/// tuned_hyperparameters() for mlp_network(), 3,000,000 environment steps, and greedy evaluations. The
/// machines of a cluster make rounds together, with an outer Nesterov momentum of 0.5 and 1.5 times the
/// learning rate; where each is merged by itself alpha and beta are 0.5. It learns control tasks of
/// LunarLander's and CartPole's kind in a minute.
Preset tuned_preset();

/// tuned_preset() for the sake of the final policy: rounds of 4,096 steps, a GAE lambda of 0.98, and an
/// entropy weight that falls to 0 over the run. It passes LunarLander's threshold a little later than
/// tuned_preset(), and its policies end higher and differ less between seeds.
Preset thorough_preset();

/// tuned_preset() for tasks with continuous actions: rounds of 4,096 steps, no entropy term, which would keep
/// a normal distribution wide, and 1,000,000 environment steps. The deviation begins at 1, half of a bounded
/// component's range.
Preset control_preset();

/// dqn_hyperparameters() for mlp_network() with two layers of 64 units, layer norm and ReLU, a replay buffer
/// of 200,000 steps for each worker, 500,000 environment steps, and greedy evaluations. For tasks with one
/// choice.
Preset dqn_preset();

/// The same with dyna_q_hyperparameters().
Preset dyna_q_preset();

/// dqn_preset() as Gorila has it (Nair et al. 2015): a server applies all gradients (Sharing::kServer, with
/// or without shards), each worker learns from its own steps and explores in its own measure, and gradients
/// that are more than 20 optimizer steps old, or whose loss is more than 4 deviations above its mean, are
/// dropped.
Preset gorila_preset();

/// sac_hyperparameters() for mlp_network() with two layers of 64 units and ReLU, a replay buffer of 200,000
/// steps for each worker, 200,000 environment steps, and greedy evaluations. For continuous actions with
/// finite bounds.
Preset sac_preset();

/// GA3C (Babaeizadeh et al. 2017): workers only step environments, predictors compute their outputs in
/// batches, and one learner takes one gradient step for each batch of short segments, with the paper's
/// log(pi + epsilon).
Preset ga3c_preset();

/// IMPALA (Espeholt et al. 2018): asynchronous workers play unrolls with weights of their own, and one
/// learner takes one gradient step for each batch of 64 steps of them, corrected by V-trace.
Preset impala_preset();

/// APPO: impala_preset() with PPO's clipped loss and several epochs for each batch, so that fewer batches are
/// needed.
Preset appo_preset();

/// SEED RL (Espeholt et al. 2020): appo_preset() with a predictor beside the learner and many environments in
/// each worker. The environments may be on other machines (genkidama/net/environments.h).
Preset seed_preset();

/// Sample Factory (Petrenko et al. 2020): seed_preset() whose workers step one half of their environments
/// while the outputs for the other half are computed.
Preset sample_factory_preset();

/// Ape-X (Horgan et al. 2018): asynchronous workers that explore each in its own measure, one prioritized
/// replay buffer for all, and one learner.
Preset ape_x_preset();

/// R2D2 (Kapturowski et al. 2019): ape_x_preset() for a network with memory, which learns from sequences
/// whose first steps only bring its memory up to date.
Preset r2d2_preset();

/// The hyperparameters, completed: schedules without an end get one at `max_steps` environment steps of the
/// run, shared by `machines` (>= 1) that play at the same time; each plays its share, rounded up. A
/// schedule_steps above 0 stays as it is, and so do hyperparameters whose schedules are all constant.
Hyperparameters with_schedule_end(Hyperparameters hyperparameters, std::uint64_t max_steps, int machines = 1);

/// How one of the machines learns that exchange weights in this way.
Hyperparameters hyperparameters_for(const Preset& preset, ExchangeKind exchange);

/// How a machine learns, and where its agent is cut; an actor or a learner of another machine changes
/// OrchestratorOptions::learning, actor_mode and inference afterwards. The learning rate ends at
/// preset.max_steps, shared by `machines` as with_schedule_end() says; a preset without max_steps leaves
/// schedule_steps to the caller.
void apply(const Preset& preset, OrchestratorOptions& options, int machines = 1);
/// How a Parent merges. An empty preset.alpha leaves the option as it is.
void apply(const Preset& preset, ParentOptions& options);
/// How a Child takes over what the Parent has. An empty preset.beta leaves the option as it is.
void apply(const Preset& preset, ChildOptions& options);
/// How episodes are played when the run is evaluated.
void apply(const Preset& preset, EvaluationRequest& request);

}  // namespace run
}  // namespace genkidama
