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
      report_(shared.reports[static_cast<std::size_t>(index)]) {
  report_.activity.store(WorkerActivity::kOther, std::memory_order_relaxed);
  report_.beats.add(1);
}

void GradientServer::obey(const WorkerOrder& order) {
  if (order.command != WorkerCommand::kTrain) return;
  GradientQueue& queue = *shared_.gradients;
  while (!have_all_arrived()) {
    report_.beats.add(1);
    if (const auto item = queue.first()) {
      GENKIDAMA_FAILPOINT("server_before_step");
      take(*item);
      queue.finish(*item);
    } else {
      queue.wait_for_gradients(Deadline::after(kSlice));
    }
  }
}

void GradientServer::take(const GradientQueue::Item& item) {
  std::atomic<std::uint64_t>& steps = shared_.versions[0].steps[0];
  const std::uint64_t now = steps.load(std::memory_order_relaxed);
  if (max_gradient_age_ > 0 && now - item.versions[0] > max_gradient_age_) {
    shared_.counters[0].stale_gradients.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  optimizer_->step(shared_.weights.span(), item.gradient, shared_.optimizer_state.span(), item.step,
                   item.learning_rate);
  steps.store(now + 1, std::memory_order_release);
}

bool GradientServer::have_all_arrived() const {
  for (int worker = 0; worker < shared_.learners(); ++worker) {
    if (!shared_.barrier.has_arrived(worker)) return false;
  }
  return true;
}

}  // namespace genkidama
