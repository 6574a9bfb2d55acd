// An environment in a shared object, which the installed tool plays without a program of your own:
//
//   genkidama train ./libplugin.so --max-steps 100000
//
// The task: keep a tank's level near the middle by opening its valve, while the inflow changes.

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/env/plugin.h"

namespace {

class Tank : public genkidama::DiscreteEnvironment {
 public:
  Tank() {
    spec_.name = "Tank";
    spec_.observation_size = 2;
    spec_.action_count = 3;  // close the valve a little, leave it, open it a little
    spec_.time_limit = 200;
  }

  const genkidama::EnvironmentSpec& spec() const override { return spec_; }

  genkidama::Observation reset(std::uint64_t seed) override {
    random_ = genkidama::Random(seed);
    level_ = random_.uniform(-0.5, 0.5);
    valve_ = 0;
    steps_ = 0;
    return observe();
  }

  genkidama::StepResult step(int action) override {
    if (action < 0 || action > 2) throw genkidama::ArgumentError("Tank: the action must be 0, 1 or 2");
    valve_ = std::clamp(valve_ + 0.1 * (action - 1), -1.0, 1.0);
    level_ += 0.1 * (random_.uniform(-0.5, 0.5) - valve_);
    genkidama::StepResult result;
    result.observation = observe();
    result.terminated = std::abs(level_) > 1;
    result.truncated = ++steps_ >= spec_.time_limit && !result.terminated;
    result.reward = result.terminated ? -10.0F : static_cast<float>(1 - std::abs(level_));
    return result;
  }

 private:
  genkidama::Observation observe() {
    observation_ = {static_cast<float>(level_), static_cast<float>(valve_)};
    return observation_;
  }

  genkidama::EnvironmentSpec spec_;
  genkidama::Random random_;
  double level_ = 0;
  double valve_ = 0;
  int steps_ = 0;
  std::array<float, 2> observation_{};
};

}  // namespace

GENKIDAMA_ENVIRONMENT_PLUGIN([] { return std::make_unique<Tank>(); })
