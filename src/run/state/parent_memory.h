#pragma once

/// @file
/// What a Parent's state holds beside the weights and the counts.

#include <memory>

#include "genkidama/params/merge_method.h"
#include "genkidama/params/merge_methods.h"
#include "genkidama/params/optimizer_moments.h"
#include "genkidama/params/outer_optimizer.h"
#include "genkidama/params/population.h"
#include "genkidama/params/running_statistics.h"
#include "genkidama/params/saveable.h"

namespace genkidama::run {

/// Of merges, of rounds that Children make together, and of a population.
struct RoundMemory {
  OuterOptimizer outer_optimizer;
  AveragedMoments moments;
  std::shared_ptr<MergeMethod> merge_method;  ///< nullptr without one
  Population population;                      ///< without members: there is none
};

struct ParentMemory : Saveable {
  StreamStatistics statistics;  ///< of the Children
  RoundMemory rounds;

  void save(StateWriter& state) const override {
    statistics.save(state);
    rounds.outer_optimizer.save(state);
    rounds.moments.save(state);
    if (rounds.merge_method) rounds.merge_method->save(state);
    rounds.population.save(state);
  }
  void restore(const StateReader& state) override {
    statistics.restore(state);
    rounds.outer_optimizer.restore(state);
    rounds.moments.restore(state);
    if (rounds.merge_method) {
      rounds.merge_method->restore(state);
    } else {
      skip_merge_notes(state);
    }
    rounds.population.restore(state);
  }
};

}  // namespace genkidama::run
