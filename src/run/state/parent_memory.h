#pragma once

/// @file
/// What a Parent's state holds beside the weights and the counts.

#include "genkidama/params/outer_optimizer.h"
#include "genkidama/params/running_statistics.h"
#include "genkidama/params/saveable.h"

namespace genkidama::run {

struct ParentMemory : Saveable {
  StreamStatistics statistics;     ///< of the Children
  OuterOptimizer outer_optimizer;  ///< of rounds that Children make together

  void save(StateWriter& state) const override {
    statistics.save(state);
    outer_optimizer.save(state);
  }
  void restore(const StateReader& state) override {
    statistics.restore(state);
    outer_optimizer.restore(state);
  }
};

}  // namespace genkidama::run
