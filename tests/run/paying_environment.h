#pragma once

// A task whose return is known beforehand, whatever the agent does.

#include <cstdint>
#include <vector>

#include "genkidama/env/environment.h"

namespace genkidama::test {

/// Pays what it is told to in each of an episode's five steps. `pay` must outlive it.
class PayingEnvironment final : public DiscreteEnvironment {
 public:
  explicit PayingEnvironment(const float* pay) : pay_(pay) {
    spec_.name = "Paying";
    spec_.observation_size = 1;
    spec_.action_count = 2;
    spec_.time_limit = 5;
  }
  const EnvironmentSpec& spec() const override { return spec_; }
  Observation reset(std::uint64_t) override {
    steps_ = 0;
    return observation_;
  }
  StepResult step(int) override { return {observation_, *pay_, false, ++steps_ == 5}; }

 private:
  EnvironmentSpec spec_;
  const float* pay_;
  std::vector<float> observation_{1};
  int steps_ = 0;
};

}  // namespace genkidama::test
