#include "rl/hogwild_sink.h"

#include <utility>

#include "core/failpoint.h"

namespace genkidama {
namespace {

// What is left of two seconds, with room for the steps before and the files after.
constexpr Milliseconds kLearningAfterCut{300};

}  // namespace

HogwildSink::HogwildSink(const Hyperparameters& hyperparameters, std::unique_ptr<SharedOptimizer> optimizer,
                         SharedTraining& shared, int index)
    : hyperparameters_(hyperparameters),
      optimizer_(std::move(optimizer)),
      shared_(shared),
      report_(shared.reports[static_cast<std::size_t>(index)]) {}

void HogwildSink::apply(std::span<const float> gradient, const LearningStatistics& statistics) {
  SharedCounters& counters = shared_.counters[0];
  const auto step = counters.optimizer_steps.fetch_add(1, std::memory_order_relaxed) + 1;
  GENKIDAMA_FAILPOINT("worker_before_step");
  const double rate = scheduled(hyperparameters_.schedule, hyperparameters_.learning_rate, schedule_done());
  optimizer_->step(shared_.weights.span(), gradient, shared_.optimizer_state.span(), step, rate);
  GENKIDAMA_FAILPOINT("worker_after_step");
  show_life();
  ++report_.optimizer_steps;
  LearningStatistics& sums = report_.learning;
  sums.policy_loss += statistics.policy_loss;
  sums.value_loss += statistics.value_loss;
  sums.entropy += statistics.entropy;
  sums.approximate_kl += statistics.approximate_kl;
  sums.clip_fraction += statistics.clip_fraction;
  sums.explained_variance += statistics.explained_variance;
  sums.gradient_norm += statistics.gradient_norm;
  sums.deviation += statistics.deviation;
  report_.learning_rate += rate;
}

void HogwildSink::pull(std::span<float> weights) {
  policy_version_ = shared_.counters[0].optimizer_steps.load(std::memory_order_relaxed);
  relaxed_load(shared_.weights.span(), weights);
}

void HogwildSink::begin_round() {
  cut_seen_.reset();
  report_.episode_count.reset();
  report_.environment_steps.reset();
  report_.optimizer_steps = 0;
  report_.learning = {};
  report_.learning_rate = 0;
}

void HogwildSink::count_environment_steps(std::uint64_t steps) {
  shared_.counters[0].environment_steps.fetch_add(steps, std::memory_order_relaxed);
}

void HogwildSink::show_life() {
  report_.beats.add(1);
}

bool HogwildSink::out_of_time() {
  if (!is_round_cut()) return false;
  if (!cut_seen_) cut_seen_ = Clock::now();
  return Clock::now() - *cut_seen_ >= kLearningAfterCut;
}

double HogwildSink::schedule_done() const {
  if (hyperparameters_.schedule_steps == 0) return 0;
  const auto played = shared_.counters[0].environment_steps.load(std::memory_order_relaxed);
  return static_cast<double>(played) / static_cast<double>(hyperparameters_.schedule_steps);
}

}  // namespace genkidama
