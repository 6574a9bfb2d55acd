#pragma once

/// @file
/// What an environment lets an agent do, and the one form that an action has everywhere.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// One action: ActionSpace::width() floats. First comes one number for each choice, a whole number in
/// 0 .. choices[i] - 1; then one number for each continuous component, in [low[i], high[i]].
using Action = std::span<const float>;

/// Which alternatives are allowed: ActionSpace::alternatives() bytes, one for each alternative of the first
/// choice, then of the second, and so on; 1: it is allowed, 0: it is not. An empty mask allows everything.
using ActionMask = std::span<const std::uint8_t>;

/// The set of actions of an environment. One entry in `choices` is Gymnasium's Discrete, several are its
/// MultiDiscrete, bounds are its Box, and both together are a hybrid space.
struct ActionSpace {
  std::vector<int> choices;  ///< number of alternatives of each choice, 1 to 2^24 (exact as a float)
  std::vector<float> low;    ///< lowest value of each continuous component; minus infinity: no bound
  std::vector<float> high;   ///< highest value of each continuous component, as many as `low`, each above it

  /// Floats in an action.
  std::size_t width() const { return choices.size() + low.size(); }
  /// Alternatives of all choices together, which is the size of a mask that is not empty.
  std::size_t alternatives() const {
    std::size_t sum = 0;
    for (const int count : choices) sum += static_cast<std::size_t>(count);
    return sum;
  }
  /// Whether an action is one choice and nothing else.
  bool is_one_choice() const { return choices.size() == 1 && low.empty() && high.empty(); }

  /// Compares field by field.
  bool operator==(const ActionSpace&) const = default;
};

/// The space in words for messages: "one of 4 choices", "2 choices and 3 continuous components".
std::string action_space_text(const ActionSpace& space);

/// Throws ArgumentError whose text begins with `what` when the space is empty, a number of alternatives is
/// out of range, or the bounds do not belong together.
void check_action_space(const std::string& what, const ActionSpace& space);

/// Throws ArgumentError whose text begins with `what` when `action` does not lie in `space`.
void check_action(const std::string& what, const ActionSpace& space, Action action);

/// Throws ArgumentError whose text begins with `what` when `mask`, which is not empty, is none for `space`:
/// its size is another one, a byte is neither 0 nor 1, or it forbids every alternative of a choice.
void check_action_mask(const std::string& what, const ActionSpace& space, ActionMask mask);

/// The first choice of `action` that `mask` forbids, if there is one. Both belong to `space`; an empty mask
/// forbids nothing.
std::optional<std::size_t> forbidden_choice(const ActionSpace& space, ActionMask mask, Action action);

}  // namespace genkidama
