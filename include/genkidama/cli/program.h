#pragma once

/// @file
/// A whole training program, made of an environment and a network.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/cli/option.h"
#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"
#include "genkidama/nn/networks.h"
#include "genkidama/nn/shared_optimizer.h"
#include "genkidama/params/machine_group.h"
#include "genkidama/params/merge_rule.h"
#include "genkidama/rl/algorithm.h"
#include "genkidama/run/preset.h"

namespace genkidama::cli {

/// A named set of defaults, for `--preset`.
using Preset = run::Preset;

/// The parts that a program brings. Only `environment` is required.
struct Program {
  std::string name = "genkidama";  ///< the program's name in --help, messages and run directories
  EnvironmentFactory environment;  ///< makes the environment that is played
  /// Options of the program's own, whose values `environment` is told (EnvironmentContext::options).
  std::vector<Option> options{};
  /// What `environment` makes, for a program that knows it: then no environment is made only to read its
  /// spec, and a Parent that evaluates nothing makes none at all. Every worker checks that its own
  /// environments agree. Empty: one environment is made to read it, as it must be when an option in `options`
  /// changes the spec.
  std::optional<EnvironmentSpec> environment_spec{};
  /// The network of every preset that brings none. Empty: the thesis' network, and mlp_network() for the
  /// preset "tuned".
  NetworkFactory network;
  OptimizerFactory optimizer;  ///< makes the optimizer; empty: the one that `--optimizer` names
  AlgorithmFactory algorithm;  ///< makes the algorithm; empty: the one that `--loss` names
  MergeRule merge_rule;        ///< how `parent` and `cluster` merge; empty: the average with --alpha
  /// Ways in which machines that one launcher starts train together, by the name that `train --exchange`
  /// takes: `program.machine_groups["mpi"] = [] { return mpi::mpi_group(); };` (the component
  /// genkidama::mpi).
  std::map<std::string, MachineGroupFactory> machine_groups{};
  /// Further presets for `--preset`, by name. One that is called "thesis" or "tuned" replaces the bundled
  /// one.
  std::map<std::string, Preset> presets;
  std::string default_preset = "tuned";  ///< the preset of a run without `--preset`
  /// Commands that the program carries out itself, before it calls cli::main(): name and help, for `--help`
  /// and for the error about an unknown command.
  std::vector<std::pair<std::string, std::string>> other_commands{};
};

/// Runs the subcommand that the arguments name: train, parent, child, cluster, evaluate, watch, check,
/// sweep, simulate or plan. Call it first in main(), before any thread is started and before LibTorch
/// computes anything.
///
/// Returns the exit code: 0 for success, 1 for a run or a check that failed, 2 for bad arguments, and 128 + N
/// when signal N (Ctrl-C, SIGTERM) ended a run whose files are all written. Progress and errors go to
/// standard error, each error in one line, and results go to standard output. The documentation has
/// a page on the files that a run or a sweep leaves in its directory ("Run directories").
///
/// The function ignores SIGPIPE and SIGXFSZ from then on, so that a full disk is an error in the log and does
/// not end the process.
GENKIDAMA_EXPORT int main(int argc, char** argv, const Program& program);

/// Does the same for a program whose set-up may fail. It calls `make_program` first. An exception from there
/// becomes one line on standard error, and the exit code is 2 for an ArgumentError and 1 for anything else.
GENKIDAMA_EXPORT int main(int argc, char** argv, const std::function<Program()>& make_program);

}  // namespace genkidama::cli
