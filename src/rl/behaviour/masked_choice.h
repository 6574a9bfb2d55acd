#pragma once

// What choices among alternatives have in common.

#include <algorithm>
#include <cstddef>

#include "genkidama/core/random.h"
#include "genkidama/env/action_space.h"

namespace genkidama {

inline bool is_allowed(ActionMask mask, std::size_t i) {
  return mask.empty() || mask[i] != 0;
}

inline std::size_t allowed_count(std::size_t count, ActionMask mask) {
  return mask.empty() ? count : static_cast<std::size_t>(std::count(mask.begin(), mask.end(), 1));
}

/// Any alternative that the mask allows, each with the same chance.
inline std::size_t draw_allowed(std::size_t count, ActionMask mask, Random& random) {
  if (mask.empty()) return static_cast<std::size_t>(random.below(count));
  auto left = random.below(static_cast<std::uint64_t>(allowed_count(count, mask)));
  std::size_t i = 0;
  while (mask[i] == 0 || left-- > 0) ++i;
  return i;
}

}  // namespace genkidama
