#pragma once

/// @file
/// The replay buffer of the thesis (section 4.5). It is a tensor C x N x M in shared memory, for C cores and
/// N steps per core; M = [observation, action, reward, next observation, terminated, truncated]. Environments
/// that mask actions have the next observation's mask behind these.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/core/random.h"
#include "genkidama/ipc/priority_tree.h"
#include "genkidama/ipc/shared_array.h"
#include "genkidama/ipc/transition.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Transitions in columns. Row i of each column belongs to transition i.
struct TransitionBatch {
  std::vector<float> observations;       ///< [n, observation_size], row-major
  std::vector<float> actions;            ///< [n, action_width], row-major
  std::vector<float> rewards;            ///< [n]
  std::vector<float> next_observations;  ///< [n, observation_size]
  std::vector<std::uint8_t> terminated;  ///< [n], 0 or 1
  std::vector<std::uint8_t> truncated;   ///< [n], 0 or 1
  /// [n, mask_width], 0 or 1: which alternatives may follow the next observation. Empty where nothing is
  /// masked.
  std::vector<std::uint8_t> next_masks{};
  /// The number of transitions.
  std::size_t size() const { return rewards.size(); }
};

/// One core's share, as another process needs it to go on with it.
struct ReplayShare {
  std::uint64_t stored = 0;  ///< how many rows were ever stored
  TransitionBatch newest;    ///< the newest of these rows, oldest first
  /// [rows of `newest`]; what drawing by priority goes by. Empty: all rows have the largest priority.
  std::vector<float> priorities{};
  float largest_priority = 1;  ///< what a new row of any share begins with
};

/// Where a transition lies: the share, and how many were stored in it before.
struct ReplayPlace {
  int core = 0;              ///< the share
  std::uint64_t number = 0;  ///< transitions stored in the share before this one
};

/// Each core writes only its own share, a ring of `capacity` steps, and every core reads all shares. Make the
/// buffer before the fork.
///
/// Reads and writes may overlap. A sequence number guards each row, and a reader that meets a row that is
/// being overwritten reads it again, so a row is never a mixture of two steps. There are no locks. A writer
/// that is killed in the middle of a row spoils that row, and readers leave it out.
///
/// A prioritised buffer has a PriorityTree for each share. A row has priority 0 while it is written, and the
/// largest priority that any row ever had when it is whole, so that each is learnt from soon. ReplaySampler
/// draws from the buffer for learners.
class ReplayBuffer {
 public:
  /// Stands for the shares of all cores where a function takes a core's number.
  static constexpr int kAllCores = -1;

  /// Reserves the memory of all shares. `mask_width` is the number of bytes in a mask of actions, 0 where
  /// nothing is masked. Throws ArgumentError unless every other argument is at least 1, and IoError, whose
  /// text has the bytes that are needed, when the system has not enough memory.
  ReplayBuffer(int cores, std::size_t capacity, int observation_size, int action_width = 1,
               int mask_width = 0, bool is_prioritised = false);

  /// The number of cores, each of which has a share.
  int cores() const { return cores_; }
  /// The number of rows that a share has room for.
  std::size_t capacity() const { return capacity_; }
  /// The number of floats in an observation.
  int observation_size() const { return observation_size_; }
  /// The number of floats in an action.
  int action_width() const { return action_width_; }
  /// The number of bytes in a mask of actions; 0: rows hold none.
  int mask_width() const { return mask_width_; }
  /// Whether rows have priorities.
  bool is_prioritised() const { return !priorities_.empty(); }
  /// The bytes of shared memory that the buffer takes.
  std::size_t bytes() const;
  /// The number of values in a row: both observations, the action, the reward, two flags and the mask.
  std::size_t row_size() const {
    return 2 * static_cast<std::size_t>(observation_size_) + static_cast<std::size_t>(action_width_) +
           static_cast<std::size_t>(mask_width_) + 3;
  }

  /// Appends a row to the share of `core`, in place of its oldest row when the share is full. Only the worker
  /// that owns `core` may call this. A worker that replaces a killed one goes on in that worker's share and
  /// mends the spoiled row. An empty mask is stored as one that allows everything. Throws ArgumentError when
  /// an observation, the action or the mask has the wrong size.
  void store(int core, const Transition& transition);

