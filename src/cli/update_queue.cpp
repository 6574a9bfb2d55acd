#include "cli/update_queue.h"

namespace genkidama::cli {

void UpdateQueue::push(const ParentUpdate& update, bool with_weights) {
  const std::lock_guard lock(mutex_);
  if (records_.size() >= kMaxRecords) {
    ++dropped_;
    return;
  }
  MergeRecord record{update, {}};
  record.update.weights = {};
  if (with_weights && with_weights_ < kMaxWeights) {
    record.weights.assign(update.weights.begin(), update.weights.end());
    ++with_weights_;
  } else if (with_weights) {
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

}  // namespace genkidama::cli
