#pragma once

// Steps that a world model imagines.

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/core/random.h"
#include "genkidama/ipc/replay_sampler.h"
#include "rl/model/world_model.h"

namespace GENKIDAMA_EXPORT genkidama {

/// What is imagined.
struct ImaginationOptions {
  std::size_t rows = 64;         ///< transitions of a batch, >= 1
  std::size_t steps = 1;         ///< steps one after the other, 1 to `rows`
  std::size_t return_steps = 1;  ///< rewards of so many of these make a transition, >= 1
  double gamma = 1;              ///< discount per step, in [0, 1]
  double epsilon = 0;            ///< chance that the first action is uniformly random
  std::size_t actions = 2;       ///< alternatives
};

/// Plays some steps from given observations in a world model. One member of the model plays all steps that
/// follow one another. Row t * starts() + s of a batch is step t from start s. A step that ends the task with
/// the chance p counts as one that goes on with the chance 1 - p: what follows it is discounted so, and rows
/// that follow it have the weight that is left.
class Imagination {
 public:
  /// Chooses an action [n] for each of `n` observations.
  using Choose = std::function<void(std::span<const float> observations, std::span<float> actions)>;

  /// `model` outlives the object.
  Imagination(WorldModel& model, const ImaginationOptions& options);

  /// How many observations a batch begins with: rows / steps, rounded up.
  std::size_t starts() const { return starts_; }
  /// Fills `batch` from `observations` [starts(), observation size].
  void imagine(std::span<const float> observations, const Choose& choose, Random& random, ReplayBatch& batch);

 private:
  void play(std::span<const float> observations, const Choose& choose, Random& random);
  void assemble(std::span<const float> observations, ReplayBatch& batch) const;

  WorldModel& model_;
  ImaginationOptions options_;
  std::size_t starts_;
  std::vector<std::vector<float>> actions_;  ///< of each step [starts]
  std::vector<Prediction> played_;           ///< of each step
  Prediction part_;
};

}  // namespace genkidama
