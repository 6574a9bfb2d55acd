#include "rl/learner.h"

#include "rl/algorithms/a3c_learner.h"
#include "rl/algorithms/ppo_learner.h"

namespace genkidama {

std::unique_ptr<Learner> make_learner(const Hyperparameters& hyperparameters, LocalNetwork& network,
                                      GradientSink& sink) {
  if (hyperparameters.loss == Loss::kPpo) return std::make_unique<PpoLearner>(hyperparameters, network, sink);
  return std::make_unique<A3cLearner>(hyperparameters, network, sink);
}

}  // namespace genkidama
