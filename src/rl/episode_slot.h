#pragma once

// One of a worker's environments and the episode that is being played in it.

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "genkidama/core/random.h"
#include "genkidama/env/environment.h"
#include "genkidama/ipc/transition.h"
#include "genkidama/params/local_trainer.h"
#include "genkidama/params/segment.h"
#include "genkidama/rl/behaviour.h"
#include "rl/normalisation.h"

namespace genkidama {

class EpisodeSlot {
 public:
  /// `normaliser` must outlive the slot.
  EpisodeSlot(std::unique_ptr<Environment> environment, const Normaliser& normaliser)
      : environment_(std::move(environment)),
        normaliser_(normaliser),
        chosen(environment_->spec().action_space.width()),
        action(environment_->spec().action_space.width()) {}

  const EnvironmentSpec& spec() const { return environment_->spec(); }
  /// What the network is given for the present observation.
  std::span<const float> observation() const { return seen(observation_, normalised_); }
  /// What the network was given for the one before the latest step.
  std::span<const float> observation_before() const { return seen(before_, normalised_before_); }
  /// Of the actions that may follow the observation.
  ActionMask mask() const { return environment_->action_mask(); }

  /// Starts an episode, which has no observation before finish_start(); `actions` draws its actions.
  void begin_start(std::uint64_t seed, const Random& actions) {
    random = actions;
    behaviour->start_episode();
    result = {};
    discounted_return = 0;
    segment.clear();
    std::fill(state.begin(), state.end(), 0.0f);
    playing = true;
    lost = false;
    seed_ = seed;
    environment_->prepare_reset(seed);
  }
  bool is_starting() const { return seed_.has_value(); }
  /// Whether finish_start() would return at once.
  bool is_ready() const { return environment_->is_ready(); }
  void finish_start() {
    const std::uint64_t seed = *seed_;
    seed_.reset();
    copy(environment_->reset(seed));
  }

  /// The latest observation, as the environment gave it.
  std::span<const float> raw_observation() const { return observation_; }

  /// Goes on with an episode that a round left unfinished; `actions` draws its actions from now on. The
  /// normaliser may be another one than before.
  void go_on(const Random& actions) {
    random = actions;
    behaviour->start_episode();
    segment.clear();
    normalise();
  }

  /// Tells the environment which `action` the next step plays.
  void prepare_step() { environment_->prepare_step(Action(action)); }

  /// Plays `action`, and ends `playing` with the episode. The spans are valid until the next step; the
  /// observations in them are as the environment gave them. A step that was lost changes nothing else.
  Transition step() {
    const StepResult step = environment_->step(Action(action));
    if (step.lost) {
      lost = true;
      playing = false;
      return {};
    }
    before_.swap(observation_);
    normalised_before_.swap(normalised_);
    copy(step.observation);
    result.episode_return += step.reward;
    ++result.length;
    result.truncated = step.truncated && !step.terminated;
    playing = !step.terminated && !step.truncated;
    if (!playing) result.metrics.assign(step.metrics.begin(), step.metrics.end());
    return {before_, action, step.reward, observation_, step.terminated, step.truncated, mask()};
  }

 private:
  void copy(Observation from) {
    observation_.assign(from.begin(), from.end());
    normalise();
  }
  void normalise() {
    if (!normaliser_.changes_observations()) return;
    normalised_.resize(observation_.size());
    normaliser_.apply(observation_, normalised_);
  }
  std::span<const float> seen(const std::vector<float>& raw, const std::vector<float>& normalised) const {
    return normaliser_.changes_observations() ? normalised : raw;
  }

  std::unique_ptr<Environment> environment_;
  const Normaliser& normaliser_;
  std::optional<std::uint64_t> seed_;  ///< of an episode that is starting
  std::vector<float> observation_;
  std::vector<float> before_;
  std::vector<float> normalised_;
  std::vector<float> normalised_before_;

 public:
  std::unique_ptr<Behaviour> behaviour;  ///< to be set before the first episode
  std::vector<float> chosen;             ///< what the behaviour chose
  std::vector<float> action;             ///< what the next step plays: what the environment is given for it
  float log_probability = 0;             ///< of what the behaviour chose
  std::vector<float> state;              ///< what a network with memory carries; empty without memory
  Segment segment;                       ///< the steps that were not handed to the learner yet
  EpisodeResult result;                  ///< the episode so far
  double discounted_return = 0;          ///< of the episode so far, the latest reward with its full weight
  Random random;
  bool playing = false;
  bool lost = false;  ///< the environment failed in the episode's last step
};

}  // namespace genkidama
