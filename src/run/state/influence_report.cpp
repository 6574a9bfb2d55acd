#include "run/state/influence_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "genkidama/params/robust_mean.h"

namespace genkidama::run {
namespace {

constexpr std::uint64_t kFewestMerges = 5;
constexpr std::size_t kFewestChildren = 3;

double movement_of_merge(const ChildInfluence& child) {
  return child.movement / static_cast<double>(child.merges);
}

template <typename Value>
std::optional<double> median_of_others(const std::vector<ChildInfluence>& children, std::size_t but,
                                       const Value& value) {
  std::vector<double> values;
  for (std::size_t i = 0; i < children.size(); ++i) {
    if (i == but) continue;
    if (const std::optional<double> each = value(children[i])) values.push_back(*each);
  }
  if (values.empty()) return {};
  return median_of(values);
}

}  // namespace

std::string influence_suggestion(const std::vector<ChildInfluence>& all) {
  const bool has_merged =
      std::any_of(all.begin(), all.end(), [](const auto& each) { return each.merges > 0; });
  if (has_merged &&
      std::all_of(all.begin(), all.end(), [](const auto& each) { return each.movement == 0; })) {
    return "No merge has moved the Parent's weights: too few Children have sent theirs for the merge rule "
           "(a warning in the log says how many it needs), or what they sent is what the Parent has.";
  }
  constexpr double kAgainst = -0.1, kMargin = 0.3, kOutsize = 3;
  std::vector<ChildInfluence> children;
  std::copy_if(all.begin(), all.end(), std::back_inserter(children),
               [](const ChildInfluence& each) { return each.merges >= kFewestMerges; });
  if (children.size() < kFewestChildren) return "Too few Children or merges to say who stands out.";
  std::string text;
  double worst = 0;
  for (std::size_t i = 0; i < children.size(); ++i) {
    const ChildInfluence& child = children[i];
    const auto agreement = median_of_others(children, i, [](const auto& each) { return each.agreement; });
    const auto movement = median_of_others(
        children, i, [](const auto& each) { return std::optional(movement_of_merge(each)); });
    const bool is_against = child.agreement && agreement && *child.agreement < kAgainst &&
                            *child.agreement < *agreement - kMargin;
    const double times = *movement > 0 ? movement_of_merge(child) / *movement : 0;
    const bool is_outsize = times > kOutsize;
    // One that pulls against the others comes before one that only moves much.
    const double concern =
        (is_against ? 1000 * (*agreement - *child.agreement) : 0) + (is_outsize ? times : 0);
    if (concern <= worst) continue;
    worst = concern;
    text = fmt::format("Look at '{}' first: ", child.child);
    if (is_against) {
      text += fmt::format("its weights pull against the others' (agreement {:.2f}, and {:.2f} is usual here)",
                          *child.agreement, *agreement);
    }
    if (is_outsize) {
      text += fmt::format("{}a merge of its moves the weights {:.1f} times as far as one of the others",
                          is_against ? ", and " : "", times);
    }
    text += '.';
  }
  return text.empty() ? "No Child stands out." : text;
}

}  // namespace genkidama::run
