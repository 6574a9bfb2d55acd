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
#include "support/oracle_comparison.h"
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
      : gym_(gym), ours_(ours), rows_(episodes(), gym_episodes(), tolerances) {}

  std::vector<OracleRow> rows() {
    compare_values("return", ours_.returns);
    compare_values("length", ours_.lengths);
    for (const auto& [end, count] : ours_.ends) {
      rows_.add_end(end, count / episodes(), gym_.at("ends").at(end).get<double>() / gym_episodes());
    }
    compare_leg_contact();
    for (const int step : oracle_steps(gym_)) {
      const auto states = ours_.states_at_step.find(step);
      compare_states("step " + std::to_string(step),
                     states == ours_.states_at_step.end() ? std::vector<LunarLanderState>() : states->second,
                     gym_.at("observation_at_step").at(std::to_string(step)));
    }
    compare_states("last step", ours_.last_states, gym_.at("last_observation"));
    return rows_.take();
  }

 private:
  double episodes() const { return static_cast<double>(ours_.returns.size()); }
  double gym_episodes() const { return gym_.at("episodes"); }

  void compare_values(const std::string& name, const std::vector<double>& values) {
    const auto& gym = gym_.at(name);
    const Moments ours = moments(values);
    const double gym_mean = gym.at("mean"), gym_deviation = gym.at("std");
    rows_.add_mean(name, ours, gym_mean, gym_deviation);
    const int gym_limited = gym_.at("ends").at("time_limit");
    if (name == "length" && gym_limited > 0 && gym_limited < 20) {
      compare_short_lengths(gym_mean, gym_deviation, gym_limited);
    } else {
      rows_.add_deviation(name, ours, gym_deviation, gym_episodes());
    }
    std::vector<std::pair<double, double>> percentiles;
    for (const auto& item : gym.at("percentiles").items()) {
      percentiles.emplace_back(std::stod(item.key()) / 100, item.value().get<double>());
    }
    rows_.add_distribution(name, values, percentiles);
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
    rows_.add_deviation("length < 1000", moments(lengths), deviation, rest);
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
    rows_.add("steps with leg contact", share, gym, share - gym, rows_.tolerances().leg_contact_share, error);
  }

  void compare_states(const std::string& when, const std::vector<LunarLanderState>& states,
                      const nlohmann::json& gym) {
    const double gym_count = gym.at("n");
    rows_.add_running(when, static_cast<double>(states.size()), gym_count);
    if (states.size() < 10) return;
    static const char* const kNames[] = {"x", "y", "vx", "vy", "angle", "turn", "left leg", "right leg"};
    for (std::size_t i = 0; i < 8; ++i) {
      std::vector<double> values;
      for (const LunarLanderState& state : states) values.push_back(state[i]);
      const Moments ours = moments(values);
      const std::string name = when + ": " + kNames[i];
      if (i >= 6) {
        rows_.add_contact(name, ours, gym.at("mean")[i], gym_count);
      } else {
        rows_.add_component(name, ours, gym.at("mean")[i], gym.at("std")[i], gym_count);
      }
    }
  }

  const nlohmann::json& gym_;
  const LunarLanderSample& ours_;
  OracleRows rows_;
};

}  // namespace genkidama::test
