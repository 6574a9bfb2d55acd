#pragma once

// An environment that is made of a motion: see env/classic_control.h.

#include <fmt/format.h>

#include <array>
#include <string>

#include "env/whole_number.h"
#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/env/environment.h"

namespace genkidama {

/// Adds to a motion what all tasks have: seeds, the time limit, and the refusal of actions that are out of
/// range.
template <typename Motion>
class MotionTask final : public Environment {
 public:
  explicit MotionTask(const Motion& motion = {}) : spec_(completed(Motion::spec())), motion_(motion) {}

  const EnvironmentSpec& spec() const override { return spec_; }

  Observation reset(std::uint64_t seed) override {
    Random random(seed);
    motion_.start(random);
    steps_ = 0;
    return observe();
  }

  StepResult step(Action action) override {
    check(action);
    const auto made = motion_.advance(action);
    StepResult result;
    result.observation = observe();
    result.reward = static_cast<float>(made.reward);
    result.terminated = made.terminated;
    result.truncated = ++steps_ >= spec_.time_limit && !result.terminated;
    return result;
  }

  void draw(Canvas& canvas) const override { motion_.draw(canvas); }

 private:
  void check(Action action) const {
    const int count = spec_.action_count;
    if (count == 0) return check_action(spec_.name + ": step()", spec_.action_space, action);
    const auto choice = whole_number(action);
    if (choice && *choice >= 0 && *choice < count) return;
    throw ArgumentError(fmt::format("{}: action {} given, expected 0 {} {}", spec_.name,
                                    fmt::join(action, ", "), count == 2 ? "or" : "to", count - 1));
  }

  Observation observe() {
    motion_.observe(observation_);
    return observation_;
  }

  EnvironmentSpec spec_;
  Motion motion_;
  std::array<float, Motion::kObservationSize> observation_{};
  int steps_ = 0;
};

}  // namespace genkidama
