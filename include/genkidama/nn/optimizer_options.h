#pragma once

/// @file
/// The options of the bundled optimizers. The defaults are the thesis'.

#include <cstdint>
#include <string>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Chooses a bundled optimizer and holds its constants. Each optimizer reads the constants that name it.
struct OptimizerOptions {
  std::string optimizer = "sgd";  ///< "sgd", "rmsprop", "adam" or "adamw"
  double learning_rate = 1e-4;    ///< step size, > 0
  double momentum = 0.9;          ///< sgd, rmsprop: decay of the accumulated gradient, in [0, 1)
  /// How strongly weights are pulled towards 0, >= 0. sgd, rmsprop and adam add weight_decay * weight to the
  /// gradient. adamw leaves the gradient alone and multiplies the weight by 1 - learning_rate * weight_decay.
  double weight_decay = 1e-3;
  double rms_decay = 0.99;            ///< rmsprop: decay of the mean of squared gradients, in [0, 1)
  double adam_beta1 = 0.9;            ///< adam, adamw: decay of the mean of gradients, in [0, 1)
  double adam_beta2 = 0.999;          ///< adam, adamw: decay of the mean of squared gradients, in [0, 1)
  double denominator_epsilon = 1e-8;  ///< rmsprop, adam, adamw: added to the denominator, > 0
};

}  // namespace genkidama
