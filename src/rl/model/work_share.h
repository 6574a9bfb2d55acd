#pragma once

// How much of one kind of work may be done for another kind.

#include <cstddef>
#include <cstdint>
#include <span>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// At most `ratio` pieces of work for each real optimizer step that was counted, whoever counts and whoever
/// works: all claims together are floor(ratio * counted steps) at most. It lies in floats that all workers
/// share. What nobody has claimed is kept up to 1,000 pieces, or 1,000 for each unit of a ratio above 1.
class WorkShare {
 public:
  /// The floats of shared state.
  static constexpr std::size_t kSharedSize = 2;

  /// `shared` has kSharedSize floats, which are 0 at first, and outlives the object.
  WorkShare(std::span<float> shared, double ratio) : shared_(shared), ratio_(ratio) {}

  /// Counts a real optimizer step.
  void count();
  /// Takes a piece of work, if one is left.
  bool claim();

 private:
  std::span<float> shared_;  ///< steps, modulo a million, and what is left
  double ratio_;
};

}  // namespace genkidama
