#pragma once

/// @file
/// Consecutive steps of one episode: the unit of experience that a learner is given.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// How a segment ended.
enum class SegmentEnd {
  kContinues,   ///< the episode goes on; the segment was long enough
  kTerminated,  ///< the task itself ended: no value lies beyond the last step
  kTruncated    ///< the time limit cut the episode off: the last observation still has a value
};

/// Steps in columns; row t belongs to step t of the segment. Rewards are the environment's own: an algorithm
/// that scales them does so where it learns from them.
struct Segment {
  std::vector<float> observations;  ///< [n, observation size], row-major; what the actions were chosen for
  /// [n, action width], row-major; what Behaviour::act() chose. The environment was given
  /// Behaviour::to_environment() of it.
  std::vector<float> actions;
  /// [n, alternatives], row-major; the environment's masks of actions with which they were chosen. Empty
  /// where it masks nothing.
  std::vector<std::uint8_t> masks;
  std::vector<float> rewards;  ///< [n], not scaled
  /// [n]; log-probability with which the behaviour chose each action, exploration included.
  std::vector<float> log_probabilities;
  std::vector<float> last_observation;  ///< the observation after the last step
  /// [state size]; what a network with memory carried when the first action was chosen, before it had seen
  /// the first observation: zeros at an episode's start. Empty without memory.
  std::vector<float> first_state;
  std::vector<float> last_state;  ///< the same before the network has seen the last observation
  /// Optimizer steps that the weights of the segment's first action had seen.
  std::uint64_t policy_version = 0;
  SegmentEnd end = SegmentEnd::kContinues;  ///< how the segment ended

  /// The number of steps.
  std::size_t size() const { return rewards.size(); }
  /// Whether the segment is the last one of its episode.
  bool ends_episode() const { return end != SegmentEnd::kContinues; }

  /// Removes all steps and keeps the memory.
  void clear() {
    observations.clear();
    actions.clear();
    masks.clear();
    rewards.clear();
    log_probabilities.clear();
    last_observation.clear();
    first_state.clear();
    last_state.clear();
    policy_version = 0;
    end = SegmentEnd::kContinues;
  }
};

}  // namespace genkidama
