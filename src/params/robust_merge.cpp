#include "params/robust_merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/params/robust_mean.h"
#include "genkidama/params/weighted_average.h"
#include "params/child_notes.h"
#include "params/merge_notes.h"

namespace genkidama {
namespace {

using Spans = std::vector<std::span<const float>>;

class RobustMerge final : public MergeMethod {
 public:
  explicit RobustMerge(const MergeOptions& options) : options_(options) {}

  std::string name() const override { return merge_kind_name(options_.kind); }
  std::unique_ptr<MergeMethod> clone() const override { return std::make_unique<RobustMerge>(*this); }

  void merge(std::span<float> parent, std::span<const float> child, const MergeContext& context) override {
    votes_.put(context, std::make_shared<const std::vector<float>>(child.begin(), child.end()));
    Spans votes;
    for (const auto& entry : votes_.entries()) votes.emplace_back(*entry.note);
    if (!are_enough(votes.size())) return;
    std::vector<float> combined(parent.size());
    combine_votes(votes, combined);
    weighted_average(parent, combined, context.alpha);
  }

  bool combines_rounds() const override { return true; }
  void combine(std::span<const WeightedChange> changes, std::span<float> mean) override {
    if (!are_enough(changes.size())) {
      std::fill(mean.begin(), mean.end(), 0.0F);
      return;
    }
    Spans votes;
    std::vector<std::vector<float>> discounted;
    discounted.reserve(changes.size());  // spans point into its elements
    for (const WeightedChange& each : changes) {
      if (each.discount == 1) {
        votes.push_back(each.change);
        continue;
      }
      auto& scaled = discounted.emplace_back(each.change.begin(), each.change.end());
      for (float& value : scaled) value *= static_cast<float>(each.discount);
      votes.emplace_back(scaled);
    }
    combine_votes(votes, mean);
  }

  void save(StateWriter& state) const override {
    const auto& entries = votes_.entries();
    if (entries.empty()) return;
    state.text(kMergeMethodField, name());
    votes_.save(state);
    const std::size_t size = entries.front().note->size();
    const auto all = state.floats(
        kMergeVotesField, {static_cast<std::int64_t>(entries.size()), static_cast<std::int64_t>(size)});
    for (std::size_t i = 0; i < entries.size(); ++i) {
      std::copy(entries[i].note->begin(), entries[i].note->end(),
                all.begin() + static_cast<std::ptrdiff_t>(i * size));
    }
  }

  void restore(const StateReader& state) override {
    if (!has_notes_of(name(), state)) return votes_.clear();
    const auto [values, shape] = state.floats(kMergeVotesField);
    if (shape.size() != 2 || first_non_finite(values) != values.size()) {
      throw FormatError(fmt::format("{}: the weights that its merge rule '{}' has kept are no finite rows",
                                    state.source(), name()));
    }
    const auto size = static_cast<std::size_t>(shape[1]);
    votes_.restore(state, static_cast<std::size_t>(shape[0]), [&, all = values](std::size_t i) {
      const auto row = all.subspan(i * size, size);
      return std::make_shared<const std::vector<float>>(row.begin(), row.end());
    });
  }

 private:
  /// Fewer cannot outvote those that may be faulty. At the beginning some have not sent anything yet; later
  /// the user is told once that training stands still.
  bool are_enough(std::size_t votes) {
    const std::uint64_t fewest = options_.fewest_children();
    if (votes >= fewest) {
      held_back_ = 0;
      return true;
    }
    if (++held_back_ < 2 * fewest || std::exchange(has_told_, true)) return false;
    log(LogLevel::kWarning,
        "parent: its weights stay as they are: --merge {} with {} faulty Child{} needs those of {} Children, "
        "and {} {} there; start more Children, or choose another rule",
        name(), options_.attackers, options_.attackers == 1 ? "" : "ren", fewest, votes,
        votes == 1 ? "is" : "are");
    return false;
  }

  void combine_votes(const Spans& votes, std::span<float> result) const {
    switch (options_.kind) {
      case MergeKind::kMedian:
        return coordinate_median(votes, result);
      case MergeKind::kTrimmedMean:
        return trimmed_mean(votes, cut_of(votes.size()), result);
      case MergeKind::kKrum:
        return krum(votes, options_.attackers, result);
      default:
        return multi_krum(votes, options_.attackers, result);
    }
  }
  std::size_t cut_of(std::size_t votes) const {
    if (!options_.trim) return static_cast<std::size_t>(options_.attackers);
    // A share of 0.1 of 10 votes is one of them, whatever the product's last bit is.
    return static_cast<std::size_t>(std::ceil(*options_.trim * static_cast<double>(votes) - 1e-9));
  }

  MergeOptions options_;
  std::uint64_t held_back_ = 0;  ///< merges in a row, and rounds, that too few have sent weights for
  bool has_told_ = false;
  ChildNotes<std::shared_ptr<const std::vector<float>>> votes_;
};

}  // namespace

std::unique_ptr<MergeMethod> make_robust_merge(const MergeOptions& options) {
  return std::make_unique<RobustMerge>(options);
}

}  // namespace genkidama
