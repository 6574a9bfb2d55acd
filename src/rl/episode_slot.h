#pragma once

// One of a worker's environments and the episode that is being played in it.

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "genkidama/core/random.h"
#include "genkidama/env/environment.h"
#include "genkidama/ipc/transition.h"
#include "genkidama/params/local_trainer.h"
#include "genkidama/rl/segment.h"

namespace genkidama {

class EpisodeSlot {
 public:
  explicit EpisodeSlot(std::unique_ptr<Environment> environment)
      : environment_(std::move(environment)),
        chosen(environment_->spec().action_space.width()),
        action(environment_->spec().action_space.width()) {}

  const EnvironmentSpec& spec() const { return environment_->spec(); }
  std::span<const float> observation() const { return observation_; }
  /// Of the actions that may follow the observation.
  ActionMask mask() const { return environment_->action_mask(); }

  /// Starts an episode; `actions` draws its actions.
  void start(std::uint64_t seed, const Random& actions) {
    random = actions;
    result = {};
    segment.clear();
    std::fill(state.begin(), state.end(), 0.0f);
    playing = true;
    copy(environment_->reset(seed));
  }

  /// Plays `action`, and ends `playing` with the episode. The spans are valid until the next step.
  Transition step() {
    const StepResult step = environment_->step(Action(action));
    before_.swap(observation_);
    copy(step.observation);
    result.episode_return += step.reward;
    ++result.length;
    result.truncated = step.truncated && !step.terminated;
    playing = !step.terminated && !step.truncated;
    if (!playing) result.metrics.assign(step.metrics.begin(), step.metrics.end());
    return {before_, action, step.reward, observation_, step.terminated, step.truncated, mask()};
  }

 private:
  void copy(Observation from) { observation_.assign(from.begin(), from.end()); }

  std::unique_ptr<Environment> environment_;
  std::vector<float> observation_;
  std::vector<float> before_;

 public:
  std::vector<float> chosen;  ///< what the behaviour chose
  std::vector<float> action;  ///< what the next step plays: what the environment is given for it
  std::vector<float> state;   ///< what a network with memory carries; empty without memory
  Segment segment;            ///< the steps that were not handed to the learner yet
  EpisodeResult result;       ///< the episode so far
  Random random;
  bool playing = false;
};

}  // namespace genkidama
