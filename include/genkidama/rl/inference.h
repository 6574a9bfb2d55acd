#pragma once

/// @file
/// Who computes the outputs that actions are chosen from: each worker, or processes for all of them.

#include <chrono>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Central inference: workers hand observations to predictors, and choose their actions from the outputs that
/// come back (Babaeizadeh et al. 2017, "GA3C"; Petrenko et al. 2020, "Sample Factory").
struct InferenceOptions {
  /// Processes or threads that compute outputs for all workers, 0 to 1024; 0: each worker computes its own.
  int predictors = 0;
  /// The most observations that a predictor computes at once, >= 0; 0: all that are waiting. One worker's
  /// observations are never divided, so there may be as many as one worker hands over.
  int batch = 0;
  /// How long a predictor waits until it has a batch, at least 0 and at most a second; 0: it computes what is
  /// there. It does not wait for more than all workers can hand over.
  std::chrono::microseconds wait{0};
  /// A worker divides its environments into two halves, and steps one while the outputs for the other are
  /// computed (Sample Factory's double-buffered sampling). Needs predictors and at least two environments in
  /// each worker.
  bool double_buffering = false;
  /// Every so many seconds one predictor or one worker more or less is tried, and kept if more steps a second
  /// are played with it (GA3C, section 4.3), at least 0; 0: all of them work all the time. `predictors` and
  /// OrchestratorOptions::workers are then the most. Needs predictors and ActorMode::kAsynchronous.
  double tune_seconds = 0;

  /// Throws ArgumentError naming the first field that is out of range, its value and its range.
  void check() const;
};

}  // namespace genkidama
