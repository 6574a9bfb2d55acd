#pragma once

/// @file
/// What a Parent's state holds beside the weights and the counts.

#include "genkidama/params/optimizer_moments.h"
#include "genkidama/params/outer_optimizer.h"
#include "genkidama/params/running_statistics.h"
#include "genkidama/params/saveable.h"

namespace genkidama::run {

/// Of rounds that Children make together.
struct RoundMemory {
  OuterOptimizer outer_optimizer;
  AveragedMoments moments;
};

struct ParentMemory : Saveable {
  StreamStatistics statistics;  ///< of the Children
  RoundMemory rounds;

  void save(StateWriter& state) const override {
    statistics.save(state);
    rounds.outer_optimizer.save(state);
    rounds.moments.save(state);
  }
  void restore(const StateReader& state) override {
    statistics.restore(state);
    rounds.outer_optimizer.restore(state);
    rounds.moments.restore(state);
  }
};

}  // namespace genkidama::run
