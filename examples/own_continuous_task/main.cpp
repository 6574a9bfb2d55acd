// Your own task with continuous actions: an arm of two joints reaches for a point. The action is the speed of
// both joints.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include "genkidama/core/random.h"
#include "genkidama/env/environment.h"
#include "genkidama/nn/networks.h"
#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/run/evaluation.h"

namespace {

class Arm : public genkidama::Environment {
 public:
  Arm() {
    spec_.name = "Arm";
    spec_.observation_size = 6;
    spec_.action_space = {.choices = {}, .low = {-2, -2}, .high = {2, 2}};  // radians a second
    spec_.time_limit = 50;
    spec_.repeatable = true;
  }

  const genkidama::EnvironmentSpec& spec() const override { return spec_; }

  genkidama::Observation reset(std::uint64_t seed) override {
    genkidama::Random random(seed);
    for (double& angle : angles_) angle = random.uniform(-3, 3);
    const double distance = random.uniform(0.3, 1.8), direction = random.uniform(-3.14, 3.14);
    target_ = {distance * std::cos(direction), distance * std::sin(direction)};
    steps_ = 0;
    return observe();
  }

  genkidama::StepResult step(genkidama::Action action) override {
    genkidama::check_action("Arm: step()", spec_.action_space, action);
    for (std::size_t i = 0; i < 2; ++i) angles_[i] += kSeconds * action[i];
    genkidama::StepResult result;
    result.observation = observe();
    result.reward = static_cast<float>(-std::hypot(hand()[0] - target_[0], hand()[1] - target_[1]));
    result.truncated = ++steps_ == spec_.time_limit;
    return result;
  }

 private:
  static constexpr double kSeconds = 0.1;  // that a step lasts

  // Both parts of the arm have the length 1.
  std::array<double, 2> hand() const {
    const double sum = angles_[0] + angles_[1];
    return {std::cos(angles_[0]) + std::cos(sum), std::sin(angles_[0]) + std::sin(sum)};
  }

  genkidama::Observation observe() {
    const double sum = angles_[0] + angles_[1];
    const auto place = hand();
    const std::array<double, 6> values{std::cos(sum), std::sin(sum),         place[0],
                                       place[1],      target_[0] - place[0], target_[1] - place[1]};
    std::transform(values.begin(), values.end(), observation_.begin(),
                   [](double value) { return static_cast<float>(value); });
    return observation_;
  }

  genkidama::EnvironmentSpec spec_;
  std::array<double, 2> angles_{}, target_{};
  std::array<float, 6> observation_{};
  int steps_ = 0;
};

}  // namespace

int main() {
  genkidama::OrchestratorOptions options;
  options.workers = 2;
  options.hyperparameters = genkidama::tuned_hyperparameters();
  options.hyperparameters.schedule = genkidama::LearningRateSchedule::kConstant;
  options.hyperparameters.gamma = 0.9;
  options.hyperparameters.reward_scale = 1;
  options.hyperparameters.entropy_weight = 0;
  options.hyperparameters.initial_log_deviation = -0.5;
  const auto arm = [] { return std::make_unique<Arm>(); };
  genkidama::CoreOrchestrator trainer(arm, genkidama::mlp_network(), options);

  const genkidama::EvaluationRequest greedy{.episodes = 100, .greedy = true};  // the mean of each component
  const double before = genkidama::run::evaluate(trainer, greedy).mean;
  for (int round = 0; round < 40; ++round) trainer.train_round();
  const double after = genkidama::run::evaluate(trainer, greedy).mean;
  fmt::print("mean return {:.1f} before, {:.1f} after {} steps\n", before, after,
             trainer.environment_steps());
  return after > 0.5 * before ? 0 : 1;
}
