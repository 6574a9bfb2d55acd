#pragma once

/// @file
/// Gymnasium's statistics of a task with continuous actions, and how far a sample of ours is from them.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/env/environment.h"
#include "support/gymnasium_policies.h"
#include "support/oracle_comparison.h"
#include "support/sample_statistics.h"

namespace genkidama::test {

/// One value per episode, and the observations after selected steps of the episodes that got so far.
struct GymnasiumSample {
  std::vector<double> returns;
  std::vector<double> lengths;
  std::map<std::string, int> ends;  ///< by the oracle file's names
  std::map<int, std::vector<std::vector<float>>> observations_at_step;
};

/// The oracle file's policies by name.
inline nlohmann::json load_gymnasium_oracle(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw IoError("cannot open the oracle file " + path);
  return nlohmann::json::parse(file).at("policies");
}

/// Plays `episodes` episodes with the seeds that follow from `seed`, and keeps what the oracle knows of
/// Gymnasium's.
inline GymnasiumSample play_gymnasium(Environment& environment, const std::string& policy_name, int episodes,
                                      std::uint64_t seed, const nlohmann::json& oracle) {
  GymnasiumSample sample;
  for (const auto& item : oracle.at("ends_share").items()) sample.ends[item.key()] = 0;
  std::map<int, std::vector<std::vector<float>>>& kept = sample.observations_at_step;
  for (const auto& item : oracle.at("episodes_reaching_step").items()) kept[std::stoi(item.key())];
  std::vector<float> action(environment.spec().action_space.width());
  for (int episode = 0; episode < episodes; ++episode) {
    const auto index = static_cast<std::uint64_t>(episode);
    Random random(derive_seed(seed, {index, 1}));
    const ContinuousPolicy policy = gymnasium_policy(policy_name, environment.spec());
    StepResult result;
    result.observation = environment.reset(derive_seed(seed, {index, 0}));
    double sum = 0;
    int length = 0;
    while (!result.terminated && !result.truncated) {
      policy(result.observation, random, action);
      result = environment.step(action);
      sum += result.reward;
      const auto at = kept.find(++length);
      if (at != kept.end()) at->second.emplace_back(result.observation.begin(), result.observation.end());
    }
    sample.returns.push_back(sum);
    sample.lengths.push_back(length);
    ++sample.ends[result.truncated       ? "truncated"
                  : result.reward <= -99 ? "terminated_negative"
                                         : "terminated_other"];
  }
  return sample;
}

/// Sets every figure of the oracle file for one policy beside ours.
class GymnasiumComparison {
 public:
  GymnasiumComparison(const nlohmann::json& gym, const GymnasiumSample& ours,
                      const OracleTolerances& tolerances)
      : gym_(gym), ours_(ours), rows_(episodes(), gym_episodes(), tolerances) {}

  std::vector<OracleRow> rows() {
    compare_values("return", ours_.returns);
    compare_values("length", ours_.lengths);
    for (const auto& [end, count] : ours_.ends) {
      rows_.add_end(end, count / episodes(), gym_.at("ends_share").at(end));
    }
    for (const auto& [step, observations] : ours_.observations_at_step) compare_step(step, observations);
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
    constexpr std::array<double, 9> kShares{0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99};
    std::vector<std::pair<double, double>> percentiles;
    for (const double share : kShares) {
      const auto& given = gym.at("percentiles_1_5_10_25_50_75_90_95_99").at(percentiles.size());
      percentiles.emplace_back(share, given.get<double>());
    }
    if (has_rare_end()) {
      const double ours_spread = quantile(values, 0.95) - quantile(values, 0.05);
      const double gym_spread = percentiles[7].second - percentiles[1].second;
      // The standard error is that of a normal distribution.
      rows_.add("spread of " + name, ours_spread, gym_spread, ours_spread / gym_spread - 1,
                rows_.tolerances().relative_deviation, 0.9 * mean_error(episodes(), gym_episodes()));
    } else {
      rows_.add_deviation(name, ours, gym_deviation, gym_episodes());
    }
    rows_.add_distribution(name, values, percentiles);
  }

  // A handful of crashes, or of episodes at the time limit, makes much of a variance, which says only how
  // many they were: the ends are compared for that, and here the distance from the 5th to the 95th
  // percentile.
  bool has_rare_end() const {
    for (const auto& [end, count] : ours_.ends) {
      const double episodes_of_gym = gym_.at("ends_share").at(end).get<double>() * gym_episodes();
      if (episodes_of_gym > 0 && episodes_of_gym < 20) return true;
    }
    return false;
  }

  static double quantile(std::vector<double> values, double share) {
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
  }

  void compare_step(int step, const std::vector<std::vector<float>>& observations) {
    const std::string key = std::to_string(step), when = "step " + key;
    const auto& means = gym_.at("observation_mean_at_step").at(key);
    const auto& deviations = gym_.at("observation_std_at_step").at(key);
    const double gym_count = gym_.at("episodes_reaching_step").at(key);
    rows_.add_running(when, static_cast<double>(observations.size()), gym_count);
    for (std::size_t i = 0; i < means.size(); ++i) {
      std::vector<double> values;
      for (const auto& observation : observations) values.push_back(observation[i]);
      const Moments ours = moments(values);
      const std::string name = when + ": component " + std::to_string(i);
      const double mean = means.at(i), deviation = deviations.at(i);
      // The file has four decimals.
      constexpr double kFileRounding = 0.00005;
      if (std::all_of(values.begin(), values.end(), [](double v) { return v == 0 || v == 1; })) {
        rows_.add_contact(name, ours, mean, gym_count);
      } else if (deviation < 100 * kFileRounding) {
        // The deviation is known too coarsely to measure by, or there is none.
        rows_.add_state(name, ours.mean, mean, ours.mean - mean, 0.005, 0);
      } else {
        rows_.add_component(name, ours, mean, deviation, gym_count, kFileRounding);
      }
    }
  }

  const nlohmann::json& gym_;
  const GymnasiumSample& ours_;
  OracleRows rows_;
};

}  // namespace genkidama::test
