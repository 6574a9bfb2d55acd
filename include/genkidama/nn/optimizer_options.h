#pragma once

/// @file
/// What the bundled optimizers can be told; the defaults are the thesis'.

#include <cstdint>
#include <string>

#include "genkidama/core/export.h"

namespace GENKIDAMA_EXPORT genkidama {

/// Which optimizer, and its constants.
struct OptimizerOptions {
  std::string optimizer = "sgd";      ///< "sgd", "rmsprop" or "adam"
  double learning_rate = 1e-4;        ///< > 0
  double momentum = 0.9;              ///< sgd and rmsprop, in [0, 1)
  double weight_decay = 1e-3;         ///< >= 0, added to the gradient as weight_decay * weight
  double rms_decay = 0.99;            ///< rmsprop, in [0, 1)
  double adam_beta1 = 0.9;            ///< in [0, 1)
  double adam_beta2 = 0.999;          ///< in [0, 1)
  double denominator_epsilon = 1e-8;  ///< rmsprop and adam, > 0
};

}  // namespace genkidama
