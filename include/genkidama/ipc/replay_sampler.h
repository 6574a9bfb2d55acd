#pragma once

/// @file
/// Draws what a learner learns from out of a replay buffer: transitions over one or more steps, uniformly or
/// by priority.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/core/random.h"
#include "genkidama/ipc/replay_buffer.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Transitions in columns. Row i of each column belongs to transition i, which has one step or several. The
/// target of a value learnt from it is rewards[i] + discounts[i] * (the value of next_observations[i]).
struct ReplayBatch {
  std::vector<float> observations;       ///< [n, observation size], row-major; before the first step
  std::vector<float> actions;            ///< [n, action width], row-major; of the first step
  std::vector<float> rewards;            ///< [n]; the sum of gamma^k times the reward of step k, not scaled
  std::vector<float> discounts;          ///< [n]; gamma^(number of steps), or 0 where the task itself ended
  std::vector<float> next_observations;  ///< [n, observation size], row-major; after the last step
  /// [n, mask width], 0 or 1: which alternatives may follow the next observation. Empty where nothing is
  /// masked.
  std::vector<std::uint8_t> next_masks;
  /// [n]; by how much each row counts in the loss: importance weights, of which the largest is 1, and 1 where
  /// rows are drawn uniformly.
  std::vector<float> weights;
  std::vector<ReplayPlace> places;  ///< [n]; where the first step lies

  /// The number of transitions.
  std::size_t size() const { return rewards.size(); }
};

/// What a sampler draws.
struct ReplaySamplerOptions {
  int core = ReplayBuffer::kAllCores;  ///< the share that is drawn from, or those of all cores
  /// Steps of a transition at most, >= 1. It has fewer where its episode ends, where the buffer ends, and
  /// where the next row does not go on from it.
  int steps = 1;
  double gamma = 1;  ///< discount per step, in [0, 1]
  /// Rows from a step to the next one of the same environment, >= 1: the environments that a worker plays
  /// side by side.
  std::size_t stride = 1;
  /// true: the observation at which a time limit cut the episode off still has a value. false: the time limit
  /// is taken for a terminal state.
  bool bootstrap_truncated = true;
};

/// Each process or thread that draws has a sampler of its own. Nothing is locked while rows are drawn or
/// copied; rows that are overwritten meanwhile are drawn again. The same random numbers draw the same rows
/// while nobody writes.
///
/// Steps are put together when they are drawn. Row k+1 goes on from row k when it was stored after it and its
/// observation is, bit for bit, the one that row k ended with; so an episode that was left in its middle, or
/// a killed worker's, is never joined to the next one.
class ReplaySampler {
 public:
  /// `buffer` outlives the sampler. Throws ArgumentError for an option out of range.
  ReplaySampler(ReplayBuffer& buffer, const ReplaySamplerOptions& options);

  /// The rows that can be drawn at this moment.
  std::size_t size() const;

  /// Draws `count` transitions uniformly, with replacement, into `batch`. Throws ArgumentError when there is
  /// no row to draw; what the batch holds is then undefined.
  void sample(Random& random, std::size_t count, ReplayBatch& batch);

  /// Draws `count` transitions with probabilities P in proportion to their priorities, one from each of
  /// `count` equal parts of the priorities' sum (Schaul et al. 2016, "Prioritized Experience Replay"). The
  /// weight of a transition is (N P)^-importance_exponent, with N rows in all, divided by the batch's
  /// largest. Throws ArgumentError as sample() does, and unless the buffer is prioritised and the exponent
  /// lies in [0, 1].
  void sample_by_priority(Random& random, std::size_t count, double importance_exponent, ReplayBatch& batch);

  /// Gives the rows of a batch new priorities [n]. Rows that were overwritten meanwhile keep theirs. Throws
  /// ArgumentError, with all priorities as they were, unless each is finite and at least 0, and there are as
  /// many as the batch has rows.
  void write_priorities(const ReplayBatch& batch, std::span<const float> priorities);

 private:
  struct Drawn {
    ReplayPlace place;
    float priority = 0;
  };

  int first_core() const;
  int last_core() const;
  std::uint64_t rows_of(std::uint64_t stored) const;
  ReplayPlace draw_uniformly(Random& random) const;
  Drawn at(int core, std::size_t leaf) const;
  Drawn draw_by_priority(Random& random) const;
  void find_equal_parts(Random& random, std::size_t count, double total);
  double total_priority() const;
  void resize(ReplayBatch& batch, std::size_t count) const;
  bool assemble(const ReplayPlace& place, ReplayBatch& batch, std::size_t index);
  template <typename Draw>
  void fill(std::size_t count, ReplayBatch& batch, const Draw& draw_again);

  ReplayBuffer& buffer_;
  ReplaySamplerOptions options_;
  std::vector<std::uint32_t> row_, next_row_;
  std::vector<Drawn> drawn_;
  std::vector<float> masses_;
  std::vector<std::size_t> leaves_;
};

}  // namespace genkidama
