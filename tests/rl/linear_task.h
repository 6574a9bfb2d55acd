#pragma once

// A task whose next observation and reward are linear in the observation and the action.

#include <array>
#include <vector>

#include "genkidama/core/random.h"
#include "genkidama/ipc/replay_buffer.h"
#include "genkidama/ipc/replay_sampler.h"

namespace genkidama::test {

/// Two components and three actions. The task ends at once where the first component is above 0.9.
struct LinearTask {
  static constexpr std::size_t kSize = 2, kActions = 3;

  float unit = 1;      ///< of observations
  float reward = 1;    ///< of rewards
  float surprise = 0;  ///< deviation of noise that no model can know

  std::array<float, 2> next(std::span<const float> x, float action) const {
    return {0.9f * x[0] - 0.3f * x[1] + 0.2f * unit * (action - 1),
            0.2f * x[0] + 0.8f * x[1] - 0.1f * unit * (action - 1)};
  }
  float paid(std::span<const float> x, float action) const {
    return reward * (x[0] / unit - 0.5f * x[1] / unit + 0.25f * action);
  }

  /// A step from a random observation.
  struct Step {
    std::array<float, 2> before, after;
    float action = 0, reward = 0;
  };
  Step step(Random& random) const {
    Step step;
    for (float& each : step.before) each = unit * static_cast<float>(random.uniform(-1, 1));
    step.action = static_cast<float>(random.below(kActions));
    step.after = next(step.before, step.action);
    for (float& each : step.after) each += surprise * unit * static_cast<float>(random.normal());
    step.reward = paid(step.before, step.action) + surprise * reward * static_cast<float>(random.normal());
    return step;
  }

  static Transition transition(const Step& step) {
    Transition transition;
    transition.before = step.before;
    transition.action = {&step.action, 1};
    transition.reward = step.reward;
    transition.after = step.after;
    return transition;
  }
};

}  // namespace genkidama::test
