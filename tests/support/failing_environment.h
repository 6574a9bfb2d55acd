#pragma once

// The task of TargetEnvironment, which throws at one of its steps.

#include <stdexcept>
#include <utility>

#include "support/target_environment.h"

namespace genkidama::test {

class FailingEnvironment final : public Environment {
 public:
  /// Throws at step number `fails_at` since it was made; 0: never.
  FailingEnvironment(ActionSpace space, int fails_at) : inner_(std::move(space)), fails_at_(fails_at) {}
  const EnvironmentSpec& spec() const override { return inner_.spec(); }
  Observation reset(std::uint64_t seed) override { return inner_.reset(seed); }
  StepResult step(Action action) override {
    if (++steps_ == fails_at_) throw std::runtime_error("the motor is gone");
    return inner_.step(action);
  }

 private:
  TargetEnvironment inner_;
  int fails_at_;
  int steps_ = 0;
};

}  // namespace genkidama::test
