#pragma once

/// @file
/// Moments and distribution functions of a sample, with the sampling errors of comparing two samples.

#include <algorithm>
#include <cmath>
#include <vector>

namespace genkidama::test {

struct Moments {
  double count = 0;
  double mean = 0;
  double deviation = 0;
  double kurtosis = 3;  ///< fourth central moment over the squared variance; 3 for a normal distribution
};

inline Moments moments(const std::vector<double>& values) {
  Moments result;
  result.count = static_cast<double>(values.size());
  if (values.empty()) return result;
  for (const double value : values) result.mean += value / result.count;
  double variance = 0;
  double fourth = 0;
  for (const double value : values) {
    const double square = (value - result.mean) * (value - result.mean);
    variance += square / result.count;
    fourth += square * square / result.count;
  }
  result.deviation = std::sqrt(variance);
  if (variance > 0) result.kurtosis = fourth / (variance * variance);
  return result;
}

/// The standard error of a difference of two means, in standard deviations.
inline double mean_error(double count, double other_count) {
  return std::sqrt(1 / count + 1 / other_count);
}

/// The standard error of a ratio of two standard deviations (delta method); long tails make it large.
inline double deviation_error(const Moments& ours, double other_count) {
  return std::sqrt(std::fmax(ours.kurtosis - 1, 0) / 4) * mean_error(ours.count, other_count);
}

/// The standard error of a difference of two shares.
inline double share_error(double share, double count, double other_count) {
  return std::sqrt(share * (1 - share)) * mean_error(count, other_count);
}

/// How far the sample's distribution function at `value` is from the share `p`: 0 inside a jump there.
/// `rounding` is the precision to which `value` is known.
inline double distribution_distance(const std::vector<double>& values, double value, double p,
                                    double rounding) {
  const auto share = [&](auto predicate) {
    return static_cast<double>(std::count_if(values.begin(), values.end(), predicate)) /
           static_cast<double>(values.size());
  };
  const double below = share([&](double v) { return v < value - rounding; });
  const double up_to = share([&](double v) { return v <= value + rounding; });
  if (p < below) return below - p;
  if (p > up_to) return up_to - p;
  return 0;
}

}  // namespace genkidama::test
