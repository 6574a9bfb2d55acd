#pragma once

/// @file
/// Which action of an environment a key stands for.

#include <string>
#include <vector>

#include "cli/terminal/key_input.h"
#include "genkidama/core/clock.h"
#include "genkidama/env/action_space.h"

namespace genkidama::cli {

/// Follows keys from step to step. A terminal tells when a key is pressed and not when it is let go, so an
/// action holds for kHold behind its key, and is followed by doing nothing where the task has that.
class KeyActions {
 public:
  static constexpr Milliseconds kHold{150};

  /// One choice among 10 alternatives at most, or one or two numbers with finite bounds. Throws ArgumentError
  /// that says what to do instead for any other space.
  explicit KeyActions(const ActionSpace& space);

  /// Which keys there are, in a few words.
  const std::string& help() const { return help_; }

  /// A key was pressed at this time.
  void press(const KeyPress& key, Clock::time_point now);
  /// The action for a step that is played now, which the mask allows.
  Action action(Clock::time_point now, ActionMask mask);

 private:
  void press_choice(const KeyPress& key);
  void press_number(const KeyPress& key);
  float allowed(float choice, ActionMask mask) const;

  ActionSpace space_;
  std::string help_;
  int left_ = -1, right_ = -1, up_ = -1;  ///< alternatives of arrows; -1: none
  std::vector<float> rest_;               ///< doing nothing; of a choice without that, the latest action
  bool has_rest_ = true;
  std::vector<float> action_;
  std::vector<float> given_;
  Clock::time_point pressed_;
};

}  // namespace genkidama::cli
