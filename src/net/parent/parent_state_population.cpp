// The Parent's state where each Child is a member of a population.

#include <set>
#include <string>
#include <utility>

#include "genkidama/params/weighted_average.h"
#include "net/parent/parent_state.h"
#include "net/parent/session_figures.h"

namespace genkidama {

Population ParentState::population() const {
  const std::lock_guard lock(mutex_);
  return population_;
}

const PopulationMember& ParentState::member_of(std::uint64_t session) const {
  // It has joined together with its session.
  return *population_.find(children_.at(session).status.name);
}

bool ParentState::is_population_full(const std::string& own_name) const {
  return population_.members().size() >= Population::kMostMembers && population_.find(own_name) == nullptr;
}

Population ParentState::population_with(const std::string& shown_name) const {
  if (!has_population_) return {};
  Population population = population_;
  population.join(shown_name, weights_);
  return population;
}

MemberMergeReport ParentState::take_member(const FrameHeader& frame, std::span<const float> weights,
                                           bool is_sound, Clock::time_point now, NumberedStatistics own) {
  MemberMergeReport report;
  SessionRecord& record = children_.at(frame.session);
  report.merge.since_merge = played_since_merge(record, {frame.environment_steps, frame.episodes});
  // What may want memory comes first: a report is taken and counted, or neither.
  std::set<std::string> sources;
  for (const auto& [session, other] : children_) {
    if (!other.status.late) sources.insert(other.status.name);
  }
  Population population = population_;
  report.changes =
      population.take({record.status.name, weights, is_sound, report.merge.since_merge, frame.mean_return},
                      [&sources](const std::string& name) { return sources.contains(name); });
  const PopulationMember* const best = population.best();
  std::vector<float> best_weights = best == nullptr ? weights_ : *best->weights;
  report.merge.movement = distance(weights_, best_weights);
  const std::lock_guard lock(mutex_);
  count_merge(record, frame, report.merge, now, std::move(own));
  ++status_.updates;
  weights_.swap(best_weights);
  std::swap(population_, population);
  return report;
}

}  // namespace genkidama
