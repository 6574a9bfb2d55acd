#pragma once

/// @file
/// Draws what a learner learns from out of a replay buffer: transitions over one or more steps, uniformly or
/// by priority.

#include <cstddef>
#include <cstdint>
#include <optional>
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

/// Steps of episodes in the order of time, for a learner with memory: sequences, one behind the other. A
/// sequence of n steps has n + 1 observations: one before each step, and the one after its last.
struct ReplaySequences {
  std::vector<std::size_t> lengths;  ///< [sequences]; steps of each, >= 1
  /// [sequences]; the drawn step, counted from its sequence's first: those before it only bring the memory to
  /// what it was.
  std::vector<std::size_t> drawn;
  std::vector<float> observations;  ///< [steps + sequences, observation size], row-major
  std::vector<float> actions;       ///< [steps, action width], row-major
  std::vector<float> rewards;       ///< [steps], not scaled
  /// [sequences], 0 or 1: nothing lies beyond the last step, since the task ended there.
  std::vector<std::uint8_t> terminated;
  /// [steps + sequences, mask width], 0 or 1, of each observation; that of a sequence's first one allows
  /// everything. Empty where nothing is masked.
  std::vector<std::uint8_t> masks;
  std::vector<float> weights;       ///< [sequences]; as ReplayBatch::weights
  std::vector<ReplayPlace> places;  ///< [sequences]; where the drawn step lies

  /// The number of sequences.
  std::size_t size() const { return lengths.size(); }
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

  /// Draws `count` steps as sample() does, or with an `importance_exponent` as sample_by_priority() does.
  /// Each comes with up to `before` steps that led to it and with up to `length` (>= 1) steps from it on, all
  /// of one episode. A sequence is shorter where its episode begins or ends, and where the buffer does.
  /// Throws as those do.
  void sample_sequences(Random& random, std::size_t count, std::size_t before, std::size_t length,
                        std::optional<double> importance_exponent, ReplaySequences& sequences);

  /// Gives the rows of a batch new priorities [n]. Rows that were overwritten meanwhile keep theirs. Throws
  /// ArgumentError, with all priorities as they were, unless each is finite and at least 0, and there are as
  /// many as the batch has rows.
  void write_priorities(const ReplayBatch& batch, std::span<const float> priorities) {
    write_priorities(batch.places, priorities);
  }
  /// The same for drawn steps, such as those of sequences.
  void write_priorities(std::span<const ReplayPlace> places, std::span<const float> priorities);

 private:
  struct Drawn {
    ReplayPlace place;
    float priority = 0;
  };

  int first_core() const;
  int last_core() const;
  std::uint64_t rows_of(int core, std::uint64_t stored) const;
  ReplayPlace draw_uniformly(Random& random) const;
  Drawn at(int core, std::size_t leaf) const;
  Drawn draw_by_priority(Random& random) const;
  void find_equal_parts(Random& random, std::size_t count, double total);
  double total_priority() const;
  void resize(ReplayBatch& batch, std::size_t count) const;
  bool assemble(const ReplayPlace& place, ReplayBatch& batch, std::size_t index);
  bool append_sequence(const ReplayPlace& place, std::size_t before, std::size_t length,
                       ReplaySequences& sequences);
  void draw_all(Random& random, std::size_t count, std::optional<double> importance_exponent);
  Drawn draw_again(Random& random, bool by_priority) const;
  void weigh(double importance_exponent, std::span<float> weights) const;
  void fill(Random& random, bool by_priority, ReplayBatch& batch);

  ReplayBuffer& buffer_;
  ReplaySamplerOptions options_;
  std::vector<std::uint32_t> row_, next_row_;
  std::vector<std::uint32_t> sequence_;  ///< rows of the sequence that is put together
  std::vector<Drawn> drawn_;
  double drawn_from_ = 0;  ///< the sum of all priorities at the latest draw by them
  std::vector<float> masses_;
  std::vector<std::size_t> leaves_;
};

}  // namespace genkidama
