#include "genkidama/env/lunar_lander.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <optional>

#include "env/drawn/lunar_lander.h"
#include "env/lunar_lander_world.h"
#include "genkidama/core/error.h"
#include "genkidama/core/random.h"

namespace genkidama {

const LunarLanderIterations kFaithfulIterations{180, 60, 20, 5};
const LunarLanderIterations kGymIterations{180, 60, 180, 60};

namespace {

constexpr int kGymTimeLimit = 1000;

/// How hard the engines work during one step: 0 is off, 1 is full power.
struct Engines {
  double main = 0;
  double side = 0;  ///< below 0: the left engine, above 0: the right engine
};

/// One episode after another of the flight that both tasks share.
class Flight {
 public:
  Flight(const char* name, const LunarLanderIterations& iterations, int time_limit)
      : iterations_(iterations) {
    spec_.name = name;
    spec_.observation_size = static_cast<int>(observation_.size());
    spec_.time_limit = time_limit;
    spec_.repeatable = true;
    spec_.reward_threshold = 200;
    const auto& [contact_velocity, contact_position, flight_velocity, flight_position] = iterations;
    if (contact_velocity < 1 || contact_position < 1 || flight_velocity < 1 || flight_position < 1) {
      throw ArgumentError(
          fmt::format("{}: iterations {}/{} in contact and {}/{} in flight given, expected at least 1 each",
                      name, contact_velocity, contact_position, flight_velocity, flight_position));
    }
    if (time_limit < 1)
      throw ArgumentError(fmt::format("{}: time limit {} given, expected at least 1 step", name, time_limit));
  }

  EnvironmentSpec& spec() { return spec_; }
  const EnvironmentSpec& spec() const { return spec_; }

  Observation reset(std::uint64_t seed) {
    random_ = Random(seed);
    world_.emplace(random_);
    // As in gym, the first observation follows a step without engines, which does not count as one.
    advance(Engines());
    shaping_ = observe();
    steps_ = 0;
    engines_ = {};
    return observation_;
  }

  StepResult step(const Engines& engines) {
    if (!world_) {
      throw ArgumentError(
          fmt::format("{}: step() called before the first reset(); call reset() first", spec_.name));
    }
    advance(engines);
    engines_ = engines;
    const double shaping = observe();
    double reward = shaping - shaping_ - 0.30 * engines.main - 0.03 * std::abs(engines.side);
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

  void draw(Canvas& canvas) const {
    if (world_) drawn::draw(canvas, *world_, {.main = engines_.main, .side = engines_.side, .step = steps_});
  }

 private:
  void advance(const Engines& engines) {
    // Drawn whether an engine fires or not, so that one action does not shift the numbers of later ones.
    const double dispersion_0 = random_.uniform(-1, 1) / kLanderScale;
    const double dispersion_1 = random_.uniform(-1, 1) / kLanderScale;
    const std::array<double, 2> dispersion{dispersion_0, dispersion_1};
    if (engines.main > 0) world_->fire_main_engine(dispersion, engines.main);
    if (engines.side != 0) world_->fire_side_engine(dispersion, engines.side);
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
  Engines engines_;  ///< of the latest step, whose flames are drawn
  double position_x_ = 0;
  double shaping_ = 0;
  int steps_ = 0;
};

class LunarLander final : public DiscreteEnvironment {
 public:
  LunarLander(const LunarLanderIterations& iterations, int time_limit)
      : flight_("LunarLander-v2", iterations, time_limit) {
    flight_.spec().action_count = kActionCount;
  }

  const EnvironmentSpec& spec() const override { return flight_.spec(); }
  Observation reset(std::uint64_t seed) override { return flight_.reset(seed); }
  void draw(Canvas& canvas) const override { flight_.draw(canvas); }

  StepResult step(int action) override {
    switch (action) {
      case kNothing:
        return flight_.step({});
      case kLeftEngine:
        return flight_.step({.side = -1});
      case kMainEngine:
        return flight_.step({.main = 1});
      case kRightEngine:
        return flight_.step({.side = 1});
      default:
        throw ArgumentError(
            fmt::format("LunarLander-v2: action {} given, expected 0 to {}", action, kActionCount - 1));
    }
  }

 private:
  enum { kNothing, kLeftEngine, kMainEngine, kRightEngine, kActionCount };

  Flight flight_;
};

class LunarLanderContinuous final : public Environment {
 public:
  explicit LunarLanderContinuous(const LunarLanderIterations& iterations)
      : flight_("LunarLanderContinuous-v3", iterations, kGymTimeLimit) {
    flight_.spec().action_space = {.choices = {}, .low = {-1, -1}, .high = {1, 1}};
  }

  const EnvironmentSpec& spec() const override { return flight_.spec(); }
  Observation reset(std::uint64_t seed) override { return flight_.reset(seed); }
  void draw(Canvas& canvas) const override { flight_.draw(canvas); }

  StepResult step(Action action) override {
    check_action(spec().name, spec().action_space, action);
    const double main = action[0], side = action[1];
    // An engine that is on works with at least half of its power.
    return flight_.step({.main = main > 0 ? 0.5 + 0.5 * main : 0, .side = std::abs(side) > 0.5 ? side : 0});
  }

 private:
  Flight flight_;
};

}  // namespace

std::unique_ptr<Environment> make_lunar_lander(const LunarLanderIterations& iterations, int time_limit) {
  return std::make_unique<LunarLander>(iterations, time_limit);
}

std::unique_ptr<Environment> make_lunar_lander_continuous(const LunarLanderIterations& iterations) {
  return std::make_unique<LunarLanderContinuous>(iterations);
}

}  // namespace genkidama
