#include "genkidama/env/action_space.h"

#include <fmt/format.h>

#include <cmath>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"

namespace genkidama {
namespace {

constexpr int kMostAlternatives = 1 << 24;

bool is_within(float value, float low, float high) {
  return is_finite(value) && value >= low && value <= high;
}

[[noreturn]] void refuse(const std::string& what, const ActionSpace& space, Action action) {
  if (action.size() != space.width()) {
    throw ArgumentError(fmt::format("{} given an action of {} numbers, expected {}: {}", what, action.size(),
                                    space.width(), action_space_text(space)));
  }
  for (std::size_t i = 0; i < space.choices.size(); ++i) {
    const float choice = action[i];
    if (!is_finite(choice) || choice < 0 || choice >= static_cast<float>(space.choices[i]) ||
        choice != std::floor(choice)) {
      if (space.is_one_choice()) {
        throw ArgumentError(
            fmt::format("{} given action {}, expected 0 to {}", what, choice, space.choices[0] - 1));
      }
      throw ArgumentError(fmt::format("{} given {} as choice {} of its action, expected 0 to {}", what,
                                      choice, i, space.choices[i] - 1));
    }
  }
  for (std::size_t i = 0; i < space.low.size(); ++i) {
    const float value = action[space.choices.size() + i];
    if (is_within(value, space.low[i], space.high[i])) continue;
    throw ArgumentError(fmt::format("{} given {} as component {} of its action, expected {} to {}", what,
                                    value, i, space.low[i], space.high[i]));
  }
  throw ArgumentError(fmt::format("{} given an action outside {}", what, action_space_text(space)));
}

bool contains(const ActionSpace& space, Action action) {
  if (action.size() != space.width()) return false;
  const std::size_t choices = space.choices.size();
  for (std::size_t i = 0; i < choices; ++i) {
    const float choice = action[i];
    if (!is_finite(choice) || choice < 0 || choice >= static_cast<float>(space.choices[i])) return false;
    if (static_cast<float>(static_cast<int>(choice)) != choice) return false;
  }
  for (std::size_t i = 0; i < space.low.size(); ++i) {
    const float value = action[choices + i];
    if (!is_within(value, space.low[i], space.high[i])) return false;
  }
  return true;
}

}  // namespace

std::string action_space_text(const ActionSpace& space) {
  const auto counted = [](std::size_t count, const char* one, const char* more) {
    return fmt::format("{} {}", count, count == 1 ? one : more);
  };
  if (space.is_one_choice()) return fmt::format("one of {} choices", space.choices[0]);
  const std::string choices = counted(space.choices.size(), "choice", "choices");
  const std::string components = counted(space.low.size(), "continuous component", "continuous components");
  if (space.low.empty()) return choices;
  if (space.choices.empty()) return components;
  return choices + " and " + components;
}

void check_action_space(const std::string& what, const ActionSpace& space) {
  if (space.low.size() != space.high.size()) {
    throw ArgumentError(fmt::format("{} has {} lowest and {} highest values, expected as many of both", what,
                                    space.low.size(), space.high.size()));
  }
  if (space.width() == 0) {
    throw ArgumentError(fmt::format("{} is empty, expected a choice or a continuous component", what));
  }
  for (std::size_t i = 0; i < space.choices.size(); ++i) {
    if (space.choices[i] < 1 || space.choices[i] > kMostAlternatives) {
      throw ArgumentError(fmt::format("{} has {} alternatives for choice {}, expected 1 to {}", what,
                                      space.choices[i], i, kMostAlternatives));
    }
  }
  for (std::size_t i = 0; i < space.low.size(); ++i) {
    if (!(space.low[i] < space.high[i])) {
      throw ArgumentError(
          fmt::format("{} has bounds {} and {} for component {}, expected the first below the "
                      "second",
                      what, space.low[i], space.high[i], i));
    }
  }
}

void check_action(const std::string& what, const ActionSpace& space, Action action) {
  if (!contains(space, action)) refuse(what, space, action);
}

void check_action_mask(const std::string& what, const ActionSpace& space, ActionMask mask) {
  if (mask.size() != space.alternatives()) {
    throw ArgumentError(fmt::format("{}: the action mask has {} bytes, expected {}, one for each alternative",
                                    what, mask.size(), space.alternatives()));
  }
  std::size_t first = 0;
  for (std::size_t i = 0; i < space.choices.size(); ++i) {
    const auto count = static_cast<std::size_t>(space.choices[i]);
    bool any = false;
    for (std::size_t k = 0; k < count; ++k) {
      const std::uint8_t byte = mask[first + k];
      any = any || byte == 1;
      if (byte <= 1) continue;
      throw ArgumentError(
          fmt::format("{}: the action mask has {} for alternative {} of choice {}, expected 1 (allowed) or 0",
                      what, byte, k, i));
    }
    if (!any) {
      throw ArgumentError(fmt::format(
          "{}: the action mask forbids all {} alternatives of choice {}, expected at least one that "
          "is allowed",
          what, count, i));
    }
    first += count;
  }
}

std::optional<std::size_t> forbidden_choice(const ActionSpace& space, ActionMask mask, Action action) {
  if (mask.empty()) return std::nullopt;
  std::size_t first = 0;
  for (std::size_t i = 0; i < space.choices.size(); ++i) {
    if (mask[first + static_cast<std::size_t>(action[i])] == 0) return i;
    first += static_cast<std::size_t>(space.choices[i]);
  }
  return std::nullopt;
}

}  // namespace genkidama
