#include "rl/server_sink.h"

#include "genkidama/core/clock.h"

namespace genkidama {
namespace {

constexpr Milliseconds kSlice{100};
// A server that has not answered by then does not live any more; the program is ending.
constexpr Milliseconds kPatienceAfterCut{1'000};

}  // namespace

ServerSink::ServerSink(const Hyperparameters& hyperparameters, SharedTraining& shared, int index)
    : WorkerSink(hyperparameters, shared, index), index_(index), at_shards_(shared.at_shards) {
  // One that died may have left a gradient, which belongs to no step of this one.
  settle();
}

void ServerSink::start_round() {
  end_.reset();
  if (!at_shards_) return;
  GradientQueue& queue = *shared().gradients;
  const std::uint64_t wanted = shared().order[0].round + 1;
  while (shared().versions[0].written_for.load(std::memory_order_acquire) != wanted) {
    queue.wait_for_server(index_, Deadline::after(kSlice));
    if (!keeps_waiting()) return;
  }
}

void ServerSink::copy_weights(std::span<float> weights) {
  const auto& steps = shared().versions[0].steps;
  for (std::size_t i = 0; i < versions_.size(); ++i) versions_[i] = steps[i].load(std::memory_order_acquire);
  load_shared(weights);
}

void ServerSink::take_step(std::span<const float> gradient, std::uint64_t step, double learning_rate) {
  GradientQueue& queue = *shared().gradients;
  queue.hand_over(index_, gradient, versions_, step, learning_rate);
  end_.reset();
  while (!queue.is_free(index_)) {
    queue.wait_until_free(index_, Deadline::after(kSlice));
    if (!keeps_waiting()) break;
  }
  settle();
}

void ServerSink::settle() {
  const GradientQueue::Fate fate = shared().gradients->take_back(index_);
  // What becomes of gradients at shards is counted by the process that hands them over.
  if (at_shards_ || fate == GradientQueue::Fate::kApplied) return;
  SharedCounters& counters = shared().counters[0];
  (fate == GradientQueue::Fate::kStale ? counters.stale_gradients : counters.lost_gradients)
      .fetch_add(1, std::memory_order_relaxed);
}

bool ServerSink::keeps_waiting() {
  // It is the server that would hang.
  show_life();
  if (!is_round_cut()) return true;
  if (!end_) end_ = Deadline::after(kPatienceAfterCut);
  return !end_->passed();
}

}  // namespace genkidama
