#pragma once

// How wrong a world model is about steps that it has not learnt from, and whether it may be used.

#include <cstddef>
#include <span>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Running means, over about 200 steps, of a model's squared error and of that of predicting no change, in
/// floats that all workers share.
class ModelError {
 public:
  /// The floats of shared state.
  static constexpr std::size_t kSharedSize = 5;

  /// What came of a look at the error.
  enum class Change {
    kNone,
    kStopped,  ///< the model was used, and is not from now on
    kResumed   ///< it had been stopped, and is used again
  };

  /// `shared` has kSharedSize floats, which are 0 at first, and outlives the object. The model is used below
  /// `limit`, and after it was stopped below nine tenths of that.
  ModelError(std::span<float> shared, double limit) : shared_(shared), limit_(static_cast<float>(limit)) {}

  /// Adds the errors of a step. What is not finite counts as 10,000.
  void add(float model, float no_change);
  /// The model's error over that of predicting no change; 0 before the first step, and where nothing changes.
  float relative() const;
  /// Decides whether the model may be used. One of the workers that call it is told of a change.
  Change look();
  /// Whether look() has found the model good enough. It never does within the first 100 steps.
  bool is_used() const;
  /// How often look() has told somebody of a change.
  int changes() const;

 private:
  /// Steps, both means, what the model is (0 untried, 1 used, 2 stopped), and changes of that.
  std::span<float> shared_;
  float limit_;
};

}  // namespace genkidama
