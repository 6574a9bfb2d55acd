#pragma once

// A process or thread that learns beside the workers (Algorithm::helpers()).

#include <memory>

#include "genkidama/nn/local_network.h"
#include "genkidama/rl/algorithm.h"
#include "rl/shared_training.h"
#include "rl/worker.h"
#include "rl/worker_sink.h"

namespace genkidama {

/// Has an index at the barrier behind those of the workers. It makes no environment.
class HelperWorker {
 public:
  HelperWorker(const WorkerSetup& setup, SharedTraining& shared, int index);

  /// In a round: helps until all workers have arrived at the barrier. Otherwise does nothing.
  void obey(const WorkerOrder& order);

 private:
  const WorkerSetup& setup_;
  SharedTraining& shared_;
  int index_;
  std::unique_ptr<WorkerSink> sink_;
  EnvironmentSpec spec_;
  std::unique_ptr<Algorithm> algorithm_;
  LocalNetwork network_;
  std::unique_ptr<Helper> helper_;
};

}  // namespace genkidama
