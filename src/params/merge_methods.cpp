#include "genkidama/params/merge_methods.h"

#include <fmt/format.h>

#include <cmath>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "params/merge_notes.h"
#include "params/robust_merge.h"
#include "params/weighted_merge.h"

namespace genkidama {
namespace {

constexpr MergeKind kAll[] = {MergeKind::kAverage,   MergeKind::kBySteps,     MergeKind::kFedAsync,
                              MergeKind::kMedian,    MergeKind::kTrimmedMean, MergeKind::kKrum,
                              MergeKind::kMultiKrum, MergeKind::kClippedNorm};
constexpr std::uint64_t kMostAttackers = 500;

void check_not_negative(const char* name, double value) {
  if (is_finite(value) && value >= 0) return;
  throw ArgumentError(
      fmt::format("{} of a merge rule is {}; give a finite number of at least 0", name, value));
}

}  // namespace

void MergeMethod::combine(std::span<const WeightedChange> /*changes*/, std::span<float> /*mean*/) {
  throw ArgumentError(fmt::format(
      "the merge rule '{}' merges one Child at a time and combines no rounds; give it with 'each'", name()));
}

std::span<const MergeKind> merge_kinds() {
  return kAll;
}

const char* merge_kind_name(MergeKind kind) {
  switch (kind) {
    case MergeKind::kAverage:
      return "average";
    case MergeKind::kBySteps:
      return "by-steps";
    case MergeKind::kFedAsync:
      return "fedasync";
    case MergeKind::kMedian:
      return "median";
    case MergeKind::kTrimmedMean:
      return "trimmed-mean";
    case MergeKind::kKrum:
      return "krum";
    case MergeKind::kMultiKrum:
      return "multi-krum";
    case MergeKind::kClippedNorm:
      return "clipped-norm";
  }
  return "";
}

std::optional<MergeKind> merge_kind_of(std::string_view name) {
  for (const auto kind : kAll) {
    if (name == merge_kind_name(kind)) return kind;
  }
  return std::nullopt;
}

const char* staleness_weight_name(StalenessWeight weight) {
  return weight == StalenessWeight::kHinge ? "hinge" : "polynomial";
}

std::uint64_t MergeOptions::fewest_children() const {
  switch (kind) {
    case MergeKind::kKrum:
    case MergeKind::kMultiKrum:
      return 2 * attackers + 3;
    case MergeKind::kMedian:
    case MergeKind::kTrimmedMean:
      return 2 * attackers + 1;
    default:
      return 1;
  }
}

void check_merge_options(const MergeOptions& options) {
  if (*merge_kind_name(options.kind) == '\0') {
    throw ArgumentError(
        fmt::format("the kind of a merge rule is {}; give one of MergeKind", static_cast<int>(options.kind)));
  }
  check_not_negative("staleness_exponent", options.staleness_exponent);
  check_not_negative("hinge_slope", options.hinge_slope);
  if (options.attackers > kMostAttackers) {
    throw ArgumentError(
        fmt::format("attackers of a merge rule is {}; give at most {}", options.attackers, kMostAttackers));
  }
  if (options.trim && !(*options.trim > 0 && *options.trim < 0.5)) {
    throw ArgumentError(fmt::format("trim of a merge rule is {}; give a number in (0, 0.5)", *options.trim));
  }
  if (options.clip_norm && !(is_finite(*options.clip_norm) && *options.clip_norm > 0)) {
    throw ArgumentError(fmt::format("clip_norm of a merge rule is {}; give a finite number greater than 0",
                                    *options.clip_norm));
  }
}

double staleness_factor(const MergeOptions& options, std::uint64_t staleness) {
  if (options.staleness_weight == StalenessWeight::kPolynomial)
    return std::pow(1 + static_cast<double>(staleness), -options.staleness_exponent);
  if (staleness <= options.hinge_from) return 1;
  return 1 / (options.hinge_slope * static_cast<double>(staleness - options.hinge_from) + 1);
}

std::unique_ptr<MergeMethod> make_merge_method(const MergeOptions& options) {
  check_merge_options(options);
  switch (options.kind) {
    case MergeKind::kAverage:
      return nullptr;
    case MergeKind::kBySteps:
    case MergeKind::kFedAsync:
    case MergeKind::kClippedNorm:
      return make_weighted_merge(options);
    default:
      return make_robust_merge(options);
  }
}

bool has_notes_of(const std::string& name, const StateReader& state) {
  if (state.text(kMergeMethodField) == name) return true;
  skip_merge_notes(state);
  return false;
}

void skip_merge_notes(const StateReader& state) {
  static_cast<void>(state.floats(kMergeVotesField));
}

}  // namespace genkidama
