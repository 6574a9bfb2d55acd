#pragma once

/// @file
/// Holds any environment to the contract in genkidama/env/environment.h. For use inside a Catch2 TEST_CASE:
///
///     TEST_CASE("my environment keeps the contract") {
///       genkidama::test::check_environment_conformance([] { return make_my_environment(); });
///     }

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/core/random.h"
#include "genkidama/env/environment.h"
#include "support/catch.h"

namespace genkidama::test {

struct ConformanceOptions {
  /// A policy under which some of the first 200 episodes last until the time limit. Without one, truncation
  /// is checked only where random actions happen to get that far.
  std::function<int(Observation)> enduring_policy;  // for a task whose action is one choice
  /// Whether seeds make a difference; false for an environment with nothing random in it.
  bool seeds_matter = true;
};

/// All that an episode gave, for comparison bit for bit.
struct Trajectory {
  std::vector<float> values;  ///< observations and rewards in order
  std::vector<int> flags;     ///< terminated + 2 * truncated, per step

  bool operator==(const Trajectory& other) const {
    return values.size() == other.values.size() && flags == other.flags &&
           (values.empty() ||
            std::memcmp(values.data(), other.values.data(), values.size() * sizeof(float)) == 0);
  }
};

/// Any action of the space; a component without a bound is drawn within 1 of the other one, or of 0.
inline void draw_action(const ActionSpace& space, Random& random, std::vector<float>& action) {
  action.clear();
  for (const int count : space.choices) {
    action.push_back(static_cast<float>(random.below(static_cast<std::uint64_t>(count))));
  }
  for (std::size_t i = 0; i < space.low.size(); ++i) {
    const bool has_low = is_finite(space.low[i]), has_high = is_finite(space.high[i]);
    const double low = has_low ? space.low[i] : has_high ? space.high[i] - 1 : -1;
    const double high = has_high ? space.high[i] : low + (has_low ? 1 : 2);
    action.push_back(static_cast<float>(random.uniform(low, high)));
  }
}

/// Plays one episode a step at a time and checks each result.
class ConformanceEpisode {
 public:
  ConformanceEpisode(Environment& environment, std::uint64_t seed,
                     std::function<int(Observation)> policy = nullptr)
      : environment_(environment),
        spec_(completed(environment.spec())),
        policy_(std::move(policy)),
        actions_(derive_seed(seed, {99})) {
    observation_ = environment_.reset(seed);
    record(observation_);
  }

  /// Plays the actions that `actions` draws.
  ConformanceEpisode(Environment& environment, std::uint64_t seed, const Random& actions)
      : ConformanceEpisode(environment, seed) {
    actions_ = actions;
  }

  bool running() const { return running_; }
  const Trajectory& trajectory() const { return trajectory_; }
  bool truncated() const { return !trajectory_.flags.empty() && trajectory_.flags.back() == 2; }

  void step() {
    if (policy_) {
      action_.assign(1, static_cast<float>(policy_(observation_)));
    } else {
      draw_action(spec_.action_space, actions_, action_);
    }
    const StepResult result = environment_.step(Action(action_));
    observation_ = result.observation;
    record(result.observation);
    REQUIRE(is_finite(result.reward));
    trajectory_.values.push_back(result.reward);
    trajectory_.flags.push_back((result.terminated ? 1 : 0) + (result.truncated ? 2 : 0));
    const int steps = static_cast<int>(trajectory_.flags.size());
    running_ = !result.terminated && !result.truncated;
    // An episode ends in one way, at the latest at the time limit, and is cut off nowhere else.
    REQUIRE_FALSE((result.terminated && result.truncated));
    REQUIRE((steps < spec_.time_limit || !running_));
    REQUIRE((steps == spec_.time_limit || !result.truncated));
  }

  const Trajectory& finish() {
    while (running_) step();
    return trajectory_;
  }

 private:
  void record(Observation observation) {
    REQUIRE(observation.size() == static_cast<std::size_t>(spec_.observation_size));
    bool finite = true;
    for (const float value : observation) finite = finite && is_finite(value);
    REQUIRE(finite);
    trajectory_.values.insert(trajectory_.values.end(), observation.begin(), observation.end());
  }

