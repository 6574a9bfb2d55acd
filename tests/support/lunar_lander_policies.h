#pragma once

/// @file
/// The policies whose statistics in gym are known, for comparing the two LunarLanders.

#include <cmath>
#include <string>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/env/environment.h"

namespace genkidama::test {

/// The rule of the hand-written controller that gym ships with LunarLander (same figures, so that its
/// statistics can be compared): steer towards the middle, hold a height proportional to the distance from it,
/// and once a leg touches only brake.
inline int lunar_lander_heuristic(Observation state) {
  const double x = state[0], y = state[1], vx = state[2], vy = state[3], angle = state[4], turn = state[5];
  const bool contact = state[6] != 0 || state[7] != 0;
  double angle_error = 0;
  double height_error = -0.5 * vy;
  if (!contact) {
    const double wanted_angle = std::fmin(0.4, std::fmax(-0.4, 0.5 * x + vx));
    angle_error = 0.5 * (wanted_angle - angle) - turn;
    height_error = 0.5 * (0.55 * std::abs(x) - y) - 0.5 * vy;
  }
  if (height_error > std::abs(angle_error) && height_error > 0.05) return 2;
  if (angle_error < -0.05) return 3;
  if (angle_error > 0.05) return 1;
  return 0;
}

/// One of the oracle file's policies, by its name there.
class LunarLanderPolicy {
 public:
  explicit LunarLanderPolicy(const std::string& name) {
    if (name == "random") {
      random_share_ = 1;
    } else if (name == "heuristic") {
      random_share_ = 0;
    } else if (name == "heuristic_eps20") {
      random_share_ = 0.2;
    } else {
      throw ArgumentError("LunarLander policy '" + name + "' is unknown");
    }
  }

  int operator()(Observation state, Random& random) const {
    if (random.uniform() < random_share_) return static_cast<int>(random.below(4));
    return lunar_lander_heuristic(state);
  }

 private:
  double random_share_ = 0;
};

}  // namespace genkidama::test
