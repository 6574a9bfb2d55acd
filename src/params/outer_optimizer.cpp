#include "genkidama/params/outer_optimizer.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/params/weighted_average.h"

namespace genkidama {
namespace {

constexpr OuterOptimizerKind kAll[] = {OuterOptimizerKind::kNone, OuterOptimizerKind::kMomentum,
                                       OuterOptimizerKind::kNesterov, OuterOptimizerKind::kAdam};

constexpr const char* kKindField = "outer_optimizer";
constexpr const char* kMomentumField = "outer_momentum";
constexpr const char* kVarianceField = "outer_variance";

void check_positive(const char* name, double value) {
  if (is_finite(value) && value > 0) return;
  throw ArgumentError(
      fmt::format("{} of an outer optimizer is {}; give a finite number greater than 0", name, value));
}

void check_share(const char* name, double value) {
  if (is_finite(value) && value >= 0 && value < 1) return;
  throw ArgumentError(fmt::format("{} of an outer optimizer is {}; give a number in [0, 1)", name, value));
}

}  // namespace

const char* outer_optimizer_name(OuterOptimizerKind kind) {
  switch (kind) {
    case OuterOptimizerKind::kNone:
      return "none";
    case OuterOptimizerKind::kMomentum:
      return "momentum";
    case OuterOptimizerKind::kNesterov:
      return "nesterov";
    case OuterOptimizerKind::kAdam:
      return "adam";
  }
  return "";
}

std::optional<OuterOptimizerKind> outer_optimizer_of(std::string_view name) {
  for (const auto kind : kAll) {
    if (name == outer_optimizer_name(kind)) return kind;
  }
  return std::nullopt;
}

double OuterOptimizerOptions::rate() const {
  return learning_rate.value_or(kind == OuterOptimizerKind::kAdam ? 0.01 : 1);
}

OuterOptimizer::OuterOptimizer(const OuterOptimizerOptions& options) : options_(options) {
  if (*outer_optimizer_name(options_.kind) == '\0') {
    throw ArgumentError(
        fmt::format("the kind of an outer optimizer is {}; give kNone, kMomentum, kNesterov or kAdam",
                    static_cast<int>(options_.kind)));
  }
  check_positive("learning_rate", options_.rate());
  check_share("momentum", options_.momentum);
  check_share("beta1", options_.beta1);
  check_share("beta2", options_.beta2);
  check_positive("epsilon", options_.epsilon);
}

void OuterOptimizer::apply(std::span<float> weights, std::span<const float> change) {
  if (weights.size() != change.size() || (!momentum_.empty() && momentum_.size() != weights.size())) {
    throw ArgumentError(fmt::format(
        "an outer optimizer got {} weights and a change of {} elements; both must be those of one "
        "network, in every round",
        weights.size(), change.size()));
  }
  switch (options_.kind) {
    case OuterOptimizerKind::kNone: {
      const auto rate = static_cast<float>(options_.rate());
      for (std::size_t i = 0; i < weights.size(); ++i) weights[i] += rate * change[i];
      return;
    }
    case OuterOptimizerKind::kMomentum:
    case OuterOptimizerKind::kNesterov:
      return apply_momentum(weights, change);
    case OuterOptimizerKind::kAdam:
      return apply_adam(weights, change);
  }
}

void OuterOptimizer::apply_momentum(std::span<float> weights, std::span<const float> change) {
  if (momentum_.empty()) momentum_.resize(weights.size());
  const auto rate = static_cast<float>(options_.rate());
  const auto keep = static_cast<float>(options_.momentum);
  const bool looks_ahead = options_.kind == OuterOptimizerKind::kNesterov;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    momentum_[i] = keep * momentum_[i] + change[i];
    weights[i] += rate * (looks_ahead ? change[i] + keep * momentum_[i] : momentum_[i]);
  }
}

void OuterOptimizer::apply_adam(std::span<float> weights, std::span<const float> change) {
  const auto epsilon = static_cast<float>(options_.epsilon);
  if (momentum_.empty()) {
    std::vector<float> variance(weights.size(), epsilon * epsilon);
    momentum_.resize(weights.size());
    variance_ = std::move(variance);
  }
  const auto rate = static_cast<float>(options_.rate());
  const auto beta1 = static_cast<float>(options_.beta1), beta2 = static_cast<float>(options_.beta2);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    momentum_[i] = beta1 * momentum_[i] + (1 - beta1) * change[i];
    variance_[i] = beta2 * variance_[i] + (1 - beta2) * change[i] * change[i];
    weights[i] += rate * momentum_[i] / (std::sqrt(variance_[i]) + epsilon);
  }
}

void OuterOptimizer::save(StateWriter& state) const {
  if (momentum_.empty()) return;
  state.text(kKindField, outer_optimizer_name(options_.kind));
  const std::vector<std::int64_t> shape{static_cast<std::int64_t>(momentum_.size())};
  state.refer_to(kMomentumField, shape, momentum_);
  if (!variance_.empty()) state.refer_to(kVarianceField, shape, variance_);
}

void OuterOptimizer::restore(const StateReader& state) {
  const auto momentum = state.floats(kMomentumField).values;
  const auto variance = state.floats(kVarianceField).values;
  const std::string kind = state.text(kKindField);
  const bool has_variance = kind == outer_optimizer_name(OuterOptimizerKind::kAdam);
  const bool whole = kind.empty() == momentum.empty() &&
                     (kind.empty() || outer_optimizer_of(kind).has_value()) &&
                     variance.size() == (has_variance ? momentum.size() : 0);
  if (!whole) {
    throw FormatError(
        fmt::format("{}: its outer optimizer is '{}', with {} elements of momentum and {} of "
                    "variance, which do not belong together",
                    state.source(), kind, momentum.size(), variance.size()));
  }
  for (const auto values : {momentum, variance}) {
    if (first_non_finite(values) != values.size()) {
      throw FormatError(fmt::format("{}: the memory of its outer optimizer is not finite", state.source()));
    }
  }
  const bool is_mine = kind == outer_optimizer_name(options_.kind);
  std::vector<float> own_momentum, own_variance;
  if (is_mine) {
    own_momentum.assign(momentum.begin(), momentum.end());
    own_variance.assign(variance.begin(), variance.end());
  }
  momentum_ = std::move(own_momentum);
  variance_ = std::move(own_variance);
}

}  // namespace genkidama
