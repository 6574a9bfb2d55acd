#pragma once

// What crosses from the threads of sockets to the thread that learns, for all shards of a learner.

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/core/clock.h"
#include "genkidama/params/weight_shards.h"
#include "genkidama/wire/shard_frames.h"

namespace genkidama {

/// One shard, as a learner knows it.
struct ShardPlace {
  bool is_joined = false;
  std::optional<WeightSlice> slice;  ///< since it was joined first; the same ever after
  std::string run_id;                ///< as `slice`
  std::uint64_t link = 0;            ///< counts the links that were joined
  std::uint64_t step = 0;            ///< optimizer steps that `weights` have seen
  std::vector<float> weights;        ///< the newest that came
  std::uint64_t awaited = 0;         ///< gradients whose answer is due on this link; 0: none
  std::vector<GradientFate> fates;   ///< what the latest answer says
  std::string last_failure;          ///< why there was no link, or no more
  std::string refusal;               ///< why there will never be a link; empty: there may be one
  Clock::time_point away_since = Clock::now();
};

/// `places` are guarded by the mutex.
struct ShardBoard {
  explicit ShardBoard(std::size_t shards) : places(shards) {}

  std::mutex mutex;
  std::condition_variable changed;
  std::vector<ShardPlace> places;
};

}  // namespace genkidama
