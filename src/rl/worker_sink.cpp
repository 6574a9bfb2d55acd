#include "rl/worker_sink.h"

#include <algorithm>
#include <utility>

#include "core/failpoint.h"
#include "rl/hogwild_sink.h"
#include "rl/local_sink.h"
#include "rl/mutex_sink.h"
#include "rl/one_buffer_sink.h"
#include "rl/server_sink.h"

namespace genkidama {
namespace {

// What is left of two seconds, with room for the steps before and the files after.
constexpr Milliseconds kLearningAfterCut{300};
// Steps between the merges of a lone worker: what is lost when it is killed.
constexpr int kMergesOfOne = 4;

}  // namespace

WorkerSink::WorkerSink(const Hyperparameters& hyperparameters, SharedTraining& shared, int index)
    : hyperparameters_(hyperparameters),
      shared_(shared),
      report_(shared.reports[static_cast<std::size_t>(index)]),
      losses_(shared.losses[static_cast<std::size_t>(index)]),
      pulled_(shared.anchor.size()),
      held_(shared.anchor.size()) {}

void WorkerSink::pull(const std::span<float> weights) {
  copy_weights(weights);
  if (!pulled_.empty()) std::copy(weights.begin(), weights.end(), pulled_.begin());
}

std::span<const float> WorkerSink::with_proximal_term(const std::span<const float> gradient) {
  const auto mu = static_cast<float>(hyperparameters_.proximal);
  const std::span<const float> anchor = shared_.anchor.span();
  for (std::size_t i = 0; i < held_.size(); ++i) held_[i] = gradient[i] + mu * (pulled_[i] - anchor[i]);
  return held_;
}

void WorkerSink::apply(std::span<const float> gradient, const LearningStatistics& statistics) {
  SharedCounters& counters = shared_.counters[0];
  if (hyperparameters_.max_loss_deviations > 0 &&
      !losses_.takes(statistics.value_loss, hyperparameters_.max_loss_deviations)) {
    counters.outlier_gradients.fetch_add(1, std::memory_order_relaxed);
    show_life();
    return;
  }
  const auto step = counters.optimizer_steps.fetch_add(1, std::memory_order_relaxed) + 1;
  GENKIDAMA_FAILPOINT("worker_before_step");
  const double last = hyperparameters_.final_learning_rate;
  const double rate =
      last + scheduled(hyperparameters_.schedule, hyperparameters_.learning_rate - last, schedule_done());
  take_step(held_.empty() ? gradient : with_proximal_term(gradient), step, rate);
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
  sums.model_error += statistics.model_error;
  sums.imagined += statistics.imagined;
  report_.learning_rate += rate;
}

void WorkerSink::begin_round() {
  cut_seen_.reset();
  report_.episode_count.reset();
  report_.environment_steps.reset();
  report_.optimizer_steps = 0;
  report_.learning = {};
  report_.learning_rate = 0;
  start_round();
}

void WorkerSink::load_shared(std::span<float> weights) {
  note_policy_version();
  relaxed_load(shared_.weights.span(), weights);
}

void WorkerSink::note_policy_version() {
  policy_version_ = shared_.counters[0].optimizer_steps.load(std::memory_order_relaxed);
}

void WorkerSink::count_environment_steps(std::uint64_t steps) {
  shared_.counters[0].environment_steps.fetch_add(steps, std::memory_order_relaxed);
}

void WorkerSink::show_life() {
  report_.beats.add(1);
}

bool WorkerSink::out_of_time() {
  if (!is_round_cut()) return false;
  if (!cut_seen_) cut_seen_ = Clock::now();
  return Clock::now() - *cut_seen_ >= kLearningAfterCut;
}

std::uint64_t WorkerSink::environment_steps() const {
  return shared_.counters[0].environment_steps.load(std::memory_order_relaxed);
}

double WorkerSink::schedule_done() const {
  if (hyperparameters_.schedule_steps == 0) return 0;
  return static_cast<double>(environment_steps()) / static_cast<double>(hyperparameters_.schedule_steps);
}

std::unique_ptr<WorkerSink> make_worker_sink(const Hyperparameters& hyperparameters,
                                             std::unique_ptr<SharedOptimizer> optimizer,
                                             SharedTraining& shared, int index) {
  switch (hyperparameters.sharing) {
    case Sharing::kHogwild:
      // One that shares with nobody needs no atomic accesses, and comes to the same bits.
      if (shared.learners() == 1 || shared.is_server(index)) {
        return std::make_unique<LocalSink>(hyperparameters, kMergesOfOne, std::move(optimizer), shared,
                                           index);
      }
      break;
    case Sharing::kMutex:
      return std::make_unique<MutexSink>(hyperparameters, std::move(optimizer), shared, index);
    case Sharing::kLocal:
      return std::make_unique<LocalSink>(hyperparameters, hyperparameters.merge_every, std::move(optimizer),
                                         shared, index);
    case Sharing::kServer:
      return std::make_unique<ServerSink>(hyperparameters, shared, index);
    case Sharing::kOneBuffer:
      return std::make_unique<OneBufferSink>(hyperparameters, std::move(optimizer), shared, index);
  }
  return std::make_unique<HogwildSink>(hyperparameters, std::move(optimizer), shared, index);
}

}  // namespace genkidama
