#include "genkidama/env/lunar_lander.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <optional>

#include "env/lunar_lander_world.h"
#include "genkidama/core/error.h"
#include "genkidama/core/random.h"

namespace genkidama {

const LunarLanderIterations kFaithfulIterations{180, 60, 20, 5};
const LunarLanderIterations kGymIterations{180, 60, 180, 60};

namespace {

enum Engine { kNothing, kLeftEngine, kMainEngine, kRightEngine, kActionCount };

class LunarLander final : public DiscreteEnvironment {
 public:
  explicit LunarLander(const LunarLanderIterations& iterations) : iterations_(iterations) {
    spec_.name = "LunarLander-v2";
    spec_.observation_size = static_cast<int>(observation_.size());
    spec_.action_count = kActionCount;
    spec_.time_limit = 1000;
    spec_.reward_threshold = 200;
  }

  const EnvironmentSpec& spec() const override { return spec_; }

  Observation reset(std::uint64_t seed) override {
    random_ = Random(seed);
    world_.emplace(random_);
    // As in gym, the first observation follows a step without engines, which does not count as one.
    advance(kNothing);
    shaping_ = observe();
    steps_ = 0;
    return observation_;
  }

  StepResult step(int action) override {
    if (action < 0 || action >= kActionCount) {
      throw ArgumentError(
          fmt::format("LunarLander-v2: action {} given, expected 0 to {}", action, kActionCount - 1));
    }
    if (!world_)
      throw ArgumentError("LunarLander-v2: step() called before the first reset(); call reset() first");
    advance(action);
    const double shaping = observe();
    double reward = shaping - shaping_ - fuel(action);
    shaping_ = shaping;

    StepResult result;
    if (world_->lander_touched_ground() || std::abs(position_x_) >= 1) {
      result.terminated = true;
      reward = -100;
    }
    if (!world_->lander().IsAwake()) {
      result.terminated = true;
      reward = 100;
    }
    result.truncated = ++steps_ >= spec_.time_limit && !result.terminated;
    result.reward = static_cast<float>(reward);
    result.observation = observation_;
    return result;
  }

 private:
  static double fuel(int action) {
    if (action == kMainEngine) return 0.30;
    return action == kNothing ? 0 : 0.03;
  }

  void advance(int action) {
    // Drawn whether an engine fires or not, so that one action does not shift the numbers of later ones.
    const double dispersion_0 = random_.uniform(-1, 1) / kLanderScale;
    const double dispersion_1 = random_.uniform(-1, 1) / kLanderScale;
    const std::array<double, 2> dispersion{dispersion_0, dispersion_1};
    if (action == kMainEngine) {
      world_->fire_main_engine(dispersion);
    } else if (action != kNothing) {
      world_->fire_side_engine(dispersion, action - kMainEngine);
    }
    world_->advance(iterations_);
  }

  // Fills observation_ and returns gym's shaping potential. In double, as gym computes it.
  double observe() {
    const b2Body& lander = world_->lander();
    const b2Vec2& position = lander.GetPosition();
    const b2Vec2& velocity = lander.GetLinearVelocity();
    const double half_width = kLanderWidth_m / 2;
    const double half_height = kLanderHeight_m / 2;
    const double x = (position.x - half_width) / half_width;
    const double y = (position.y - (kLanderHelipadHeight_m + kLanderLegDown_m)) / half_height;
    const double vx = velocity.x * half_width / kLanderFps;
    const double vy = velocity.y * half_height / kLanderFps;
    const double angle = lander.GetAngle();
    const double turn = 20 * lander.GetAngularVelocity() / kLanderFps;
    const double left = world_->leg_on_ground(0) ? 1 : 0;
    const double right = world_->leg_on_ground(1) ? 1 : 0;
    const std::array<double, 8> state{x, y, vx, vy, angle, turn, left, right};
    for (std::size_t i = 0; i < state.size(); ++i) observation_[i] = static_cast<float>(state[i]);
    position_x_ = x;
    return -100 * std::sqrt(x * x + y * y) - 100 * std::sqrt(vx * vx + vy * vy) - 100 * std::abs(angle) +
           10 * left + 10 * right;
  }

  EnvironmentSpec spec_;
  LunarLanderIterations iterations_;
  Random random_;
  std::optional<LunarLanderWorld> world_;
  std::array<float, 8> observation_{};
  double position_x_ = 0;
  double shaping_ = 0;
  int steps_ = 0;
};

}  // namespace

std::unique_ptr<Environment> make_lunar_lander(const LunarLanderIterations& iterations) {
  if (iterations.contact_velocity < 1 || iterations.contact_position < 1 || iterations.flight_velocity < 1 ||
      iterations.flight_position < 1) {
    throw ArgumentError(fmt::format(
        "LunarLander-v2: iterations {}/{} in contact and {}/{} in flight given, expected at least 1 each",
        iterations.contact_velocity, iterations.contact_position, iterations.flight_velocity,
        iterations.flight_position));
  }
  return std::make_unique<LunarLander>(iterations);
}

}  // namespace genkidama
