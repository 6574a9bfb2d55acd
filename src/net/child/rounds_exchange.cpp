#include "net/child/rounds_exchange.h"

#include <utility>

#include "core/failpoint.h"
#include "genkidama/params/weighted_average.h"

namespace genkidama {

void RoundsExchange::begin(LocalTrainer& trainer) {
  if (!wait_for_parent()) return;
  mailbox_.take_join(join_);
  take_over(trainer);
}

void RoundsExchange::take_over(LocalTrainer& trainer) {
  trainer.write_weights(join_.weights.weights);
  basis_ = join_.weights.weights;
  basis_update_ = join_.weights.update;
  basis_steps_ = since_child_began_.steps;
  unanswered_.reset();
  take_moments(trainer, join_.weights);
  take_statistics(trainer, join_.weights);
}

void RoundsExchange::take_moments(LocalTrainer& trainer, const ParentWeights& received) const {
  if (options_.average_moments && received.moments.steps > 0) trainer.write_moments(received.moments);
}

bool RoundsExchange::settle(LocalTrainer& trainer) {
  const std::uint64_t session_before = join_.ticket.session;
  if (!mailbox_.take_join(join_)) return true;
  if (join_.ticket.session != session_before) {
    take_over(trainer);
    return false;
  }
  // In the same session the Parent says what it has counted.
  if (unanswered_ && join_.ticket.sequence >= unanswered_sequence_) {
    for (std::size_t i = 0; i < local_.size(); ++i) {
      const float learnt_since = local_[i] - (basis_[i] + (*unanswered_)[i]);
      basis_[i] = join_.weights.weights[i];
      local_[i] = basis_[i] + learnt_since;
    }
    basis_update_ = join_.weights.update;
    basis_steps_ = unanswered_steps_;
    // A value that the round spoilt is for the trainer's owner, and the Parent, to see.
    if (first_non_finite(local_) == local_.size()) trainer.write_weights(local_);
    take_statistics(trainer, join_.weights);
  }
  unanswered_.reset();
  return true;
}

bool RoundsExchange::begin_exchange(LocalTrainer& trainer) {
  if (!mailbox_.ticket()) return false;
  read_local(trainer);
  if (!settle(trainer)) return false;
  // The frame was read before its answer was taken in, which the training thread has seen.
  auto change = answered_ && answered_.use_count() == 1 ? std::move(answered_)
                                                        : std::make_shared<std::vector<float>>(local_.size());
  answered_.reset();
  for (std::size_t i = 0; i < local_.size(); ++i) (*change)[i] = local_[i] - basis_[i];
  OutgoingWeights out;
  out.header.type = FrameType::kChildChange;
  out.header.update = basis_update_;
  out.weights = change;
  out.change_steps = since_child_began_.steps - basis_steps_;
  if (options_.average_moments) trainer.read_moments(out.moments);
  // A link that was joined a moment ago has its turn in the next round, with its weights.
  out.generation = join_.ticket.generation;
  GENKIDAMA_FAILPOINT("child_before_send");
  if (!send(std::move(out))) return false;
  unanswered_ = std::move(change);
  unanswered_sequence_ = session().sequence;
  unanswered_steps_ = since_child_began_.steps;
  return true;
}

bool RoundsExchange::end_exchange(LocalTrainer& trainer) {
  GENKIDAMA_FAILPOINT("child_sent");
  if (!collect_answer(/*wait=*/true)) return false;
  GENKIDAMA_FAILPOINT("child_answered");
  answered_ = std::move(unanswered_);
  trainer.write_weights(received_.weights);
  std::swap(basis_, received_.weights);
  basis_update_ = received_.update;
  basis_steps_ = since_child_began_.steps;
  take_moments(trainer, received_);
  take_statistics(trainer, received_);
  return true;
}

}  // namespace genkidama
