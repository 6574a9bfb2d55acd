#pragma once

// The bundled networks for LunarLander as shapes and flat random weights: what the functions under test work
// on.

#include <cstdint>
#include <vector>

#include "genkidama/core/random.h"
#include "nn/mlp_policy_function.h"

namespace genkidama::benchmarks {

inline constexpr std::size_t kObservationSize = 8;
inline constexpr std::size_t kActionCount = 4;

struct NamedShape {
  const char* name;
  MlpShape shape;

  std::size_t parameters() const { return shape.policy_stack().floats() + shape.value_stack().floats(); }
};

/// thesis_network() and mlp_network().
inline std::vector<NamedShape> bundled_shapes() {
  return {{"thesis", {{8, 128, 4}, {8, 128, 1}}}, {"mlp64", {{8, 64, 64, 4}, {8, 64, 64, 1}}}};
}

/// Uniform in [-size, size).
inline std::vector<float> random_floats(std::size_t count, double size, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random.uniform(-size, size));
  return values;
}

}  // namespace genkidama::benchmarks
