#pragma once

// Actions by chance, for checks.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "genkidama/core/is_finite.h"
#include "genkidama/core/random.h"
#include "genkidama/env/action_space.h"

namespace genkidama {

/// Any action of the space. A component without a bound is drawn within 1 of its other bound, or of 0.
inline std::vector<float> draw_action(const ActionSpace& space, Random& random) {
  std::vector<float> action;
  for (const int count : space.choices) {
    action.push_back(static_cast<float>(random.below(static_cast<std::uint64_t>(count))));
  }
  for (std::size_t i = 0; i < space.low.size(); ++i) {
    const bool has_low = is_finite(space.low[i]), has_high = is_finite(space.high[i]);
    const double low = has_low ? space.low[i] : has_high ? space.high[i] - 1.0 : -1.0;
    const double high = has_high ? space.high[i] : has_low ? low + 1 : 1;
    action.push_back(static_cast<float>(random.uniform(low, high)));
  }
  return action;
}

/// The action with the next allowed alternative in place of each one that the mask forbids.
inline std::vector<float> allowed_action(const ActionSpace& space, ActionMask mask,
                                         std::vector<float> action) {
  while (const auto choice = forbidden_choice(space, mask, action)) {
    const float next = action[*choice] + 1;
    action[*choice] = next < static_cast<float>(space.choices[*choice]) ? next : 0;
  }
  return action;
}

/// Actions that the space does not contain: each differs from one that it contains in one respect.
inline std::vector<std::vector<float>> actions_outside(const ActionSpace& space, Random& random) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  std::vector<std::vector<float>> outside;
  const auto replace = [&](std::size_t i, float value) {
    outside.push_back(draw_action(space, random));
    outside.back()[i] = value;
  };
  for (std::size_t i = 0; i < space.choices.size(); ++i) {
    const auto count = static_cast<float>(space.choices[i]);
    for (const float value : {-1.0f, count, count + 1000, 0.5f, kNan}) replace(i, value);
  }
  for (std::size_t i = 0; i < space.low.size(); ++i) {
    const std::size_t at = space.choices.size() + i;
    for (const float value : {kNan, kInfinity, -kInfinity}) replace(at, value);
    if (is_finite(space.low[i])) replace(at, space.low[i] - 1);
    if (is_finite(space.high[i])) replace(at, space.high[i] + 1);
  }
  outside.push_back({});
  outside.push_back(draw_action(space, random));
  outside.back().push_back(0);
  return outside;
}

}  // namespace genkidama
