#pragma once

// Which gradients are outliers, by the losses that came with them.

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "genkidama/core/is_finite.h"

namespace genkidama {

/// The running mean and deviation of one worker's loss, in shared memory (Nair et al. 2015, section 4.3:
/// gradients whose loss is several deviations above the mean are discarded).
struct LossWatch {
  /// Losses that are only watched, because so few say little about the deviation.
  static constexpr std::uint64_t kWarmUp = 100;
  /// The mean forgets what is older than about so many losses, which fall while a worker learns.
  static constexpr std::uint64_t kMemory = 1'000;

  std::uint64_t losses = 0;
  double mean = 0;
  double variance = 0;

  /// Takes a loss into account, and says whether it is at most `deviations` above the mean. One that is above
  /// counts as if it were at that limit, so that a lasting change of the losses is followed.
  bool takes(double loss, double deviations) {
    bool is_taken = true;
    if (losses >= kWarmUp) {
      const double limit = mean + deviations * std::sqrt(variance);
      // Not a number is none that is taken.
      is_taken = loss <= limit;
      if (!is_taken) loss = limit;
    } else if (!is_finite(loss)) {
      return true;  // for whoever checks what is learnt
    }
    ++losses;
    const double share = 1 / static_cast<double>(std::min(losses, kMemory));
    const double distance = loss - mean;
    mean += share * distance;
    variance = (1 - share) * (variance + share * distance * distance);
    return is_taken;
  }
};

}  // namespace genkidama
