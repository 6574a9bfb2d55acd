#pragma once

/// @file
/// A whole training program from an environment and a network.

#include <functional>
#include <map>
#include <string>

#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"
#include "genkidama/nn/networks.h"
#include "genkidama/nn/shared_optimizer.h"
#include "genkidama/params/merge_rule.h"
#include "genkidama/rl/algorithm.h"
#include "genkidama/run/preset.h"

namespace genkidama::cli {

/// A named set of defaults for `--preset`.
using Preset = run::Preset;

/// What a user hands in. Only `environment` is required.
struct Program {
  std::string name = "genkidama";  ///< for --help
  EnvironmentFactory environment;  ///< what is played
  NetworkFactory network;  ///< of presets that bring none; empty: the thesis' network, "tuned": mlp_network()
  OptimizerFactory optimizer;  ///< empty: the one `--optimizer` names
  AlgorithmFactory algorithm;  ///< empty: the one `--loss` names
  MergeRule merge_rule;        ///< of `parent` and `cluster`; empty: the average with --alpha
  /// What `--preset` offers beside "thesis" and "tuned", which a program may replace.
  std::map<std::string, Preset> presets;
  std::string default_preset = "tuned";  ///< without --preset
};

/// Runs one of the subcommands train, parent, child, cluster, evaluate, sweep. Returns the exit code: 0
/// success, 1 a failed run, 2 bad arguments, 128 + N when signal N (Ctrl-C, SIGTERM) ended a run whose files
/// are all written. Errors go to standard error in one line, progress too; results go to standard output.
/// Call first thing in main(), before any thread is started and before LibTorch computes anything.
///
/// A run directory holds
/// - config.json: every option; `--config` of another run reads it
/// - metrics.csv: a row per update. All commands: update, environment_steps (in all), wall_seconds (since the
///   start), steps_per_second (since the row before). train and child, over the update's round: episodes (in
///   all), return_mean, return_min, return_max, length_mean, policy_loss, value_loss, entropy; child also
///   connected (1 when the round's weights were exchanged), exchanges, reconnects (in all). parent: child
///   (whose weights were merged), child_sequence (its own count), child_environment_steps, child_episodes (in
///   all), child_return_mean (of the episodes since its last merge), staleness (merges of others since it
///   last got the weights), children (connected)
/// - evaluations.csv: those for `--target`
/// - checkpoints/update_000100.safetensors, ...; final.safetensors
/// - state.safetensors: what `--resume` goes on from, as of the newest checkpoint or the end
/// - summary.json; of a cluster also children/child_1, ..., run directories with output.log beside
///
/// A sweep's directory holds
/// - runs/SETTING/seed_N: a run directory, where SETTING is "alpha=0.1,beta=0", or "default" when nothing
///   varies; seed_N.log beside it; in it also checkpoint_evaluations.csv and checkpoint_returns.csv
/// - results.csv: a row per setting, seed and checkpoint; final_returns.csv: every return of the last weights
/// - sweep.json: what the runs are, for the next call
///
/// SIGPIPE and SIGXFSZ are ignored from then on, so that a full disk is an error in the log and not the end.
GENKIDAMA_EXPORT int main(int argc, char** argv, const Program& program);

/// As above, for a program whose set-up may fail: `make_program` is called first, and what it throws becomes
/// one line on standard error and exit code 2 for an ArgumentError, 1 for anything else.
GENKIDAMA_EXPORT int main(int argc, char** argv, const std::function<Program()>& make_program);

}  // namespace genkidama::cli
