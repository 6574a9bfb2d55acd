#include "net/shard/shard_state.h"

#include <fmt/format.h>

#include <utility>

#include "core/failpoint.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/params/weighted_average.h"

namespace genkidama {

ShardState::ShardState(std::uint64_t max_gradient_age, ShardContents contents, ShardStep step)
    : max_gradient_age_(max_gradient_age), step_(std::move(step)), contents_(std::move(contents)) {}

ShardContents ShardState::contents() const {
  const std::lock_guard lock(mutex_);
  return contents_;
}

ShardStatus ShardState::status() const {
  const std::lock_guard lock(mutex_);
  ShardStatus status = status_;
  status.steps = contents_.steps;
  status.stale = contents_.stale;
  for (const auto& [connection, learner] : learners_) status.learners.push_back(learner);
  return status;
}

std::vector<GradientFate> ShardState::apply(std::uint64_t connection,
                                            std::span<const SliceGradient> gradients) {
  const std::lock_guard lock(mutex_);
  std::vector<GradientFate> fates;
  ShardLearnerStatus& learner = learners_[connection];
  for (const SliceGradient& each : gradients) {
    ++status_.gradients;
    ++learner.gradients;
    // Its slice may have seen more steps than this shard, which was started again from an older state.
    const std::uint64_t age = contents_.steps > each.version ? contents_.steps - each.version : 0;
    const bool is_stale = has_failed() || (max_gradient_age_ > 0 && age > max_gradient_age_);
    fates.push_back(is_stale ? GradientFate::kStale : GradientFate::kApplied);
    if (is_stale) {
      ++contents_.stale;
      ++learner.stale;
      continue;
    }
    GENKIDAMA_FAILPOINT("shard_before_apply");
    ++contents_.steps;
    step_(contents_.weights, each.values, contents_.optimizer_state, contents_.steps, each.learning_rate);
    GENKIDAMA_FAILPOINT("shard_after_apply");
    if (const std::size_t bad = first_non_finite(contents_.weights); bad != contents_.weights.size()) {
      status_.failure = fmt::format("weight {} of the slice is {} after optimizer step {}", bad,
                                    contents_.weights[bad], contents_.steps);
    }
  }
  return fates;
}

void ShardState::joined(std::uint64_t connection, const std::string& name, const std::string& address) {
  const std::lock_guard lock(mutex_);
  ++status_.joined;
  learners_[connection] = {name, address};
}

ShardLearnerStatus ShardState::left(std::uint64_t connection) {
  const std::lock_guard lock(mutex_);
  ShardLearnerStatus learner = learners_[connection];
  learners_.erase(connection);
  return learner;
}

void ShardState::peer_refused(const std::string& reason) {
  const std::lock_guard lock(mutex_);
  ++status_.refused_peers;
  status_.last_refusal = reason;
}

void ShardState::frame_refused(const std::string& reason) {
  const std::lock_guard lock(mutex_);
  ++status_.refused_frames;
  status_.last_refusal = reason;
}

void ShardState::frame_received(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  status_.bytes_received += bytes;
}

void ShardState::frame_sent(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  status_.bytes_sent += bytes;
}

}  // namespace genkidama
