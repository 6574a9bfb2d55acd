#pragma once

// A tiny task with a known best policy: walk a corridor to its right end. Also misbehaves when told to.

#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "genkidama/env/environment.h"

namespace genkidama::test {

/// What a ChainEnvironment does at a given step, for failure tests.
struct Mischief {
  std::function<void()> at_reset;  ///< called at each reset
  std::function<void()> at_step;   ///< called at each step
  int observation_size = 3;        ///< size of what it returns; 3 is right
};

/// Cells 0 .. 9, start at 2 or 3; action 1 goes right, 0 left. -0.1 a step, +1 at cell 9, -1 at cell 0.
class ChainEnvironment : public DiscreteEnvironment {
 public:
  explicit ChainEnvironment(Mischief mischief = {}) : mischief_(std::move(mischief)) {
    state_.resize(static_cast<std::size_t>(mischief_.observation_size));
  }

  const EnvironmentSpec& spec() const override {
    static const EnvironmentSpec kSpec{"Chain", 3, 2, 60, 0.2};
    return kSpec;
  }

  Observation reset(std::uint64_t seed) override {
    if (mischief_.at_reset) mischief_.at_reset();
    cell_ = 2 + static_cast<int>(seed % 2);
    steps_ = 0;
    return observe();
  }

  StepResult step(int action) override {
    if (mischief_.at_step) mischief_.at_step();
    cell_ += action == 1 ? 1 : -1;
    ++steps_;
    StepResult result;
    result.observation = observe();
    result.terminated = cell_ == 0 || cell_ == 9;
    result.truncated = !result.terminated && steps_ == spec().time_limit;
    result.reward = cell_ == 9 ? 1.0f : cell_ == 0 ? -1.0f : -0.1f;
    return result;
  }

 private:
  Observation observe() {
    const std::array<float, 3> values{static_cast<float>(cell_) / 9, 1.0f, cell_ % 2 == 0 ? 1.0f : 0.0f};
    for (std::size_t i = 0; i < state_.size(); ++i) state_[i] = values[i % 3];
    return state_;
  }

  Mischief mischief_;
  std::vector<float> state_;
  int cell_ = 2;
  int steps_ = 0;
};

inline EnvironmentFactory chain_factory(const Mischief& mischief = {}) {
  return [mischief] { return std::make_unique<ChainEnvironment>(mischief); };
}

}  // namespace genkidama::test
