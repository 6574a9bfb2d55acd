#include "rl/behaviour/action_selection.h"

#include <algorithm>
#include <cmath>

namespace genkidama {

int sample_action(std::span<const float> logits, Random& random) {
  const float largest = *std::max_element(logits.begin(), logits.end());
  float total = 0;
  for (const float logit : logits) total += std::exp(logit - largest);
  double left = random.uniform() * total;
  for (std::size_t i = 0; i + 1 < logits.size(); ++i) {
    left -= std::exp(logits[i] - largest);
    if (left < 0) return static_cast<int>(i);
  }
  return static_cast<int>(logits.size()) - 1;
}

int greedy_action(std::span<const float> logits) {
  return static_cast<int>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

int explore_action(std::span<const float> logits, double epsilon, Random& random) {
  if (epsilon > 0 && random.uniform() < epsilon) return static_cast<int>(random.below(logits.size()));
  return sample_action(logits, random);
}

}  // namespace genkidama
