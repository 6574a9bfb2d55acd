#include "cli/commands/key_actions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"

namespace genkidama::cli {
namespace {

constexpr int kMostAlternatives = 10;
constexpr std::size_t kMostNumbers = 2;

bool is_playable(const ActionSpace& space) {
  if (space.is_one_choice()) return space.choices[0] <= kMostAlternatives;
  if (!space.choices.empty() || space.low.size() > kMostNumbers) return false;
  for (std::size_t i = 0; i < space.low.size(); ++i) {
    if (!is_finite(space.low[i]) || !is_finite(space.high[i])) return false;
  }
  return true;
}

/// 0 where it lies within the bounds, and otherwise the middle.
float resting(float low, float high) {
  return low <= 0 && high >= 0 ? 0 : low + (high - low) / 2;
}

}  // namespace

KeyActions::KeyActions(const ActionSpace& space) : space_(space) {
  if (!is_playable(space)) {
    throw ArgumentError(
        fmt::format("an action is {}, which keys cannot play; expected one choice among {} alternatives at "
                    "most, or one or two "
                    "numbers with finite bounds. A program of your own can record any task with a "
                    "DemonstrationRecorder, as "
                    "examples/record_demonstrations does",
                    action_space_text(space), kMostAlternatives));
  }
  if (!space.is_one_choice()) {
    for (std::size_t i = 0; i < space.low.size(); ++i) rest_.push_back(resting(space.low[i], space.high[i]));
    help_ = space.low.size() == 1 ? "left and right arrow" : "arrows";
  } else {
    const int count = space.choices[0];
    // Two: left and right. Three: left, nothing, right. Four: nothing, left, up, right.
    left_ = count == 4 ? 1 : count >= 2 && count <= 3 ? 0 : -1;
    right_ = count == 4 ? 3 : count == 3 ? 2 : count == 2 ? 1 : -1;
    up_ = count == 4 ? 2 : -1;
    has_rest_ = count == 3 || count == 4;
    rest_ = {count == 3 ? 1.0f : 0.0f};
    help_ = fmt::format("{}keys 0 to {}",
                        count == 4   ? "left, up and right arrow, or "
                        : left_ >= 0 ? "left and right arrow, or "
                                     : "",
                        count - 1);
  }
  action_ = rest_;
}

void KeyActions::press(const KeyPress& key, Clock::time_point now) {
  pressed_ = now;
  space_.is_one_choice() ? press_choice(key) : press_number(key);
}

void KeyActions::press_choice(const KeyPress& key) {
  int choice = -1;
  if (key.key == Key::kLeft) choice = left_;
  if (key.key == Key::kRight) choice = right_;
  if (key.key == Key::kUp) choice = up_;
  if (key.key == Key::kDigit && key.digit < space_.choices[0]) choice = key.digit;
  if (choice >= 0) action_ = {static_cast<float>(choice)};
  if (key.key == Key::kSpace) action_ = rest_;
}

void KeyActions::press_number(const KeyPress& key) {
  const std::size_t sideways = space_.low.size() - 1;
  if (key.key == Key::kLeft) action_[sideways] = space_.low[sideways];
  if (key.key == Key::kRight) action_[sideways] = space_.high[sideways];
  if (key.key == Key::kUp && sideways > 0) action_[0] = space_.high[0];
  if (key.key == Key::kDown && sideways > 0) action_[0] = space_.low[0];
  if (key.key == Key::kSpace) action_ = rest_;
}

Action KeyActions::action(Clock::time_point now, ActionMask mask) {
  if (has_rest_ && now - pressed_ > kHold) action_ = rest_;
  given_ = action_;
  if (space_.is_one_choice()) given_[0] = allowed(given_[0], mask);
  return given_;
}

float KeyActions::allowed(float choice, ActionMask mask) const {
  const auto is_allowed = [&](float each) {
    return mask.empty() || mask[static_cast<std::size_t>(each)] != 0;
  };
  if (is_allowed(choice)) return choice;
  if (is_allowed(rest_[0])) return rest_[0];
  const auto first = std::find(mask.begin(), mask.end(), 1);
  return static_cast<float>(first - mask.begin());
}

}  // namespace genkidama::cli
