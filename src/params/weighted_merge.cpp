#include "params/weighted_merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/params/robust_mean.h"
#include "genkidama/params/weighted_average.h"
#include "params/child_notes.h"
#include "params/merge_notes.h"

namespace genkidama {
namespace {

class FedAsyncMerge final : public MergeMethod {
 public:
  explicit FedAsyncMerge(const MergeOptions& options) : options_(options) {}

  std::string name() const override { return merge_kind_name(options_.kind); }
  std::unique_ptr<MergeMethod> clone() const override { return std::make_unique<FedAsyncMerge>(*this); }

  void merge(std::span<float> parent, std::span<const float> child, const MergeContext& context) override {
    weighted_average(parent, child, context.alpha * staleness_factor(options_, context.staleness));
  }

  // The Parent knows how stale a Child is.
  void save(StateWriter&) const override {}
  void restore(const StateReader& state) override { skip_merge_notes(state); }

 private:
  MergeOptions options_;
};

/// Remembers one number of each Child.
class NumberMerge : public MergeMethod {
 public:
  void save(StateWriter& state) const override {
    if (numbers_.entries().empty()) return;
    state.text(kMergeMethodField, name());
    numbers_.save(state);
    state.f64s(kMergeNumbersField, numbers());
  }
  void restore(const StateReader& state) override {
    if (!has_notes_of(name(), state)) return numbers_.clear();
    const std::vector<double> values = state.f64s(kMergeNumbersField);
    const bool sound = std::all_of(values.begin(), values.end(),
                                   [](double value) { return is_finite(value) && value >= 0; });
    if (!sound) {
      throw FormatError(fmt::format("{}: a note of its merge rule '{}' is no finite number of at least 0",
                                    state.source(), name()));
    }
    numbers_.restore(state, values.size(), [&](std::size_t i) { return values[i]; });
  }

 protected:
  void put(const MergeContext& context, double number) { numbers_.put(context, number); }
  std::vector<double> numbers() const {
    std::vector<double> values;
    for (const auto& entry : numbers_.entries()) values.push_back(entry.note);
    return values;
  }

 private:
  ChildNotes<double> numbers_;
};

class StepsMerge final : public NumberMerge {
 public:
  std::string name() const override { return merge_kind_name(MergeKind::kBySteps); }
  std::unique_ptr<MergeMethod> clone() const override { return std::make_unique<StepsMerge>(*this); }

  void merge(std::span<float> parent, std::span<const float> child, const MergeContext& context) override {
    const auto steps = static_cast<double>(context.since_merge.steps);
    put(context, steps);
    double sum = 0;
    const std::vector<double> all = numbers();
    for (const double each : all) sum += each;
    const double mean = sum / static_cast<double>(all.size());
    weighted_average(parent, child, mean > 0 ? std::min(1.0, context.alpha * steps / mean) : context.alpha);
  }
};

class ClippedMerge final : public NumberMerge {
 public:
  explicit ClippedMerge(const MergeOptions& options) : limit_(options.clip_norm) {}

  std::string name() const override { return merge_kind_name(MergeKind::kClippedNorm); }
  std::unique_ptr<MergeMethod> clone() const override { return std::make_unique<ClippedMerge>(*this); }

  void merge(std::span<float> parent, std::span<const float> child, const MergeContext& context) override {
    std::vector<float> change(child.begin(), child.end());
    for (std::size_t i = 0; i < change.size(); ++i) change[i] -= parent[i];
    const double norm = euclidean_norm(change);
    put(context, is_finite(norm) ? norm : 0);
    weighted_average(parent, child, context.alpha * factor(norm, limit_ ? *limit_ : median_of(numbers())));
  }

  bool combines_rounds() const override { return true; }
  void combine(std::span<const WeightedChange> changes, std::span<float> mean) override {
    std::vector<double> norms;
    for (const WeightedChange& each : changes) norms.push_back(euclidean_norm(each.change));
    std::vector<WeightedChange> clipped(changes.begin(), changes.end());
    if (!changes.empty()) {
      const double limit = limit_ ? *limit_ : median_of(norms);
      for (std::size_t i = 0; i < clipped.size(); ++i) clipped[i].discount *= factor(norms[i], limit);
    }
    average_changes(clipped, mean);
  }

 private:
  static double factor(double norm, double limit) { return norm > limit ? limit / norm : 1; }

  std::optional<double> limit_;
};

}  // namespace

std::unique_ptr<MergeMethod> make_weighted_merge(const MergeOptions& options) {
  switch (options.kind) {
    case MergeKind::kBySteps:
      return std::make_unique<StepsMerge>();
    case MergeKind::kFedAsync:
      return std::make_unique<FedAsyncMerge>(options);
    default:
      return std::make_unique<ClippedMerge>(options);
  }
}

}  // namespace genkidama
