#include "cli/simulation/step_costs.h"

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "env/draw_action.h"
#include "genkidama/core/random.h"

namespace genkidama::cli {
namespace {

constexpr int kRounds = 5;
constexpr std::uint64_t kSeed = 1;

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

StepCosts measured_costs(CoreOrchestrator& trainer) {
  trainer.train_round();  // warms up caches
  double training = 0, playing = 0;
  std::uint64_t trained = 0, gradients = 0, played = 0, episode = 0;
  for (int i = 0; i < kRounds; ++i) {
    double start = thread_seconds();
    const RoundReport round = trainer.train_round();
    training += thread_seconds() - start;
    trained += round.steps_in_round;
    gradients += round.optimizer_steps;
    start = thread_seconds();
    while (played < trained) {
      const EvaluationRequest one{.episodes = 1, .seed = kSeed, .first_episode = episode++};
      for (const EpisodeResult& result : trainer.evaluate(one)) played += std::max(result.length, 1U);
    }
    playing += thread_seconds() - start;
  }
  StepCosts costs;
  const double step = playing / static_cast<double>(std::max<std::uint64_t>(played, 1));
  costs.step_us = 1e6 * step;
  if (gradients > 0) {
    costs.gradient_us =
        1e6 * std::max(0.0, training - step * static_cast<double>(trained)) / static_cast<double>(gradients);
  }
  return costs;
}

double measured_environment_us(const EnvironmentFactory& make) {
  constexpr int kWarmUp = 1'000, kSteps = 20'000;
  EnvironmentContext context;
  context.purpose = EnvironmentPurpose::kTrain;
  const auto environment = make(context);
  const ActionSpace space = completed(environment->spec()).action_space;
  Random random(kSeed);
  std::uint64_t episode = 0;
  bool is_over = true;
  double seconds = 0;
  for (int i = 0; i < kWarmUp + kSteps; ++i) {
    const auto drawn = draw_action(space, random);
    const double start = thread_seconds();
    if (is_over) environment->reset(derive_seed(kSeed, {episode++}));
    const StepResult result =
        environment->step(Action(allowed_action(space, environment->action_mask(), drawn)));
    is_over = result.terminated || result.truncated;
    if (i >= kWarmUp) seconds += thread_seconds() - start;
  }
  return 1e6 * seconds / kSteps;
}

}  // namespace genkidama::cli
