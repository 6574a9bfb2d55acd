#pragma once

// Independent parts of an action, one after another: their outputs, what they choose, and their masks.

#include <cstddef>
#include <memory>
#include <vector>

#include "genkidama/rl/behaviour.h"

namespace genkidama {

/// What one part takes of a row.
struct PartWidths {
  std::size_t outputs = 0;       ///< policy outputs
  std::size_t chosen = 0;        ///< numbers of an action
  std::size_t alternatives = 0;  ///< bytes of a mask
};

struct BehaviourPart {
  PartWidths widths;
  std::unique_ptr<Behaviour> behaviour;
};

struct DistributionPart {
  PartWidths widths;
  std::unique_ptr<ActionDistribution> distribution;
};

/// Acts in each part. The log-probability is the sum of the parts'.
std::unique_ptr<Behaviour> product(std::vector<BehaviourPart> parts);

/// Log-probabilities and entropies are the sums of the parts'.
std::unique_ptr<ActionDistribution> product_distribution(std::vector<DistributionPart> parts);

}  // namespace genkidama
