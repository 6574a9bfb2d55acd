#pragma once

// The process that applies the workers' gradients (Sharing::kServer).

#include <cstdint>
#include <memory>

#include "genkidama/nn/shared_optimizer.h"
#include "rl/shared_training.h"

namespace genkidama {

/// Has the last index at the barrier, behind the workers'.
class GradientServer {
 public:
  /// `max_gradient_age`: as Hyperparameters::max_gradient_age.
  GradientServer(std::unique_ptr<SharedOptimizer> optimizer, std::uint64_t max_gradient_age,
                 SharedTraining& shared, int index);

  /// In a round: applies gradients until all workers and helpers have arrived at the barrier. Otherwise does
  /// nothing.
  void obey(const WorkerOrder& order);

 private:
  bool have_all_arrived() const;
  void take(const GradientQueue::Item& item);

  std::unique_ptr<SharedOptimizer> optimizer_;
  const std::uint64_t max_gradient_age_;
  SharedTraining& shared_;
  WorkerReport& report_;
};

}  // namespace genkidama
