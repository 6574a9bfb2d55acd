#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/run/evaluation.h"
#include "run/evaluation/sample.h"

namespace genkidama::run {
namespace {

constexpr int kResamples = 2000;
constexpr std::uint64_t kSeed = 2000;
constexpr std::size_t kMostValues = 100'000;
constexpr double kNormalQuantile = 1.959964;

Interval normal_interval(std::span<const double> values, double mean) {
  const double error = standard_deviation_of(values, mean) / std::sqrt(static_cast<double>(values.size()));
  return {mean - kNormalQuantile * error, mean + kNormalQuantile * error};
}

}  // namespace

Interval bootstrap_mean_interval(std::span<const double> values) {
  if (values.empty()) throw ArgumentError("an interval of no values; expected at least one");
  const double mean = mean_of(values);
  if (values.size() > kMostValues) return normal_interval(values, mean);
  Random random(kSeed);
  std::vector<double> means(kResamples);
  for (double& resampled : means) {
    double sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      sum += values[static_cast<std::size_t>(random.below(values.size()))];
    }
    resampled = sum / static_cast<double>(values.size());
  }
  std::sort(means.begin(), means.end());
  // Of equal values, rounding alone could put the mean outside.
  return {std::min(mean, quantile_of(means, 0.025)), std::max(mean, quantile_of(means, 0.975))};
}

}  // namespace genkidama::run
