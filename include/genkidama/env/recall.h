#pragma once

/// @file
/// A task that only a policy with memory can solve.

#include <memory>

#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"

namespace GENKIDAMA_EXPORT genkidama {

/// What is to be remembered in make_recall(), and for how long.
struct RecallOptions {
  int cues = 2;    ///< how many different cues there are, each with its own right answer; 2 to 1,000
  int delay = 20;  ///< steps from the cue to the question, 1 to 1,000,000
};

/// Makes a task in which a cue is shown at the start and asked for `delay` steps later.
///
/// An observation has cues + 1 components, each 0 or 1. The first observation of an episode has a 1 at the
/// cue, which is drawn at random; then all components are 0, until after `delay` steps the last component is
/// 1: that is the question. An action is one choice among the cues. The action that follows the question is
/// the answer; it is rewarded with 1 when it names the cue and with 0 otherwise, and ends the episode.
/// Earlier actions change nothing and are rewarded with 0.
///
/// The mean return is the share of right answers. A policy without memory reaches 1 / cues, because the
/// question looks the same after every cue. The time limit is delay + 1 steps, which is an episode's length,
/// and a mean return of 0.99 counts as solved. Throws ArgumentError for an option out of range.
std::unique_ptr<Environment> make_recall(const RecallOptions& options = {});

}  // namespace genkidama
