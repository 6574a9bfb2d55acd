#include "rl/gradient_server.h"

#include <utility>

#include "core/failpoint.h"

namespace genkidama {
namespace {

// The last worker arrives just after it has woken the server.
constexpr Milliseconds kSlice{5};

}  // namespace

GradientServer::GradientServer(std::unique_ptr<SharedOptimizer> optimizer, SharedTraining& shared, int index)
    : optimizer_(std::move(optimizer)),
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
      optimizer_->step(shared_.weights.span(), item->gradient, shared_.optimizer_state.span(), item->step,
                       item->learning_rate);
      queue.finish(*item);
    } else {
      queue.wait_for_gradients(Deadline::after(kSlice));
    }
  }
}

bool GradientServer::have_all_arrived() const {
  for (int worker = 0; worker < shared_.learners(); ++worker) {
    if (!shared_.barrier.has_arrived(worker)) return false;
  }
  return true;
}

}  // namespace genkidama
