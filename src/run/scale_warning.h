#pragma once

/// @file
/// Rewards or steps of learning that are too large for anything to be learnt.

#include "genkidama/params/local_trainer.h"
#include "genkidama/run/run_options.h"

namespace genkidama::run {

/// Warns once in a run, when the value estimate misses the scaled returns by more than 10,000 on average.
class ScaleWarning {
 public:
  /// Looks at one more round.
  void follow(const RoundReport& round, const RunOptions& options);

 private:
  bool warned_ = false;
};

}  // namespace genkidama::run
