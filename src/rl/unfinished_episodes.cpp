#include "rl/unfinished_episodes.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "genkidama/core/error.h"

namespace genkidama {
namespace {

// The fields of a state. An episode has one number for its seed and one for its steps, both 0 where none was
// left unfinished; the floats of all of them follow one another.
constexpr const char* kSeeds = "unfinished_seeds";
constexpr const char* kSteps = "unfinished_steps";
constexpr const char* kActions = "unfinished_actions";
constexpr const char* kObservations = "unfinished_observations";
constexpr const char* kStates = "unfinished_states";

}  // namespace

UnfinishedEpisodes::UnfinishedEpisodes(std::size_t slots, const Sizes& sizes)
    : sizes_(sizes),
      heads_(slots, "unfinished episodes"),
      actions_(slots * sizes.actions * sizes.action, "actions of unfinished episodes"),
      observations_(slots * sizes.observation, "observations of unfinished episodes"),
      states_(slots * sizes.state, "states of unfinished episodes"),
      restores_(1, "unfinished episodes") {}

void UnfinishedEpisodes::start(std::size_t slot, std::uint64_t seed) {
  heads_[slot] = {Stage::kPlaying, seed, 0};
}

void UnfinishedEpisodes::add(std::size_t slot, std::span<const float> action) {
  Head& head = heads_[slot];
  head.stage = Stage::kPlaying;
  if (head.steps < sizes_.actions) {
    const auto all = part(actions_, slot, sizes_.actions * sizes_.action);
    std::copy(action.begin(), action.end(),
              all.begin() + static_cast<std::ptrdiff_t>(head.steps * sizes_.action));
  }
  ++head.steps;
}

void UnfinishedEpisodes::end(std::size_t slot) {
  heads_[slot].stage = Stage::kNone;
}

void UnfinishedEpisodes::pause(std::size_t slot, std::span<const float> observation,
                               std::span<const float> state) {
  Head& head = heads_[slot];
  if (head.steps > sizes_.actions) return end(slot);
  std::copy(observation.begin(), observation.end(), part(observations_, slot, sizes_.observation).begin());
  std::copy(state.begin(), state.end(), part(states_, slot, sizes_.state).begin());
  head.stage = Stage::kPaused;
}

std::optional<UnfinishedEpisodes::Episode> UnfinishedEpisodes::paused(std::size_t slot) const {
  const Head& head = heads_[slot];
  if (head.stage != Stage::kPaused) return std::nullopt;
  return Episode{head.seed, head.steps,
                 part(actions_, slot, sizes_.actions * sizes_.action).first(head.steps * sizes_.action),
                 part(observations_, slot, sizes_.observation), part(states_, slot, sizes_.state)};
}

void UnfinishedEpisodes::save(StateWriter& state) const {
  std::vector<std::uint64_t> seeds, steps;
  std::vector<float> actions, observations, states;
  const auto append = [](std::span<const float> from, std::vector<float>& to) {
    to.insert(to.end(), from.begin(), from.end());
  };
  for (std::size_t slot = 0; slot < heads_.size(); ++slot) {
    const auto episode = paused(slot).value_or(Episode());
    seeds.push_back(episode.seed);
    steps.push_back(episode.steps);
    append(episode.actions, actions);
    append(episode.observation, observations);
    append(episode.state, states);
  }
  state.u64s(kSeeds, seeds);
  state.u64s(kSteps, steps);
  state.floats(kActions, actions);
  state.floats(kObservations, observations);
  state.floats(kStates, states);
}

void UnfinishedEpisodes::leave_out(const StateReader& state) {
  for (const char* name : {kActions, kObservations, kStates}) state.floats(name);
}

void UnfinishedEpisodes::restore(const StateReader& state) {
  const auto seeds = state.u64s(kSeeds), steps = state.u64s(kSteps);
  if (seeds.size() != steps.size()) {
    throw FormatError(
        fmt::format("{} holds {} seeds of unfinished episodes and {} numbers of steps; expected as many",
                    state.source(), seeds.size(), steps.size()));
  }
  std::size_t all_steps = 0, episodes = 0;
  for (const std::uint64_t count : steps) {
    if (count > sizes_.actions) {
      throw LayoutError(
          fmt::format("{} holds an unfinished episode of {} steps; this environment has at most {}",
                      state.source(), count, sizes_.actions));
    }
    all_steps += count;
    episodes += count > 0 ? 1 : 0;
  }
  const auto actions = state.floats(kActions, all_steps * sizes_.action);
  const auto observations = state.floats(kObservations, episodes * sizes_.observation);
  const auto states = state.floats(kStates, episodes * sizes_.state);
  std::size_t action = 0, episode = 0;
  for (std::size_t slot = 0; slot < heads_.size(); ++slot) {
    heads_[slot] = {};
    if (slot >= steps.size() || steps[slot] == 0) continue;
    start(slot, seeds[slot]);
    for (std::uint64_t step = 0; step < steps[slot]; ++step)
      add(slot, actions.subspan(sizes_.action * action++, sizes_.action));
    pause(slot, observations.subspan(episode * sizes_.observation, sizes_.observation),
          states.subspan(episode * sizes_.state, sizes_.state));
    ++episode;
  }
  ++restores_[0];
}

}  // namespace genkidama
