#include "net/child/segments_exchange.h"

#include <iterator>
#include <memory>
#include <utility>

#include "core/failpoint.h"
#include "genkidama/core/log.h"

namespace genkidama {

void SegmentsExchange::begin(LocalTrainer& trainer) {
  if (!wait_for_parent()) return;
  mailbox_.take_join(join_);
  take_over(trainer, join_.weights);
}

RoundReport SegmentsExchange::play(LocalTrainer& trainer) {
  RoundReport round = trainer.play_round(round_steps_, segments_);
  for (Segment& segment : segments_) segment.policy_version = version_;
  batch_.steps += round.steps_in_round;
  batch_.lost_episodes += round.lost_episodes;
  batch_.episodes.insert(batch_.episodes.end(), round.episodes.begin(), round.episodes.end());
  std::move(segments_.begin(), segments_.end(), std::back_inserter(batch_.segments));
  return round;
}

bool SegmentsExchange::begin_exchange(LocalTrainer& trainer) {
  read_local(trainer);
  if (mailbox_.ticket()) {
    if (!settle(trainer)) {
      ++averaged_;
      return false;
    }
    send_batch(trainer);
  }
  return true;
}

bool SegmentsExchange::end_exchange(LocalTrainer& trainer) {
  while (true) {
    if (is_in_flight() && collect_answer(/*wait=*/true)) {
      take_over(trainer, received_);
      return true;
    }
    if (!wait_for_link()) return false;
    if (!settle(trainer)) return true;
    send_batch(trainer);
  }
}

bool SegmentsExchange::wait_for_link() {
  if (mailbox_.end_reason() || mailbox_.refusal() || mailbox_.stop_requested()) return false;
  if (!mailbox_.ticket()) {
    log(LogLevel::kInfo, "child '{}': waits for its Parent, and plays nothing meanwhile", options_.name);
  }
  return wait_for_parent(options_.away_timeout);
}

bool SegmentsExchange::settle(LocalTrainer& trainer) {
  const std::uint64_t session_before = join_.ticket.session;
  if (!mailbox_.take_join(join_)) return true;
  if (join_.ticket.session != session_before) {
    // The learner was started again, and what it had made of these segments may be gone with it.
    drop_segments();
    const SegmentBatch told = std::exchange(batch_, {});
    take_over(trainer, join_.weights);
    batch_ = told;
    // What is left are counts, which go with the next segments.
    return false;
  }
  const bool is_learnt = sent_sequence_ > 0 && join_.ticket.sequence >= sent_sequence_;
  sent_sequence_ = 0;
  if (!is_learnt) return true;
  take_over(trainer, join_.weights);
  return false;
}

bool SegmentsExchange::send_batch(const LocalTrainer& trainer) {
  auto payload = std::make_shared<std::vector<std::byte>>();
  encode_segments(batch_, trainer.segment_shape(), *payload);
  OutgoingWeights out;
  out.header.type = FrameType::kActorSegments;
  out.header.update = version_;
  out.segments = std::move(payload);
  // A link that was joined a moment ago is settled first.
  out.generation = join_.ticket.generation;
  GENKIDAMA_FAILPOINT("actor_before_send");
  if (!send(std::move(out))) return false;
  GENKIDAMA_FAILPOINT("actor_sent");
  sent_sequence_ = session().sequence;
  return true;
}

void SegmentsExchange::take_over(LocalTrainer& trainer, const ParentWeights& received) {
  trainer.write_weights(received.weights);
  take_statistics(trainer, received);
  version_ = received.update;
  round_steps_ = received.round_steps;
  batch_ = {};
  sent_sequence_ = 0;
}

void SegmentsExchange::drop_segments() {
  const std::uint64_t steps = batch_.steps_in_segments();
  batch_.dropped_steps += steps;
  batch_.segments.clear();
  if (steps == 0) return;
  log(LogLevel::kWarning,
      "child '{}': {} steps were played for a Parent that does not know them any more; they are dropped",
      options_.name, steps);
}

}  // namespace genkidama
