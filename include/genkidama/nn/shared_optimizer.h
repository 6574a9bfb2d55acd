#pragma once

/// @file
/// Optimizers whose weights and state lie in shared memory and are written by all workers at once, with no
/// lock (Hogwild!: Recht et al. 2011). Element accesses are relaxed atomics, so this is defined behaviour.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "genkidama/core/export.h"
#include "genkidama/ipc/shared_array.h"  // relaxed_read(), relaxed_write()
#include "genkidama/nn/optimizer_options.h"

namespace GENKIDAMA_EXPORT genkidama {

/// One optimizer step on shared memory. Stateless itself: an instance lives in every worker, and what it must
/// remember lies in `state`, shared by all of them.
class SharedOptimizer {
 public:
  virtual ~SharedOptimizer() = default;

  /// Floats of shared state for `parameters` weights; zero-filled at the start.
  virtual std::size_t state_size(std::size_t parameters) const = 0;

  /// Applies one gradient. `weights` and `state` are written by other workers at the same time: access their
  /// elements through relaxed_read() and relaxed_write() only. `step` is the shared step counter after it was
  /// counted up for this step: 1 for the first step of all workers. `learning_rate` follows the schedule.
  virtual void step(std::span<float> weights, std::span<const float> gradient, std::span<float> state,
                    std::uint64_t step, double learning_rate) const = 0;
};

/// Makes the optimizer in each worker.
using OptimizerFactory = std::function<std::unique_ptr<SharedOptimizer>(const OptimizerOptions&)>;

/// "sgd", "rmsprop" or "adam" as options.optimizer says; throws ArgumentError for another name.
/// They compute what torch.optim.SGD, RMSprop and Adam compute (not Nesterov, not centered, no amsgrad).
std::unique_ptr<SharedOptimizer> make_shared_optimizer(const OptimizerOptions& options);

}  // namespace genkidama
