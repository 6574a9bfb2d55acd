#pragma once

// One of a worker's environments and the episode that is being played in it.

#include <memory>
#include <utility>
#include <vector>

#include "genkidama/core/random.h"
#include "genkidama/env/environment.h"
#include "genkidama/params/local_trainer.h"
#include "rl/rollout.h"

namespace genkidama {

class Seat {
 public:
  explicit Seat(std::unique_ptr<Environment> environment) : environment_(std::move(environment)) {}

  const EnvironmentSpec& spec() const { return environment_->spec(); }

  /// Starts an episode; `actions` draws its actions.
  void start(std::uint64_t seed, const Random& actions) {
    random = actions;
    result = {};
    rollout.clear();
    playing = true;
    copy(environment_->reset(seed));
  }

  /// Ends `playing` with the episode. What is returned points into the environment until its next step.
  StepResult step(int action) {
    const StepResult step = environment_->step(action);
    copy(step.observation);
    result.episode_return += step.reward;
    ++result.length;
    result.truncated = step.truncated && !step.terminated;
    playing = !step.terminated && !step.truncated;
    return step;
  }

  std::vector<float> observation;  ///< the present one
  Rollout rollout;                 ///< the segment so far
  EpisodeResult result;            ///< the episode so far
  Random random;
  bool playing = false;

 private:
  void copy(Observation from) { observation.assign(from.begin(), from.end()); }

  std::unique_ptr<Environment> environment_;
};

}  // namespace genkidama
