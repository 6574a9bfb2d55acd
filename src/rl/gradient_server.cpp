#include "rl/gradient_server.h"

#include <utility>

#include "core/failpoint.h"

namespace genkidama {
namespace {

// The last worker arrives just after it has woken the server.
constexpr Milliseconds kSlice{5};

}  // namespace

GradientServer::GradientServer(std::unique_ptr<SharedOptimizer> optimizer, std::uint64_t max_gradient_age,
                               SharedTraining& shared, int index)
    : optimizer_(std::move(optimizer)),
      max_gradient_age_(max_gradient_age),
      shared_(shared),
      report_(shared.reports[static_cast<std::size_t>(index)]),
      number_(index - shared.learners()),
      part_(shared.part_of_server(number_)) {
  report_.activity.store(WorkerActivity::kOther, std::memory_order_relaxed);
  report_.beats.add(1);
}

void GradientServer::obey(const WorkerOrder& order) {
  if (order.command != WorkerCommand::kTrain) return;
  GradientQueue& queue = *shared_.gradients;
  while (!shared_.are_gradients_over()) {
    report_.beats.add(1);
    if (const auto item = queue.first(number_)) {
      GENKIDAMA_FAILPOINT("server_before_step");
      const GradientQueue::Fate fate = take(*item);
      GENKIDAMA_FAILPOINT("server_after_step");
      queue.finish(*item, fate, number_);
    } else {
      queue.wait_for_gradients(Deadline::after(kSlice), number_);
    }
  }
}

GradientQueue::Fate GradientServer::take(const GradientQueue::Item& item) {
  std::atomic<std::uint64_t>& steps = shared_.versions[0].steps[static_cast<std::size_t>(number_)];
  const std::uint64_t now = steps.load(std::memory_order_relaxed);
  if (!shared_.gradients->begin(item, number_)) {
    // The server before may have changed weights with it, which then are no longer those of that version.
    steps.store(now + 1, std::memory_order_release);
    return GradientQueue::Fate::kLost;
  }
  if (max_gradient_age_ > 0 && now - item.versions[static_cast<std::size_t>(number_)] > max_gradient_age_)
    return GradientQueue::Fate::kStale;
  optimizer_->step(part_.weights, item.gradient.subspan(part_.first_weight, part_.weights.size()),
                   part_.optimizer_state, item.step, item.learning_rate);
  steps.store(now + 1, std::memory_order_release);
  return GradientQueue::Fate::kApplied;
}

}  // namespace genkidama
