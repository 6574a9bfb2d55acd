#pragma once

/// @file
/// gym's statistics of LunarLander-v2 and how far a sample of ours is from them.

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "support/lunar_lander_sample.h"
#include "support/oracle_row.h"
#include "support/sample_statistics.h"

namespace genkidama::test {

/// The oracle file's "policies" array.
inline nlohmann::json load_lunar_lander_oracle(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw IoError("cannot open the LunarLander oracle file " + path);
  return nlohmann::json::parse(file).at("policies");
}

/// The steps at which gym's states are known for this policy.
inline std::vector<int> oracle_steps(const nlohmann::json& policy) {
  std::vector<int> steps;
  for (const auto& item : policy.at("observation_at_step").items()) steps.push_back(std::stoi(item.key()));
  std::sort(steps.begin(), steps.end());
  return steps;
}

/// Sets every figure of the oracle file for one policy beside ours.
class OracleComparison {
 public:
  OracleComparison(const nlohmann::json& gym, const LunarLanderSample& ours,
                   const OracleTolerances& tolerances)
      : gym_(gym), ours_(ours), tolerances_(tolerances) {}

  std::vector<OracleRow> rows() {
    compare_values("return", ours_.returns);
    compare_values("length", ours_.lengths);
    compare_ends();
    compare_leg_contact();
    for (const int step : oracle_steps(gym_)) {
      const auto states = ours_.states_at_step.find(step);
      compare_states("step " + std::to_string(step),
                     states == ours_.states_at_step.end() ? std::vector<LunarLanderState>() : states->second,
                     gym_.at("observation_at_step").at(std::to_string(step)));
    }
    compare_states("last step", ours_.last_states, gym_.at("last_observation"));
    return std::move(rows_);
  }

 private:
  double episodes() const { return static_cast<double>(ours_.returns.size()); }
  double gym_episodes() const { return gym_.at("episodes"); }

  void add(const std::string& name, double ours, double gym, double difference, double tolerance,
           double standard_error) {
    rows_.push_back({name, ours, gym, difference, tolerance + tolerances_.sampling_errors * standard_error});
  }

  void add_state(const std::string& name, double ours, double gym, double difference, double tolerance,
                 double standard_error) {
    rows_.push_back(
        {name, ours, gym, difference, tolerance + tolerances_.state_sampling_errors * standard_error});
  }

  void compare_values(const std::string& name, const std::vector<double>& values) {
    const auto& gym = gym_.at(name);
    const Moments ours = moments(values);
    const double gym_mean = gym.at("mean");
    const double gym_deviation = gym.at("std");
    const double error = mean_error(episodes(), gym_episodes());
    add("mean " + name, ours.mean, gym_mean, (ours.mean - gym_mean) / gym_deviation,
        tolerances_.standardised_mean, error);
    const int gym_limited = gym_.at("ends").at("time_limit");
    if (name == "length" && gym_limited > 0 && gym_limited < 20) {
      compare_short_lengths(gym_mean, gym_deviation, gym_limited);
    } else {
      add("deviation of " + name, ours.deviation, gym_deviation, ours.deviation / gym_deviation - 1,
          tolerances_.relative_deviation, deviation_error(ours, gym_episodes()));
    }
    constexpr double kFileRounding = 0.005;
    double worst = 0;
    for (const auto& item : gym.at("percentiles").items()) {
      const double distance =
          distribution_distance(values, item.value(), std::stod(item.key()) / 100, kFileRounding);
      if (std::abs(distance) > std::abs(worst)) worst = distance;
    }
    // A distribution function is known least well at the median, to 0.5 / sqrt(n).
    add("distribution of " + name, worst, 0, worst, tolerances_.distribution, error / 2);
  }

  // A handful of gym's episodes at the time limit (4 of 4,000 with random actions) make most of the variance
  // of the length, which says only how many they were: the ends are compared for that. Here without them, on
  // both sides.
  void compare_short_lengths(double gym_mean, double gym_deviation, int gym_limited) {
    constexpr double kTimeLimit = 1000;
    const double rest = gym_episodes() - gym_limited;
    const double sum = gym_mean * gym_episodes() - kTimeLimit * gym_limited;
    const double squares = (gym_deviation * gym_deviation + gym_mean * gym_mean) * gym_episodes() -
                           kTimeLimit * kTimeLimit * gym_limited;
    const double deviation = std::sqrt(squares / rest - (sum / rest) * (sum / rest));
    std::vector<double> lengths;
    for (const double length : ours_.lengths) {
      if (length < kTimeLimit) lengths.push_back(length);
    }
    const Moments ours = moments(lengths);
    add("deviation of length < 1000", ours.deviation, deviation, ours.deviation / deviation - 1,
        tolerances_.relative_deviation, deviation_error(ours, rest));
  }

  void compare_ends() {
    for (const auto& [end, count] : ours_.ends) {
      const double ours = count / episodes();
      const double gym = gym_.at("ends").at(end).get<double>() / gym_episodes();
      add(end, ours, gym, ours - gym, tolerances_.end_share, share_error(gym, episodes(), gym_episodes()));
    }
  }

  void compare_leg_contact() {
    double steps = 0;
    double contact_steps = 0;
    for (std::size_t i = 0; i < ours_.lengths.size(); ++i) {
      steps += ours_.lengths[i];
      contact_steps += ours_.leg_contact_steps[i];
    }
    const double share = contact_steps / steps;
    // A ratio of sums over episodes: steps of one episode hang together.
    double squares = 0;
    for (std::size_t i = 0; i < ours_.lengths.size(); ++i) {
      squares += std::pow(ours_.leg_contact_steps[i] - share * ours_.lengths[i], 2);
    }
    const double error = std::sqrt(squares * (1 + episodes() / gym_episodes())) / steps;
    const double gym = gym_.at("share_of_steps_with_leg_contact");
    add("steps with leg contact", share, gym, share - gym, tolerances_.leg_contact_share, error);
  }

  void compare_states(const std::string& when, const std::vector<LunarLanderState>& states,
                      const nlohmann::json& gym) {
    const double gym_count = gym.at("n");
    const double running = static_cast<double>(states.size()) / episodes();
    const double gym_running = gym_count / gym_episodes();
    add_state(when + ": episodes running", running, gym_running, running - gym_running,
              tolerances_.state_share, share_error(gym_running, episodes(), gym_episodes()));
    if (states.size() < 10) return;
    static const char* const kNames[] = {"x", "y", "vx", "vy", "angle", "turn", "left leg", "right leg"};
    for (std::size_t i = 0; i < 8; ++i) {
      std::vector<double> values;
      for (const LunarLanderState& state : states) values.push_back(state[i]);
      const Moments ours = moments(values);
      const double mean = gym.at("mean")[i];
      const double deviation = gym.at("std")[i];
      const std::string name = when + ": " + kNames[i];
      if (i >= 6) {
        add_state(name, ours.mean, mean, ours.mean - mean, tolerances_.state_share,
                  share_error(mean, ours.count, gym_count));
        continue;
      }
      add_state(name, ours.mean, mean, (ours.mean - mean) / deviation, tolerances_.state_mean,
                mean_error(ours.count, gym_count));
      add_state(name + ", deviation", ours.deviation, deviation, ours.deviation / deviation - 1,
                tolerances_.state_deviation, deviation_error(ours, gym_count));
    }
  }

  const nlohmann::json& gym_;
  const LunarLanderSample& ours_;
  OracleTolerances tolerances_;
  std::vector<OracleRow> rows_;
};

}  // namespace genkidama::test
