#pragma once

// Hyperparameters that have changed since the workers were made, as they lie in shared memory.

#include <cstddef>
#include <cstdint>

#include "genkidama/rl/hyperparameters.h"

namespace genkidama {

/// How many tunable_names() there are.
inline constexpr std::size_t kTunableValues = 25;

/// The lead writes it between two orders. Whoever finds another number of changes than it was made with is
/// made anew before its next order; so is one that takes a dead one's place.
struct TunedValues {
  std::uint64_t changes = 0;  ///< 0: the values are those that the workers were made with
  double values[kTunableValues] = {};

  /// Takes all values, which counts as one change.
  void take(const Hyperparameters& hyperparameters);
  /// The hyperparameters with these values, if they have changed.
  Hyperparameters applied_to(Hyperparameters hyperparameters) const;
};

}  // namespace genkidama
