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
  if (order.command == WorkerCommand::kTrainAndLearn) {
    learn_claimed(order);
    return;
  }
  if (order.command != WorkerCommand::kLearn) return;
  if (order.begins) begin_round(order);
  for (std::size_t part = 0; part < shared_.segments->parts(); ++part) {
    shared_.segments->for_each(part, [this](const Segment& segment) { take(segment); });
  }
  if (order.ends) end_round(order);
}

void CentralLearner::learn_claimed(const WorkerOrder& order) {
  begin_round(order);
  for (const std::size_t part : shared_.slots->claimed()) {
    shared_.segments->for_each(part, [this, &order](const Segment& segment) {
      if (order.round - segment.policy_version <= shared_.max_policy_lag) take(segment);
    });
  }
  end_round(order);
  shared_.slots->stop();
}

void CentralLearner::begin_round(const WorkerOrder& order) {
  sink_->begin_round();
  sink_->pull(network_.weights());
  learner_->begin_round(learning_random(setup_, 0, order.round));
  has_segments_ = false;
}

void CentralLearner::take(const Segment& segment) {
  learner_->learn_segment(segment);
  has_segments_ = true;
  sink_->show_life();
}

void CentralLearner::end_round(const WorkerOrder& order) {
  GENKIDAMA_FAILPOINT("learner_before_learning");
  // As the only worker of a machine would: the same segments then give the same weights.
  Random random = learning_random(setup_, 0, order.round);
  if (has_segments_) learner_->learn_round(random);
  sink_->end_round();
}

}  // namespace genkidama
