#pragma once

/// @file
/// What the comparisons with the files of gym's and Gymnasium's statistics share.

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "support/sample_statistics.h"

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

/// Collects figures of a sample of ours beside those of gym's, each with its tolerance.
class OracleRows {
 public:
  OracleRows(double episodes, double gym_episodes, const OracleTolerances& tolerances)
      : episodes_(episodes), gym_episodes_(gym_episodes), tolerances_(tolerances) {}

  const OracleTolerances& tolerances() const { return tolerances_; }
  std::vector<OracleRow> take() { return std::move(rows_); }

  /// A figure of whole episodes.
  void add(const std::string& name, double ours, double gym, double difference, double tolerance,
           double standard_error) {
    rows_.push_back({name, ours, gym, difference, tolerance + tolerances_.sampling_errors * standard_error});
  }
  /// The mean of a value per episode.
  void add_mean(const std::string& name, const Moments& ours, double gym_mean, double gym_deviation) {
    add("mean " + name, ours.mean, gym_mean, (ours.mean - gym_mean) / gym_deviation,
        tolerances_.standardised_mean, error());
  }
  /// The deviation of a value of so many of gym's episodes.
  void add_deviation(const std::string& name, const Moments& ours, double gym_deviation, double gym_count) {
    add("deviation of " + name, ours.deviation, gym_deviation, ours.deviation / gym_deviation - 1,
        tolerances_.relative_deviation, deviation_error(ours, gym_count));
  }
  /// The largest distance between our distribution function and gym's percentiles, which are pairs of a share
  /// and a value with two decimals.
  void add_distribution(const std::string& name, const std::vector<double>& values,
                        const std::vector<std::pair<double, double>>& percentiles) {
    constexpr double kFileRounding = 0.005;
    double worst = 0;
    for (const auto& [share, value] : percentiles) {
      const double distance = distribution_distance(values, value, share, kFileRounding);
      if (std::abs(distance) > std::abs(worst)) worst = distance;
    }
    // A distribution function is known least well at the median, to 0.5 / sqrt(n).
    add("distribution of " + name, worst, 0, worst, tolerances_.distribution, error() / 2);
  }
  /// The share of episodes that end in one way.
  void add_end(const std::string& name, double ours, double gym) {
    add(name, ours, gym, ours - gym, tolerances_.end_share, share_error(gym, episodes_, gym_episodes_));
  }

  /// How many episodes came to a point of time.
  void add_running(const std::string& when, double count, double gym_count) {
    const double gym = gym_count / gym_episodes_;
    add_state(when + ": episodes running", count / episodes_, gym, count / episodes_ - gym,
              tolerances_.state_share, share_error(gym, episodes_, gym_episodes_));
  }
  /// A component of the states then that is 0 or 1: whether a leg touches the ground.
  void add_contact(const std::string& name, const Moments& ours, double gym, double gym_count) {
    add_state(name, ours.mean, gym, ours.mean - gym, tolerances_.state_share,
              share_error(gym, ours.count, gym_count));
  }
  /// Another component; the file's figures are right to `rounding`.
  void add_component(const std::string& name, const Moments& ours, double gym_mean, double gym_deviation,
                     double gym_count, double rounding = 0) {
    const double coarse = rounding / gym_deviation;
    add_state(name, ours.mean, gym_mean, (ours.mean - gym_mean) / gym_deviation,
              tolerances_.state_mean + coarse, mean_error(ours.count, gym_count));
    add_state(name + ", deviation", ours.deviation, gym_deviation, ours.deviation / gym_deviation - 1,
              tolerances_.state_deviation + coarse, deviation_error(ours, gym_count));
  }
  /// A figure of the states.
  void add_state(const std::string& name, double ours, double gym, double difference, double tolerance,
                 double standard_error) {
    rows_.push_back(
        {name, ours, gym, difference, tolerance + tolerances_.state_sampling_errors * standard_error});
  }

 private:
  double error() const { return mean_error(episodes_, gym_episodes_); }

  double episodes_;
  double gym_episodes_;
  OracleTolerances tolerances_;
  std::vector<OracleRow> rows_;
};

}  // namespace genkidama::test
