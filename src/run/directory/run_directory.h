#pragma once

/// @file
/// The files of a run directory and what they are called.

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include "genkidama/core/export.h"
#include "genkidama/run/run_options.h"

namespace GENKIDAMA_EXPORT genkidama {
namespace run {

class RunDirectory {
 public:
  explicit RunDirectory(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path config() const { return path_ / "config.json"; }
  std::filesystem::path metrics() const { return path_ / "metrics.csv"; }
  std::filesystem::path evaluations() const { return path_ / "evaluations.csv"; }
  std::filesystem::path population() const { return path_ / "population.csv"; }  ///< of a Parent with one
  std::filesystem::path state() const { return path_ / "state.safetensors"; }
  /// The state before it, for when that one is damaged.
  std::filesystem::path previous_state() const { return path_ / "state.previous.safetensors"; }
  /// One that could not be read.
  std::filesystem::path damaged_state() const { return path_ / "state.damaged.safetensors"; }
  /// What a Parent is known by.
  std::filesystem::path identity() const { return path_ / "parent.json"; }
  std::filesystem::path final_weights() const { return path_ / "final.safetensors"; }
  /// The policy whose evaluation during the run had the best mean return.
  std::filesystem::path best_weights() const { return path_ / "best.safetensors"; }
  /// How the policy was fitted to demonstrations before the first round.
  std::filesystem::path cloning() const { return path_ / "cloning.json"; }
  std::filesystem::path summary() const { return path_ / "summary.json"; }
  /// Of a run of a sweep, which evaluates it when it has ended.
  std::filesystem::path checkpoint_evaluations() const { return path_ / "checkpoint_evaluations.csv"; }
  /// Locked by the process that a run is at work in (RunLock).
  std::filesystem::path lock() const { return path_ / ".lock"; }
  /// Locked by the process that has started a cluster, whose Parent's directory this is.
  std::filesystem::path cluster_lock() const { return path_ / ".cluster-lock"; }
  std::filesystem::path checkpoint(std::uint64_t update) const;    ///< checkpoints/update_000100.safetensors
  std::filesystem::path peers() const { return path_ / "peers"; }  ///< of a cluster without a Parent
  std::filesystem::path group(int number) const;                   ///< of a cluster's middle Parent, from 1
  std::filesystem::path child(int number) const;                   ///< of a cluster, from 1

  /// Whether the run goes on with what is in the directory, as options.resume asks; false: it begins. Throws
  /// as the two below.
  bool goes_on(const RunOptions& options) const;
  /// Throws ArgumentError when a run that played a round is in the directory already, or something that is no
  /// directory. `options` says how messages name the options.
  void check_unused(const RunOptions& options = {}) const;
  /// Whether there is a state to go on from, readable or not.
  bool has_state() const;
  /// Whether a cluster of peers has run here, each of which has a directory of its own.
  bool has_peers() const;
  /// Throws ArgumentError when the states are gone, or something else is in the way of going on. A run that
  /// was killed before its first checkpoint has none and is begun again.
  void check_resumable(const RunOptions& options = {}) const;
  bool is_resumable() const;
  /// Whether a run or a cluster is at work in the directory now, in whatever process on this machine.
  bool is_at_work() const;
  /// Makes the directory and those inside. Throws IoError.
  void create() const;
  /// Does the same for the path that a user has given. Throws as make_given_directory().
  void create(const RunOptions& options) const;

 private:
  /// A run that goes on from a state takes no first weights.
  void check_begins(const RunOptions& options) const;
  void check_no_sweep(const RunOptions& options) const;
  /// Whether a run of one process has played a round here.
  bool has_run() const;
  /// What a user may do about the run that is there, up to "take another directory".
  std::string way_on(const RunOptions& options) const;
  /// A file that a run would replace, in a directory that no run has made; empty: there is none.
  std::filesystem::path foreign_file() const;

  std::filesystem::path path_;
};

/// Makes the directory, and those above it, for somebody who was given `option`, such as "--run-dir runs/x".
/// Throws ArgumentError, which begins with the option, when the path cannot be made, and IoError when the
/// disk is full or fails.
void make_given_directory(const std::string& option, const std::filesystem::path& directory);

/// Renames the directory to one beside it with ".WHAT_1" behind its name, or the next number that is free, so
/// that nothing is lost; `first_number` 0 tries ".WHAT" before. Throws IoError.
void move_aside(const RunDirectory& directory, const std::string& what, int first_number = 1);

/// "runs/lunar_lander-20240131-154530-4711": unused on this machine.
std::string default_run_directory(const std::string& program);

}  // namespace run
}  // namespace genkidama
