#pragma once

#include <cmath>
#include <string>

namespace genkidama::test {

/// One figure of ours beside gym's. It agrees when |difference| <= tolerance.
struct OracleRow {
  std::string name;
  double ours = 0;
  double gym = 0;
  double difference = 0;
  double tolerance = 0;

  bool agrees() const { return std::abs(difference) <= tolerance; }
};

/// How equal is equal. To each tolerance a number of standard errors of the difference is added, which come
/// from the sizes of both samples, ours and gym's.
struct OracleTolerances {
  double standardised_mean = 0.1;   ///< |difference of means| over gym's standard deviation
  double relative_deviation = 0.1;  ///< |ratio of standard deviations - 1|
  double distribution = 0.05;       ///< |our distribution function at gym's percentile - its share|
  double end_share = 0.03;          ///< share of the episodes that end in one way
  double leg_contact_share = 0.02;  ///< share of the steps with a leg on the ground
  double sampling_errors = 0;

  // The states at given steps rest on few episodes and have long tails.
  double state_mean = 0.1;
  double state_deviation = 0.1;
  double state_share = 0.03;  ///< episodes that last to a step; legs on the ground
  double state_sampling_errors = 2.5;
};

}  // namespace genkidama::test
