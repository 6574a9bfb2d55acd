#pragma once

/// @file
/// The state and the policies that a run leaves behind while it goes on.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "genkidama/core/clock.h"
#include "genkidama/run/run_options.h"
#include "genkidama/run/run_totals.h"
#include "run/directory/policy_snapshot.h"
#include "run/directory/run_directory.h"
#include "run/state/run_state.h"

namespace genkidama::run {

/// Puts into a state whatever it holds beside the totals, the weights and their average. Called only when a
/// state is written. Empty: what learning needs is not known at the moment, and no state can be written.
using FillState = std::function<void(RunState&)>;

class Checkpointer {
 public:
  /// What was written; empty paths are of files that were not.
  struct Written {
    bool complete = true;  ///< nothing failed
    std::filesystem::path state, policy;
    std::string failure{};  ///< of write_final(): what could not be written, and why
  };

  /// `options` and `directory` must outlive this. `origin` is asked for each file that is written: what a
  /// policy's observations are normalised with changes while it learns.
  Checkpointer(const RunOptions& options, const RunDirectory& directory,
               std::function<PolicyOrigin()> origin);

  /// What the files say about where they come from.
  PolicyOrigin origin() const { return origin_(); }

  /// The run goes on from a state of this update.
  void resumed_at(std::uint64_t update);

  /// Whether the policy after this update is one to keep, or a state is due.
  bool is_due(const RunTotals& totals) const;
  /// Whether RunOptions::checkpoint_seconds have passed since the last state; less while the run is young.
  bool is_state_due(double wall_seconds) const;

  /// The state and, by the number of the update, the policy. A failure is logged, once until it works again,
  /// and leaves the earlier files.
  Written write(const PolicySnapshot& snapshot, const RunTotals& totals, const FillState& fill);
  /// Writes what a kill between the state and the policy of one checkpoint has left out. Before the first
  /// update of this process.
  void complete(const PolicySnapshot& snapshot, const RunTotals& totals);
  /// The state and final.safetensors; a failure is logged. Each is tried, since one may fit where the other
  /// does not.
  Written write_final(const PolicySnapshot& snapshot, const RunTotals& totals, const FillState& fill);

  /// For the user of a run that failed: which file is still good, if any, and how to go on from it.
  std::string last_checkpoint_text() const;

 private:
  std::filesystem::path write_state(const PolicySnapshot& snapshot, const RunTotals& totals,
                                    const FillState& fill);
  void write_policy(const std::filesystem::path& path, const PolicySnapshot& snapshot,
                    const RunTotals& totals) const;

  const RunOptions& options_;
  const RunDirectory& directory_;
  const std::function<PolicyOrigin()> origin_;
  Clock::time_point last_state_;
  std::filesystem::path last_checkpoint_;  // empty: none yet
  bool failing_ = false;
};

}  // namespace genkidama::run
