#include "cli/commands/policy_player.h"

#include <fmt/format.h>

#include <utility>

#include "cli/commands/checkpoint_records.h"
#include "cli/options/settings_check.h"
#include "genkidama/core/error.h"
#include "genkidama/core/utf8.h"
#include "genkidama/env/checked_environment.h"
#include "genkidama/params/safetensors.h"
#include "genkidama/run/stop_signal.h"
#include "rl/evaluation_seeds.h"
#include "run/evaluation/read_policy.h"

namespace genkidama::cli {

std::unique_ptr<Environment> watched_environment(const Job& job) {
  EnvironmentContext context;
  context.purpose = EnvironmentPurpose::kEvaluate;
  context.keep_waiting = [] { return run::stop_signal() == 0; };
  return make_checked(environment_of(job)(context));
}

std::uint64_t watched_seed(const Job& job, int number) {
  return evaluated_episode_seed(job.settings.learning.seed, static_cast<std::uint64_t>(number));
}

std::string episode_text(int number, int episodes, const run::WatchedEpisode& episode) {
  return fmt::format("episode {}{}: return {:.1f}, {} step{}{}", number + 1,
                     episodes == 1 ? "" : fmt::format(" of {}", episodes), episode.episode_return,
                     episode.steps, episode.steps == 1 ? "" : "s",
                     episode.is_lost ? ", lost: the environment failed" : "");
}

PolicyPlayer::PolicyPlayer(const Job& job, std::filesystem::path path,
                           std::unique_ptr<Environment> environment)
    : job_(job), path_(std::move(path)), environment_(std::move(environment)), spec_(environment_->spec()) {
  const Checkpoint file = as_argument([&] { return read_safetensors(path_); });
  if (const auto recorded = file.metadata.find("environment"); recorded != file.metadata.end())
    take_name(recorded->second);
  // One that does not fit is refused before the first episode.
  policy_for(0);
}

run::WatchedEpisode PolicyPlayer::play(int number,
                                       const std::function<void(const run::WatchedEpisode&)>& on_state) {
  const std::uint64_t seed = watched_seed(job_, number);
  Policy policy = policy_for(seed);
  return run::play_watched(*environment_, policy, seed, [&](const run::WatchedEpisode& episode) {
    if (run::stop_signal() != 0) throw StoppedError("stopped by a signal");
    on_state(episode);
    return true;
  });
}

void PolicyPlayer::take_name(const std::string& recorded) {
  const std::string own = std::exchange(spec_.name, recorded);
  try {
    policy_for(0);
  } catch (const ArgumentError&) {
    spec_.name = own;  // and what refuses the file names both
    return;
  }
  run::warn_of_other_environment(path_, recorded, to_utf8(own));
}

Policy PolicyPlayer::policy_for(std::uint64_t episode_seed) const {
  PolicyOptions options;
  options.environment = spec_;
  options.acting = job_.settings.run.greedy ? Acting::kGreedy : Acting::kSampling;
  options.seed = sampled_actions_seed(episode_seed);
  // A bundled network is the one that the file names.
  if (!job_.settings.network) options.network = network_of(job_);
  if (job_.program.algorithm) {
    options.behaviour =
        job_.program.algorithm(resolved_hyperparameters(job_.settings))->make_behaviour(environment_->spec());
  }
  return as_argument([&] { return load_policy(path_, options); });
}

}  // namespace genkidama::cli
