#include "net/upper_parent/merged_weights.h"

#include <algorithm>

#include "genkidama/core/error.h"

namespace genkidama {

RoundReport MergedWeights::train_round() {
  throw Error("a Parent does not train; its Children do");
}

void MergedWeights::read_weights(std::span<float> out) const {
  known_ = present();
  std::copy(known_.begin(), known_.end(), out.begin());
}

void MergedWeights::write_weights(std::span<const float> in) {
  change(known_, in);
  known_.assign(in.begin(), in.end());
}

NumberedStatistics MergedWeights::own_statistics() const {
  return {stream_below_, statistics().all_but(stream_above_)};
}

void MergedWeights::write_other_statistics(const RunningStatistics& others) {
  set_statistics(stream_above_, others);
}

}  // namespace genkidama
