#pragma once

/// @file
/// The replay buffer of the thesis (section 4.5): a tensor C x N x M in shared memory, C cores, N steps per
/// core, M = [observation, action, reward, next observation, terminated, truncated].

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/core/random.h"
#include "genkidama/ipc/shared_array.h"
#include "genkidama/ipc/transition.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Transitions in columns, row i belonging to transition i.
struct TransitionBatch {
  std::vector<float> observations;       ///< [n, observation_size], row-major
  std::vector<float> actions;            ///< [n, action_width], row-major
  std::vector<float> rewards;            ///< [n]
  std::vector<float> next_observations;  ///< [n, observation_size]
  std::vector<std::uint8_t> terminated;  ///< [n], 0 or 1
  std::vector<std::uint8_t> truncated;   ///< [n], 0 or 1
  /// Transitions in it.
  std::size_t size() const { return rewards.size(); }
};

/// What one core's share takes to go on with it in another process.
struct ReplayShare {
  std::uint64_t stored = 0;  ///< rows ever stored
  TransitionBatch newest;    ///< the last of them, oldest first
};

/// Each core writes only its own share, a ring of `capacity` steps; every core reads all of them. Create
/// before the fork. Reads and writes may overlap: a row is guarded by a sequence number, and a reader that
/// meets a row being overwritten reads it again, so a row is never torn. No locks: a writer killed midway
/// spoils one row, which readers then leave out.
class ReplayBuffer {
 public:
  /// Which rows a sample is drawn from.
  static constexpr int kAllCores = -1;

  /// All >= 1; throws ArgumentError otherwise, IoError when the memory cannot be had.
  ReplayBuffer(int cores, std::size_t capacity, int observation_size, int action_width = 1);

  /// Shares, one per core.
  int cores() const { return cores_; }
  /// Rows in each share.
  std::size_t capacity() const { return capacity_; }
  /// Floats in an observation.
  int observation_size() const { return observation_size_; }
  /// Floats in an action.
  int action_width() const { return action_width_; }
  /// Floats that a transition takes: both observations, the action, the reward and two flags.
  std::size_t row_size() const {
    return 2 * static_cast<std::size_t>(observation_size_) + static_cast<std::size_t>(action_width_) + 3;
  }

  /// Appends to `core`'s share, over its oldest row when full. Only the worker that owns `core` calls this.
  /// Throws ArgumentError when an observation or the action has the wrong size. A worker that takes over a
  /// killed one's share goes on where that one stopped, and mends the spoiled row.
  void store(int core, const Transition& transition);

  /// Rows that can be read at this moment: in `core`'s share, or in all.
  std::size_t size(int core = kAllCores) const;
  /// Rows ever stored in `core`'s share.
  std::uint64_t stored(int core) const;

  /// `count` rows drawn uniformly and independently. Throws ArgumentError when there is no row to draw.
  TransitionBatch sample_with_replacement(Random& random, std::size_t count, int core = kAllCores) const;
  /// `count` different rows drawn uniformly, in random order. Throws ArgumentError when there are fewer.
  TransitionBatch sample_without_replacement(Random& random, std::size_t count, int core = kAllCores) const;
  /// The newest `count` rows of one core (or all it has, if fewer), oldest first and without a gap: when the
  /// core overwrites its oldest rows meanwhile, those are missing at the front.
  TransitionBatch in_time_order(int core, std::size_t count) const;

  /// A core's share with at most `count` rows. While nobody stores.
  ReplayShare share(int core, std::size_t count) const;
  /// Makes a core's share what it was: the same rows at the same places, so that samples drawn afterwards are
  /// those that would have been drawn. Rows that are not given, or do not fit, are gone. Before anybody
  /// stores. Throws ArgumentError when there are more rows than were ever stored, or their observations or
  /// actions have another size.
  void restore(int core, const ReplayShare& share);

 private:
  using Word = std::uint32_t;  // a float's bits, or a flag
  std::size_t check_core(int core) const;
  void clear(std::size_t share);
  bool try_read(std::size_t row, std::optional<std::uint64_t> transition, std::span<Word> out) const;
  bool read(std::size_t row, std::span<Word> out) const;
  void resize(TransitionBatch& batch, std::size_t count) const;
  void put(TransitionBatch& batch, std::size_t index, std::span<const Word> words) const;

  int cores_;
  std::size_t capacity_;
  int observation_size_;
  int action_width_;
  SharedArray<Word> words_;  // [cores, capacity, row_size()]
  SharedArray<std::uint64_t>
      versions_;  // [cores, capacity]: 2 (t + 1) holds transition t, 2 t + 1 is being written
  SharedArray<std::uint64_t> stored_;  // [cores]
};

}  // namespace genkidama
