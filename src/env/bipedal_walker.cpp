#include "genkidama/env/bipedal_walker.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "env/bipedal_walker_world.h"
#include "env/drawn/bipedal_walker.h"
#include "genkidama/core/error.h"
#include "genkidama/core/random.h"

namespace genkidama {
namespace {

constexpr double kViewportWidth_m = 600 / kWalkerScale;
constexpr double kViewportHeight_m = 400 / kWalkerScale;
constexpr double kEnd_m = (kTerrainLength - kTerrainGrass) * kTerrainStep_m;
constexpr double kTorqueCost = 0.00035 * kWalkerMotorTorque;
constexpr std::size_t kOwnState = 14;  // what is observed before the lidar

class BipedalWalker final : public Environment {
 public:
  explicit BipedalWalker(const BipedalWalkerOptions& options) : hardcore_(options.hardcore) {
    spec_.name = hardcore_ ? "BipedalWalkerHardcore-v3" : "BipedalWalker-v3";
    spec_.observation_size = static_cast<int>(observation_.size());
    spec_.action_space = {.choices = {}, .low = {-1, -1, -1, -1}, .high = {1, 1, 1, 1}};
    spec_.time_limit = hardcore_ ? 2000 : 1600;
    spec_.repeatable = true;
    spec_.reward_threshold = 300;
  }

  const EnvironmentSpec& spec() const override { return spec_; }

  Observation reset(std::uint64_t seed) override {
    Random random(seed);
    world_.emplace(random, hardcore_);
    // As in Gymnasium, the first observation follows a step without torque, which does not count as one.
    constexpr std::array<float, 4> kNoTorque{};
    world_->advance(kNoTorque);
    shaping_ = observe();
    steps_ = 0;
    return observation_;
  }

  StepResult step(Action action) override {
    check_action(spec_.name, spec_.action_space, action);
    if (!world_) {
      throw ArgumentError(
          fmt::format("{}: step() called before the first reset(); call reset() first", spec_.name));
    }
    world_->advance(action);
    const double shaping = observe();
    double reward = shaping - shaping_;
    shaping_ = shaping;
    for (const double torque : action) reward -= kTorqueCost * std::abs(torque);

    StepResult result;
    const double x = world_->hull().GetPosition().x;
    if (world_->hull_touched_ground() || x < 0) {
      result.terminated = true;
      reward = -100;
    }
    if (x > kEnd_m) result.terminated = true;
    result.truncated = ++steps_ >= spec_.time_limit && !result.terminated;
    result.reward = static_cast<float>(reward);
    result.observation = observation_;
    return result;
  }

  void draw(Canvas& canvas) const override {
    if (world_) drawn::draw(canvas, *world_, kEnd_m);
  }

 private:
  // Fills observation_ and returns Gymnasium's shaping potential. In double, as Gymnasium computes it.
  double observe() {
    const b2Body& hull = world_->hull();
    const b2Vec2& velocity = hull.GetLinearVelocity();
    const auto angle = [&](int joint) -> double { return world_->joint(joint).GetJointAngle(); };
    const auto speed = [&](int joint) -> double { return world_->joint(joint).GetJointSpeed(); };
    const std::array<double, kOwnState> state{hull.GetAngle(),
                                              2.0 * hull.GetAngularVelocity() / kWalkerFps,
                                              0.3 * velocity.x * kViewportWidth_m / kWalkerFps,
                                              0.3 * velocity.y * kViewportHeight_m / kWalkerFps,
                                              angle(0),
                                              speed(0) / kWalkerHipSpeed,
                                              angle(1) + 1,
                                              speed(1) / kWalkerKneeSpeed,
                                              world_->leg_on_ground(0) ? 1.0 : 0.0,
                                              angle(2),
                                              speed(2) / kWalkerHipSpeed,
                                              angle(3) + 1,
                                              speed(3) / kWalkerKneeSpeed,
                                              world_->leg_on_ground(1) ? 1.0 : 0.0};
    std::transform(state.begin(), state.end(), observation_.begin(),
                   [](double value) { return static_cast<float>(value); });
    const auto lidar = world_->lidar();
    std::copy(lidar.begin(), lidar.end(), observation_.begin() + kOwnState);
    return 130.0 * hull.GetPosition().x / kWalkerScale - 5.0 * std::abs(state[0]);
  }

  EnvironmentSpec spec_;
  bool hardcore_;
  std::optional<BipedalWalkerWorld> world_;
  std::array<float, kOwnState + BipedalWalkerWorld::kRays> observation_{};
  double shaping_ = 0;
  int steps_ = 0;
};

}  // namespace

std::unique_ptr<Environment> make_bipedal_walker(const BipedalWalkerOptions& options) {
  return std::make_unique<BipedalWalker>(options);
}

}  // namespace genkidama
