// What a Population leaves in a Parent's state.

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/params/population.h"

namespace genkidama {
namespace {

constexpr const char *kNames = "population_names", *kExplored = "population_explored",
                     *kValues = "population_values", *kWeights = "population_weights",
                     *kScores = "population_scores", *kCounts = "population_counts",
                     *kReturns = "population_returns";
// Of each member in kCounts.
constexpr std::size_t kCountsOfMember = 7;

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string explored_names(const PopulationOptions& options) {
  std::string names;
  for (const ExploredHyperparameter& each : options.explored) names += each.name + "\n";
  return names;
}

}  // namespace

void Population::save(StateWriter& state) const {
  if (members_.empty()) return;
  std::string names;
  std::vector<double> values, scores, returns;
  std::vector<std::uint64_t> counts;
  for (const PopulationMember& each : members_) {
    names += each.name + "\n";
    values.insert(values.end(), each.values.begin(), each.values.end());
    scores.push_back(each.score.value_or(0));
    returns.push_back(each.returns);
    for (const std::uint64_t count :
         {std::uint64_t{each.score.has_value()}, each.steps, each.decisions, each.copies,
          each.since_decision.steps, each.since_decision.episodes, std::uint64_t{each.is_changed}})
      counts.push_back(count);
  }
  state.text(kNames, names);
  state.text(kExplored, explored_names(options_));
  state.f64s(kValues, values);
  state.f64s(kScores, scores);
  state.f64s(kReturns, returns);
  state.u64s(kCounts, counts);
  const std::size_t size = members_.front().weights->size();
  const auto weights =
      state.floats(kWeights, {static_cast<std::int64_t>(members_.size()), static_cast<std::int64_t>(size)});
  for (std::size_t i = 0; i < members_.size(); ++i)
    std::copy(members_[i].weights->begin(), members_[i].weights->end(),
              weights.begin() + static_cast<std::ptrdiff_t>(i * size));
}

void Population::restore(const StateReader& state) {
  const std::vector<std::string> names = lines_of(state.text(kNames));
  if (names.empty()) {
    members_.clear();
    return;
  }
  if (const std::string explored = state.text(kExplored); explored != explored_names(options_)) {
    throw LayoutError(fmt::format("{}: its population explores [{}], and this one [{}]; expected the same",
                                  state.source(), fmt::join(lines_of(explored), ", "),
                                  fmt::join(lines_of(explored_names(options_)), ", ")));
  }
  const std::size_t width = options_.explored.size();
  const auto values = state.f64s(kValues), scores = state.f64s(kScores), returns = state.f64s(kReturns);
  const auto counts = state.u64s(kCounts);
  const auto weights = state.floats(kWeights);
  const std::size_t members = names.size();
  if (values.size() != members * width || scores.size() != members || returns.size() != members ||
      counts.size() != members * kCountsOfMember || weights.values.empty() ||
      weights.values.size() % members != 0) {
    throw FormatError(fmt::format("{}: its population has {} members, and figures of another number",
                                  state.source(), members));
  }
  const std::size_t size = weights.values.size() / members;
  std::vector<PopulationMember> read;
  for (std::size_t i = 0; i < members; ++i) {
    PopulationMember member;
    member.name = names[i];
    for (std::size_t v = 0; v < width; ++v) {
      const ExploredHyperparameter& range = options_.explored[v];
      member.values.push_back(std::clamp(values[i * width + v], range.low, range.high));
    }
    const auto own = weights.values.subspan(i * size, size);
    member.weights = std::make_shared<const std::vector<float>>(own.begin(), own.end());
    const std::uint64_t* const count = &counts[i * kCountsOfMember];
    if (count[0] != 0) member.score = scores[i];
    member.steps = count[1];
    member.decisions = count[2];
    member.copies = count[3];
    member.since_decision = {count[4], count[5]};
    member.is_changed = count[6] != 0;
    member.returns = returns[i];
    read.push_back(std::move(member));
  }
  members_ = std::move(read);
}

}  // namespace genkidama
