#include "genkidama/params/policy_average.h"

#include <fmt/format.h>

#include <cstddef>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/params/weighted_average.h"

namespace genkidama {
namespace {

constexpr const char* kField = "policy_average";  // the kind, and the weights
constexpr const char* kCount = "policy_average_count";

void check_share(const char* name, double value) {
  if (!is_finite(value) || value < 0 || value >= 1) {
    throw ArgumentError(fmt::format("{} of a policy's average is {}; give a number in [0, 1)", name, value));
  }
}

}  // namespace

const char* policy_average_name(PolicyAverageKind kind) {
  switch (kind) {
    case PolicyAverageKind::kNone:
      return "none";
    case PolicyAverageKind::kSwa:
      return "swa";
    case PolicyAverageKind::kEma:
      return "ema";
  }
  return "";
}

PolicyAverage::PolicyAverage(PolicyAverageOptions options) : options_(options) {
  if (*policy_average_name(options_.kind) == '\0') {
    throw ArgumentError(fmt::format("the kind of a policy's average is {}; give kNone, kSwa or kEma",
                                    static_cast<int>(options_.kind)));
  }
  check_share("the decay", options_.decay);
  check_share("the start", options_.from);
}

std::string PolicyAverage::text() const {
  const char* name = policy_average_name(options_.kind);
  if (options_.kind == PolicyAverageKind::kSwa) return fmt::format("{} from {}", name, options_.from);
  if (options_.kind == PolicyAverageKind::kEma) return fmt::format("{} {}", name, options_.decay);
  return name;
}

void PolicyAverage::add(std::span<const float> weights, double share_done) {
  if (options_.kind == PolicyAverageKind::kNone) return;
  if (options_.kind == PolicyAverageKind::kSwa && share_done < options_.from) {
    // Also after a resume with a later end: what was averaged is not of the new run's last part.
    state_ = {};
    return;
  }
  if (state_.count > 0 && weights.size() != state_.weights.size()) {
    throw ArgumentError(fmt::format("cannot average {} weights with {}: both must come from the same network",
                                    weights.size(), state_.weights.size()));
  }
  if (const std::size_t bad = first_non_finite(weights); bad != weights.size()) {
    throw ArgumentError(
        fmt::format("cannot average: weight {} is {}, not a finite number", bad, weights[bad]));
  }
  if (state_.count == 0) {
    state_ = {1, {weights.begin(), weights.end()}};
    return;
  }
  ++state_.count;
  // Not weighted_average(): its two rounded factors do not add up to exactly 1, which over many updates would
  // scale the weights; here weights that stand still are their own average.
  const double share = options_.kind == PolicyAverageKind::kSwa ? 1.0 / static_cast<double>(state_.count)
                                                                : 1.0 - options_.decay;
  const float take = static_cast<float>(share);
  float* const average = state_.weights.data();
  const float* const latest = weights.data();
  for (std::size_t i = 0; i < weights.size(); ++i) average[i] += take * (latest[i] - average[i]);
}

std::span<const float> PolicyAverage::weights_or(std::span<const float> latest) const {
  return state_.count > 0 ? std::span<const float>(state_.weights) : latest;
}

void PolicyAverage::restore(PolicyAverageState state) {
  if ((state.count == 0) != state.weights.empty()) {
    throw ArgumentError(fmt::format("the state of a policy's average counts {} updates and has {} weights",
                                    state.count, state.weights.size()));
  }
  state_ = std::move(state);
}

void PolicyAverage::save(StateWriter& state) const {
  if (state_.count == 0) return;
  state.text(kField, policy_average_name(options_.kind));
  state.u64(kCount, state_.count);
  state.refer_to(kField, {static_cast<std::int64_t>(state_.weights.size())}, state_.weights);
}

void PolicyAverage::restore(const StateReader& state) {
  const auto weights = state.floats(kField).values;
  const std::uint64_t count = weights.empty() ? state.u64_or(kCount, 0) : state.u64(kCount);
  if ((count == 0) != weights.empty()) {
    throw FormatError(fmt::format("{}: its average of a policy counts {} updates and has {} weights",
                                  state.source(), count, weights.size()));
  }
  state_ = {};
  if (kind_in(state) == policy_average_name(options_.kind))
    state_ = {count, {weights.begin(), weights.end()}};
}

std::string PolicyAverage::kind_in(const StateReader& state) {
  const std::string kind = state.text(kField);
  return kind.empty() ? policy_average_name(PolicyAverageKind::kNone) : kind;
}

}  // namespace genkidama
