// A program with options and metrics of its own: own_options train --wind 0.4 --road ice. The options are
// flags of every command, keys of config.json, and what a sweep varies. The metrics, whether the car was
// parked and how far from its place it stood, are in metrics.csv and in every evaluation.
#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include "genkidama/cli/program.h"
#include "genkidama/core/error.h"
#include "genkidama/core/random.h"

namespace {

/// A car on a line is to come to rest at 0. It is pushed left (0), not at all (1) or right (2), and the wind
/// pushes too.
class Parking : public genkidama::DiscreteEnvironment {
 public:
  Parking(double wind, int gears, bool is_icy)
      : wind_(wind), push_(kPush * gears), grip_(is_icy ? kGripOnIce : kGrip) {
    spec_.name = "Parking";
    spec_.observation_size = 2;
    spec_.action_count = 3;
    spec_.time_limit = 200;
    spec_.metrics = {"success", "distance"};
  }
  const genkidama::EnvironmentSpec& spec() const override { return spec_; }

  genkidama::Observation reset(std::uint64_t seed) override {
    random_ = genkidama::Random(seed);
    place_ = 2 * random_.uniform() - 1;
    speed_ = 0;
    steps_ = 0;
    return observe();
  }

  genkidama::StepResult step(int action) override {
    if (action < 0 || action > 2) throw genkidama::ArgumentError("Parking: the action must be 0, 1 or 2");
    const double gust = wind_ * (2 * random_.uniform() - 1);
    speed_ = grip_ * (speed_ + push_ * (action - 1) + kPush * gust);
    place_ += speed_;
    const bool is_parked = std::abs(place_) < 0.05 && std::abs(speed_) < 0.02;
    genkidama::StepResult result;
    result.observation = observe();
    result.terminated = is_parked || std::abs(place_) > 2;
    result.truncated = !result.terminated && ++steps_ == spec_.time_limit;
    result.reward = is_parked ? 1.0F : result.terminated ? -1.0F : -0.01F;
    metrics_ = {is_parked ? 1.0F : 0.0F, static_cast<float>(std::abs(place_))};
    result.metrics = metrics_;
    return result;
  }

 private:
  static constexpr double kPush = 0.01, kGrip = 0.9, kGripOnIce = 0.99;

  genkidama::Observation observe() {
    observation_ = {static_cast<float>(place_), static_cast<float>(10 * speed_)};
    return observation_;
  }

  genkidama::EnvironmentSpec spec_;
  double wind_, push_, grip_;
  genkidama::Random random_{0};
  double place_ = 0, speed_ = 0;
  int steps_ = 0;
  std::array<float, 2> observation_{}, metrics_{};
};

}  // namespace

int main(int argc, char** argv) {
  using namespace genkidama::cli;
  Program program;
  program.name = "own_options";
  program.options = {
      {"wind", "Strength of the gusts, as a share of the car's push",
       NumberOption{.value = 0.1, .min = 0, .max = 1}},
      {"gears", "The push is so many times as strong", WholeNumberOption{.value = 1, .min = 1, .max = 5}},
      {"road", "What the road is covered with", ChoiceOption{.choices = {"asphalt", "ice"}}}};
  program.environment = [](const genkidama::EnvironmentContext& context) {
    const genkidama::OptionValues& options = context.options;
    return std::make_unique<Parking>(options.number("wind"), static_cast<int>(options.whole("gears")),
                                     options.text("road") == "ice");
  };
  return genkidama::cli::main(argc, argv, program);
}
