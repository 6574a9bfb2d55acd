#pragma once

#include <vector>

#include "genkidama/params/policy_average.h"

namespace genkidama::test {

/// An ema that has averaged `weights` so many times.
inline PolicyAverage average_of(const std::vector<float>& weights, int updates) {
  PolicyAverage average({.kind = PolicyAverageKind::kEma});
  for (int i = 0; i < updates; ++i) average.add(weights);
  return average;
}

}  // namespace genkidama::test
