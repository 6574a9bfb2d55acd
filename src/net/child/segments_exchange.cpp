#include "net/child/segments_exchange.h"

#include <iterator>
#include <memory>
#include <utility>

#include "core/failpoint.h"
#include "genkidama/core/log.h"

namespace genkidama {
namespace {

constexpr int kPatienceShare = 10;  // of the time that a round takes

/// `more` was played after `batch`.
void append(SegmentBatch& batch, SegmentBatch more) {
  batch.steps += more.steps;
  batch.dropped_steps += more.dropped_steps;
  batch.lost_episodes += more.lost_episodes;
  std::move(more.episodes.begin(), more.episodes.end(), std::back_inserter(batch.episodes));
  std::move(more.segments.begin(), more.segments.end(), std::back_inserter(batch.segments));
}

}  // namespace

void SegmentsExchange::begin(LocalTrainer& trainer) {
  if (!wait_for_parent()) return;
  mailbox_.take_join(join_);
  take_over(trainer, join_.weights);
}

RoundReport SegmentsExchange::play(LocalTrainer& trainer) {
  const Clock::time_point since = Clock::now();
  RoundReport round = trainer.play_round(round_steps_, segments_);
  patience_ = (Clock::now() - since) / kPatienceShare;
  for (Segment& segment : segments_) segment.policy_version = version_;
  append(unsent_, std::exchange(untold_, {}));
  SegmentBatch played;
  played.steps = round.steps_in_round;
  played.lost_episodes = round.lost_episodes;
  played.episodes = round.episodes;
  played.segments.swap(segments_);
  append(unsent_, std::move(played));
  return round;
}

bool SegmentsExchange::begin_exchange(LocalTrainer& trainer) {
  read_local(trainer);
  if (is_in_flight() && take_answered(trainer, /*wait=*/false)) ++averaged_;
  if (mailbox_.ticket() && !is_in_flight()) {
    if (settle(trainer)) ++averaged_;
    send_batch(trainer);
    if (is_in_flight() && join_.ticket.asynchronous && collect_answer_within(patience_)) {
      take_received(trainer);
      ++averaged_;
    }
  }
  return must_wait();
}

bool SegmentsExchange::end_exchange(LocalTrainer& trainer) {
  bool has_weights = false;
  while (must_wait() && go_on(trainer, has_weights)) {
  }
  return has_weights;
}

ExchangeReport SegmentsExchange::finish(LocalTrainer& trainer) {
  bool has_weights = false;
  while ((is_in_flight() || is_due()) && go_on(trainer, has_weights)) {
  }
  return {has_weights ? 1u : 0u, 0};
}

bool SegmentsExchange::go_on(LocalTrainer& trainer, bool& has_weights) {
  if (is_in_flight() && take_answered(trainer, /*wait=*/true)) {
    has_weights = true;
    if (!is_due()) return true;
  }
  if (!wait_for_link()) return false;
  if (settle(trainer)) has_weights = true;
  send_batch(trainer);
  return true;
}

bool SegmentsExchange::take_answered(LocalTrainer& trainer, bool wait) {
  if (!collect_answer(wait)) return false;
  take_received(trainer);
  return true;
}

void SegmentsExchange::take_received(LocalTrainer& trainer) {
  sent_ = {};
  take_over(trainer, received_);
}

bool SegmentsExchange::wait_for_link() {
  if (mailbox_.end_reason() || mailbox_.refusal() || mailbox_.stop_requested()) return false;
  if (!mailbox_.ticket()) {
    log(LogLevel::kInfo, "actor '{}': waits for its learner, and plays nothing meanwhile", options_.name);
  }
  return wait_for_parent(options_.away_timeout);
}

bool SegmentsExchange::settle(LocalTrainer& trainer) {
  const std::uint64_t session_before = join_.ticket.session;
  if (!mailbox_.take_join(join_)) return false;
  const std::uint64_t sequence = std::exchange(sent_sequence_, 0);
  if (join_.ticket.session != session_before) {
    // The learner was started again, and what it had made of these segments may be gone with it.
    drop_segments();
    take_over(trainer, join_.weights);
    return true;
  }
  if (sequence == 0 || join_.ticket.sequence < sequence) return false;
  sent_ = {};
  take_over(trainer, join_.weights);
  return true;
}

void SegmentsExchange::send_batch(const LocalTrainer& trainer) {
  if (!is_due()) return;
  // One batch after the other: a learner takes no larger one than a round.
  if (sent_.steps == 0) sent_ = std::exchange(unsent_, {});
  auto payload = std::make_shared<std::vector<std::byte>>();
  encode_segments(sent_, trainer.segment_shape(), *payload);
  OutgoingWeights out;
  out.header.type = FrameType::kActorSegments;
  out.header.update = sent_.segments.empty() ? version_ : sent_.segments.back().policy_version;
  out.segments = std::move(payload);
  // A link that was joined a moment ago is settled first.
  out.generation = join_.ticket.generation;
  GENKIDAMA_FAILPOINT("actor_before_send");
  if (!send(std::move(out))) return;
  GENKIDAMA_FAILPOINT("actor_sent");
  sent_sequence_ = session().sequence;
}

void SegmentsExchange::take_over(LocalTrainer& trainer, const ParentWeights& received) {
  trainer.write_weights(received.weights);
  take_statistics(trainer, received);
  version_ = received.update;
  round_steps_ = received.round_steps;
  trainer.follow_run({received.run_steps, join_.ticket.place, join_.ticket.places});
  sent_sequence_ = 0;
}

void SegmentsExchange::drop_segments() {
  append(untold_, std::exchange(sent_, {}));
  append(untold_, std::exchange(unsent_, {}));
  const std::uint64_t steps = untold_.steps_in_segments();
  untold_.dropped_steps += steps;
  untold_.segments.clear();
  if (steps == 0) return;
  log(LogLevel::kWarning,
      "actor '{}': {} steps were played for a learner that does not know them any more; they are dropped",
      options_.name, steps);
}

}  // namespace genkidama
