#pragma once

// The number that an action of one choice stands for.

#include <optional>

#include "genkidama/core/is_finite.h"
#include "genkidama/env/action_space.h"

namespace genkidama {

/// The whole number that the action is, if it is one that a float holds exactly and nothing else.
inline std::optional<int> whole_number(Action action) {
  constexpr float kLargest = 1 << 24;
  if (action.size() != 1 || !is_finite(action[0]) || action[0] < -kLargest || action[0] > kLargest) {
    return std::nullopt;
  }
  const int number = static_cast<int>(action[0]);
  return static_cast<float>(number) == action[0] ? std::optional(number) : std::nullopt;
}

}  // namespace genkidama
