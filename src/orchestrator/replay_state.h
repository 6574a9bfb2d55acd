#pragma once

/// @file
/// The replay buffer in a saved state: how many rows each worker has ever stored, and a tensor of its newest
/// rows, with their priorities where there are some.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "genkidama/ipc/replay_buffer.h"
#include "genkidama/params/saveable.h"

namespace genkidama {

/// Writes at most `rows` rows of each worker's share. While nobody stores.
void save_replay(StateWriter& state, const ReplayBuffer& replay, std::size_t rows);

/// The shares of a saved replay buffer. Valid as long as what `state` reads.
class SavedReplay {
 public:
  /// Throws FormatError unless the fields are those of a replay buffer. There are no shares where none was
  /// saved.
  explicit SavedReplay(const StateReader& state);

  /// One for each worker that was there.
  std::size_t size() const { return shares_.size(); }
  /// A copy of one worker's share.
  ReplayShare share(std::size_t worker) const;
  /// Throws LayoutError unless all rows fit into `replay`.
  void check_fits(const ReplayBuffer& replay) const;

 private:
  struct Share {
    std::uint64_t stored = 0;
    std::size_t rows = 0;
    std::size_t observation = 0;  // floats
    std::span<const float> values;
    std::span<const float> priorities;
  };
  std::string source_;
  std::size_t action_ = 1;  // floats
  std::size_t mask_ = 0;    // one float for each alternative
  float largest_priority_ = 1;
  std::vector<Share> shares_;
};

}  // namespace genkidama
