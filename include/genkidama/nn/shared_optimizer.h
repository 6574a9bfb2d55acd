#pragma once

/// @file
/// Optimizers whose weights and state lie in shared memory. All workers write them at once, without a lock
/// (Hogwild!: Recht et al. 2011). Element accesses are relaxed atomics, so this is defined behaviour.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "genkidama/core/export.h"
#include "genkidama/ipc/shared_array.h"  // relaxed_read(), relaxed_write()
#include "genkidama/nn/optimizer_options.h"
#include "genkidama/params/optimizer_moments.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Applies gradients to weights in shared memory. Every worker has an instance of its own, and an instance
/// remembers nothing itself: what an optimizer remembers lies in `state`, which all workers share.
class SharedOptimizer {
 public:
  virtual ~SharedOptimizer() = default;

  /// The number of floats of shared state for `parameters` weights. They are 0 at the start of a run and are
  /// kept in checkpoints.
  virtual std::size_t state_size(std::size_t parameters) const = 0;

  /// The floats at the beginning of the state that machines may average together with the weights, when they
  /// make rounds together: means, over time, of gradients and of their squares. None, as here: the state
  /// stays each machine's own.
  virtual MomentsShape moments_shape(std::size_t parameters) const {
    static_cast<void>(parameters);
    return {};
  }

  /// Applies one gradient. Other workers write `weights` and `state` at the same time: access their elements
  /// through relaxed_read() and relaxed_write() only. `step` counts the steps of all workers and includes
  /// this one: it is 1 at the first step of a run. `learning_rate` follows the schedule.
  virtual void step(std::span<float> weights, std::span<const float> gradient, std::span<float> state,
                    std::uint64_t step, double learning_rate) const = 0;

  /// Does what step() does, with the same results bit for bit, for weights and a state that no other thread
  /// or process touches during the call: a worker's own copy. So the accesses need not be atomic, which makes
  /// the bundled optimizers several times as fast. The default calls step().
  virtual void step_alone(std::span<float> weights, std::span<const float> gradient, std::span<float> state,
                          std::uint64_t step, double learning_rate) const;
};

/// Makes an optimizer. Each worker calls it once.
using OptimizerFactory = std::function<std::unique_ptr<SharedOptimizer>(const OptimizerOptions&)>;

/// The names that make_shared_optimizer() knows.
std::vector<std::string> optimizer_names();

/// Makes the bundled optimizer that options.optimizer names: "sgd", "rmsprop", "adam" or "adamw". Throws
/// ArgumentError for another name. They compute what torch.optim.SGD, RMSprop, Adam and AdamW compute,
/// without Nesterov's momentum, centring and amsgrad.
std::unique_ptr<SharedOptimizer> make_shared_optimizer(const OptimizerOptions& options);

}  // namespace genkidama
