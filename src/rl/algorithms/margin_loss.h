#pragma once

// The imitation of algorithms that learn values of the alternatives of one choice.

#include <memory>

#include "genkidama/rl/imitation_loss.h"

namespace genkidama {

/// How the network values alternatives.
struct ChoiceValues {
  int alternatives = 0;
  int outputs_each = 1;  ///< quantiles of the return; their mean is the value
  bool dueling = false;  ///< outputs are advantages, and the network has a value beside them
};

/// max over allowed a of (Q(s, a) + margin [a is not the demonstrated one]) - Q(s, demonstrated) (Hester et
/// al. 2018, "Deep Q-learning from Demonstrations"), and the squared error of Q(s, demonstrated) for the
/// return; of quantiles their quantile regression to the return.
std::unique_ptr<ImitationLoss> margin_loss(const ChoiceValues& values, double margin);

}  // namespace genkidama
