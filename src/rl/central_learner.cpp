#include "rl/central_learner.h"

#include "core/failpoint.h"
#include "genkidama/core/error.h"
#include "genkidama/core/random.h"

namespace genkidama {

CentralLearner::CentralLearner(const WorkerSetup& setup, SharedTraining& shared, int index)
    : setup_(setup),
      shared_(shared),
      sink_(make_worker_sink(setup.hyperparameters, setup.optimizer(setup.hyperparameters), shared, index)),
      spec_(completed(setup.described ? *setup.described : setup.spec.value())),
      algorithm_(make_algorithm_of(setup)),
      network_(make_local_network(setup, *algorithm_, spec_)),
      learner_(algorithm_->make_learner({.environment = spec_,
                                         .network = network_,
                                         .sink = *sink_,
                                         .shared_state = shared.algorithm_state.span()})) {
  if (!learner_) throw ArgumentError("the algorithm made no learner; expected one");
  sink_->set_activity(WorkerActivity::kOther);
  sink_->show_life();
}

void CentralLearner::obey(const WorkerOrder& order) {
  if (order.command != WorkerCommand::kLearn) return;
  if (order.begins) {
    sink_->begin_round();
    sink_->pull(network_.weights());
    learner_->begin_round(learning_random(setup_, 0, order.round));
    has_segments_ = false;
  }
  const SegmentStore& store = *shared_.segments;
  for (std::size_t part = 0; part < store.parts(); ++part) {
    store.for_each(part, [this](const Segment& segment) {
      learner_->learn_segment(segment);
      has_segments_ = true;
      sink_->show_life();
    });
  }
  if (!order.ends) return;
  GENKIDAMA_FAILPOINT("learner_before_learning");
  // As the only worker of a machine would: the same segments then give the same weights.
  Random random = learning_random(setup_, 0, order.round);
  if (has_segments_) learner_->learn_round(random);
  sink_->end_round();
}

}  // namespace genkidama
