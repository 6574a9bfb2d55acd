#include "rl/helper_worker.h"

#include <thread>

#include "core/failpoint.h"
#include "genkidama/core/error.h"
#include "genkidama/core/random.h"

namespace genkidama {
namespace {

// About as long as a worker takes for an optimizer step.
constexpr std::chrono::microseconds kPause{200};

}  // namespace

HelperWorker::HelperWorker(const WorkerSetup& setup, SharedTraining& shared, int index)
    : setup_(setup),
      shared_(shared),
      index_(index),
      sink_(make_worker_sink(setup.hyperparameters, setup.optimizer(setup.hyperparameters), shared, index)),
      spec_(completed(setup.described ? *setup.described : setup.spec.value())),
      algorithm_(make_algorithm_of(setup)),
      network_(make_local_network(setup, *algorithm_, spec_, setup.device)),
      helper_(algorithm_->make_helper({.environment = spec_,
                                       .network = network_,
                                       .sink = *sink_,
                                       .shared_state = shared.algorithm_state.span(),
                                       .replay = shared.replay ? &*shared.replay : nullptr,
                                       .worker = 0,
                                       .workers = shared.workers},
                                      index - shared.workers)) {
  if (!helper_) throw ArgumentError("the algorithm made no helper; expected one, or no helpers()");
  sink_->set_activity(WorkerActivity::kOther);
  sink_->show_life();
}

void HelperWorker::obey(const WorkerOrder& order) {
  if (order.command != WorkerCommand::kTrain) return;
  sink_->begin_round();
  sink_->pull(network_.weights());
  helper_->begin_round(learning_random(setup_, index_, order.round));
  while (!shared_.is_round_over()) {
    sink_->show_life();
    GENKIDAMA_FAILPOINT("helper_before_work");
    if (!helper_->help()) std::this_thread::sleep_for(kPause);
  }
  sink_->end_round();
}

}  // namespace genkidama
