#pragma once

// What one episode gave, step by step, small enough to keep for comparisons with another one.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "core/fnv1a.h"
#include "genkidama/env/environment.h"

namespace genkidama {

/// Keeps figures, and for each step a digest of the observation's, the reward's and the ends' bits.
class EpisodeRecord {
 public:
  void begin(Observation observation, ActionMask mask = {}) {
    mask_ = mask;
    take(observation, digest(mask.data(), mask.size(), kFnv1aStart));
  }

  void add(const StepResult& result, ActionMask mask = {}) {
    mask_ = mask;
    reward_ = result.reward;
    terminated_ = result.terminated;
    truncated_ = result.truncated;
    sum_of_rewards_ += reward_;
    lowest_reward_ = std::min(lowest_reward_, reward_);
    highest_reward_ = std::max(highest_reward_, reward_);
    const std::uint8_t ends = static_cast<std::uint8_t>((terminated_ ? 1 : 0) + (truncated_ ? 2 : 0));
    take(result.observation,
         digest(&ends, sizeof ends,
                digest(&reward_, sizeof reward_, digest(mask.data(), mask.size(), kFnv1aStart))));
  }

  /// The episode is left here.
  void stop() { stopped_ = true; }

  bool over() const { return terminated_ || truncated_ || stopped_; }
  bool terminated() const { return terminated_; }
  bool truncated() const { return truncated_; }
  int steps() const { return static_cast<int>(digests_.size()) - 1; }
  Observation observation() const { return observation_; }
  ActionMask mask() const { return mask_; }
  float reward() const { return reward_; }
  double sum_of_rewards() const { return sum_of_rewards_; }
  float lowest_reward() const { return lowest_reward_; }
  float highest_reward() const { return highest_reward_; }
  /// Of all values of all observations.
  float lowest() const { return lowest_; }
  float highest() const { return highest_; }

  /// Whether the latest observation still is what it was when it was given.
  bool is_observation_unchanged() const {
    return digest(observation_.data(), observation_.size_bytes(), kFnv1aStart) == observation_digest_;
  }

  /// The first step at which the two episodes differ, 0 for what reset() gave, if there is one.
  std::optional<int> first_difference(const EpisodeRecord& other) const {
    const auto [mine, theirs] =
        std::mismatch(digests_.begin(), digests_.end(), other.digests_.begin(), other.digests_.end());
    if (mine == digests_.end() && theirs == other.digests_.end()) return {};
    return static_cast<int>(mine - digests_.begin());
  }

 private:
  static std::uint64_t digest(const void* data, std::size_t size, std::uint64_t state) {
    return fnv1a({static_cast<const std::byte*>(data), size}, state);
  }

  void take(Observation observation, std::uint64_t state) {
    observation_ = observation;
    observation_digest_ = digest(observation.data(), observation.size_bytes(), kFnv1aStart);
    digests_.push_back(digest(&observation_digest_, sizeof observation_digest_, state));
    for (const float value : observation) {
      lowest_ = std::min(lowest_, value);
      highest_ = std::max(highest_, value);
    }
  }

  std::vector<std::uint64_t> digests_;
  Observation observation_;
  ActionMask mask_;
  std::uint64_t observation_digest_ = kFnv1aStart;
  float reward_ = 0;
  double sum_of_rewards_ = 0;
  float lowest_reward_ = std::numeric_limits<float>::infinity();
  float highest_reward_ = -std::numeric_limits<float>::infinity();
  float lowest_ = std::numeric_limits<float>::infinity();
  float highest_ = -std::numeric_limits<float>::infinity();
  bool terminated_ = false;
  bool truncated_ = false;
  bool stopped_ = false;
};

}  // namespace genkidama
