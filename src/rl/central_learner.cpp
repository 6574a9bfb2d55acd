#include "rl/central_learner.h"

#include "core/failpoint.h"
#include "genkidama/core/error.h"
#include "genkidama/core/random.h"

namespace genkidama {

namespace {

/// Rows of the replay buffer lie in the order of an episode's steps, however many environments workers have.
WorkerSetup setup_of_learner(WorkerSetup setup) {
  setup.hyperparameters.environments_per_worker = 1;
  return setup;
}

}  // namespace

CentralLearner::CentralLearner(const WorkerSetup& setup, SharedTraining& shared, int index)
    : setup_(setup_of_learner(setup)),
      shared_(shared),
      sink_(make_worker_sink(setup.hyperparameters, setup.optimizer(setup.hyperparameters), shared, index)),
      spec_(completed(setup.described ? *setup.described : setup.spec.value())),
      algorithm_(make_algorithm_of(setup_)),
      network_(make_local_network(setup, *algorithm_, spec_, setup.device)),
      learner_(algorithm_->make_learner({.environment = spec_,
                                         .network = network_,
                                         .sink = *sink_,
                                         .shared_state = shared.algorithm_state.span(),
                                         .replay = shared.replay ? &*shared.replay : nullptr})) {
  if (shared.replay) {
    behaviour_ = algorithm_->make_behaviour(spec_);
    if (!behaviour_) throw ArgumentError("the algorithm made no behaviour; expected one");
    action_.resize(spec_.action_space.width());
    // Of a killed learner, whose place this one takes.
    shared.replay->mend_priorities(0);
  }
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
  // One that was killed may have begun.
  if (order.begins || (shared_.replay && !has_begun_)) begin_round(order);
  row_ = order.first_row;
  for (std::size_t part = 0; part < shared_.segments->parts(); ++part) {
    shared_.segments->for_each(part, [this](const Segment& segment) { take(segment); });
  }
  if (order.ends) end_round(order);
}

void CentralLearner::learn_claimed(const WorkerOrder& order) {
  begin_round(order);
  row_ = order.first_row;
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
  has_begun_ = true;
}

void CentralLearner::take(const Segment& segment) {
  if (shared_.replay) {
    store(segment);
  } else {
    learner_->learn_segment(segment);
  }
  has_segments_ = true;
  sink_->show_life();
}

void CentralLearner::store(const Segment& segment) {
  ReplayBuffer& replay = *shared_.replay;
  const auto observations = static_cast<std::size_t>(spec_.observation_size);
  const std::size_t width = action_.size();
  const auto observation = [&](std::size_t step) {
    return step == segment.size()
               ? std::span<const float>(segment.last_observation)
               : std::span(segment.observations).subspan(step * observations, observations);
  };
  for (std::size_t step = 0; step < segment.size(); ++step) {
    // A learner that was killed has stored it, and has taken the optimizer steps that were due.
    if (replay.stored(0) > row_++) continue;
    behaviour_->to_environment(std::span(segment.actions).subspan(step * width, width), action_);
    const bool is_last = step + 1 == segment.size();
    replay.store(0, {.before = observation(step),
                     .action = action_,
                     .reward = segment.rewards[step],
                     .after = observation(step + 1),
                     .terminated = is_last && segment.end == SegmentEnd::kTerminated,
                     .truncated = is_last && segment.end == SegmentEnd::kTruncated});
    learner_->learn_segment(segment);
  }
}

void CentralLearner::end_round(const WorkerOrder& order) {
  GENKIDAMA_FAILPOINT("learner_before_learning");
  // As the only worker of a machine would: the same segments then give the same weights.
  Random random = learning_random(setup_, 0, order.round);
  if (has_segments_) learner_->learn_round(random);
  sink_->end_round();
}

}  // namespace genkidama
