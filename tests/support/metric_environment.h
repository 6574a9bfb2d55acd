#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "genkidama/core/random.h"
#include "genkidama/env/environment.h"

namespace genkidama::test {

/// Episodes of 1 to 9 steps that pay 1 each, whose metrics are their "length" and whether that is "odd". They
/// are told at the end only.
class MetricEnvironment : public DiscreteEnvironment {
 public:
  MetricEnvironment() {
    spec_.name = "Metric";
    spec_.observation_size = 1;
    spec_.action_count = 2;
    spec_.time_limit = 9;
    spec_.metrics = {"length", "odd"};
  }
  const EnvironmentSpec& spec() const override { return spec_; }
  Observation reset(std::uint64_t seed) override {
    steps_ = 0;
    length_ = 1 + static_cast<int>(Random(seed).below(9));
    return observation_;
  }
  StepResult step(int) override {
    ++steps_;
    StepResult result{observation_, 1.0f, steps_ == length_, false};
    metrics_ = {static_cast<float>(steps_), static_cast<float>(steps_ % 2)};
    if (result.terminated) result.metrics = metrics_;
    return result;
  }

 private:
  EnvironmentSpec spec_;
  std::vector<float> observation_{1.0f}, metrics_;
  int steps_ = 0, length_ = 0;
};

inline std::unique_ptr<Environment> make_metric_environment() {
  return std::make_unique<MetricEnvironment>();
}

}  // namespace genkidama::test
