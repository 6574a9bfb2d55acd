#pragma once

/// @file
/// From the Parent's own thread to the one that writes files.

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/net/parent.h"
#include "genkidama/params/policy_average.h"
#include "run/state/parent_memory.h"

namespace genkidama::run {

/// A merge, with a copy of the weights and of their average when they are to be kept.
struct MergeRecord {
  ParentUpdate update;         ///< its `weights` and pointers point nowhere
  std::vector<float> weights;  ///< empty unless asked for
  PolicyAverage average;       ///< of nothing unless asked for
  RoundMemory rounds;          ///< after the merge; empty unless asked for
};

/// Bounded: what does not fit is dropped and counted, since merging must not wait for a disk. What was played
/// for a dropped merge is in the `since_merge` of the next one of its session.
class UpdateQueue {
 public:
  enum class Weights {
    kNone,
    kIfRoom,
    kSurely,  ///< the run's last merge, for which there is always room
  };

  /// Any thread. `average` is kept with the weights.
  void push(const ParentUpdate& update, Weights wanted, const PolicyAverage& average = PolicyAverage());
  /// Everything that is there, waiting up to `span` for the first.
  std::vector<MergeRecord> take(Milliseconds span);
  std::uint64_t dropped() const;

 private:
  void carry(std::uint64_t session, const Played& since_merge);
  Played take_carried(std::uint64_t session);
  static constexpr std::size_t kMaxRecords = 65'536;
  static constexpr std::size_t kMaxWeights = 8;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<MergeRecord> records_;
  std::size_t contributions_ = 0;  // in all records; at least one each
  std::size_t with_weights_ = 0;
  std::uint64_t dropped_ = 0;
  std::map<std::uint64_t, Played> carried_;  // by session, of dropped merges
};

}  // namespace genkidama::run
