#pragma once

// Keeps a worker to a number of steps a second, as a slow board or a robot would.

#include <functional>

#include "genkidama/core/clock.h"

namespace genkidama {

class Pacer {
 public:
  /// 0 steps a second: as many as there is time for.
  explicit Pacer(double steps_per_second);

  /// Whether there is anything to wait for.
  bool is_set() const { return period_ > Clock::duration{}; }

  /// Sleeps until the next step is due. Whoever comes too late, because it has learnt meanwhile, does not
  /// catch up. `goes_on` is asked ten times a second; once it says no, the wait is over.
  void wait(const std::function<bool()>& goes_on);

 private:
  Clock::duration period_{};
  Clock::time_point due_{};
};

}  // namespace genkidama
