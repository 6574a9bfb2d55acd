#pragma once

/// @file
/// Everything that shapes learning on one machine. The defaults are the thesis' (sections 4.6 and 5.2).

#include <cstdint>
#include <string>

#include "genkidama/core/export.h"
#include "genkidama/nn/optimizer_options.h"
#include "genkidama/rl/behaviour.h"
#include "genkidama/rl/replay_scope.h"
#include "genkidama/rl/round_end.h"
#include "genkidama/rl/schedule.h"
#include "genkidama/rl/sharing.h"

namespace GENKIDAMA_EXPORT genkidama {

/// What Schedule was called when only the learning rate had one.
using LearningRateSchedule = Schedule;

/// The constants of learning, the optimizer's and those of continuous actions among them.
struct Hyperparameters : OptimizerOptions, GaussianOptions {
  /// Which algorithm learns: "a3c", one optimizer step per batch while the episode goes on, or "ppo", several
  /// epochs over a round's steps, or "dqn", "dyna_q", "qr_dqn", "sac" or "td3", from a replay buffer (see
  /// genkidama/rl/algorithms.h). `--loss` sets it. An algorithm of your own goes into
  /// OrchestratorOptions::algorithm and is given all of these constants.
  std::string algorithm = "a3c";

  // Returns and loss.
  double gamma = 0.999;         ///< discount per step, in [0, 1]
  double gae_lambda = 1.0;      ///< in [0, 1]; 1 is the thesis' n-step return over the batch
  double reward_scale = 1.0;    ///< > 0; multiplies rewards for learning, never in statistics
  double value_weight = 1.0;    ///< >= 0; weight of (R - V)^2 in the loss
  double entropy_weight = 0.0;  ///< >= 0; weight of the policy's entropy, which is subtracted from the loss
  Schedule entropy_weight_schedule = Schedule::kConstant;  ///< how entropy_weight changes
  /// true: the value of the last observation counts when the time limit ended the episode. false: the time
  /// limit is taken for a terminal state, as in the thesis' own program.
  bool bootstrap_truncated = true;
  /// true: beyond a segment that ends before its episode lies the value of the observation after its last
  /// step. false: the value of the observation before that step is taken, as in the thesis' own program.
  bool bootstrap_next = true;

  // Normalisation, with statistics of everything that was played so far. They stay the same during a round.
  // The first round of a run collects them and learns nothing.
  /// Networks are given (x - mean) / deviation of each component of an observation, cut to
  /// +-observation_clip.
  bool normalise_observations = false;
  double observation_clip = 10;  ///< > 0; in deviations
  /// Rewards are learnt from divided by the deviation of the return discounted with gamma, in place of a
  /// reward_scale that somebody must find.
  bool normalise_rewards = false;

  // Collection.
  int batch_size = 120;  ///< a3c: steps per optimizer step, >= 1; there are fewer at an episode's end
  int pull_every =
      2;  ///< a3c: batches between two pulls of the shared weights, >= 1; an episode's end pulls too
  /// Environments that a worker plays side by side, 1 to 1024. A network that goes through LibTorch computes
  /// all of them in one forward pass; the bundled networks gain nothing. A round then has that many episodes,
  /// or more when round_steps asks for more.
  int environments_per_worker = 1;
  /// Chance that a choice is uniformly random, in [0, 1]. Continuous components are sampled from the policy
  /// alone.
  double epsilon = 0.01;
  /// true: all workers draw the actions of a round with the same random numbers, as processes do that inherit
  /// them (the thesis' own program). false: every worker draws its own.
  bool equal_draws = false;
  /// A worker plays whole episodes until its round has at least this many steps, or 1024 episodes; >= 0. 0
  /// stands for the thesis' one episode.
  int round_steps = 0;
  /// Where a round ends. RoundEnd::kStep: after round_steps steps of all environments of the worker, which
  /// must then be at least 1. What an unfinished episode has brought is learnt from, with the value of its
  /// last observation. The episode goes on in the next round; correlated noise begins anew there. It goes on
  /// after a resume and after an evaluation too, if EnvironmentSpec::repeatable is set and the episode has at
  /// most 16,384 steps: it is played again up to where it was.
  RoundEnd round_end = RoundEnd::kEpisode;

