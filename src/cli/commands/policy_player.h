#pragma once

/// @file
/// A policy that plays episodes one after the other, for `watch`.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "cli/commands/job.h"
#include "genkidama/env/environment.h"
#include "genkidama/rl/policy.h"
#include "run/watch/watched_episode.h"

namespace genkidama::cli {

/// The job's environment to watch, which looks for signals while it waits.
std::unique_ptr<Environment> watched_environment(const Job& job);

/// The seed of episode `number`, from 0: that of an evaluation with the same seed.
std::uint64_t watched_seed(const Job& job, int number);

/// "episode 1 of 3: return 12.0, 40 steps".
std::string episode_text(int number, int episodes, const run::WatchedEpisode& episode);

/// Plays the episodes that an evaluation of the same policy plays.
class PolicyPlayer {
 public:
  /// `path`: the policy's file. Throws ArgumentError for a policy that does not fit the environment.
  PolicyPlayer(const Job& job, std::filesystem::path path, std::unique_ptr<Environment> environment);

  const Environment& environment() const { return *environment_; }

  /// Episode `number`, from 0. Throws StoppedError after a signal.
  run::WatchedEpisode play(int number, const std::function<void(const run::WatchedEpisode&)>& on_state);

 private:
  /// A policy from an environment of another name is played where all else is the same.
  void take_name(const std::string& recorded);
  Policy policy_for(std::uint64_t episode_seed) const;

  const Job& job_;
  std::filesystem::path path_;
  std::unique_ptr<Environment> environment_;
  EnvironmentSpec spec_;  ///< with the name that the file has, for a policy may play in another environment
};

}  // namespace genkidama::cli
