#pragma once

// Workers that step a copy of the weights of their own, and merge the change into the shared ones now and
// then (local SGD; Stich 2019).

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "rl/worker_sink.h"

namespace genkidama {

/// Each worker has an optimizer state of its own, which lies in shared memory, so that a state file has it.
/// The only worker of a machine may use the shared one as its own.
class LocalSink final : public WorkerSink {
 public:
  /// `merge_every`: as Hyperparameters::merge_every.
  LocalSink(const Hyperparameters& hyperparameters, int merge_every,
            std::unique_ptr<SharedOptimizer> optimizer, SharedTraining& shared, int index);

  void end_round() override;

 protected:
  void copy_weights(std::span<float> weights) override;
  void start_round() override;
  void take_step(std::span<const float> gradient, std::uint64_t step, double learning_rate) override;

 private:
  void merge();

  std::unique_ptr<SharedOptimizer> optimizer_;
  std::span<float> state_;  ///< this worker's part of the optimizer state
  std::uint64_t* steps_;    ///< of this worker's optimizer; null: all steps of the machine are its own
  const int merge_every_;
  const float share_;  ///< of a change that is merged
  int unmerged_ = 0;   ///< steps since the latest merge
  std::vector<float> weights_;
  std::vector<float> merged_;  ///< the weights as they were after the latest merge
};

}  // namespace genkidama
