#pragma once

/// @file
/// Rewards or steps of learning that are too large for anything to be learnt.

#include <cstdint>
#include <span>

#include "genkidama/params/local_trainer.h"
#include "genkidama/run/run_options.h"

namespace genkidama::run {

/// Warns once in a run of each: when the value estimate misses the scaled returns by more than 10,000 on
/// average, and when the root mean square of the weights is above 5. A network whose units are dead at such
/// weights may have a small loss, and learns nothing.
class ScaleWarning {
 public:
  /// Looks at one more round.
  void follow(const RoundReport& round, const RunOptions& options);
  /// Looks at the weights after this update.
  void follow_weights(std::span<const float> weights, std::uint64_t update, const RunOptions& options);

 private:
  bool warned_ = false, warned_of_weights_ = false;
};

}  // namespace genkidama::run
