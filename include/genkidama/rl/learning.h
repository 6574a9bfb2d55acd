#pragma once

/// @file
/// Who learns from what the workers of a machine play.

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Where the segments of a machine's workers go. With all but kWorkers a round ends after
/// Hyperparameters::round_steps steps of all workers together (RoundEnd::kStep), and the weights change only
/// between two rounds.
enum class Learning {
  /// Each worker learns from its own segments and shares what it has learnt (Sharing).
  kWorkers,
  /// Workers play, and one more process (or thread) learns from the segments of all of them when they have
  /// ended their round. Hyperparameters::sharing has no effect.
  kCentral,
  /// One process (or thread) learns from segments that it is given: LocalTrainer::learn_round(). The workers
  /// only play evaluations. Hyperparameters::sharing has no effect.
  kGiven,
  /// Nobody here learns: the workers' segments are for a learner elsewhere, LocalTrainer::play_round().
  kElsewhere
};

/// The name of a place: "workers", "central", "given" or "elsewhere".
const char* learning_name(Learning learning);

}  // namespace genkidama
