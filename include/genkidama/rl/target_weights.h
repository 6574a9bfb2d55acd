#pragma once

/// @file
/// The weights of a target network, which follow those that are learnt.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// How target weights follow.
struct TargetOptions {
  int period = 0;  ///< copied after so many optimizer steps of the machine, >= 0; 0: they follow by `rate`
  double rate = 0.005;  ///< target += rate (weights - target) after each optimizer step, in (0, 1]
};

/// Lies in the state that all workers of a machine share (Algorithm::shared_state_size()), so there is one
/// target for all of them and a resumed run goes on with it. Each worker has an object of this class, and
/// computes with a copy. Workers change the target at once, without a lock, as they do the weights.
class TargetWeights {
 public:
  /// The floats of shared state for a target of `parameters` weights.
  static constexpr std::size_t shared_size(std::size_t parameters) { return parameters + 1; }

  /// `shared` has shared_size() floats, of which all are 0 in a run that begins, and outlives the object.
  TargetWeights(std::span<float> shared, const TargetOptions& options);

  /// Reads the target anew. The first worker that ever does so makes it the present `weights`. Call it when a
  /// round begins.
  void begin_round(std::span<const float> weights);

  /// Call it after an optimizer step, with the `weights` and how many optimizer steps the machine has made.
  void follow(std::span<const float> weights, std::uint64_t steps);

  /// The target, as this worker has read it.
  std::span<const float> weights() const { return own_; }

 private:
  void take(std::span<const float> weights, float mark);

  std::span<float> target_;
  float* mark_;  ///< 0: there is no target yet; otherwise 1 + the number of the period that it is of
  TargetOptions options_;
  std::vector<float> own_;
  float own_mark_ = 0;
};

}  // namespace genkidama
