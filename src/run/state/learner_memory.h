#pragma once

/// @file
/// What a learner's state holds beside the weights and the counts.

#include "genkidama/orchestrator/core_orchestrator.h"
#include "genkidama/params/running_statistics.h"
#include "genkidama/params/saveable.h"

namespace genkidama::run {

struct LearnerMemory : Saveable {
  explicit LearnerMemory(CoreOrchestrator& learner)
      : trainer(learner), statistics(learner.statistics_components()) {}

  CoreOrchestrator& trainer;
  StreamStatistics statistics;  ///< of the actors

  void save(StateWriter& state) const override {
    trainer.save(state);
    statistics.save(state);
  }
  void restore(const StateReader& state) override {
    trainer.restore(state);
    statistics.restore(state);
  }
};

}  // namespace genkidama::run
