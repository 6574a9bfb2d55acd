#pragma once

// The process that learns from segments which others have played (Learning::kCentral and kGiven).

#include <cstdint>
#include <memory>
#include <vector>

#include "genkidama/nn/local_network.h"
#include "genkidama/rl/algorithm.h"
#include "genkidama/rl/behaviour.h"
#include "rl/shared_training.h"
#include "rl/worker.h"
#include "rl/worker_sink.h"

namespace genkidama {

/// Has the last index at the barrier, behind the workers'. It makes no environment.
class CentralLearner {
 public:
  CentralLearner(const WorkerSetup& setup, SharedTraining& shared, int index);

  /// In WorkerCommand::kLearn: takes all segments of the store, and learns from what it has taken since a
  /// round began when the order ends the round. In kTrainAndLearn: learns from the parts that it was given,
  /// and then lets the workers stop. Otherwise does nothing.
  void obey(const WorkerOrder& order);

 private:
  void begin_round(const WorkerOrder& order);
  void take(const Segment& segment);
  /// Into the replay buffer, step by step, with what is learnt after each.
  void store(const Segment& segment);
  void end_round(const WorkerOrder& order);
  void learn_claimed(const WorkerOrder& order);

  const WorkerSetup setup_;
  SharedTraining& shared_;
  std::unique_ptr<WorkerSink> sink_;
  EnvironmentSpec spec_;
  std::unique_ptr<Algorithm> algorithm_;
  LocalNetwork network_;
  std::unique_ptr<Learner> learner_;
  bool has_segments_ = false;  ///< of the present round
  bool has_begun_ = false;     ///< a round
  // With a replay buffer.
  std::unique_ptr<Behaviour> behaviour_;  ///< knows what the environment was given
  std::vector<float> action_;
  std::uint64_t row_ = 0;  ///< rows that were ever stored when the next step is
};

}  // namespace genkidama
