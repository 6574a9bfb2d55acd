#pragma once

// Times of single events, and what a table shows of them.

#include <time.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "genkidama/core/clock.h"

namespace genkidama::benchmarks {

/// Processor time of this thread: what else runs on the machine does not count. A read costs about 0.3 us.
inline double processor_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

template <typename Work>
double wall_seconds(const Work& work) {
  const auto start = Clock::now();
  work();
  return seconds_since(start);
}

/// The smallest value that at least `share` of the values do not exceed (nearest rank); 0 without values.
inline double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
  const std::size_t index = std::min(values.size() - 1, rank > 0 ? rank - 1 : 0);
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(index), values.end());
  return values[index];
}

inline double median(std::vector<double> values) {
  return percentile(std::move(values), 0.5);
}

}  // namespace genkidama::benchmarks
