#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

#include "genkidama/env/cart_pole.h"
#include "genkidama/rl/demonstrations.h"

namespace genkidama::test {

/// Episodes of a controller that keeps the pole up.
inline Demonstrations cart_pole_demonstrations(int episodes = 4) {
  DemonstrationRecorder recorder(make_cart_pole(), "a controller");
  for (int episode = 0; episode < episodes; ++episode) {
    Observation seen = recorder.reset(100 + static_cast<std::uint64_t>(episode));
    StepResult result;
    do {
      result = recorder.step(0.05f * seen[0] + 0.1f * seen[1] + seen[2] + 0.3f * seen[3] > 0 ? 1 : 0);
      seen = result.observation;
    } while (!result.terminated && !result.truncated);
  }
  return recorder.demonstrations();
}

}  // namespace genkidama::test
