#pragma once

/// @file
/// One step of an environment: the form in which steps are collected and stored.

#include <cstdint>
#include <span>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// One step. The spans refer to memory of the code that made the transition, and are valid as long as that
/// memory is.
struct Transition {
  std::span<const float> before;  ///< the observation that the action was chosen for
  std::span<const float> action;  ///< the action, as ActionSpace describes it
  float reward = 0;               ///< the environment's own reward, not scaled
  std::span<const float> after;   ///< the observation after the step
  bool terminated = false;        ///< the task itself ended
  bool truncated = false;         ///< the time limit cut the episode off
  /// The mask of the actions that may follow `after`, one byte for each alternative; empty: everything is
  /// allowed.
  std::span<const std::uint8_t> after_mask{};

  /// Whether it is the last step of its episode.
  bool ends_episode() const { return terminated || truncated; }
};

}  // namespace genkidama
