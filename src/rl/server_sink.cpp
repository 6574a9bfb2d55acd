#include "rl/server_sink.h"

#include <optional>

#include "genkidama/core/clock.h"

namespace genkidama {
namespace {

constexpr Milliseconds kSlice{100};
// A server that has not answered by then does not live any more; the program is ending.
constexpr Milliseconds kPatienceAfterCut{1'000};

}  // namespace

ServerSink::ServerSink(const Hyperparameters& hyperparameters, SharedTraining& shared, int index)
    : WorkerSink(hyperparameters, shared, index), index_(index) {
  // One that died may have left a gradient, which belongs to no step of this one.
  shared.gradients->take_back(index);
}

void ServerSink::take_step(std::span<const float> gradient, std::uint64_t step, double learning_rate) {
  GradientQueue& queue = *shared().gradients;
  queue.hand_over(index_, gradient, step, learning_rate);
  std::optional<Deadline> end;
  while (!queue.is_free(index_)) {
    queue.wait_until_free(index_, Deadline::after(kSlice));
    // It is the server that would hang.
    show_life();
    if (!is_round_cut()) continue;
    if (!end) end = Deadline::after(kPatienceAfterCut);
    if (end->passed()) return queue.take_back(index_);
  }
}

}  // namespace genkidama
