#pragma once

// One of a worker's environments and the episode that is being played in it.

#include <memory>
#include <utility>
#include <vector>

#include "genkidama/core/random.h"
#include "genkidama/env/environment.h"
#include "genkidama/params/local_trainer.h"
#include "genkidama/rl/segment.h"

namespace genkidama {

/// One step as it is stored and learnt from. All spans are valid until the slot's next step.
struct Transition {
  std::span<const float> before;
  std::span<const float> action;
  float reward = 0;  ///< the environment's own
  std::span<const float> after;
  bool terminated = false;
  bool truncated = false;

  bool ends_episode() const { return terminated || truncated; }
};

class EpisodeSlot {
 public:
  explicit EpisodeSlot(std::unique_ptr<Environment> environment)
      : environment_(std::move(environment)), action(1) {}

  const EnvironmentSpec& spec() const { return environment_->spec(); }
  std::span<const float> observation() const { return observation_; }

  /// Starts an episode; `actions` draws its actions.
  void start(std::uint64_t seed, const Random& actions) {
    random = actions;
    result = {};
    segment.clear();
    playing = true;
    copy(environment_->reset(seed));
  }

  /// Plays `action`, and ends `playing` with the episode.
  Transition step() {
    const StepResult step = environment_->step(static_cast<int>(action[0]));
    before_.swap(observation_);
    copy(step.observation);
    result.episode_return += step.reward;
    ++result.length;
    result.truncated = step.truncated && !step.terminated;
    playing = !step.terminated && !step.truncated;
    return {before_, action, step.reward, observation_, step.terminated, step.truncated};
  }

 private:
  void copy(Observation from) { observation_.assign(from.begin(), from.end()); }

  std::unique_ptr<Environment> environment_;
  std::vector<float> observation_;
  std::vector<float> before_;

 public:
  std::vector<float> action;  ///< what the next step plays
  Segment segment;            ///< the steps that were not handed to the learner yet
  EpisodeResult result;       ///< the episode so far
  Random random;
  bool playing = false;
};

}  // namespace genkidama
