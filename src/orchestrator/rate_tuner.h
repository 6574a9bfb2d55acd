#pragma once

// Finds how many predictors and workers play the most steps a second (Babaeizadeh et al. 2017, "GA3C",
// section 4.3).

#include <cstdint>

#include "genkidama/core/clock.h"
#include "genkidama/core/random.h"

namespace genkidama {

/// Measures a setting for a while, then one that has one predictor or one worker more or less, and goes on
/// from the better one. It begins with all of them.
class RateTuner {
 public:
  struct Setting {
    int predictors = 1, workers = 1;
    friend bool operator==(const Setting&, const Setting&) = default;
  };

  /// `seconds`: how long a setting is measured, above 0. Both numbers of `most` are at least 1.
  RateTuner(double seconds, const Setting& most, std::uint64_t seed);

  const Setting& setting() const { return setting_; }
  /// So many steps were played with setting() until `now`. It may be another one afterwards.
  void take(std::uint64_t steps, Clock::time_point now);

 private:
  Setting neighbour();
  void begin(const Setting& setting, Clock::time_point now);

  const double seconds_;
  const Setting most_;
  Random random_;
  Setting setting_, best_;
  double best_rate_ = 0;  ///< steps a second; 0: not measured yet
  bool has_begun_ = false;
  Clock::time_point start_;
  std::uint64_t steps_ = 0;
};

}  // namespace genkidama
