#pragma once

/// @file
/// What a run has done so far.

#include <cstdint>
#include <optional>
#include <string>

#include "genkidama/params/played.h"

namespace genkidama::run {

/// Counts since the run began, all processes that it was resumed from included.
struct RunTotals {
  std::uint64_t updates = 0;  ///< rounds that were learnt from; at a Parent: merges
  /// By all workers; at a Parent: by all Children. Of a run that learns from segments in a queue, or from
  /// actors, the steps are those that were learnt from, and those of rounds that only count what to normalise
  /// with.
  Played in_run;
  double wall_seconds = 0;  ///< time that the run's processes have worked on it
  /// Wall seconds until an evaluation reached RunOptions::target; empty until then.
  std::optional<double> time_to_target_seconds;
  std::uint64_t worker_restarts = 0;  ///< workers that died or hung and were replaced
  /// Episodes that were given up because their environment failed, as a process or a device may
  /// (StepResult::lost); 0 at a Parent.
  std::uint64_t lost_episodes = 0;
  /// Steps that were played for this run and not learnt from: they came too late, a full queue dropped them,
  /// or their actor did. They are not in `in_run`, so they do not bring the run's end nearer.
  std::uint64_t dropped_steps = 0;
  /// RoundReport::model_error of the latest round with one; empty where no world model is learnt.
  std::optional<double> model_error{};
  std::uint64_t exchanges = 0;   ///< of a Child: answers of its Parent that were averaged in
  std::uint64_t reconnects = 0;  ///< of a Child: links that were made anew
};

/// What the merges of one Child did to its Parent's weights, over the whole run. A few merges are missing
/// where files could not keep up.
struct ChildInfluence {
  std::string child;         ///< the name that it is shown by
  std::uint64_t merges = 0;  ///< or contributions to rounds
  /// The sum of the norms of what its merges have changed in W_P; in rounds, of its parts in the mean
  /// changes.
  double movement = 0;
  double share = 0;  ///< of the movement of all Children, in [0, 1]
  /// The mean of ParentUpdate::agreement, or of RoundContribution::agreement; empty where no other was there.
  std::optional<double> agreement{};
  double staleness = 0;  ///< the mean over its merges
};

}  // namespace genkidama::run
