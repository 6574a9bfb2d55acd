#pragma once

/// @file
/// The runs of a sweep as command lines.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "cli/commands/job.h"
#include "cli/sweep/sweep_definition.h"
#include "genkidama/run/sweep.h"

namespace genkidama::cli {

/// A run and the call of the program that it stands for.
struct SweepRun : run::SweepRun {
  std::vector<std::string> words;  ///< of the command line that starts it
  Settings settings;               ///< what those words mean
};

/// The command that settings.sweep.run_words begin with: train or cluster. Throws ArgumentError for any
/// other, and for flags a sweep does not take.
Command command_of_runs(const Job& job);

/// All runs, seed by seed. Each run's command line is parsed as that process would parse it. Throws
/// ArgumentError, naming the setting.
std::vector<SweepRun> plan_sweep(const Job& job, const SweepDefinition& definition);

/// Every option of the run, with which it begins or goes on to what the sweep has decided.
std::vector<std::string> training_words(const SweepRun& planned, const run::SweepRun& run);

/// The planned runs by what the library calls them.
class SweepPlan {
 public:
  /// Throws as plan_sweep().
  SweepPlan(const Job& job, const SweepDefinition& definition);

  /// Plans a run that another sweep has added to the directory meanwhile. Throws ArgumentError, naming the
  /// setting.
  const SweepRun& of(const run::SweepRun& run);

 private:
  const Job& job_;
  std::map<std::string, SweepRun> runs_;  // by name
};

}  // namespace genkidama::cli