  // Only of ppo, where batch_size and pull_every do not apply.
  int epochs = 5;           ///< passes over a round's steps, >= 1
  int minibatch_size = 64;  ///< steps per optimizer step, >= 1; the weights are pulled after each
  /// A network with memory learns from sequences of at most so many steps, >= 1. Gradients go back through
  /// time to a sequence's first step, and a minibatch takes whole sequences until it has minibatch_size
  /// steps. dqn takes minibatch_size / sequence_length of them, and at least one.
  int sequence_length = 32;
  double clip_range = 0.2;                             ///< the probability ratio counts up to 1 +- this, > 0
  Schedule clip_range_schedule = Schedule::kConstant;  ///< how clip_range changes
  /// Each value counts up to this far from what it was when the steps were collected, in scaled rewards
  /// (ActorCriticPass::backpropagate()); 0: no limit.
  double value_clip_range = 0;
  /// A worker stops learning from a round before the first minibatch whose approximate KL divergence
  /// (LearningStatistics::approximate_kl) is above this; 0: never.
  double target_kl = 0;
  bool normalise_advantages = true;  ///< to mean 0 and deviation 1 in each minibatch
  /// Returns and advantages are those of V-trace (genkidama/rl/vtrace.h), which weighs each step by how much
  /// likelier the policy takes its action now than when it was played. PPO then learns from steps of an older
  /// policy too (APPO), as asynchronous actors bring them; gae_lambda is V-trace's lambda.
  bool vtrace = false;
  double vtrace_rho = 1;  ///< > 0; a step's weight counts up to this in its own error
  double vtrace_c = 1;    ///< > 0; and up to this in what later steps bring
  /// The policy's gradient is that of log(pi + this) in place of log(pi), >= 0, which keeps the step of an
  /// action finite that has become improbable before it is learnt from (Babaeizadeh et al. 2017, "GA3C",
  /// section 5.2). For actions that are choices, whose pi is a probability.
  double log_epsilon = 0;
  /// A segment has at most so many steps, >= 0; the value of its last observation stands for what follows. 0:
  /// a segment ends with its episode or its round.
  int unroll = 0;

  // Only of algorithms that learn from a replay buffer, whose optimizer steps take minibatch_size transitions
  // each (see genkidama/rl/replay_learner.h).
  ReplayScope replay = ReplayScope::kGlobal;  ///< whose steps a worker learns from
  /// Optimizer steps of a worker for each environment step that it plays, > 0. It counts steps, not episodes.
  double replay_ratio = 0.5;
  /// Environment steps of all workers of the machine before the first optimizer step. There are none either
  /// before a worker can draw from minibatch_size rows.
  std::uint64_t learning_starts = 1'000;
  int n_step = 1;  ///< rewards of so many steps are summed up in a target, >= 1
  /// How strongly rows with large errors are preferred, in [0, 1]: a row is drawn in proportion to
  /// (|error| + 1e-3)^priority_exponent. 0: rows are drawn uniformly, and have no priorities.
  double priority_exponent = 0;
  /// How much of that preference is taken back by the rows' weights in the loss, in [0, 1]: the exponent of
  /// the importance weights at first. It rises linearly to 1 until schedule_steps; without those it stays.
  double importance_exponent = 0.4;
  /// The target network takes the weights as they are after each target_period optimizer steps of the
  /// machine, >= 0; 0: it follows them by target_rate.
  int target_period = 0;
  double target_rate = 0.005;  ///< the target network's share of the new weights in each step, in (0, 1]
  /// Errors count by their square up to this size, and linearly beyond (Huber's loss), in scaled rewards; 0:
  /// always by their square.
  double huber_delta = 1;

