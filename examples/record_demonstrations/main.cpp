// Records demonstrations: a controller that was written by hand lands 20 times, and each step goes into a
// file that a training run can begin with (lunar_lander train --demonstrations FILE).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "genkidama/core/error.h"
#include "genkidama/env/lunar_lander.h"
#include "genkidama/rl/demonstrations.h"

namespace {

constexpr int kNothing = 0, kLeftEngine = 1, kMainEngine = 2, kRightEngine = 3;

/// Proportional and derivative control in two loops. The outer one says how far to lean and how fast to sink,
/// the inner one which engine brings the lander closer to that.
int choose(genkidama::Observation seen) {
  const float x = seen[0], y = seen[1], vx = seen[2], vy = seen[3], angle = seen[4], turning = seen[5];
  const bool stands = seen[6] > 0 || seen[7] > 0;
  // It sinks slowly near the ground, and not at all as long as the pad is far to the side.
  const float sinking = 0.08f + 0.4f * std::max(0.0f, y - 0.4f * std::abs(x));
  const float lift = -sinking - vy;
  if (stands) return lift > 0.1f ? kMainEngine : kNothing;
  const float lean = std::clamp(0.5f * x + 0.9f * vx, -0.4f, 0.4f);
  const float turn = 0.5f * (lean - angle) - 0.9f * turning;
  if (lift > 0.05f && lift > std::abs(turn)) return kMainEngine;
  if (turn > 0.05f) return kLeftEngine;
  return turn < -0.05f ? kRightEngine : kNothing;
}

int run(const char* file, int episodes) {
  genkidama::DemonstrationRecorder lander(genkidama::make_lunar_lander(), "a controller written by hand");
  double sum = 0;
  for (int episode = 0; episode < episodes; ++episode) {
    genkidama::Observation seen = lander.reset(1000 + static_cast<std::uint64_t>(episode));
    genkidama::StepResult result;
    do {
      result = lander.step(choose(seen));
      seen = result.observation;
    } while (!result.terminated && !result.truncated);
    sum += lander.episode_return();
  }
  const genkidama::Demonstrations& recorded = lander.demonstrations();
  genkidama::write_demonstrations(file, recorded);
  fmt::print("{}: {} episodes, {} steps, mean return {:.1f}\n", file, recorded.episodes(), recorded.steps(),
             sum / episodes);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(
        stderr,
        "usage: record_demonstrations FILE\nFILE: a new file of 20 landings, such as landings.safetensors\n");
    return 2;
  }
  try {
    return run(argv[1], 20);
  } catch (const genkidama::Error& error) {
    fmt::print(stderr, "record_demonstrations: {}\n", error.what());
    return 1;
  }
}
