#pragma once

// A shard's slice and counts, without any socket.

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/net/shard.h"
#include "genkidama/wire/shard_frames.h"

namespace GENKIDAMA_EXPORT genkidama {

/// The io thread writes, any thread reads. What another thread reads is written under `mutex_`; the io thread
/// reads without it what only it writes.
class ShardState {
 public:
  ShardState(std::uint64_t max_gradient_age, ShardContents contents, ShardStep step);

  // Any thread.

  ShardContents contents() const;
  ShardStatus status() const;

  // The io thread.

  /// Applies the gradients of the learner on this connection, one after the other, and says what became of
  /// each. After a failure none is applied.
  std::vector<GradientFate> apply(std::uint64_t connection, std::span<const SliceGradient> gradients);
  std::uint64_t steps() const { return contents_.steps; }
  std::span<const float> weights() const { return contents_.weights; }
  bool has_failed() const { return !status_.failure.empty(); }

  void joined(std::uint64_t connection, const std::string& name, const std::string& address);
  /// What it has brought on its link, for the log.
  ShardLearnerStatus left(std::uint64_t connection);
  void peer_refused(const std::string& reason);
  void frame_refused(const std::string& reason);
  void frame_received(std::size_t bytes);
  void frame_sent(std::size_t bytes);

 private:
  const std::uint64_t max_gradient_age_;
  const ShardStep step_;
  mutable std::mutex mutex_;
  ShardContents contents_;
  ShardStatus status_;                                    // but for what follows from the others
  std::map<std::uint64_t, ShardLearnerStatus> learners_;  // by the number of the connection
};

}  // namespace genkidama
