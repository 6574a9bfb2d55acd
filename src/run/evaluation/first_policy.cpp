#include "run/evaluation/first_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <system_error>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/rl/behaviour.h"
#include "rl/policy_record.h"
#include "run/evaluation/read_policy.h"

namespace genkidama::run {
namespace {

std::string inputs_text(const Normalisation& normalisation) {
  if (!normalisation.observations && !normalisation.rewards) return "observations and rewards as they are";
  if (!normalisation.observations) return "observations as they are and normalised rewards";
  return fmt::format("normalised observations (cut to {} deviations) and {} rewards", normalisation.clip,
                     normalisation.rewards ? "normalised" : "raw");
}

/// Empty when the run normalises as the policy's own run did.
std::string objection(const RunOptions& options, const Normalisation& learnt, const Normalisation& own) {
  const bool same_clip = !learnt.observations || learnt.clip == own.clip;
  if (learnt.observations == own.observations && learnt.rewards == own.rewards && same_clip) return {};
  std::string text =
      fmt::format("its policy has learnt from {}, and this run would go on with {}; set {} {} and {} {}",
                  inputs_text(learnt), inputs_text(own), options.name_of("normalise_observations"),
                  learnt.observations, options.name_of("normalise_rewards"), learnt.rewards);
  if (!same_clip) text += fmt::format(" and {} {}", options.name_of("observation_clip"), learnt.clip);
  return text;
}

/// How to act as the policy's own run did, where options decide it; empty where they do not.
std::string behaviour_advice(const RunOptions& options, const Checkpoint& file,
                             const CoreOrchestrator& trainer) {
  const auto learnt = described_options(policy_record(options.init_from, file.metadata).behaviour);
  const auto own = described_options(trainer.policy_description().behaviour);
  std::vector<std::string> settings;
  const auto set = [&](const char* option, const auto& value) {
    settings.push_back(fmt::format("{} {}", options.name_of(option), value));
  };
  if (learnt && own && learnt->action_bounds != own->action_bounds)
    set("action_bounds", action_bounds_name(learnt->action_bounds));
  if (learnt && own && learnt->state_dependent_deviation != own->state_dependent_deviation)
    set("deviation", learnt->state_dependent_deviation ? "state" : "fixed");
  if (learnt && own && learnt->state_dependent_deviation &&
      learnt->initial_log_deviation != own->initial_log_deviation)
    set("initial_log_deviation", learnt->initial_log_deviation);
  return settings.empty() ? "" : fmt::format("; set {}", fmt::join(settings, " and "));
}

}  // namespace

std::optional<FirstPolicy> read_first_policy(const RunOptions& options, const CoreOrchestrator& trainer) {
  if (options.init_from.empty()) return {};
  const auto refuse = [&options](const std::string& why) {
    return ArgumentError(
        fmt::format("{} {}: {}", options.name_of("init_from"), options.init_from.string(), why));
  };
  std::error_code ignored;
  if (std::filesystem::is_directory(options.init_from, ignored)) {
    throw refuse(fmt::format("this is a directory; expected a policy file, such as {}",
                             (options.init_from / "final.safetensors").string()));
  }
  Checkpoint file;
  Normalisation learnt;
  std::string advice;
  try {
    advice = behaviour_advice(options, read_safetensors(options.init_from), trainer);
    file = read_policy(options.init_from, trainer);
    learnt = policy_record(options.init_from, file.metadata).normalisation.value_or(Normalisation());
  } catch (const Error& error) {
    throw refuse(error.what() + advice);
  }
  const bool finite =
      std::all_of(file.weights.begin(), file.weights.end(), [](float weight) { return is_finite(weight); });
  if (!finite) throw refuse("some of its weights are not finite; expected a policy that has not diverged");
  const Hyperparameters& hyper = trainer.hyperparameters();
  const Normalisation own{hyper.normalise_observations, hyper.normalise_rewards, hyper.observation_clip, {}};
  if (const auto wrong = objection(options, learnt, own); !wrong.empty()) throw refuse(wrong);
  // A Parent keeps them as those of a stream.
  const StreamStatistics streams(learnt.statistics.components());
  if (const auto wrong = streams.objection(learnt.statistics); !wrong.empty()) throw refuse(wrong);
  return FirstPolicy{std::move(file.weights), std::move(learnt.statistics)};
}

}  // namespace genkidama::run
