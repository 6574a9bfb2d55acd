#include "genkidama/rl/round_end.h"

namespace genkidama {

const char* round_end_name(RoundEnd end) {
  return end == RoundEnd::kStep ? "step" : "episode";
}

}  // namespace genkidama
