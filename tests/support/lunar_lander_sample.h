#pragma once

/// @file
/// Plays LunarLander episodes and keeps what the oracle file knows of gym's.

#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "genkidama/core/random.h"
#include "genkidama/env/environment.h"
#include "support/lunar_lander_policies.h"

namespace genkidama::test {

using LunarLanderState = std::array<double, 8>;

/// One value per episode, and the state after selected steps of the episodes that got so far.
struct LunarLanderSample {
  std::vector<double> returns;
  std::vector<double> lengths;
  std::vector<double> leg_contact_steps;  ///< steps after which a leg was on the ground
  std::map<std::string, int> ends;        ///< by the oracle file's names
  std::map<int, std::vector<LunarLanderState>> states_at_step;
  std::vector<LunarLanderState> last_states;
};

/// How an episode ended, told from its last step: a crash and a flight off the screen both give -100, and
/// only the second is outside |x| < 1; coming to rest gives +100.
inline std::string lunar_lander_end(const StepResult& last) {
  if (last.truncated) return "time_limit";
  if (last.reward > 0) return "came_to_rest";
  return std::abs(last.observation[0]) >= 1 ? "left_the_screen" : "crashed";
}

/// Plays `episodes` episodes with the seeds that follow from `seed`; keeps states after each of `steps`.
inline LunarLanderSample play_lunar_lander(Environment& environment, const LunarLanderPolicy& policy,
                                           int episodes, std::uint64_t seed, const std::vector<int>& steps) {
  LunarLanderSample sample;
  for (const char* end : {"crashed", "came_to_rest", "time_limit", "left_the_screen"}) sample.ends[end] = 0;
  const auto as_state = [](Observation observation) {
    LunarLanderState state;
    for (std::size_t i = 0; i < state.size(); ++i) state[i] = observation[i];
    return state;
  };
  for (int episode = 0; episode < episodes; ++episode) {
    Random random(derive_seed(seed, {static_cast<std::uint64_t>(episode), 1}));
    StepResult result;
    result.observation = environment.reset(derive_seed(seed, {static_cast<std::uint64_t>(episode), 0}));
    double sum = 0;
    int length = 0;
    int leg_contact_steps = 0;
    while (!result.terminated && !result.truncated) {
      result = environment.step(policy(result.observation, random));
      sum += result.reward;
      ++length;
      if (result.observation[6] != 0 || result.observation[7] != 0) ++leg_contact_steps;
      for (const int step : steps) {
        if (step == length) sample.states_at_step[step].push_back(as_state(result.observation));
      }
    }
    sample.returns.push_back(sum);
    sample.lengths.push_back(length);
    sample.last_states.push_back(as_state(result.observation));
    sample.leg_contact_steps.push_back(leg_contact_steps);
    ++sample.ends[lunar_lander_end(result)];
  }
  return sample;
}

}  // namespace genkidama::test
