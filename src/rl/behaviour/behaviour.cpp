#include "genkidama/rl/behaviour.h"

#include <algorithm>

namespace genkidama {

void Behaviour::to_environment(std::span<const float> chosen, std::span<float> action) const {
  std::copy(chosen.begin(), chosen.end(), action.begin());
}

}  // namespace genkidama
