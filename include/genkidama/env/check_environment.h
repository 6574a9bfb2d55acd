#pragma once

/// @file
/// Plays an environment and reports where it breaks the contract of Environment, before any training does.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/env/environment.h"

namespace GENKIDAMA_EXPORT genkidama {

/// How an environment is played by check_environment().
struct EnvironmentCheckOptions {
  int episodes = 20;               ///< episodes of random actions, >= 1; a few more follow for comparisons
  int max_episode_steps = 10'000;  ///< an episode is left after this many steps, >= 1
  std::uint64_t seed = 1;          ///< the seeds of the episodes and the random actions follow from it
  /// Whether an environment that ignores its seed is worth a warning. Set it to false when nothing in the
  /// environment is random.
  bool seeds_matter = true;
  /// Whether step() is also called with actions out of range, which it must refuse with an ArgumentError. Off
  /// by default, because an environment without that check may crash; the library itself never gives it such
  /// actions.
  bool try_invalid_actions = false;
  /// Chooses the actions instead of chance, where an action is one choice. Give a policy that survives to see
  /// the time limit checked.
  std::function<int(Observation)> policy{};
  /// Called before each call of the factory or an environment with what is called, such as "reset(7)". The
  /// text is valid until the function returns. Should an environment end the process, the last text tells
  /// where.
  std::function<void(std::string_view call)> before_call{};
};

/// One thing that check_environment() noticed.
struct EnvironmentFinding {
  bool is_error = false;  ///< true: training cannot work with this; false: worth a look
  std::string name;       ///< what was checked, for programs: one of the names listed at check_environment()
  std::string text;       ///< what was seen and what is expected, for people; one sentence or two
};

/// What check_environment() saw.
struct EnvironmentReport {
  EnvironmentSpec spec;  ///< as the first instance gave it
  std::vector<EnvironmentFinding>
      findings;                   ///< at most one for each name, in the order in which they were found
  int episodes = 0;               ///< episodes played for the figures below
  int terminated = 0;             ///< of these, how many the task itself ended
  int truncated = 0;              ///< of these, how many a time limit ended
  std::uint64_t steps = 0;        ///< steps of these episodes
  double lowest_return = 0;       ///< the smallest sum of rewards of one of these episodes
  double highest_return = 0;      ///< the largest one
  float lowest_observation = 0;   ///< the smallest value in any observation
  float highest_observation = 0;  ///< the largest one

  /// Whether no finding is an error.
  bool ok() const;
};

/// Plays the environments that `make` returns, in this thread, and checks them against the contract of
/// Environment. What an environment throws becomes a finding. Throws ArgumentError when an option is out of
/// range.
///
/// Errors: "factory" (it throws or returns nothing), "spec" (a field is out of range or contradicts another),
/// "spec-changes", "exception" (reset(), step() or draw() throws), "observation-size", "observation-finite",
/// "reward-finite", "metrics" (their number at an episode's end, or one is not finite), "action-mask" (its
/// size, a byte, or it forbids every alternative of a choice), "same-seed" (two instances give different
/// episodes for the same seed and actions), "reset" (an episode depends on those before it), "shared-state"
/// (an episode depends on what other instances play, or another instance changes an observation),
/// "draw-changes" (an episode depends on whether it is drawn).
///
/// Warnings: "name" (it is empty), "both-ends" (terminated and truncated), "early-truncation", "time-limit"
/// (an episode goes on beyond it), "no-end" (no episode ended), "seeds" (they make no difference), "actions"
/// (they make no difference), "observation-constant", "observation-scale" (values above 100: see
/// make_scaled()), "reward-constant" (no random episode is better than another), "reward-scale" (returns
/// above 10,000: see Hyperparameters::reward_scale), "invalid-action" (it is not refused), "draw" (a rule of
/// Canvas is broken).
EnvironmentReport check_environment(const EnvironmentFactory& make,
                                    const EnvironmentCheckOptions& options = {});

/// The report as lines for people: the figures, then one line for each finding.
std::string to_text(const EnvironmentReport& report);

}  // namespace genkidama
