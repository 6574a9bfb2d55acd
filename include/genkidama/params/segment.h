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
  /// What rewards are multiplied by for learning, beside Hyperparameters::reward_scale; 1 unless they are
  /// normalised.
  float reward_scale = 1;
  /// The version of the weights that chose the segment's first action: the optimizer steps that they had
  /// seen. Of a segment that came from another machine: the updates that its learner had made.
  std::uint64_t policy_version = 0;
  SegmentEnd end = SegmentEnd::kContinues;  ///< how the segment ended

  /// The number of steps.
  std::size_t size() const { return rewards.size(); }
  /// What its numbers take in memory.
  std::size_t bytes() const {
    const std::size_t floats = observations.size() + actions.size() + rewards.size() +
                               log_probabilities.size() + last_observation.size() + first_state.size() +
                               last_state.size();
    return floats * sizeof(float) + masks.size();
  }
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
    reward_scale = 1;
    policy_version = 0;
    end = SegmentEnd::kContinues;
  }
};

/// How many numbers the parts of a segment have. It follows from the environment and the network, and is the
/// same for all segments of a run.
struct SegmentShape {
  std::size_t observation = 0;   ///< floats of an observation
  std::size_t action = 0;        ///< floats of an action
  std::size_t alternatives = 0;  ///< bytes of a mask of actions; 0: nothing is masked
  std::size_t state = 0;         ///< floats that a network with memory carries; 0: without memory
  std::size_t metrics = 0;       ///< figures that the environment reports of an episode

  /// Compares field by field.
  friend bool operator==(const SegmentShape&, const SegmentShape&) = default;

  /// What a step takes in memory: its row of every column of a segment.
  std::size_t step_bytes() const { return sizeof(float) * (observation + action + 2) + alternatives; }

  /// Whether each part of `segment` has as many numbers as its size() and this shape ask for.
  bool fits(const Segment& segment) const {
    const std::size_t n = segment.size();
    return segment.observations.size() == n * observation && segment.actions.size() == n * action &&
           segment.masks.size() == n * alternatives && segment.log_probabilities.size() == n &&
           segment.last_observation.size() == observation && segment.first_state.size() == state &&
           segment.last_state.size() == state;
  }
};

}  // namespace genkidama
