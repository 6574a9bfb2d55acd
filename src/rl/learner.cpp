#include "rl/learner.h"

#include "rl/algorithms/a3c_learner.h"
#include "rl/algorithms/ppo_learner.h"

namespace genkidama {

std::unique_ptr<Learner> make_learner(const Hyperparameters& hyperparameters, LocalNetwork& network,
                                      SharedWeights& shared) {
  if (hyperparameters.loss == Loss::kPpo)
    return std::make_unique<PpoLearner>(hyperparameters, network, shared);
  return std::make_unique<A3cLearner>(hyperparameters, network, shared);
}

}  // namespace genkidama
