#include "genkidama/rl/target_weights.h"

#include <fmt/format.h>

#include <algorithm>

#include "genkidama/core/error.h"
#include "genkidama/ipc/shared_array.h"

namespace genkidama {

TargetWeights::TargetWeights(std::span<float> shared, const TargetOptions& options) : options_(options) {
  if (shared.empty()) {
    throw ArgumentError(
        "a target network without shared state; expected Algorithm::shared_state_size() to be at least "
        "TargetWeights::shared_size()");
  }
  if (options.period < 0 || !(options.rate > 0 && options.rate <= 1)) {
    throw ArgumentError(fmt::format(
        "a target network with period {} and rate {}; expected at least 0, and a number in (0, 1]",
        options.period, options.rate));
  }
  target_ = shared.first(shared.size() - 1);
  mark_ = &shared.back();
  own_.resize(target_.size());
}

void TargetWeights::take(std::span<const float> weights, float mark) {
  relaxed_store(target_, weights);
  std::copy(weights.begin(), weights.end(), own_.begin());
  own_mark_ = mark;
  relaxed_write(*mark_, mark);
}

void TargetWeights::begin_round(std::span<const float> weights) {
  const float mark = relaxed_read(*mark_);
  if (mark == 0) return take(weights, 1);
  relaxed_load(target_, own_);
  own_mark_ = mark;
}

void TargetWeights::follow(std::span<const float> weights, std::uint64_t steps) {
  if (options_.period > 0) {
    const auto mark = static_cast<float>(1 + steps / static_cast<std::uint64_t>(options_.period));
    const float present = relaxed_read(*mark_);
    // Whoever comes first copies, and the others read the copy.
    if (present < mark) return take(weights, mark);
    if (present != own_mark_) begin_round(weights);
    return;
  }
  // Others may have moved the target meanwhile.
  relaxed_load(target_, own_);
  const auto rate = static_cast<float>(options_.rate);
  for (std::size_t i = 0; i < own_.size(); ++i) own_[i] += rate * (weights[i] - own_[i]);
  relaxed_store(target_, own_);
}

}  // namespace genkidama