  Environment& environment_;
  EnvironmentSpec spec_;
  std::vector<float> action_;
  std::function<int(Observation)> policy_;
  Random actions_;
  Observation observation_;
  Trajectory trajectory_;
  bool running_ = true;
};

namespace detail {

inline void check_spec(const EnvironmentSpec& spec) {
  CHECK_FALSE(spec.name.empty());
  REQUIRE_NOTHROW(completed(spec));
}

inline void check_same_seed_same_trajectory(const EnvironmentFactory& make) {
  const auto first = make();
  const Trajectory expected = ConformanceEpisode(*first, 11).finish();

  // On the same instance, after other episodes, the last of them left unfinished.
  ConformanceEpisode(*first, 12).finish();
  ConformanceEpisode unfinished(*first, 13);
  for (int i = 0; i < 5 && unfinished.running(); ++i) unfinished.step();
  CHECK(ConformanceEpisode(*first, 11).finish() == expected);

  // On another instance, while a third one plays something else in between.
  const auto second = make();
  const auto third = make();
  ConformanceEpisode same(*second, 11);
  ConformanceEpisode other(*third, 14);
  while (same.running()) {
    same.step();
    if (other.running()) other.step();
  }
  CHECK(same.trajectory() == expected);
}

inline void check_seeds_matter(const EnvironmentFactory& make) {
  const auto environment = make();
  int different = 0;
  const Trajectory first = ConformanceEpisode(*environment, 0).finish();
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    // With the actions of seed 0, so that only the environment can make the difference.
    const Random actions(derive_seed(0, {99}));
    ConformanceEpisode episode(*environment, seed, actions);
    if (!(episode.finish() == first)) ++different;
  }
  CHECK(different > 0);
}

inline void check_truncation(const EnvironmentFactory& make, const std::function<int(Observation)>& policy) {
  const auto environment = make();
  bool truncated = false;
  for (std::uint64_t seed = 0; seed < 200 && !truncated; ++seed) {
    ConformanceEpisode episode(*environment, seed, policy);
    episode.finish();
    truncated = episode.truncated();
  }
  CHECK(truncated);
}

inline void check_invalid_actions(const EnvironmentFactory& make) {
  const auto environment = make();
  const ActionSpace space = completed(environment->spec()).action_space;
  Random random(1);
  std::vector<float> inside;
  const auto refuse = [&](const std::vector<float>& action) {
    environment->reset(1);
    CAPTURE(action);
    CHECK_THROWS_AS(environment->step(Action(action)), ArgumentError);
  };
  const auto refuse_component = [&](std::size_t i, float value) {
    draw_action(space, random, inside);
    inside[i] = value;
    refuse(inside);
  };
  const std::size_t choices = space.choices.size();
  for (std::size_t i = 0; i < choices; ++i) {
    const auto count = static_cast<float>(space.choices[i]);
    for (const float value : {-1.0f, count, count + 1000, 0.5f, std::nanf("")}) refuse_component(i, value);
  }
  for (std::size_t i = 0; i < space.low.size(); ++i) {
    refuse_component(choices + i, std::nanf(""));
    refuse_component(choices + i, -std::numeric_limits<float>::infinity());
    if (is_finite(space.low[i])) refuse_component(choices + i, space.low[i] - 1);
    if (is_finite(space.high[i])) refuse_component(choices + i, space.high[i] + 1);
  }
  refuse({});
  draw_action(space, random, inside);
  inside.push_back(0);
  refuse(inside);
  // The instance is still good for the next episode.
  const Trajectory after = ConformanceEpisode(*environment, 15).finish();
  const auto untouched = make();
  CHECK(ConformanceEpisode(*untouched, 15).finish() == after);
}

}  // namespace detail

inline void check_environment_conformance(const EnvironmentFactory& make,
                                          const ConformanceOptions& options = {}) {
  const auto environment = make();
  REQUIRE(environment != nullptr);
  detail::check_spec(environment->spec());
  for (std::uint64_t seed = 0; seed < 20; ++seed) ConformanceEpisode(*environment, seed).finish();
  detail::check_spec(environment->spec());
  detail::check_same_seed_same_trajectory(make);
  if (options.seeds_matter) detail::check_seeds_matter(make);
  if (options.enduring_policy) detail::check_truncation(make, options.enduring_policy);
  detail::check_invalid_actions(make);
}

}  // namespace genkidama::test
