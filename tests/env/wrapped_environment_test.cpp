#include "genkidama/env/wrapped_environment.h"

#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/env/cart_pole.h"
#include "genkidama/env/lamplighter.h"
#include "genkidama/env/pendulum.h"
#include "support/catch.h"
#include "support/play_episode.h"

namespace genkidama {
namespace {

// What users write: a wrapper that changes nothing, and one that rewards otherwise.
class Plain : public WrappedEnvironment {
 public:
  explicit Plain(std::unique_ptr<Environment> inner) : WrappedEnvironment(std::move(inner), "Plain") {}
};

class Doubled final : public Plain {
 public:
  using Plain::Plain;
  StepResult step(Action action) override {
    StepResult result = Plain::step(action);
    result.reward *= 2;
    return result;
  }
};

class Lax final : public DiscreteEnvironment {
 public:
  Lax() {
    spec_.name = "lax";
    spec_.observation_size = 2;
    spec_.action_count = 2;
    spec_.time_limit = 5;
  }
  const EnvironmentSpec& spec() const override { return spec_; }
  Observation reset(std::uint64_t) override { return {values_, 2}; }
  StepResult step(int) override { return {{values_, 1}}; }

 private:
  EnvironmentSpec spec_;
  float values_[2] = {1, 2};
};

TEST_CASE("a wrapper that overrides nothing plays what the environment plays") {
  for (const auto make : {make_cart_pole, make_lamplighter}) {
    const auto bare = make();
    Plain wrapped(make());
    CHECK(wrapped.spec().observation_shape == completed(bare->spec()).observation_shape);
    CHECK(wrapped.spec().action_space == completed(bare->spec()).action_space);
    CHECK(wrapped.spec().name == bare->spec().name);
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      CHECK_FALSE(test::play_episode(wrapped, seed).first_difference(test::play_episode(*bare, seed)));
    }
  }
}

TEST_CASE("a wrapper changes what it overrides alone") {
  Doubled doubled(make_pendulum());
  const auto bare = make_pendulum();
  doubled.reset(1);
  bare->reset(1);
  for (const float torque : {0.0f, 1.5f, -2.0f}) {
    const StepResult twice = doubled.step(Action(&torque, 1)), once = bare->step(Action(&torque, 1));
    CHECK(twice.reward == 2 * once.reward);
    CHECK(twice.observation[2] == once.observation[2]);
  }
}

TEST_CASE("a wrapper of nothing, or of an environment that gives other sizes, is an error that says so") {
  CHECK_THROWS_AS(Plain(nullptr), ArgumentError);
  CHECK_THROWS_WITH(Plain(nullptr), Catch::Equals("Plain given no environment, expected one"));
  Plain lax(std::make_unique<Lax>());
  lax.reset(0);
  Environment& environment = lax;
  CHECK_THROWS_WITH(environment.step(0),
                    Catch::Equals("environment 'lax': it gave an observation of 1 values, expected 2"));
}

}  // namespace
}  // namespace genkidama