  /// The number of rows that can be read at this moment, in the share of `core` or in all shares.
  std::size_t size(int core = kAllCores) const;
  /// How many rows were ever stored in the share of `core`.
  std::uint64_t stored(int core) const;
  /// The number of the oldest row that the share of `core` keeps when `stored` rows were ever stored in it. A
  /// share that was restored lacks the rows that were not given, also where there is room for them.
  std::uint64_t oldest(int core, std::uint64_t stored) const;

  /// Draws `count` rows uniformly and independently into `batch`, which gets that size. Once the batch has
  /// had the room, no memory is asked for (with up to 64 cores). Throws ArgumentError when there is no row to
  /// draw; what the batch holds is then undefined.
  void sample_with_replacement(Random& random, std::size_t count, TransitionBatch& batch,
                               int core = kAllCores) const;
  /// Draws `count` different rows uniformly, in random order, into `batch`, as above; up to 512 rows are
  /// drawn without asking for memory. Throws ArgumentError when there are fewer rows.
  void sample_without_replacement(Random& random, std::size_t count, TransitionBatch& batch,
                                  int core = kAllCores) const;
  /// Does the same and returns a new batch.
  TransitionBatch sample_with_replacement(Random& random, std::size_t count, int core = kAllCores) const;
  /// Does the same and returns a new batch.
  TransitionBatch sample_without_replacement(Random& random, std::size_t count, int core = kAllCores) const;
  /// Returns the newest `count` rows of one core, or all its rows when it has fewer, oldest first and without
  /// a gap; the `newer` newest ones of all are left out. Rows that the core overwrites during the call are
  /// missing at the front.
  TransitionBatch in_time_order(int core, std::size_t count, std::size_t newer = 0) const;

  /// Changes the priority of a row, from any worker. Nothing happens when the row was overwritten meanwhile.
  /// Throws ArgumentError unless the priority is finite and at least 0 and the buffer is prioritised.
  void set_priority(const ReplayPlace& place, float priority);
  /// The priority of a row; 0 when the row is not there, or not there any more. Throws ArgumentError unless
  /// the buffer is prioritised.
  float priority(const ReplayPlace& place) const;
  /// The largest priority that a row ever had, which a new row begins with: 1 at first. Throws ArgumentError
  /// unless the buffer is prioritised.
  float largest_priority() const;
  /// Computes the sums of the priorities in the share of `core` anew, after a worker that was killed. Nothing
  /// happens when the buffer is not prioritised.
  void mend_priorities(int core);

  /// Returns the share of `core` with its newest rows, at most `count`. Call it while nobody stores rows.
  ReplayShare share(int core, std::size_t count) const;
  /// Gives the share of `core` the content that it had: the same rows at the same places, so that later
  /// samples are those that would have been drawn. Rows that are not given, or for which there is no room,
  /// are gone. Call it before anybody stores rows. Throws ArgumentError when `share` holds more rows than it
  /// says were ever stored, or when their observations, actions or masks have another size.
  void restore(int core, const ReplayShare& share);

 private:
  friend class ReplaySampler;
  using Word = std::uint32_t;  // a float's bits, or a flag
  std::size_t row_of(const ReplayPlace& place) const {
    return static_cast<std::size_t>(place.core) * capacity_ +
           static_cast<std::size_t>(place.number % capacity_);
  }
  bool copy_row(const ReplayPlace& place, std::span<Word> row) const;
  void prefetch_row(const ReplayPlace& place) const;
  void check_prioritised() const;
  void raise_largest_priority(float priority);
  std::size_t check_core(int core) const;
  void clear(std::size_t share);
  bool try_read(std::size_t row, std::optional<std::uint64_t> transition, TransitionBatch& batch,
                std::size_t index) const;
  bool read(std::size_t row, TransitionBatch& batch, std::size_t index) const;
  void resize(TransitionBatch& batch, std::size_t count) const;

  int cores_;
  std::size_t capacity_;
  int observation_size_;
  int action_width_;
  int mask_width_;
  SharedArray<Word> words_;  // [cores, capacity, row_size()]
  SharedArray<std::uint64_t>
      versions_;  // [cores, capacity]: 2 (t + 1) holds transition t, 2 t + 1 is being written
  SharedArray<std::uint64_t> stored_;     // [cores]
  SharedArray<std::uint64_t> first_;      // [cores]: the first row that was stored or restored
  std::vector<PriorityTree> priorities_;  // [cores]; empty: rows have none
  SharedArray<float> largest_priority_;   // one
};

}  // namespace genkidama
