// The Parent's state where Children make rounds together.

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <exception>
#include <new>
#include <tuple>
#include <utility>

#include "genkidama/core/is_finite.h"
#include "genkidama/params/change_average.h"
#include "genkidama/params/weighted_average.h"
#include "net/parent/parent_state.h"
#include "net/parent/session_figures.h"

namespace genkidama {

void ParentState::contribute(const FrameHeader& frame, std::uint64_t steps, std::span<const float> change,
                             Clock::time_point now, NumberedStatistics own, OptimizerMoments moments) {
  assert(round_ && !has_contributed(frame.session));
  // What may want memory comes first.
  Contribution given{frame, steps, std::move(children_.at(frame.session).change_space), std::move(own),
                     std::move(moments)};
  given.change.assign(change.begin(), change.end());
  const std::lock_guard lock(mutex_);
  add_contribution(frame.session, std::move(given), now);
}

void ParentState::add_contribution(std::uint64_t session, Contribution given, Clock::time_point now) {
  SessionRecord& record = children_.at(session);
  const bool fresh = given.frame.update == status_.updates;
  given.arrival = ++arrivals_;
  contributions_.insert_or_assign(session, std::move(given));
  if (!queue_) round_->contributed(session, fresh, now);
  ++status_.rounds.waiting;
  // The time from the weights to the contribution; the first one on a link says nothing about a round.
  if (std::exchange(record.merged_on_this_link, true)) record.rounds.add(now - record.since);
}

std::optional<Clock::time_point> ParentState::round_deadline() const {
  return round_ ? round_->deadline() : std::nullopt;
}

bool ParentState::is_round_over(Clock::time_point now) const {
  if (queue_) return !learning_ && (queue_->steps() >= segments_.round_steps || queue_->is_full());
  return round_ && !learning_ && round_->is_over(now);
}

RoundContribution ParentState::told_contribution(std::uint64_t session, const FrameHeader& frame) const {
  const SessionRecord& record = children_.at(session);
  RoundContribution told;
  told.child = record.status.name;
  told.session = session;
  told.sequence = frame.sequence;
  told.since_child_began = {frame.environment_steps, frame.episodes};
  told.since_merge = played_since_merge(record, told.since_child_began);
  told.mean_return = frame.mean_return;
  told.staleness = status_.updates - frame.update;
  return told;
}

std::vector<RoundContribution> ParentState::told_contributions() const {
  std::vector<RoundContribution> told;
  told.reserve(contributions_.size());
  for (const auto& [session, given] : contributions_) {
    told.push_back(told_contribution(session, given.frame));
    // What a Child apart has learnt belongs to its own weights, however old they are.
    told.back().dropped = !apart_ && told.back().staleness > max_staleness_;
  }
  std::sort(told.begin(), told.end(), [](const RoundContribution& a, const RoundContribution& b) {
    return std::tie(a.child, a.session) < std::tie(b.child, b.session);
  });
  return told;
}

std::vector<WeightedChange> ParentState::changes_of(const std::vector<RoundContribution>& told) const {
  std::vector<WeightedChange> changes;
  changes.reserve(told.size());
  for (const RoundContribution& each : told) {
    if (each.dropped) continue;
    const Contribution& given = contributions_.at(each.session);
    changes.push_back({given.change, static_cast<double>(given.steps), staleness_discount(each.staleness)});
  }
  return changes;
}

void ParentState::measure_influence(std::vector<RoundContribution>& told,
                                    const std::vector<WeightedChange>& changes) {
  double steps = 0;
  for (const WeightedChange& each : changes) steps += each.weight;
  std::vector<ChangeSketch> sketches;
  sketches.reserve(changes.size());
  for (RoundContribution& each : told) {
    if (each.dropped) continue;
    const WeightedChange& change = changes[sketches.size()];
    const ChangeSketch& sketch = sketches.emplace_back(change.change);
    const double share = steps > 0 ? change.weight / steps : 1 / static_cast<double>(changes.size());
    each.movement = share * change.discount * sketch.norm();
    influence_.add(each.session, sketch);
  }
  // Now that all of this round are known.
  std::size_t at = 0;
  for (RoundContribution& each : told) {
    if (!each.dropped) each.agreement = influence_.agreement(each.session, sketches[at++]);
  }
}

std::optional<std::string> ParentState::run_outer_optimizer(const std::vector<WeightedChange>& changes,
                                                            OuterOptimizer& optimizer, MergeMethod* method) {
  std::copy(weights_.begin(), weights_.end(), merged_.begin());
  // A round of nothing but dropped contributions changes nothing.
  if (changes.empty()) return std::nullopt;
  if (method != nullptr) {
    try {
      method->combine(changes, mean_change_);
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& error) {
      return fmt::format("the merge rule '{}' failed at update {}: it threw: {}", method->name(),
                         status_.updates + 1, error.what());
    }
    if (!is_finite(euclidean_norm(mean_change_))) {
      const std::size_t bad = first_non_finite(mean_change_);
      return fmt::format("the merge rule '{}' failed at update {}: it made the change of {} {}",
                         method->name(), status_.updates + 1, element_text(layout_, bad), mean_change_[bad]);
    }
  } else {
    average_changes(changes, mean_change_);
  }
  optimizer.apply(merged_, mean_change_);
  if (is_finite(euclidean_norm(merged_))) return std::nullopt;
  const std::size_t bad = first_non_finite(merged_);
  return fmt::format(
      "the outer optimizer '{}' failed at update {}: it made {} {}; expected finite weights, so give it a "
      "lower learning rate or momentum",
      outer_optimizer_name(optimizer.options().kind), status_.updates + 1, element_text(layout_, bad),
      merged_[bad]);
}

std::optional<std::string> ParentState::average_apart(const std::vector<RoundContribution>& told) {
  for (const RoundContribution& each : told) {
    const Contribution& given = contributions_.at(each.session);
    apart_->learnt(each.session, given.change, given.steps);
  }
  std::copy(weights_.begin(), weights_.end(), merged_.begin());
  apart_->mean(merged_);
  if (is_finite(euclidean_norm(merged_))) return std::nullopt;
  const std::size_t bad = first_non_finite(merged_);
  return fmt::format("the mean of the Children's weights failed at update {}: {} is {}", status_.updates + 1,
                     element_text(layout_, bad), merged_[bad]);
}

std::optional<ApartWeights> ParentState::apart_after(const std::vector<RoundContribution>& told) const {
  if (apart_ || apart_from_steps_ == 0) return std::nullopt;
  std::uint64_t steps = first_steps_ + status_.in_process.steps;
  for (const RoundContribution& each : told) steps += each.since_merge.steps;
  if (steps < apart_from_steps_) return std::nullopt;
  ApartWeights apart(weights_.size());
  for (const auto& [session, record] : children_) apart.joined(session, record.status.name, merged_);
  return apart;
}

std::optional<Lateness> ParentState::count(const RoundContribution& told, Clock::time_point now) {
  SessionRecord& record = children_.at(told.session);
  std::optional<Lateness> was_late;
  if (std::exchange(record.status.late, false)) was_late = lateness_of(record, now);
  RoundCounts& rounds = status_.rounds;
  ++rounds.contributions;
  rounds.late += told.staleness > 0 ? 1 : 0;
  rounds.dropped += told.dropped ? 1 : 0;
  rounds.staleness += told.staleness;
  record.update_sent = status_.updates;
  record.sequence = told.sequence;
  record.since = now;
  count(record, told.since_child_began, told.since_merge, told.staleness);
  return was_late;
}

std::string ParentState::begin_moments(const std::optional<MomentsShape>& told) {
  if (told.has_value() != averages_moments_) {
    return fmt::format(
        "this Parent averages {} moments of the optimizer and the Child {}; give both the same",
        averages_moments_ ? "the" : "no", told ? "sends them" : "sends none");
  }
  if (!told || *told == moments_.shape()) return {};
  // As long as nothing was averaged, they are what the Children that are here have.
  if (moments_.mean().steps == 0 && children_.empty()) {
    const std::lock_guard lock(mutex_);
    moments_.begin(*told);
    return {};
  }
  const MomentsShape& here = moments_.shape();
  return fmt::format(
      "another optimizer: {} moments, of which {} are means of squares, and this Parent averages {}, "
      "of which {} are; give all Children the same optimizer",
      told->size, told->squares_end - told->squares_begin, here.size, here.squares_end - here.squares_begin);
}

AveragedMoments ParentState::moments_with(const std::vector<RoundContribution>& told) const {
  AveragedMoments averaged = moments_;
  if (moments_size() == 0) return averaged;
  std::vector<WeightedMoments> all;
  for (const RoundContribution& each : told) {
    if (each.dropped) continue;
    const Contribution& given = contributions_.at(each.session);
    all.push_back({given.moments.values, given.moments.steps,
                   static_cast<double>(given.steps) * staleness_discount(each.staleness)});
  }
  averaged.average(all);
  return averaged;
}

StreamStatistics ParentState::statistics_with(const std::vector<RoundContribution>& told) const {
  StreamStatistics statistics(statistics_components());
  if (statistics_components() == 0) return statistics;
  statistics = statistics_;
  for (const RoundContribution& each : told) {
    const NumberedStatistics& own = contributions_.at(each.session).own;
    statistics.set(own.stream, own.statistics);
  }
  return statistics;
}

void ParentState::count_closed_round(Clock::time_point now) {
  RoundCounts& rounds = status_.rounds;
  ++rounds.closed;
  rounds.by_deadline += now >= *round_->deadline() ? 1 : 0;
  rounds.waited_seconds += std::chrono::duration<double>(round_->waited(now)).count();
  rounds.waiting = 0;
  for (auto& [session, given] : contributions_) children_.at(session).change_space.swap(given.change);
  contributions_.clear();
  round_->close(now);
}

RoundMergeReport ParentState::merge_round(Clock::time_point now) {
  assert(is_round_over(now));
  RoundMergeReport report;
  // What may want memory comes first: a round is merged and counted, or neither.
  report.contributions = told_contributions();
  report.were_late.reserve(report.contributions.size());
  OuterOptimizer optimizer = outer_optimizer_;
  auto method = method_ ? method_->clone() : nullptr;
  const std::vector<WeightedChange> changes = changes_of(report.contributions);
  std::optional<std::string> fault;
  if (!apart_) fault = run_outer_optimizer(changes, optimizer, method.get());
  if (!fault) measure_influence(report.contributions, changes);
  StreamStatistics statistics = statistics_with(report.contributions);
  AveragedMoments moments = moments_with(report.contributions);
  auto apart = fault ? std::nullopt : apart_after(report.contributions);
  // Last: what a Child has learnt is added to its own weights once.
  if (apart_) fault = average_apart(report.contributions);
  if (!fault) report.movement = distance(weights_, merged_);
  const std::lock_guard lock(mutex_);
  if (fault) {
    status_.failure = report.failure = *fault;
    return report;
  }
  weights_.swap(merged_);
  std::swap(outer_optimizer_, optimizer);
  std::swap(statistics_, statistics);
  std::swap(moments_, moments);
  if (method) method_ = std::move(method);
  report.goes_apart = apart.has_value();
  if (apart) apart_ = std::move(apart);
  ++status_.updates;
  for (const RoundContribution& each : report.contributions) {
    if (auto late = count(each, now)) report.were_late.push_back(std::move(*late));
  }
  report.waited_seconds = std::chrono::duration<double>(round_->waited(now)).count();
  count_closed_round(now);
  return report;
}

}  // namespace genkidama
