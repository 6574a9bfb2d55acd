#include "rl/local_sink.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

#include "core/failpoint.h"

namespace genkidama {
namespace {

constexpr std::size_t kChunk = 256;

}  // namespace

LocalSink::LocalSink(const Hyperparameters& hyperparameters, int merge_every,
                     std::unique_ptr<SharedOptimizer> optimizer, SharedTraining& shared, int index)
    : WorkerSink(hyperparameters, shared, index),
      optimizer_(std::move(optimizer)),
      state_(shared.optimizer_state_of(index)),
      steps_(shared.local_steps.size() > 0 ? &shared.local_steps[static_cast<std::size_t>(index)] : nullptr),
      merge_every_(merge_every),
      // Whole rounds of all workers, added up, would go too far: their mean is taken.
      share_(merge_every_ > 0 ? 1 : 1 / static_cast<float>(shared.learners())),
      weights_(shared.weights.size()),
      merged_(shared.weights.size()) {}

void LocalSink::start_round() {
  const std::lock_guard lock(shared().weights_mutex());
  load_shared(weights_);
  merged_ = weights_;
  unmerged_ = 0;
}

void LocalSink::copy_weights(std::span<float> weights) {
  std::copy(weights_.begin(), weights_.end(), weights.begin());
}

void LocalSink::take_step(std::span<const float> gradient, std::uint64_t step, double learning_rate) {
  if (steps_ != nullptr) step = ++*steps_;
  optimizer_->step_alone(weights_, gradient, state_, step, learning_rate);
  ++unmerged_;
  if (unmerged_ == merge_every_) merge();
}

void LocalSink::end_round() {
  if (unmerged_ > 0) merge();
}

/// Under the mutex, so that no change of another worker is lost between reading and writing.
void LocalSink::merge() {
  unmerged_ = 0;
  const std::span<float> shared_weights = shared().weights.span();
  std::array<float, kChunk> chunk;
  const std::lock_guard lock(shared().weights_mutex());
  GENKIDAMA_FAILPOINT("worker_in_merge");
  for (std::size_t start = 0; start < weights_.size(); start += kChunk) {
    const std::size_t count = std::min(kChunk, weights_.size() - start);
    const auto theirs = shared_weights.subspan(start, count);
    const auto now = std::span(chunk).first(count);
    relaxed_load(theirs, now);
    float* own = weights_.data() + start;
    float* before = merged_.data() + start;
    for (std::size_t i = 0; i < count; ++i) {
      // Where nobody else has written, the result is exactly this worker's own.
      const float change = share_ * (own[i] - before[i]);
      const float sum = now[i] + change;
      own[i] = before[i] = share_ == 1 && now[i] == before[i] ? own[i] : sum;
    }
    relaxed_store(theirs, std::span(own, count));
  }
  note_policy_version();
}

}  // namespace genkidama
