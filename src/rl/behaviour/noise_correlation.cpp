#include "rl/behaviour/noise_correlation.h"

#include <fmt/format.h>

#include "genkidama/core/error.h"

namespace genkidama {

void check_noise_correlation(double correlation) {
  if (correlation >= 0 && correlation < 1) return;
  throw ArgumentError(fmt::format("noise_correlation is {}; expected a number in [0, 1)", correlation));
}

}  // namespace genkidama
