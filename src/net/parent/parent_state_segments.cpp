// The Parent's state where Children are actors.

#include <algorithm>
#include <cassert>
#include <set>
#include <utility>

#include "genkidama/wire/message.h"
#include "net/parent/parent_state.h"

namespace genkidama {

std::uint64_t ParentState::steps_to_play() const {
  if (!takes_segments() || !segments_.divide) return segments_.round_steps;
  const std::uint64_t actors = std::max<std::uint64_t>(1, round_->expected());
  return (segments_.round_steps + actors - 1) / actors;
}

std::uint64_t ParentState::free_place(std::uint64_t wanted) const {
  std::set<std::uint64_t> taken;
  for (const auto& [session, record] : children_) taken.insert(record.place);
  if (!taken.contains(wanted)) return wanted;
  std::uint64_t place = 0;
  while (taken.contains(place)) ++place;
  return place;
}

std::pair<std::uint64_t, std::uint64_t> ParentState::place_of(std::uint64_t session) const {
  const std::uint64_t place = std::min(children_.at(session).place, kMostActorPlaces - 1);
  const std::uint64_t expected = std::min<std::uint64_t>(round_->expected(), kMostActorPlaces);
  return {place, std::max(expected, place + 1)};
}

void ParentState::contribute(const FrameHeader& frame, SegmentBatch batch, Clock::time_point now,
                             NumberedStatistics own) {
  assert(takes_segments() && !has_contributed(frame.session));
  const std::uint64_t steps = batch.steps;
  const std::lock_guard lock(mutex_);
  add_contribution(frame.session, {frame, steps, {}, std::move(own), {}, std::move(batch)}, now);
}

SegmentContribution ParentState::told_segments(RoundContribution told, SegmentBatch batch) const {
  SegmentContribution given;
  given.counts.dropped_steps = batch.dropped_steps;
  std::erase_if(batch.segments, [&](const Segment& segment) {
    return !given.counts.take_segment(segment.size(), status_.updates - segment.policy_version,
                                      max_staleness_);
  });
  told.dropped = batch.segments.empty() && given.counts.late_steps > 0;
  given.told = std::move(told);
  given.batch = std::move(batch);
  return given;
}

void ParentState::fill_queue(Clock::time_point now) {
  while (!contributions_.empty()) {
    if (segments_.when_full == FullQueue::kWait && queue_->is_full()) return;
    const auto oldest =
        std::min_element(contributions_.begin(), contributions_.end(),
                         [](const auto& a, const auto& b) { return a.second.arrival < b.second.arrival; });
    auto& [session, given] = *oldest;
    QueuedBatch queued{told_contribution(session, given.frame), std::move(given.batch), now};
    const std::lock_guard lock(mutex_);
    while (queue_->is_full()) status_.rounds.dropped_steps += queue_->pop().batch.steps;
    if (statistics_components() > 0) statistics_.set(given.own.stream, std::move(given.own.statistics));
    // From here on it is not to be sent again.
    count(queued.told, now);
    queue_->push(std::move(queued));
    contributions_.erase(oldest);
    --status_.rounds.waiting;
  }
}

std::uint64_t ParentState::untold_dropped_steps() {
  const std::uint64_t all = status_.rounds.dropped_steps;
  return all - std::exchange(told_dropped_steps_, all);
}

SegmentRound ParentState::take_queued(Clock::time_point now) {
  SegmentRound round;
  const std::lock_guard lock(mutex_);
  std::vector<QueuedBatch> taken = queue_->take(segments_.round_steps);
  round.waited_seconds = std::chrono::duration<double>(now - taken.front().since).count();
  for (QueuedBatch& queued : taken) {
    round.contributions.push_back(told_segments(std::move(queued.told), std::move(queued.batch)));
    status_.rounds.dropped += round.contributions.back().told.dropped ? 1 : 0;
  }
  round.queued_steps = queue_->steps();
  round.dropped_steps = untold_dropped_steps();
  ++status_.rounds.closed;
  status_.rounds.waited_seconds += round.waited_seconds;
  // Actors that start together have begun.
  round_->close(now);
  learning_ = true;
  return round;
}

SegmentRound ParentState::take_segments(Clock::time_point now) {
  assert(is_round_over(now));
  if (queue_) return take_queued(now);
  SegmentRound round;
  const std::vector<RoundContribution> told = told_contributions();
  StreamStatistics statistics = statistics_with(told);
  const std::lock_guard lock(mutex_);
  for (const RoundContribution& each : told) {
    round.contributions.push_back(told_segments(each, std::move(contributions_.at(each.session).batch)));
    RoundContribution counted = each;
    counted.dropped = round.contributions.back().told.dropped;
    count(counted, now);
  }
  std::swap(statistics_, statistics);
  round.waited_seconds = std::chrono::duration<double>(round_->waited(now)).count();
  round.by_deadline = now >= *round_->deadline();
  round.dropped_steps = untold_dropped_steps();
  count_closed_round(now);
  learning_ = true;
  return round;
}

void ParentState::publish(std::vector<float>& weights, std::uint64_t run_steps) {
  assert(learning_ && weights.size() == weights_.size());
  const std::lock_guard lock(mutex_);
  weights_.swap(weights);
  ++status_.updates;
  run_steps_ = run_steps;
  learning_ = false;
}

}  // namespace genkidama
