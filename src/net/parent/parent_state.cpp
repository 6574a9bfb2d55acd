#include "net/parent/parent_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <exception>
#include <new>
#include <string_view>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/params/weighted_average.h"
#include "net/parent/session_figures.h"
#include "net/parent/shared_weights.h"
#include "net/parent/shown_name.h"

namespace genkidama {
namespace {

std::uint64_t* count_of(PeerRefusals& refusals, PeerFault fault) {
  switch (fault) {
    case PeerFault::kNone:
      return nullptr;
    case PeerFault::kToken:
      return &refusals.token;
    case PeerFault::kOrigin:
      return &refusals.origin;
    case PeerFault::kRequest:
      return &refusals.request;
    case PeerFault::kTls:
      return &refusals.tls;
    case PeerFault::kQuarantine:
      return &refusals.quarantine;
    case PeerFault::kConnections:
      return &refusals.connections;
  }
  return nullptr;
}

double seconds_of(Clock::duration span) {
  return std::chrono::duration<double>(span).count();
}

/// An address without its port.
std::string_view host_of(std::string_view address) {
  return address.substr(0, address.rfind(':'));
}

ChildStatus status_of(const SessionRecord& record, Clock::time_point now) {
  ChildStatus status = record.status;
  if (status.updates > 0) {
    status.mean_staleness = static_cast<double>(record.staleness_sum) / static_cast<double>(status.updates);
  }
  status.seconds_since_update = seconds_of(now - record.since);
  if (const auto median = record.rounds.median()) status.round_seconds = seconds_of(*median);
  return status;
}

std::uint64_t more_than(std::uint64_t before, std::uint64_t now) {
  return now > before ? now - before : 0;
}

}  // namespace

// What a Child has told for the first time. A Child that has trained before tells in a new session how many
// steps of its were counted, and not how many episodes.
Played played_since_merge(const SessionRecord& record, const Played& told) {
  Played counted = record.counted;
  if (record.status.updates == 0 && counted.steps > 0 && told.steps > 0) {
    const double share = std::min(1.0, static_cast<double>(counted.steps) / static_cast<double>(told.steps));
    counted.episodes = static_cast<std::uint64_t>(share * static_cast<double>(told.episodes));
  }
  return {more_than(counted.steps, told.steps), more_than(counted.episodes, told.episodes)};
}

Lateness lateness_of(const SessionRecord& record, Clock::time_point now) {
  return {record.status.name, seconds_of(record.rounds.median().value_or(Clock::duration::zero())),
          seconds_of(now - record.since)};
}

ParentState::ParentState(const ParentOptions& options, const ParameterLayout& layout,
                         std::vector<float> weights)
    : alpha_(options.alpha),
      shares_weights_(options.merge_threads > 1),
      max_norm_growth_(options.max_norm_growth),
      rule_(options.merge_rule),
      max_staleness_(options.rounds.max_staleness),
      apart_from_steps_(options.exchange == ExchangeKind::kRounds ? options.rounds.apart_from_steps : 0),
      first_steps_(options.first_steps),
      averages_moments_(options.average_moments),
      has_population_(options.exchange == ExchangeKind::kPopulation),
      segments_(options.exchange == ExchangeKind::kSegments ? options.segments : SegmentOptions{}),
      layout_(layout),
      run_steps_(takes_segments() ? options.first_steps : 0),
      weights_(std::move(weights)),
      statistics_(options.statistics),
      outer_optimizer_(options.outer_optimizer),
      moments_(averages_moments_ ? options.moments : AveragedMoments()),
      method_(options.merge_method ? options.merge_method->clone() : nullptr),
      population_(has_population_ ? options.population : Population()) {
  status_.updates = options.first_update;
  if (options.exchange == ExchangeKind::kRounds || takes_segments()) round_.emplace(options.rounds);
  if (takes_segments() && segments_.mode == ActorMode::kAsynchronous) {
    queue_.emplace(segments_.queued_rounds * segments_.round_steps, segments_.queue_bytes);
  }
  const bool averages_rounds = options.exchange == ExchangeKind::kRounds;
  if (rule_ || method_ || averages_rounds) merged_.resize(weights_.size());
  if (averages_rounds) mean_change_.resize(weights_.size());
  if (apart_from_steps_ > 0 && first_steps_ >= apart_from_steps_) apart_.emplace(weights_.size());
}

std::vector<float> ParentState::weights() const {
  const std::lock_guard lock(mutex_);
  return copied_weights();
}

StreamStatistics ParentState::statistics() const {
  const std::lock_guard lock(mutex_);
  return statistics_;
}

OuterOptimizer ParentState::outer_optimizer() const {
  const std::lock_guard lock(mutex_);
  return outer_optimizer_;
}

AveragedMoments ParentState::moments() const {
  const std::lock_guard lock(mutex_);
  return moments_;
}

std::unique_ptr<MergeMethod> ParentState::merge_method() const {
  const std::lock_guard lock(mutex_);
  return method_ ? method_->clone() : nullptr;
}

ParentStatus ParentState::status(Clock::time_point now) const {
  const std::lock_guard lock(mutex_);
  ParentStatus status = status_;
  if (queue_) status.rounds.queued_steps = queue_->steps();
  status.children.reserve(children_.size());
  for (const auto& [session, record] : children_) status.children.push_back(status_of(record, now));
  return status;
}

std::optional<std::string> ParentState::objection(std::span<const float> weights) const {
  // One look at the weights: their norm is finite exactly when all of them are.
  const double given = euclidean_norm(weights);
  if (!is_finite(given)) {
    const std::size_t bad = first_non_finite(weights);
    return fmt::format("element {} of the weights is {}, not a finite number; the training has diverged", bad,
                       weights[bad]);
  }
  if (const auto here = outgrown(given)) {
    return fmt::format("the norm of the weights is {:.3g}, out of proportion to the Parent's {:.3g}", given,
                       *here);
  }
  return std::nullopt;
}

std::optional<double> ParentState::outgrown(double norm) const {
  // The Parent's own norm is only needed when the least that it may count for is not enough.
  if (max_norm_growth_ <= 0 || norm <= max_norm_growth_) return std::nullopt;
  const double here = own_norm();
  return norm > max_norm_growth_ * std::max(here, 1.0) ? std::optional(here) : std::nullopt;
}

std::optional<std::string> ParentState::run_rule(const FrameHeader& frame, const SessionRecord& record,
                                                 const Played& since_merge, std::span<const float> weights,
                                                 MergeMethod* method) {
  present_.clear();
  for (const auto& [session, other] : children_) present_.push_back(session);
  MergeContext context{.child = record.status.name,
                       .session = frame.session,
                       .sequence = frame.sequence,
                       .update = status_.updates + 1,
                       .staleness = status_.updates - record.update_sent,
                       .since_child_began = {frame.environment_steps, frame.episodes},
                       .since_merge = since_merge,
                       .mean_return = frame.mean_return,
                       .alpha = alpha_,
                       .present = present_,
                       .layout = layout_};
  std::copy(weights_.begin(), weights_.end(), merged_.begin());
  std::string fault;
  try {
    if (method != nullptr) {
      method->merge(merged_, weights, context);
    } else {
      rule_(merged_, weights, context);
    }
  } catch (const std::exception& error) {
    fault = fmt::format("threw: {}", error.what());
  } catch (...) {
    fault = "threw what is no std::exception";
  }
  if (fault.empty()) {
    const double norm = euclidean_norm(merged_);
    if (!is_finite(norm)) {
      const std::size_t bad = first_non_finite(merged_);
      fault = fmt::format("made {} {}", element_text(layout_, bad), merged_[bad]);
    } else if (const auto here = outgrown(norm)) {
      fault = fmt::format("made weights of norm {:.3g}, out of proportion to the {:.3g} before", norm, *here);
    }
  }
  if (fault.empty()) return std::nullopt;
  return fmt::format(
      "the merge rule failed at update {}, on the weights of '{}' (session {}, sequence {}): it {}",
      status_.updates + 1, record.status.name, frame.session, frame.sequence, fault);
}

std::set<std::string> ParentState::names_like(const std::string& own_name,
                                              const std::optional<std::string>& came_back_to) const {
  std::set<std::string> names;
  const std::string start = own_name.substr(0, kKeptOfName);
  for (auto name = connected_names_.lower_bound(start);
       name != connected_names_.end() && name->starts_with(start); ++name)
    names.insert(*name);
  for (const SessionRecord& record : lost_.records()) {
    const bool is_same = came_back_to && record.own_name == own_name &&
                         host_of(record.status.address) == host_of(*came_back_to);
    if (!is_same && record.status.name.starts_with(start)) names.insert(record.status.name);
  }
  return names;
}

void ParentState::joined(ChildStatus child, std::uint64_t steps_counted_before, bool came_back,
                         Clock::time_point now) {
  const std::uint64_t session = child.session;
  SessionRecord record;
  record.own_name = child.name;
  record.status = std::move(child);
  const auto came_back_to = came_back ? std::optional(record.status.address) : std::nullopt;
  record.status.name = shown_name(record.own_name, names_like(record.own_name, came_back_to));
  record.update_sent = updates_begun();
  record.counted.steps = steps_counted_before;
  record.since = now;
  if (takes_segments()) record.place = free_place(0);
  // What wants memory comes before the Child is counted as connected.
  std::multiset<std::string> shown{record.status.name};
  if (apart_) apart_->joined(session, record.status.name, weights_);
  auto population = population_with(record.status.name);
  const std::lock_guard lock(mutex_);
  if (round_) round_->joined(session, now);
  children_[session] = std::move(record);
  connected_names_.merge(shown);
  std::swap(population_, population);
  ++status_.joined;
}

std::optional<std::uint64_t> ParentState::rejoined(std::uint64_t session, const std::string& own_name,
                                                   const std::string& address, Clock::time_point now) {
  auto record = lost_.take(session, own_name);
  if (!record) return std::nullopt;
  if (connected_names_.contains(record->status.name))
    record->status.name = shown_name(own_name, names_like(own_name, std::nullopt));
  record->status.address = address;
  record->since = now;
  record->merged_on_this_link = false;
  if (takes_segments()) record->place = free_place(record->place);
  const std::uint64_t sequence = record->sequence;
  std::multiset<std::string> shown{record->status.name};
  if (apart_) apart_->joined(session, record->status.name, weights_);
  auto population = population_with(record->status.name);
  const std::lock_guard lock(mutex_);
  if (round_) round_->joined(session, now);
  children_[session] = std::move(*record);
  connected_names_.merge(shown);
  std::swap(population_, population);
  ++status_.joined;
  ++status_.resumed;
  return sequence;
}

MergeReport ParentState::merge(const FrameHeader& frame, std::span<const float> weights,
                               Clock::time_point now, NumberedStatistics own) {
  MergeReport report;
  // What only this thread writes it may read without the lock, which a rule must not hold: it may take its
  // time, and ask for the Parent's status.
  SessionRecord& record = children_.at(frame.session);
  report.since_merge = played_since_merge(record, {frame.environment_steps, frame.episodes});
  auto method = method_ ? method_->clone() : nullptr;
  const bool has_rule = method || rule_;
  const auto fault =
      has_rule ? run_rule(frame, record, report.since_merge, weights, method.get()) : std::nullopt;
  if (!fault) {
    const ChangeSketch pull(weights_, weights);
    report.agreement = influence_.agreement(frame.session, pull);
    report.movement = has_rule ? distance(weights_, merged_) : alpha_ * pull.norm();
    influence_.add(frame.session, pull);
  }
  const std::lock_guard lock(mutex_);
  if (fault) {
    status_.failure = report.failure = *fault;
    return report;
  }
  // What may want memory comes first: a merge is made and counted, or neither.
  count_merge(record, frame, report, now, std::move(own));
  ++status_.updates;
  if (has_rule) {
    weights_.swap(merged_);
    method_ = std::move(method);
  } else {
    average_finite(weights_, weights, alpha_);
  }
  return report;
}

void ParentState::count_merge(SessionRecord& record, const FrameHeader& frame, MergeReport& report,
                              Clock::time_point now, NumberedStatistics own) {
  if (std::exchange(record.status.late, false)) report.was_late = lateness_of(record, now);
  if (statistics_components() > 0) statistics_.set(own.stream, std::move(own.statistics));
  report.staleness = updates_begun() - record.update_sent;
  record.update_sent = updates_begun() + 1;
  record.sequence = frame.sequence;
  count(record, {frame.environment_steps, frame.episodes}, report.since_merge, report.staleness);
  // The time to the first update of a link is not that of a round.
  if (std::exchange(record.merged_on_this_link, true)) record.rounds.add(now - record.since);
  record.since = now;
}

void ParentState::change(std::span<const float> from, std::span<const float> to) {
  assert(from.size() == weights_.size() && to.size() == weights_.size());
  std::vector<float> changed(weights_.size());
  read_shared(weights_, changed);
  // What nobody has changed meanwhile is exactly what is given.
  change_shared(changed, from, to);
  if (const std::size_t bad = first_non_finite(changed); bad != changed.size()) {
    throw Error(fmt::format("the change of {} makes it {}; expected finite weights",
                            element_text(layout_, bad), changed[bad]));
  }
  if (shares_weights_) {
    change_shared(weights_, from, to);
    return;
  }
  const std::lock_guard lock(mutex_);
  weights_.swap(changed);
}

void ParentState::set_statistics(std::uint64_t stream, RunningStatistics statistics) {
  const std::lock_guard lock(mutex_);
  statistics_.set(stream, std::move(statistics));
}

void ParentState::count(SessionRecord& record, const Played& told, const Played& since_merge,
                        std::uint64_t staleness) {
  status_.in_process += since_merge;
  record.counted = {std::max(record.counted.steps, told.steps),
                    std::max(record.counted.episodes, told.episodes)};
  ChildStatus& child = record.status;
  ++child.updates;
  child.since_child_began = told;
  child.staleness = staleness;
  record.staleness_sum += staleness;
}

void ParentState::left(std::uint64_t session, bool for_good) {
  const std::lock_guard lock(mutex_);
  const auto found = children_.find(session);
  if (found == children_.end()) return;
  if (round_) round_->left(session);
  if (const auto given = contributions_.find(session); given != contributions_.end()) {
    // One that leaves for good does not send it again.
    if (for_good) status_.rounds.dropped_steps += given->second.batch.steps;
    contributions_.erase(given);
    --status_.rounds.waiting;
  }
  SessionRecord& record = found->second;
  record.status.late = false;
  record.change_space = {};
  connected_names_.erase(connected_names_.find(record.status.name));
  if (apart_) apart_->left(session, for_good || record.sequence == 0);
  try {
    if (!for_good && record.sequence > 0) lost_.keep(std::move(record));
  } catch (const std::bad_alloc&) {
    // Then it comes back as a new one.
  }
  children_.erase(found);
  influence_.forget(session);
  ++status_.left;
}

std::vector<Lateness> ParentState::become_late(Clock::duration floor, Clock::time_point now) {
  std::vector<Lateness> late;
  const std::lock_guard lock(mutex_);
  for (auto& [session, record] : children_) {
    // It waits for the others.
    if (has_contributed(session)) continue;
    const Clock::duration silence = now - record.since;
    if (record.status.late || silence <= floor) continue;
    const auto allowance = record.rounds.allowance();
    if (!allowance || silence <= *allowance) continue;
    record.status.late = true;
    late.push_back(lateness_of(record, now));
  }
  return late;
}

std::string ParentState::summary(std::uint64_t session) const {
  const std::lock_guard lock(mutex_);
  const auto found = children_.find(session);
  if (found == children_.end() || found->second.status.updates == 0) return "no updates";
  const ChildStatus child = status_of(found->second, found->second.since);
  return fmt::format("{} updates, staleness {:.1f} in the mean{}", child.updates, child.mean_staleness,
                     child.round_seconds ? fmt::format(", {:.3g} s a round", *child.round_seconds) : "");
}

void ParentState::codec_agreed(std::uint64_t session, CodecKind codec) {
  const std::lock_guard lock(mutex_);
  children_.at(session).status.codec = codec;
}

void ParentState::frame_received(std::uint64_t session, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  status_.bytes_received += bytes;
  const auto child = children_.find(session);
  if (child != children_.end()) child->second.status.bytes_received += bytes;
}

void ParentState::frame_sent(std::uint64_t session, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  status_.bytes_sent += bytes;
  const auto child = children_.find(session);
  if (child != children_.end()) child->second.status.bytes_sent += bytes;
}

void ParentState::peer_refused(const std::string& reason, PeerFault fault) {
  const std::lock_guard lock(mutex_);
  ++status_.refused_peers;
  if (std::uint64_t* count = count_of(status_.refusals, fault)) ++*count;
  status_.last_refusal = reason;
}

void ParentState::update_refused(const std::string& reason) {
  const std::lock_guard lock(mutex_);
  ++status_.refused_updates;
  status_.last_refusal = reason;
}

}  // namespace genkidama
