#include "run/update_queue.h"

namespace genkidama::run {

void UpdateQueue::push(const ParentUpdate& update, Weights wanted, const PolicyAverage& average) {
  const std::lock_guard lock(mutex_);
  const bool surely = wanted == Weights::kSurely;
  if (records_.size() >= kMaxRecords && !surely) {
    ++dropped_;
    if (carried_.size() < kMaxRecords) carried_[update.session] += update.since_merge;
    return;
  }
  MergeRecord record{update, {}, {}};
  record.update.weights = {};
  if (const auto carried = carried_.extract(update.session)) record.update.since_merge += carried.mapped();
  if (surely || (wanted == Weights::kIfRoom && with_weights_ < kMaxWeights)) {
    record.weights.assign(update.weights.begin(), update.weights.end());
    record.average = average;
    ++with_weights_;
  } else if (wanted == Weights::kIfRoom) {
    ++dropped_;
  }
  records_.push_back(std::move(record));
  changed_.notify_one();
}

std::vector<MergeRecord> UpdateQueue::take(Milliseconds span) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, span, [this] { return !records_.empty(); });
  std::vector<MergeRecord> taken;
  taken.swap(records_);
  with_weights_ = 0;
  return taken;
}

std::uint64_t UpdateQueue::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

}  // namespace genkidama::run
