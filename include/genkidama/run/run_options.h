#pragma once

/// @file
/// Everything that a training run can be told, whether a command line or a program starts it.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "genkidama/core/export.h"
#include "genkidama/params/policy_average.h"
#include "genkidama/rl/cloning_options.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

/// What a new process does with a run that is already in its directory.
enum class Resume {
  kNever,       ///< refuses the directory
  kIfPossible,  ///< goes on with the run; begins one when there is none
  kRequired,    ///< goes on with the run; refuses a directory without one
};

/// What config.json, summary.json and the checkpoints say about a run beside its figures. None of it changes
/// what the run does.
struct RunRecord {
  std::string program = "genkidama";  ///< who made the run; part of the directory's name when none is given
  std::string command = "train";      ///< what kind of run it is
  std::string preset;                 ///< which named settings it was made with; may stay empty
  std::uint64_t seed = 1;             ///< as given to the trainer
  /// The values of the program's own options, a JSON object, for the metadata of policies; may stay empty.
  std::string options;
  /// The text of config.json, a JSON object. Empty: the run writes one that holds this record alone.
  std::string config;
};

/// How a run is bounded, watched over, evaluated and kept. The defaults are the command line's.
struct RunOptions {
  /// Where the run leaves its files. Empty: runs/PROGRAM-TIME-PID below the present directory.
  std::filesystem::path directory;
  Resume resume = Resume::kNever;  ///< what happens to a run that is in the directory already
  RunRecord record;                ///< what the files say about the run

  /// Where the run begins: a policy file of the same network, such as another run's final.safetensors, whose
  /// weights the first round plays with. A run that normalises goes on with the statistics in the file too,
  /// and a file whose policy was normalised otherwise is refused (Hyperparameters::normalise_observations,
  /// normalise_rewards, observation_clip). Everything else (optimizer, counts, schedules) begins anew. Empty:
  /// the network's own first weights. A run that goes on has its own weights: with Resume::kRequired and a
  /// state to go on from this is refused, and with kIfPossible it holds for the run that begins. A Child
  /// begins with its Parent's weights and refuses it.
  std::filesystem::path init_from;

  /// A file of demonstrations (genkidama/rl/demonstrations.h) that the policy is fitted to before the first
  /// round, from the first weights or those of `init_from`; cloning.json in the directory tells how. The
  /// cloned policy is evaluated before anything else is learnt, unless eval_episodes is 0. Empty: none. A run
  /// that goes on from a state does not clone again: it takes the file as it takes `init_from`. A Child and
  /// an actor begin with the weights of their Parent or learner and refuse it.
  std::filesystem::path demonstrations;
  CloningOptions cloning;   ///< how the policy is fitted to them
  bool clone_only = false;  ///< the run ends after that (`ended_by` "cloned"); needs `demonstrations`

  // End. The first that is met ends the run; without any the run goes on until `end_reason` says otherwise.
  /// Rounds, or merges at a Parent, >= 1; those before a resume count.
  std::optional<std::uint64_t> updates;
  /// Environment steps of all workers, >= 1; those before a resume count.
  std::optional<std::uint64_t> max_steps;
  std::optional<double> target;  ///< mean return of an evaluation that ends the run
  /// Evaluations in a row, >= 1, none of which has a better mean return than the best one before: they end
  /// the run (`ended_by` "patience"). Those before a resume count.
  std::optional<std::uint64_t> patience;
  /// Asked between updates, by the thread that runs the run. A text ends the run, and summary.json holds it
  /// as `ended_by`; the final evaluation is left out then. An empty text, and an empty function, let the run
  /// go on.
  std::function<std::string()> end_reason;
  /// A run whose weights have a larger L2 norm after an update has diverged and fails; 0: any finite weights
  /// will do.
  double max_weight_norm = 1e6;

  // Evaluation.
  /// Updates between the evaluations during the run, >= 1. When it or `patience` is given, the run evaluates
  /// without a `target` too, and keeps the policy with the best mean return so far as best.safetensors in its
  /// directory. Empty: the run evaluates every 100 updates when there is a `target` or `patience`, and
  /// otherwise only at its end. With a `target` and nothing else, it also evaluates after each update at
  /// which the mean return of the latest 20 training episodes has come nine tenths of the way from its lowest
  /// to `target`. Such an evaluation ends after 20 episodes when their mean is more than two standard errors
  /// below `target`.
  std::optional<std::uint64_t> evaluate_every;
  int target_episodes = 100;    ///< episodes of each of these, >= 1
  int eval_episodes = 100;      ///< episodes of the final evaluation; 0: none
  std::uint64_t eval_seed = 7;  ///< all evaluations follow from it
  bool greedy = false;          ///< evaluate with the likeliest action; false: sampled from the policy

  // What is kept.
  std::uint64_t checkpoint_every = 100;  ///< updates between checkpoints, >= 1
  /// Keep every checkpoint, and a row of the metrics for every update. false: of more than 1,000 checkpoints
  /// and of more than 10,000 rows one in ten is kept, and so on.
  bool keep_all = false;
  /// Beside metrics.csv, write event files for TensorBoard: what a row of the metrics says, evaluations, and
  /// the options that config.json holds. Figures that Stable-Baselines3 logs too have its names, and the
  /// others are genkidama/COLUMN. The step of an event is the run's environment steps, and at a shard its
  /// optimizer steps.
  bool tensorboard = false;
  /// The state that a resumed run goes on from is written at least so often too, once an update has ended,
  /// and at first after 1, 2, 4, ... seconds; 0: only with checkpoints.
  double checkpoint_seconds = 60;
  PolicyAverageOptions policy_average;  ///< of the policy that is evaluated and kept

  /// The run is the Parent of a cluster: the directory may be in use, and its config.json belongs to whoever
  /// started the cluster.
  bool cluster_member = false;

  /// How a message to the user names an option, given the field: "learning_rate" is "--learning-rate" on a
  /// command line. Empty: as the field is called.
  std::function<std::string(std::string_view field)> option_name;

  /// The field's name for messages.
  std::string name_of(std::string_view field) const {
    return option_name ? option_name(field) : std::string(field);
  }
};

}  // namespace run
}  // namespace genkidama
