#include "genkidama/env/cart_pole.h"

#include <cmath>

#include "genkidama/core/error.h"
#include "support/catch.h"

namespace genkidama {
namespace {

TEST_CASE("CartPole starts within 0.05 of upright rest") {
  const auto environment = make_cart_pole();
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    for (const float value : environment->reset(seed)) CHECK(std::abs(value) <= 0.05f);
  }
}

TEST_CASE("CartPole's size, time limit and threshold are CartPole-v1's") {
  const EnvironmentSpec spec = make_cart_pole()->spec();
  CHECK(spec.observation_size == 4);
  CHECK(spec.action_count == 2);
  CHECK(spec.time_limit == 500);
  CHECK(spec.reward_threshold == 475);
}

// One step worked out from gym's equations in their original form: every quantity named as there.
TEST_CASE("one step of CartPole is one Euler step of its equations of motion") {
  const auto environment = make_cart_pole();
  for (const int action : {0, 1}) {
    const Observation start = environment->reset(5);
    const double x = start[0], x_dot = start[1], theta = start[2], theta_dot = start[3];
    const double force = action == 1 ? 10 : -10;
    const double temp = (force + 0.05 * theta_dot * theta_dot * std::sin(theta)) / 1.1;
    const double theta_acc = (9.8 * std::sin(theta) - std::cos(theta) * temp) /
                             (0.5 * (4.0 / 3.0 - 0.1 * std::cos(theta) * std::cos(theta) / 1.1));
    const double x_acc = temp - 0.05 * theta_acc * std::cos(theta) / 1.1;
    const StepResult result = environment->step(action);
    CHECK(result.observation[0] == Approx(x + 0.02 * x_dot).margin(1e-7));
    CHECK(result.observation[1] == Approx(x_dot + 0.02 * x_acc).margin(1e-6));
    CHECK(result.observation[2] == Approx(theta + 0.02 * theta_dot).margin(1e-7));
    CHECK(result.observation[3] == Approx(theta_dot + 0.02 * theta_acc).margin(1e-6));
    CHECK(result.reward == 1);
  }
}

// By hand, for an upright pole at rest pushed right: the cart's acceleration is F / (M + m) * (1 + m / ((M +
// m) * (4/3 - m / (M + m)))) = 9.756, so its velocity grows by 0.195; the pole's turn falls by 0.293.
TEST_CASE("a push to the right speeds the cart by 0.195 and turns the pole back by 0.293") {
  const auto environment = make_cart_pole();
  const Observation start = environment->reset(1);
  const float velocity = start[1], turn = start[3];
  const StepResult result = environment->step(1);
  CHECK(result.observation[1] - velocity == Approx(0.195).margin(0.002));
  CHECK(result.observation[3] - turn == Approx(-0.293).margin(0.025));
}

TEST_CASE("CartPole ends when the pole falls past 12 degrees and reports no truncation") {
  const auto environment = make_cart_pole();
  environment->reset(3);
  StepResult result;
  int steps = 0;
  while (!result.terminated && !result.truncated) {
    result = environment->step(1);
    ++steps;
    if (!result.terminated) CHECK(std::abs(result.observation[2]) <= Approx(0.20944));
  }
  CHECK(result.terminated);
  CHECK_FALSE(result.truncated);
  CHECK(std::abs(result.observation[2]) > 0.2094f);
  CHECK(result.reward == 1);
  CHECK(steps < 15);
}

TEST_CASE("CartPole names the action it does not know") {
  const auto environment = make_cart_pole();
  environment->reset(0);
  CHECK_THROWS_WITH(environment->step(2), Catch::Contains("action 2 given, expected 0 or 1"));
}

}  // namespace
}  // namespace genkidama