  // Only of dqn and qr_dqn.
  /// dqn with memory: a drawn sequence has up to so many steps before those that are learnt from, >= 0, from
  /// which the memory becomes what it was (Kapturowski et al. 2019, "R2D2"). It begins empty.
  int burn_in = 16;
  bool double_q = true;  ///< the weights choose the next action and the target network values it
  bool dueling = false;  ///< dqn: the network has a value and an advantage for each action
  /// The network's layers have noise that learns how large it is to be, and explores in epsilon's place
  /// (Fortunato et al. 2018; make_network() says where): set epsilon and epsilon_steps to 0 together with it,
  /// unless both are to explore. Each step that is played and each network of an optimizer step draw it anew;
  /// greedy play and policy files are without.
  bool noisy_layers = false;
  /// noisy_layers: what the deviation of a weight starts as, times the root of its layer's inputs, >= 0.
  double noisy_deviation = 0.5;
  int quantiles = 50;  ///< qr_dqn: quantiles of each action's return, 1 to 1000
  /// Epsilon falls linearly from first_epsilon, in [0, 1], to `epsilon` within so many environment steps of
  /// the machine; 0: it is `epsilon` from the beginning.
  std::uint64_t epsilon_steps = 0;
  double first_epsilon = 1;  ///< see epsilon_steps
  /// >= 0; worker i of N takes epsilon to the power 1 + epsilon_ladder i / (N - 1), so that some explore much
  /// and some little (Horgan et al. 2018, "Ape-X", with 7). 0: all workers have the same epsilon.
  double epsilon_ladder = 0;

  // Only of dyna_q, which has dqn's constants too. Optimizer steps are `real` where they learn from the
  // replay buffer and `imagined` where the world model gave what is learnt from.
  int model_ensemble = 1;             ///< world models, each learnt from draws of its own, 1 to 100
  int model_units = 64;               ///< units of each of a model's two hidden layers, 1 to 10,000
  double model_learning_rate = 1e-3;  ///< of Adam, with which models learn, > 0
  double model_ratio = 1;             ///< optimizer steps of each model for a real one at most, in [0, 1000]
  /// Above this error, relative to that of predicting no change, models are not used, > 0. They are again
  /// below nine tenths of it.
  double model_error_limit = 0.5;
  double planning_ratio = 1;  ///< imagined optimizer steps for a real one at most, in [0, 1000]
  /// Environment steps of all workers of the machine before the first imagined step.
  std::uint64_t planning_starts = 2'000;
  /// Steps that are imagined one after the other, 1 to minibatch_size. The rewards from each of them to the
  /// last one are summed up in its target.
  int planning_steps = 1;
  /// Chance that the first action of those is uniformly random, in [0, 1]. The others are greedy.
  double planning_epsilon = 0.5;
  /// How strongly states with large errors are preferred to imagine from, in [0, 1], as priority_exponent
  /// has it; 0: all alike. When both are above 0 they must be equal, for a row has one priority.
  double sweeping_exponent = 0;
  /// Processes or threads beside the workers that only learn models, 0 to 1024; 0: workers do it themselves.
  int modellers = 0;
  /// The same that only imagine and learn from that, 0 to 1024.
  int planners = 0;

  // Only of sac and td3.
  int critics = 2;  ///< estimates of an action's return, >= 1
  /// How many of them, drawn at random, make a target, >= 1; all of them where there are fewer.
  int target_critics = 2;
  /// sac: the weight of the policy's entropy at first, in scaled rewards, > 0.
  double temperature = 1;
  bool learn_temperature = true;   ///< sac: the temperature is learnt so that the policy keeps target_entropy
  double target_entropy = -1;      ///< sac: for each number of an action, in nats of its unit [-1, 1]
  double exploration_noise = 0.1;  ///< td3: deviation of an action's noise, >= 0, in units of [-1, 1]
  double target_noise = 0.2;       ///< td3: the same of a target's action, >= 0
  double target_noise_limit = 0.5;  ///< td3: a target's noise is cut beyond this, >= 0
  int policy_period = 2;            ///< td3: optimizer steps of a worker for one of the policy, >= 1

