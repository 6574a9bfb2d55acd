#pragma once

// Whose a part of a SegmentStore is, where workers play on while the learner learns.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "genkidama/ipc/shared_array.h"
#include "genkidama/params/actor_mode.h"

namespace genkidama {

/// A bounded queue of slots in shared memory. A worker fills one slot after the other, and the learner takes
/// the oldest that are full. What a slot is for changes by one atomic operation, so a process that is killed
/// leaves nothing locked; who takes its place finds the slot that it was filling.
class SegmentSlots {
 public:
  /// Throws IoError.
  explicit SegmentSlots(std::size_t slots);

  std::size_t size() const { return heads_.size(); }

  // A worker calls these.

  /// The slot that a worker of this number is filling.
  std::optional<std::size_t> filling(int worker) const;
  /// A slot to fill: a free one, or with kDropOldest the oldest in the queue, whose steps are counted as
  /// dropped. Nothing when there is none.
  std::optional<std::size_t> begin(int worker, FullQueue when_full);
  /// What is in the slot is a dead worker's: it is counted as dropped, and the slot is filled anew.
  void abandon(std::size_t slot);
  void add_steps(std::size_t slot, std::uint64_t steps) {
    heads_[slot].steps.fetch_add(steps, std::memory_order_relaxed);
  }
  /// It goes into the queue.
  void finish(std::size_t slot);

  // Anybody calls these.

  std::uint64_t steps(std::size_t slot) const { return heads_[slot].steps.load(std::memory_order_relaxed); }
  /// In the queue.
  std::uint64_t queued_steps() const;
  /// By full queues and dead workers, since the beginning.
  std::uint64_t dropped_steps() const { return dropped_steps_[0].load(std::memory_order_relaxed); }
  /// Whether the workers shall stop playing until the next order.
  bool is_stopped() const { return stopped_[0].load(std::memory_order_relaxed); }
  void stop() { stopped_[0].store(true, std::memory_order_relaxed); }

  // The lead calls these, while all workers wait.

  void go_on() { stopped_[0].store(false, std::memory_order_relaxed); }
  /// The oldest in the queue, until these have `steps` steps or nothing is left, become the learner's.
  void claim(std::uint64_t steps);
  /// The learner has learnt from what it had.
  void release();
  /// Everything that was played is forgotten.
  void reset();

  /// The learner's slots, the oldest first.
  std::vector<std::size_t> claimed() const;

 private:
  enum class Stage : std::uint64_t { kFree, kFilling, kQueued, kClaimed };
  /// What a slot is for, and its worker's number, or its place in the queue.
  static constexpr std::uint64_t state_of(Stage stage, std::uint64_t number) {
    return number << 2 | static_cast<std::uint64_t>(stage);
  }
  static Stage stage_of(std::uint64_t state) { return static_cast<Stage>(state & 3); }
  static std::uint64_t number_of(std::uint64_t state) { return state >> 2; }

  struct Head {
    std::atomic<std::uint64_t> state{0};
    std::atomic<std::uint64_t> steps{0};
  };
  /// The slots of a stage in the order of their numbers.
  std::vector<std::size_t> slots_in(Stage stage) const;

  SharedArray<Head> heads_;
  SharedArray<std::atomic<std::uint64_t>> next_;  ///< one: the last place in the queue that was given
  SharedArray<std::atomic<std::uint64_t>> dropped_steps_;  ///< one
  SharedArray<std::atomic<bool>> stopped_;                 ///< one
};

}  // namespace genkidama
