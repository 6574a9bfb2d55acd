#include "run/update_queue.h"

#include <algorithm>
#include <utility>

namespace genkidama::run {

void UpdateQueue::push(const ParentUpdate& update, Weights wanted, const PolicyAverage& average) {
  const std::lock_guard lock(mutex_);
  const bool surely = wanted == Weights::kSurely;
  // What a population has changed is told, and seldom happens.
  if (contributions_ >= kMaxRecords && !surely && update.changes.empty()) {
    ++dropped_;
    if (update.contributions.empty()) carry(update.session, update.since_merge);
    for (const RoundContribution& each : update.contributions) carry(each.session, each.since_merge);
    return;
  }
  MergeRecord record{update, {}, {}, {}};
  record.update.weights = {};
  record.update.outer_optimizer = nullptr;
  record.update.moments = nullptr;
  record.update.merge_method = nullptr;
  record.update.population = nullptr;
  if (update.contributions.empty()) record.update.since_merge += take_carried(update.session);
  for (RoundContribution& each : record.update.contributions) {
    const Played carried = take_carried(each.session);
    each.since_merge += carried;
    record.update.since_merge += carried;
  }
  if (surely || (wanted == Weights::kIfRoom && with_weights_ < kMaxWeights)) {
    record.weights.assign(update.weights.begin(), update.weights.end());
    record.average = average;
    if (update.outer_optimizer != nullptr) record.rounds.outer_optimizer = *update.outer_optimizer;
    if (update.moments != nullptr) record.rounds.moments = *update.moments;
    if (update.merge_method != nullptr) record.rounds.merge_method = update.merge_method->clone();
    if (update.population != nullptr) record.rounds.population = *update.population;
    ++with_weights_;
  } else if (wanted == Weights::kIfRoom) {
    ++dropped_;
  }
  contributions_ += std::max<std::size_t>(1, update.contributions.size());
  records_.push_back(std::move(record));
  changed_.notify_one();
}

void UpdateQueue::carry(std::uint64_t session, const Played& since_merge) {
  if (carried_.size() < kMaxRecords) carried_[session] += since_merge;
}

Played UpdateQueue::take_carried(std::uint64_t session) {
  const auto carried = carried_.extract(session);
  return carried ? carried.mapped() : Played();
}

std::vector<MergeRecord> UpdateQueue::take(Milliseconds span) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, span, [this] { return !records_.empty(); });
  std::vector<MergeRecord> taken;
  taken.swap(records_);
  contributions_ = with_weights_ = 0;
  return taken;
}

std::uint64_t UpdateQueue::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

}  // namespace genkidama::run
