#include "genkidama/rl/demonstrations.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <span>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/core/utf8.h"
#include "genkidama/params/safetensors.h"
#include "rl/demonstrations/demonstration_parts.h"

namespace genkidama {
namespace {

/// "step 3 of episode 1", of a step's number among all steps.
std::string place_text(const Demonstrations& given, std::size_t step) {
  std::size_t episode = 0;
  while (episode + 1 < given.lengths.size() && step >= given.lengths[episode])
    step -= given.lengths[episode++];
  return fmt::format("step {} of episode {}", step, episode);
}

void check_size(const std::string& what, const char* name, std::size_t size, std::size_t expected) {
  if (size == expected) return;
  throw ArgumentError(fmt::format("{}: {} has {} numbers, expected {}", what, name, size, expected));
}

void check_episodes(const std::string& what, const Demonstrations& given) {
  const std::size_t episodes = given.episodes();
  if (episodes == 0 || episodes > kMostDemonstratedEpisodes) {
    throw ArgumentError(fmt::format("{}: there are {} episodes, expected 1 to {}", what, episodes,
                                    kMostDemonstratedEpisodes));
  }
  if (given.steps() > kMostDemonstratedSteps) {
    throw ArgumentError(fmt::format("{}: there are {} steps, expected at most {}", what, given.steps(),
                                    kMostDemonstratedSteps));
  }
  std::size_t sum = 0;
  for (std::size_t i = 0; i < episodes; ++i) {
    if (given.lengths[i] == 0 || given.lengths[i] > given.steps()) {
      throw ArgumentError(fmt::format("{}: episode {} has {} steps, expected 1 to {}", what, i,
                                      given.lengths[i], given.steps()));
    }
    sum += given.lengths[i];
  }
  if (sum != given.steps()) {
    throw ArgumentError(fmt::format("{}: its {} episodes have {} steps together, and there are rewards of {}",
                                    what, episodes, sum, given.steps()));
  }
  check_size(what, "episode_terminated", given.terminated.size(), episodes);
  for (std::size_t i = 0; i < episodes; ++i) {
    if (given.terminated[i] > 1) {
      throw ArgumentError(fmt::format("{}: episode {} has {} in episode_terminated, expected 0 or 1", what, i,
                                      given.terminated[i]));
    }
  }
  if (!given.seeds.empty()) check_size(what, "seeds", given.seeds.size(), episodes);
}

void check_spaces(const std::string& what, const Demonstrations& given) {
  if (given.environment.empty()) throw ArgumentError(what + ": the environment has no name, expected one");
  if (given.observation_shape.empty()) {
    throw ArgumentError(what + ": observation_shape is empty, expected the dimensions of an observation");
  }
  std::uint64_t size = 1;
  for (const int dimension : given.observation_shape) {
    if (dimension >= 1) size *= static_cast<std::uint64_t>(dimension);
    if (dimension >= 1 && size <= kMostDemonstrationBytes) continue;
    throw ArgumentError(fmt::format("{}: observation_shape is {}, expected dimensions of at least 1", what,
                                    fmt::join(given.observation_shape, " ")));
  }
  check_action_space(what + ": the action space", given.action_space);
}

}  // namespace

std::size_t Demonstrations::observation_size() const {
  std::size_t size = 1;
  for (const int dimension : observation_shape) size *= static_cast<std::size_t>(dimension);
  return size;
}

double Demonstrations::episode_return(std::size_t episode) const {
  const std::size_t first = std::accumulate(
      lengths.begin(), lengths.begin() + static_cast<std::ptrdiff_t>(episode), std::size_t{0});
  double sum = 0;
  for (std::size_t t = 0; t < lengths[episode]; ++t) sum += static_cast<double>(rewards[first + t]);
  return sum;
}

std::uint64_t Demonstrations::hash() const {
  return checksum_of(checkpoint_of(*this));
}

void check_demonstrations(const std::string& what, const Demonstrations& given) {
  check_spaces(what, given);
  check_episodes(what, given);
  const std::size_t n = given.steps(), size = given.observation_size();
  const std::size_t width = given.action_space.width(), alternatives = given.action_space.alternatives();
  check_size(what, "observations", given.observations.size(), n * size);
  check_size(what, "actions", given.actions.size(), n * width);
  if (!given.masks.empty()) check_size(what, "masks", given.masks.size(), n * alternatives);
  const auto not_finite = [](float value) { return !is_finite(value); };
  const auto check_finite = [&](const std::vector<float>& values, std::size_t row, const char* name) {
    const auto bad = std::find_if(values.begin(), values.end(), not_finite);
    if (bad == values.end()) return;
    const auto at = static_cast<std::size_t>(bad - values.begin());
    throw ArgumentError(fmt::format("{}: {} has {} in {}, expected a finite number", what,
                                    place_text(given, at / row), *bad, name));
  };
  check_finite(given.observations, size, "observations");
  check_finite(given.rewards, 1, "rewards");
  for (std::size_t t = 0; t < n; ++t) {
    const Action action = std::span(given.actions).subspan(t * width, width);
    const auto place = [&] { return fmt::format("{}: {}", what, place_text(given, t)); };
    try {
      check_action("", given.action_space, action);
      if (given.masks.empty()) continue;
      check_action_mask("", given.action_space,
                        ActionMask(given.masks).subspan(t * alternatives, alternatives));
    } catch (const ArgumentError&) {
      // Again, with the place, whose text would cost more than all the checks.
      check_action(place(), given.action_space, action);
      check_action_mask(place(), given.action_space,
                        ActionMask(given.masks).subspan(t * alternatives, alternatives));
    }
    const auto forbidden = forbidden_choice(
        given.action_space, ActionMask(given.masks).subspan(t * alternatives, alternatives), action);
    if (!forbidden) continue;
    throw ArgumentError(fmt::format("{} has {} as choice {} of its action, which its mask forbids", place(),
                                    action[*forbidden], *forbidden));
  }
}

void check_demonstrated_task(const std::string& what, const Demonstrations& given,
                             const EnvironmentSpec& environment) {
  const EnvironmentSpec spec = completed(environment);
  const auto refuse = [&](const std::string& there, const std::string& here) {
    throw ArgumentError(fmt::format("{} was recorded in another task: {} there, and {} in '{}' here", what,
                                    there, here, spec.name));
  };
  if (given.environment != to_utf8(spec.name)) {
    throw ArgumentError(fmt::format(
        "{} was recorded in '{}', and this environment is '{}'; expected a recording of the same task", what,
        given.environment, spec.name));
  }
  if (given.observation_shape != spec.observation_shape) {
    refuse(fmt::format("an observation is [{}]", fmt::join(given.observation_shape, ", ")),
           fmt::format("it is [{}]", fmt::join(spec.observation_shape, ", ")));
  }
  if (!(given.action_space == spec.action_space)) {
    refuse(fmt::format("an action is {}", action_space_words(given.action_space)),
           fmt::format("it is {}", action_space_words(spec.action_space)));
  }
  if (given.masks.empty() == spec.masks_actions)
    refuse(given.masks.empty() ? "nothing is masked" : "actions are masked",
           spec.masks_actions ? "actions are masked" : "nothing is masked");
}

}  // namespace genkidama
