// An environment in a shared object, which the installed tool plays without a program of your own:
//
//   genkidama train ./libplugin.so --max-steps 100000 --run-dir runs/tank
//   genkidama watch ./libplugin.so --checkpoint runs/tank
//
// The task: keep a tank's level near the middle by opening its valve, while the inflow changes.

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <string>

#include "genkidama/core/error.h"
#include "genkidama/core/random.h"
#include "genkidama/env/canvas.h"
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

  // What `watch` shows. The world is drawn in the task's own numbers: the level is a height.
  void draw(genkidama::Canvas& canvas) const override {
    const auto level = static_cast<float>(level_), opening = static_cast<float>(1 + valve_) / 2;
    canvas.view({.left = -2.25F, .bottom = -1.5F, .right = 2.25F, .top = 1.5F, .step_seconds = 0.1F}, kWall);
    fill(canvas, -1.1F, -1.1F, 1.1F, 1, kGlass);
    fill(canvas, -1, -1, 1, level, kWater);
    fill(canvas, -1.3F, -0.02F, -1.1F, 0.02F, kGoal);
    fill(canvas, 1.1F, -1, 1.1F + opening, -0.8F, kWater);
    canvas.circle({1.4F, -0.9F}, 0.2F, kValve);
    canvas.text({-2, 1.2F}, 0.15F, "valve " + std::to_string(static_cast<int>(100 * opening)) + " %", kValve);
  }

 private:
  static constexpr genkidama::Colour kWall{240, 238, 232}, kGlass{205, 214, 220}, kWater{88, 152, 208},
      kGoal{206, 84, 74}, kValve{72, 76, 88};

  static void fill(genkidama::Canvas& canvas, float left, float bottom, float right, float top,
                   genkidama::Colour colour) {
    using genkidama::Point;
    canvas.polygon(std::array{Point{left, bottom}, Point{right, bottom}, Point{right, top}, Point{left, top}},
                   colour);
  }

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
