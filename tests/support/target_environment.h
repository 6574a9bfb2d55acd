#pragma once

// A tiny task for any action space: do what the observation says. With masks when they are wanted.

#include <cmath>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "genkidama/core/random.h"
#include "genkidama/env/environment.h"

namespace genkidama::test {

/// The observation holds a row of 0 and 1 for each choice, which marks the right alternative, and the right
/// value of each component. A step pays 1 for the right choices (the share of them) and 1 less the mean
/// distance of the components; an episode has 10 steps with 10 targets. Masks forbid about half of the wrong
/// alternatives.
class TargetEnvironment : public Environment {
 public:
  explicit TargetEnvironment(ActionSpace space, bool masks = false) {
    spec_.name = "Target";
    spec_.observation_size = static_cast<int>(space.alternatives() + space.low.size());
    spec_.action_space = std::move(space);
    spec_.masks_actions = masks;
    spec_.time_limit = 10;
    spec_.repeatable = true;
    spec_ = completed(spec_);
  }

  const EnvironmentSpec& spec() const override { return spec_; }

  Observation reset(std::uint64_t seed) override {
    random_ = Random(seed);
    steps_ = 0;
    return next_target();
  }

  StepResult step(Action action) override {
    const ActionSpace& space = spec_.action_space;
    check_action("Target", space, action);
    double right = 0, distance = 0;
    for (std::size_t i = 0; i < space.choices.size(); ++i) right += action[i] == target_[i] ? 1 : 0;
    for (std::size_t i = space.choices.size(); i < space.width(); ++i)
      distance += std::abs(action[i] - target_[i]);
    StepResult result;
    if (!space.choices.empty())
      result.reward += static_cast<float>(right / static_cast<double>(space.choices.size()));
    if (!space.low.empty())
      result.reward += static_cast<float>(1 - distance / static_cast<double>(space.low.size()));
    result.observation = next_target();
    result.truncated = ++steps_ == spec_.time_limit;
    return result;
  }

  ActionMask action_mask() const override { return spec_.masks_actions ? ActionMask(mask_) : ActionMask(); }

 private:
  Observation next_target() {
    target_.clear();
    observation_.clear();
    mask_.clear();
    for (const int count : spec_.action_space.choices) {
      const auto right = random_.below(static_cast<std::uint64_t>(count));
      target_.push_back(static_cast<float>(right));
      for (std::uint64_t k = 0; k < static_cast<std::uint64_t>(count); ++k) {
        observation_.push_back(k == right ? 1.0f : 0.0f);
        mask_.push_back(k == right || random_.below(2) == 0 ? 1 : 0);
      }
    }
    for (std::size_t i = 0; i < spec_.action_space.low.size(); ++i) {
      target_.push_back(static_cast<float>(random_.uniform(-0.8, 0.8)));
      observation_.push_back(target_.back());
    }
    return observation_;
  }

  EnvironmentSpec spec_;
  Random random_;
  std::vector<float> target_, observation_;
  std::vector<std::uint8_t> mask_;
  int steps_ = 0;
};

inline EnvironmentFactory target_factory(const ActionSpace& space, bool masks = false) {
  return [space, masks] { return std::make_unique<TargetEnvironment>(space, masks); };
}

}  // namespace genkidama::test
