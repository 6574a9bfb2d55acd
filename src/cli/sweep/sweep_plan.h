#pragma once

/// @file
/// The runs of a sweep: where each lies and how it is called.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/commands/job.h"
#include "cli/sweep/sweep_definition.h"
#include "run/directory/run_directory.h"

namespace genkidama::cli {

/// The names in a sweep's directory.
class SweepDirectory {
 public:
  explicit SweepDirectory(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path record() const { return path_ / "sweep.json"; }
  std::filesystem::path results() const { return path_ / "results.csv"; }
  std::filesystem::path returns() const { return path_ / "final_returns.csv"; }
  run::RunDirectory run(const std::string& setting, std::uint64_t seed) const;

 private:
  std::filesystem::path path_;
};

struct SweepRun {
  SweepPoint point;
  std::string setting;  ///< the point's name
  std::uint64_t seed = 0;
  run::RunDirectory directory;
  std::vector<std::string> words;  ///< of the command line that starts it
  Settings settings;               ///< what those words mean

  std::string name() const;  ///< "alpha=0.1 seed 2", for people
  std::filesystem::path log() const;
  /// Next to the run's own files.
  std::filesystem::path evaluations() const { return directory.path() / "checkpoint_evaluations.csv"; }
  std::filesystem::path returns() const { return directory.path() / "checkpoint_returns.csv"; }
};

/// The command that settings.sweep.run_words begin with: train or cluster. Throws ArgumentError for any
/// other, and for flags a sweep does not take.
Command command_of_runs(const Job& job);

/// All runs, seed by seed, so that a sweep that is stopped early has something of every setting. Each run's
/// command line is parsed as that process would parse it. Throws ArgumentError, naming the setting.
std::vector<SweepRun> plan_sweep(const Job& job, const SweepDefinition& definition);

}  // namespace genkidama::cli
