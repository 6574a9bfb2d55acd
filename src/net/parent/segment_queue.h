#pragma once

// What asynchronous actors have sent, until it is learnt from.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/net/round_contribution.h"
#include "genkidama/wire/segments.h"

namespace genkidama {

/// A batch, who gave it, and when.
struct QueuedBatch {
  RoundContribution told;
  SegmentBatch batch;
  Clock::time_point since;
};

/// First in, first out. It is full when it holds `max_steps` steps or `max_bytes` bytes, which the batch that
/// fills it may exceed.
class SegmentQueue {
 public:
  SegmentQueue(std::uint64_t max_steps, std::size_t max_bytes)
      : max_steps_(max_steps), max_bytes_(max_bytes) {}

  /// Environment steps of all batches, those in no segment too.
  std::uint64_t steps() const { return steps_; }
  std::size_t size() const { return batches_.size(); }
  std::size_t bytes() const { return bytes_; }
  bool is_full() const { return steps_ >= max_steps_ || bytes_ >= max_bytes_; }

  void push(QueuedBatch batch) {
    steps_ += batch.batch.steps;
    bytes_ += batch.batch.bytes();
    batches_.push_back(std::move(batch));
  }
  /// There must be one.
  QueuedBatch pop() {
    QueuedBatch batch = std::move(batches_.front());
    batches_.pop_front();
    steps_ -= batch.batch.steps;
    bytes_ -= batch.batch.bytes();
    return batch;
  }
  /// Takes the oldest, until these have `steps` steps or nothing is left.
  std::vector<QueuedBatch> take(std::uint64_t steps) {
    std::vector<QueuedBatch> taken;
    for (std::uint64_t sum = 0; sum < steps && !batches_.empty(); sum += taken.back().batch.steps) {
      taken.push_back(pop());
    }
    return taken;
  }

 private:
  const std::uint64_t max_steps_;
  const std::size_t max_bytes_;
  std::uint64_t steps_ = 0;
  std::size_t bytes_ = 0;
  std::deque<QueuedBatch> batches_;
};

}  // namespace genkidama
