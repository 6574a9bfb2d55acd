#include "genkidama/params/population.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "core/fnv1a.h"
#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/core/random.h"

namespace genkidama {
namespace {

constexpr double kLess = 0.8, kMore = 1.25;
// What a member's draws are for.
constexpr std::uint64_t kFirstValues = 0, kDecision = 1;

std::uint64_t number_of(const std::string& name) {
  return fnv1a(std::as_bytes(std::span(name.data(), name.size())));
}

double drawn(const ExploredHyperparameter& range, Random& random) {
  const double share = random.uniform();
  if (!range.logarithmic)
    return std::clamp(range.low + share * (range.high - range.low), range.low, range.high);
  const double low = std::log(range.low), high = std::log(range.high);
  return std::clamp(std::exp(low + share * (high - low)), range.low, range.high);
}

}  // namespace

const char* population_change_name(PopulationChangeKind kind) {
  switch (kind) {
    case PopulationChangeKind::kStart:
      return "start";
    case PopulationChangeKind::kExploit:
      return "exploit";
    case PopulationChangeKind::kDiverged:
      return "diverged";
  }
  return "";
}

Population::Population(PopulationOptions options) : options_(std::move(options)) {
  options_.check();
}

const PopulationMember* Population::find(const std::string& name) const {
  const auto found = std::find_if(members_.begin(), members_.end(),
                                  [&](const PopulationMember& each) { return each.name == name; });
  return found == members_.end() ? nullptr : &*found;
}

PopulationMember& Population::at(const std::string& name) {
  const auto found = std::find_if(members_.begin(), members_.end(),
                                  [&](const PopulationMember& each) { return each.name == name; });
  if (found == members_.end()) throw ArgumentError(fmt::format("'{}' has not joined the population", name));
  return *found;
}

const PopulationMember* Population::best() const {
  const PopulationMember* best = nullptr;
  for (const PopulationMember& each : members_) {
    if (each.score && (best == nullptr || *each.score > *best->score)) best = &each;
  }
  return best;
}

void Population::join(const std::string& name, std::span<const float> weights) {
  if (find(name) != nullptr) return;
  PopulationMember member;
  member.name = name;
  member.weights = std::make_shared<const std::vector<float>>(weights.begin(), weights.end());
  Random random(derive_seed(options_.seed, {number_of(name), kFirstValues}));
  for (const ExploredHyperparameter& each : options_.explored) member.values.push_back(drawn(each, random));
  members_.push_back(std::move(member));
}

Population::Ranks Population::ranks(const PopulationMember& self,
                                    const std::function<bool(const std::string& name)>& may_be_source) const {
  std::vector<const PopulationMember*> ranked;
  for (const PopulationMember& each : members_) {
    if (each.score && (&each == &self || may_be_source(each.name))) ranked.push_back(&each);
  }
  std::sort(ranked.begin(), ranked.end(), [](const PopulationMember* a, const PopulationMember* b) {
    return std::tie(*b->score, a->name) < std::tie(*a->score, b->name);
  });
  // Of one alone nobody is high or low.
  const auto share = static_cast<std::size_t>(options_.share * static_cast<double>(ranked.size()) + 1e-9);
  const auto count =
      static_cast<std::ptrdiff_t>(std::min(std::max<std::size_t>(share, 1), ranked.size() / 2));
  return {{ranked.begin(), ranked.begin() + count}, {ranked.end() - count, ranked.end()}};
}

std::vector<double> Population::explored_from(const std::vector<double>& values, std::uint64_t seed) const {
  Random random(seed);
  std::vector<double> explored;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const ExploredHyperparameter& range = options_.explored[i];
    // No factor moves 0.
    const bool is_anew = random.uniform() < options_.resample || values[i] == 0;
    const double factor = random.below(2) == 0 ? kLess : kMore;
    explored.push_back(is_anew ? drawn(range, random)
                               : std::clamp(values[i] * factor, range.low, range.high));
  }
  return explored;
}

PopulationChange Population::copy(PopulationMember& self, const PopulationMember* source,
                                  PopulationChangeKind kind) {
  PopulationChange change{kind,       self.name,    self.steps,  source ? source->name : "",
                          self.score, std::nullopt, self.values, {}};
  if (source != nullptr) change.source_score = source->score;
  // What it goes on from is another one's, and how that does with other values is not known yet.
  self.score.reset();
  if (source != nullptr) self.weights = source->weights;
  self.values = explored_from(source ? source->values : self.values,
                              derive_seed(options_.seed, {number_of(self.name), kDecision, self.decisions}));
  self.is_changed = true;
  ++self.copies;
  change.after = self.values;
  return change;
}

std::vector<PopulationChange> Population::take(
    const MemberReport& report, const std::function<bool(const std::string& name)>& may_be_source) {
  PopulationMember& self = at(report.name);
  std::vector<PopulationChange> changes;
  if (self.steps == 0 && self.decisions == 0)
    changes.push_back({PopulationChangeKind::kStart, self.name, 0, "", {}, {}, {}, self.values});
  self.steps += report.played.steps;
  self.since_decision += report.played;
  if (report.played.episodes > 0)
    self.returns += report.mean_return * static_cast<double>(report.played.episodes);
  const bool has_diverged = !report.is_sound || !is_finite(self.returns);
  if (!has_diverged) {
    self.weights = std::make_shared<const std::vector<float>>(report.weights.begin(), report.weights.end());
    self.is_changed = false;
    if (self.since_decision.steps < options_.ready_steps || self.since_decision.episodes == 0) return changes;
    self.score = self.returns / static_cast<double>(self.since_decision.episodes);
  } else {
    // It is ranked below everybody.
    self.score.reset();
  }
  self.since_decision = {};
  self.returns = 0;
  ++self.decisions;
  const Ranks ranked = ranks(self, may_be_source);
  Random random(derive_seed(options_.seed, {number_of(self.name), kDecision, self.decisions, 1}));
  const auto source_of = [&](const std::vector<const PopulationMember*>& from) {
    return from[static_cast<std::size_t>(random.below(from.size()))];
  };
  if (has_diverged) {
    // Those that may be copied, when there is just one.
    const PopulationMember* source = nullptr;
    if (!ranked.high.empty()) {
      source = source_of(ranked.high);
    } else {
      for (const PopulationMember& each : members_)
        if (&each != &self && each.score && may_be_source(each.name)) source = &each;
    }
    changes.push_back(copy(self, source, PopulationChangeKind::kDiverged));
    return changes;
  }
  const bool is_low = std::find(ranked.low.begin(), ranked.low.end(), &self) != ranked.low.end();
  if (!is_low) return changes;
  const PopulationMember* const source = source_of(ranked.high);
  if (*source->score > *self.score) changes.push_back(copy(self, source, PopulationChangeKind::kExploit));
  return changes;
}

}  // namespace genkidama