  // What the workers of one machine share.
  Sharing sharing = Sharing::kHogwild;  ///< what becomes of a gradient
  /// Sharing::kLocal: steps of a worker's optimizer between two merges, >= 0. 0: a worker merges at its
  /// round's end only, and then the mean of all workers' changes is taken and not their sum.
  int merge_every = 4;
  /// Sharing::kServer, and shards (genkidama/net/shard.h): a gradient is dropped when the weights that it was
  /// computed with are older than so many optimizer steps; 0: none is.
  std::uint64_t max_gradient_age = 0;
  /// A worker drops its gradient when the loss (LearningStatistics::value_loss) is more than so many
  /// deviations above its running mean (Nair et al. 2015), >= 0; 0: it drops none. The first 100 losses are
  /// only watched.
  double max_loss_deviations = 0;

  // What the machines of a run share.
  /// How strongly a machine is held to the weights that it last took from others, >= 0; 0: not at all. mu of
  /// the proximal term mu / 2 ||w - anchor||^2 of the loss (Li et al. 2020, "Federated optimization in
  /// heterogeneous networks", FedProx): each gradient grows by mu (w - anchor), where w are the weights that
  /// the gradient was computed with. The anchor is what LocalTrainer::write_weights() wrote last, and before
  /// that what the first round began from. The term is added after the gradient was clipped, as weight_decay
  /// is: it has no noise that a limit would have to hold down, and a long gradient must not scale it down
  /// where it matters most. LearningStatistics::gradient_norm is without it. Not with shards, where a machine
  /// has no weights of its own that could move away from the others'.
  double proximal = 0;

  // Optimizer; OptimizerOptions has the rest.
  Schedule schedule = Schedule::kConstant;  ///< how learning_rate changes
  /// What the learning rate's schedule ends at, >= 0 and at most learning_rate.
  double final_learning_rate = 0;
  /// Environment steps of this machine after which every schedule has ended; > 0 unless all are constant.
  std::uint64_t schedule_steps = 0;
  double max_gradient_norm = 0;  ///< the gradient is clipped to this L2 norm; 0: no clipping

  /// The exponent by which rows of a replay buffer get priorities from errors; 0: they have none.
  double priorities_exponent() const { return priority_exponent > 0 ? priority_exponent : sweeping_exponent; }

  /// Whether a schedule is not constant, so that schedule_steps is needed.
  bool has_schedule() const {
    return schedule != Schedule::kConstant || clip_range_schedule != Schedule::kConstant ||
           entropy_weight_schedule != Schedule::kConstant;
  }

  /// Throws ArgumentError naming the first field that is out of range, its value and its range.
  void check() const;
};

/// Settings that learn control tasks of LunarLander's and CartPole's kind in a minute: PPO with shared Adam,
/// GAE and a linear schedule, for mlp_network(). They were found by search. schedule_steps is 0: set it to
/// the environment steps of the run.
Hyperparameters tuned_hyperparameters();

/// Settings with which DQN learns control tasks of LunarLander's kind, for mlp_network() with two layers of
/// 64 units and ReLU, and a replay buffer of 200,000 steps (OrchestratorOptions::replay_capacity).
/// schedule_steps is 0, as above.
Hyperparameters dqn_hyperparameters();

/// Settings with which Dyna-Q learns the same, on the same network. schedule_steps is 0, as above.
Hyperparameters dyna_q_hyperparameters();

/// Settings with which SAC learns continuous control tasks, for mlp_network() with two layers of 64 units and
/// ReLU, and a replay buffer of 200,000 steps. schedule_steps is 0, as above.
Hyperparameters sac_hyperparameters();

}  // namespace genkidama
