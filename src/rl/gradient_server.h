#pragma once

// A process that applies the workers' gradients (Sharing::kServer).

#include <cstdint>
#include <memory>

#include "genkidama/nn/shared_optimizer.h"
#include "rl/shared_training.h"

namespace genkidama {

/// Has an index at the barrier behind those of all workers. Where there are several, each owns a slice of the
/// weights and the optimizer's state for it, and applies its slice of every gradient.
class GradientServer {
 public:
  /// `max_gradient_age`: as Hyperparameters::max_gradient_age.
  GradientServer(std::unique_ptr<SharedOptimizer> optimizer, std::uint64_t max_gradient_age,
                 SharedTraining& shared, int index);

  /// In a round: applies gradients until all workers and helpers have arrived at the barrier. Otherwise does
  /// nothing.
  void obey(const WorkerOrder& order);

 private:
  GradientQueue::Fate take(const GradientQueue::Item& item);

  std::unique_ptr<SharedOptimizer> optimizer_;
  const std::uint64_t max_gradient_age_;
  SharedTraining& shared_;
  WorkerReport& report_;
  const int number_;  ///< among the servers, from 0
  const ServerPart part_;
};

}  // namespace genkidama
