#include "genkidama/run/parent_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <exception>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/rl/tunable.h"
#include "run/directory/parent_identity.h"
#include "run/directory/thinning.h"
#include "run/divergence.h"
#include "run/merge_watch.h"
#include "run/metrics/recent_mean.h"
#include "run/population_table.h"
#include "run/run_files.h"
#include "run/run_limits.h"
#include "run/state/child_counters.h"
#include "run/state/influence_report.h"
#include "run/state/parent_memory.h"
#include "run/state/resumed_session.h"
#include "run/update_queue.h"

namespace genkidama::run {
namespace {

const std::vector<std::string> kColumns = {"child",          "child_sequence",    "child_environment_steps",
                                           "child_episodes", "child_return_mean", "staleness",
                                           "movement",       "agreement",         "children"};
// Of rounds that Children make together.
const std::vector<std::string> kRoundColumns = {
    "contributions", "late_contributions", "staleness_mean", "staleness_max", "waited_seconds", "episodes",
    "return_mean",   "movement",           "agreement_mean", "agreement_min", "children"};

// Of a Parent with a population; the best member is that whose weights are evaluated.
const std::vector<std::string> kMemberColumns = {
    "child",          "child_sequence",    "child_environment_steps",
    "child_episodes", "child_return_mean", "best_member",
    "best_score",     "children"};

// Of a Parent that is a Child of another one, as of the moment that a merge is recorded.
const std::vector<std::string> kUpperColumns = {"upper_connected", "upper_exchanges"};

std::vector<std::string> fields_of(const ParentUpdate& update, const Played& played, std::size_t children) {
  return {update.child,
          fmt::format("{}", update.sequence),
          fmt::format("{}", update.since_child_began.steps),
          fmt::format("{}", update.since_child_began.episodes),
          played.episodes > 0 ? fmt::format("{:.6g}", update.mean_return) : "",
          fmt::format("{}", update.staleness),
          fmt::format("{:.6g}", update.movement),
          update.agreement ? fmt::format("{:.4f}", *update.agreement) : "",
          fmt::format("{}", children)};
}

std::vector<std::string> fields_of_round(const ParentUpdate& update, const Played& played,
                                         std::size_t children) {
  std::uint64_t late = 0, staleness = 0, agreements = 0;
  double agreement_sum = 0, agreement_min = 1;
  for (const RoundContribution& each : update.contributions) {
    late += each.staleness > 0 ? 1 : 0;
    staleness += each.staleness;
    if (!each.agreement) continue;
    ++agreements;
    agreement_sum += *each.agreement;
    agreement_min = std::min(agreement_min, *each.agreement);
  }
  const auto count = static_cast<double>(update.contributions.size());
  return {fmt::format("{}", update.contributions.size()),
          fmt::format("{}", late),
          fmt::format("{:.6g}", static_cast<double>(staleness) / count),
          fmt::format("{}", update.staleness),
          fmt::format("{:.6g}", update.waited_seconds),
          fmt::format("{}", played.episodes),
          played.episodes > 0 ? fmt::format("{:.6g}", update.mean_return) : "",
          fmt::format("{:.6g}", update.movement),
          agreements > 0 ? fmt::format("{:.4f}", agreement_sum / static_cast<double>(agreements)) : "",
          agreements > 0 ? fmt::format("{:.4f}", agreement_min) : "",
          fmt::format("{}", children)};
}

std::vector<std::string> fields_of_member(const ParentUpdate& update, const Played& played,
                                          std::size_t children) {
  return {update.child,
          fmt::format("{}", update.sequence),
          fmt::format("{}", update.since_child_began.steps),
          fmt::format("{}", update.since_child_began.episodes),
          played.episodes > 0 ? fmt::format("{:.6g}", update.mean_return) : "",
          update.best_member,
          update.best_score ? fmt::format("{:.6g}", *update.best_score) : "",
          fmt::format("{}", children)};
}

const std::vector<std::string>& columns_of(ExchangeKind exchange) {
  if (exchange == ExchangeKind::kPopulation) return kMemberColumns;
  return exchange == ExchangeKind::kRounds ? kRoundColumns : kColumns;
}

/// Whose schedules are the Children's business.
void check_population(const ParentOptions& parent, Hyperparameters hyperparameters) {
  if (parent.exchange != ExchangeKind::kPopulation) return;
  hyperparameters.final_learning_rate = 0;
  check_explored(parent.population.options(), hyperparameters);
}

/// What a merge adds to the run.
std::uint64_t steps_of(const ParentUpdate& update) {
  std::uint64_t steps = update.contributions.empty() ? update.since_merge.steps : 0;
  for (const RoundContribution& each : update.contributions) steps += each.since_merge.steps;
  return steps;
}

/// A copy that the state can be read into.
std::shared_ptr<MergeMethod> method_of(const ParentOptions& parent) {
  return parent.merge_method ? parent.merge_method->clone() : nullptr;
}

std::string merge_name(const ParentOptions& options) {
  if (options.merge_method) return options.merge_method->name();
  return options.merge_rule ? "own" : "average";
}

const char* const kEndedByUpper = "parent";

std::string parting_words(const std::string& ended_by) {
  if (ended_by == kEndedByUpper) return "the upper Parent ended the run";
  if (ended_by == "signal") return "the Parent was stopped by a signal";
  return fmt::format("the run is over ({})", ended_by);
}

}  // namespace

class ParentRun::Impl {
 public:
  static std::unique_ptr<Impl> make(CoreOrchestrator& evaluator, RunOptions options, ParentOptions parent,
                                    RunObserver* observer, std::optional<UpperParentOptions> upper) {
    ParentMemory memory;
    memory.statistics = StreamStatistics(evaluator.statistics_components());
    memory.rounds = {parent.outer_optimizer, parent.moments, method_of(parent), parent.population};
    parent.policy = evaluator.policy_description();
    check_population(parent, evaluator.hyperparameters());
    auto columns = columns_of(parent.exchange);
    if (upper) columns.insert(columns.end(), kUpperColumns.begin(), kUpperColumns.end());
    OpenedRun opened = RunFiles::open(std::move(options), evaluator, observer,
                                      {run_kind::kParent, std::move(columns), &memory});
    parent.statistics = std::move(memory.statistics);
    parent.outer_optimizer = std::move(memory.rounds.outer_optimizer);
    parent.moments = std::move(memory.rounds.moments);
    parent.merge_method = std::move(memory.rounds.merge_method);
    parent.population = std::move(memory.rounds.population);
    // One more stream beside those of the Children, so that each of them is told of it.
    if (opened.first_statistics.components() > 0) {
      parent.statistics.set(evaluator.own_statistics().stream, std::move(opened.first_statistics));
    }
    return std::make_unique<Impl>(std::move(opened), evaluator, std::move(parent), std::move(upper));
  }
  Impl(OpenedRun opened, CoreOrchestrator& evaluator, ParentOptions parent,
       std::optional<UpperParentOptions> upper);

  RunSummary run();

 private:
  /// On the Parent's own thread.
  void on_merge(const ParentUpdate& update);
  /// Why the run is over before it began; empty: it is not.
  std::string join_upper();
  void announce() const;
  std::string serve();
  /// Records what was merged, waiting up to `span` for the first; no merge after update `last`.
  void tell_links(const ParentStatus& status);
  ParentStatus take_merges(Milliseconds span, std::uint64_t last = kNoLimit);
  /// Throws Error when learning has diverged, after what came before was recorded.
  void check_merges();
  /// Throws Error when the program's merge rule has failed, after what came before was kept.
  void check_rule(const ParentStatus& status);
  void record(const MergeRecord& merge, const ParentStatus& status);
  /// Writes the state when it is due and nothing was merged since the last record; otherwise the next merge
  /// brings its weights.
  void keep_time();
  bool has_members() const { return options_.exchange == ExchangeKind::kPopulation; }
  bool makes_rounds() const { return options_.exchange == ExchangeKind::kRounds; }
  /// Whether the run's last merge was recorded.
  bool has_last() const { return files_->totals().updates == last_update_; }
  bool checkpoint(const PolicySnapshot& snapshot, RoundMemory rounds);
  RoundMemory round_memory() const {
    return {parent_->outer_optimizer(), parent_->moments(), parent_->merge_method(), parent_->population()};
  }
  FillState fill_state();
  /// The evaluator normalises with what all Children have counted until now, and policy files say so.
  void take_statistics() { use_statistics(parent_->statistics()); }
  /// The final weights, and what belongs to them, are those that the Parent has now.
  void take_final();
  void use_statistics(StreamStatistics statistics);
  /// What the Parent has at one moment.
  struct Merged {
    std::uint64_t update = 0;
    std::vector<float> weights;
    PolicyAverage average;
    RoundMemory rounds;
  };
  /// Nothing while merges come too quickly.
  std::optional<Merged> merged_now() const;
  /// What is to be evaluated: the totals are those of its update then. Nothing: not now.
  std::optional<Merged> take_for_evaluation();
  /// Evaluates when that is due; why the run is over then, or nothing.
  std::optional<std::string> evaluate();
  RunProgress progress(const ParentStatus& status) const;
  nlohmann::ordered_json report() const;

  static constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

  std::unique_ptr<RunFiles> files_;
  CoreOrchestrator& evaluator_;
  const ParentOptions options_;
  ChildCounters children_;
  const ParentIdentity identity_;
  std::vector<float> final_weights_;
  PolicyAverage final_average_;
  MergeWatch watch_;
  UpdateQueue queue_;
  std::deque<MergeRecord> pending_;  // taken from the queue, and not recorded yet
  RecentMean recent_returns_;
  std::optional<PopulationTable> population_table_;  // of a population
  bool evaluation_due_ = false;
  bool ended_by_evaluation_ = false;  // of the final weights
  bool ran_ = false;
  std::uint64_t kept_update_ = 0;  // of the last state
  ParentMemory memory_;            // of the next state; the statistics as of use_statistics()
  std::optional<StreamStatistics> last_statistics_;  // as of the last update; the Parent's thread's
  std::uint64_t merged_steps_;                       // of the run; the Parent's thread's
  // Merges after this one are no part of the run. It is known once it has come, or from the beginning.
  std::atomic<std::uint64_t> last_update_;
  std::atomic<bool> weights_due_{false};         // the next merge's, for a state
  std::atomic<std::uint64_t> queued_update_{0};  // of the last merge that was given to the queue
  std::string upper_name_;
  ChildSessionState session_;           // with the upper Parent
  std::unique_ptr<Parent> parent_;      // its thread uses the others
  std::unique_ptr<UpperParent> upper_;  // nullptr unless there is one; the last: it uses the Parent
};

ParentRun::Impl::Impl(OpenedRun opened, CoreOrchestrator& evaluator, ParentOptions parent,
                      std::optional<UpperParentOptions> upper)
    : files_(std::move(opened.files)),
      evaluator_(evaluator),
      options_(parent),
      children_(opened.state ? opened.state->children : ""),
      // On the disk before anything is listened to: no later process may be taken for this one.
      identity_(next_identity(files_->directory().identity(), files_->goes_on())),
      final_weights_(evaluator.layout().size()),
      final_average_(std::move(opened.average)),
      watch_(evaluator.layout(), files_->options(), final_average_),
      merged_steps_(files_->totals().in_run.steps),
      last_update_(files_->options().updates.value_or(kNoLimit)) {
  evaluator_.read_weights(final_weights_);
  if (opened.state) {
    final_weights_ = std::move(opened.state->weights);
    for (const double value : opened.state->recent_returns) recent_returns_.add(value);
    session_ = opened.state->session;
  }
  if (upper) {
    upper->link.resume.reset();
    const auto resumed = opened.state
                             ? std::optional(ResumedSession{opened.state->session, opened.state->written})
                             : std::nullopt;
    if (goes_on_with_session(resumed, "this Parent", "the upper Parent's"))
      upper->link.resume = opened.state->session;
  }
  memory_.rounds = {parent.outer_optimizer, parent.moments, method_of(parent), parent.population};
  if (has_members()) {
    population_table_.emplace(files_->directory().population(), parent.population.options(),
                              files_->goes_on() ? std::optional(files_->totals().updates) : std::nullopt);
  }
  kept_update_ = files_->totals().updates;
  evaluation_due_ = files_->is_evaluation_missing();
  parent.first_update = files_->totals().updates;
  queued_update_ = files_->totals().updates;
  parent.first_steps = files_->totals().in_run.steps;
  parent.run_id = identity_.run_id;
  parent.epoch = identity_.epoch;
  parent_ = std::make_unique<Parent>(std::move(parent), evaluator_.layout(), final_weights_);
  if (upper) {
    upper_name_ = upper->link.connect ? upper->link.connect->text() : "";
    upper_ = std::make_unique<UpperParent>(std::move(*upper), *parent_);
  }
  take_statistics();
  files_->complete_checkpoint({final_weights_, final_average_});
  parent_->on_update([this](const ParentUpdate& update) { on_merge(update); });
}

void ParentRun::Impl::on_merge(const ParentUpdate& update) {
  using Weights = UpdateQueue::Weights;
  if (update.update > last_update_) return;
  if (upper_) upper_->merged(update);
  const RunOptions& options = files_->options();
  merged_steps_ += steps_of(update);
  double share = 1;
  if (options.policy_average.kind == PolicyAverageKind::kSwa)
    share = share_of_run(options, update.update, merged_steps_).value_or(1);
  if (!watch_.follow(update, share)) return;
  // Found here and not where it is recorded, which may be an evaluation later.
  if (options.max_steps && merged_steps_ >= *options.max_steps) last_update_ = update.update;
  if (update.update == last_update_) {
    last_statistics_ = parent_->statistics();
    queue_.push(update, Weights::kSurely, watch_.average());
  } else if (weights_due_.exchange(false) || is_policy_kept(options, update.update)) {
    queue_.push(update, Weights::kIfRoom, watch_.average());
  } else {
    queue_.push(update, Weights::kNone);
  }
  queued_update_ = update.update;
}

RunSummary ParentRun::Impl::run() {
  if (std::exchange(ran_, true)) {
    throw ArgumentError("ParentRun::run() was already called; make a new ParentRun");
  }
  try {
    std::string ended_by = files_->reached_end().value_or("");
    if (ended_by.empty() && upper_) ended_by = join_upper();
    if (ended_by.empty()) {
      parent_->start();
      announce();
      ended_by = serve();
      parent_->stop(parting_words(ended_by));
      // What came from the Children until the end goes up with the last exchange.
      if (upper_) upper_->stop(parting_words(ended_by));
      if (!has_last() && !ended_by_evaluation_) {
        // What was merged before the end belongs to the run, in the files as in the weights.
        take_final();
        take_merges(Milliseconds(0));
        check_merges();
      }
    }
    // Those that belong to the final weights.
    if (has_last() && last_statistics_) {
      use_statistics(std::move(*last_statistics_));
    } else if (!ended_by_evaluation_) {
      take_statistics();
    }
    // Members of a population do nothing to each other's weights.
    return files_->finish(ended_by, {final_weights_, final_average_}, fill_state(), report(),
                          has_members() ? std::vector<ChildInfluence>() : children_.influence());
  } catch (...) {
    parent_->stop("the Parent's run failed");
    if (upper_) upper_->stop("the Parent's run failed");
    files_->fail();
  }
}

nlohmann::ordered_json ParentRun::Impl::report() const {
  const ParentStatus status = parent_->status();
  nlohmann::ordered_json json;
  json["name"] = options_.name;
  if (makes_rounds()) {
    const RoundCounts& rounds = status.rounds;
    const auto mean = [&](double sum, std::uint64_t count) {
      return count > 0 ? sum / static_cast<double>(count) : 0.0;
    };
    json["exchange"] = exchange_name(options_.exchange);
    json["outer_optimizer"] = outer_optimizer_name(options_.outer_optimizer.options().kind);
    json["average_moments"] = options_.average_moments;
    if (options_.rounds.apart_from_steps > 0) json["apart_from_steps"] = options_.rounds.apart_from_steps;
    json["rounds"] = {{"closed", rounds.closed},
                      {"by_deadline", rounds.by_deadline},
                      {"contributions", rounds.contributions},
                      {"late", rounds.late},
                      {"dropped", rounds.dropped},
                      {"staleness_mean", mean(static_cast<double>(rounds.staleness), rounds.contributions)},
                      {"waited_seconds", rounds.waited_seconds},
                      {"waited_seconds_mean", mean(rounds.waited_seconds, rounds.closed)}};
  } else if (has_members()) {
    json["exchange"] = exchange_name(options_.exchange);
    json["population"] = population_report(memory_.rounds.population);
  } else {
    json["alpha"] = options_.alpha;
  }
  if (!has_members()) json["merge_rule"] = merge_name(options_);
  if (upper_) {
    const UpperParentStatus upper = upper_->status();
    json["upper"] = {{"address", upper_name_},
                     {"exchanges", upper.exchanges},
                     {"merges", upper.merges},
                     {"reconnects", upper.reconnects},
                     {"waited_seconds", upper.waited_seconds},
                     {"bytes_sent", upper.bytes_sent},
                     {"bytes_received", upper.bytes_received},
                     {"told_steps", upper.told.steps},
                     {"told_episodes", upper.told.episodes}};
  }
  json["children_joined"] = status.joined;
  json["children_resumed"] = status.resumed;
  json["children_left"] = status.left;
  json["refused_peers"] = status.refused_peers;
  json["refusals"] = {
      {"token", status.refusals.token},           {"origin", status.refusals.origin},
      {"request", status.refusals.request},       {"tls", status.refusals.tls},
      {"quarantine", status.refusals.quarantine}, {"connections", status.refusals.connections}};
  json["refused_updates"] = status.refused_updates;
  json["last_refusal"] = status.last_refusal;
  json["bytes_received"] = status.bytes_received;
  json["bytes_sent"] = status.bytes_sent;
  json["dropped_records"] = queue_.dropped();
  json["run_id"] = identity_.run_id;
  json["epoch"] = identity_.epoch;
  json["children"] = children_.report();
  if (!has_members()) json["influence_suggestion"] = influence_suggestion(children_.influence());
  return json;
}

std::string ParentRun::Impl::join_upper() {
  upper_->start();
  while (!upper_->joined(Milliseconds(100))) {
    if (std::string reason = files_->end_reason(); !reason.empty()) return reason;
    if (const auto reason = upper_->over()) return kEndedByUpper;
  }
  log(LogLevel::kInfo, "{} joined the upper Parent at {}", options_.name, upper_name_);
  return {};
}

void ParentRun::Impl::announce() const {
  log(LogLevel::kInfo, "run {}, epoch {}", identity_.run_id, identity_.epoch);
  const auto ports = parent_->ports();
  for (const std::uint16_t port : ports) log(LogLevel::kInfo, "{} listens on port {}", options_.name, port);
  files_->observer().on_listening(ports);
}

std::string ParentRun::Impl::serve() {
  files_->observer().on_start(files_->info(progress(parent_->status())));
  while (true) {
    const ParentStatus status = take_merges(Milliseconds(100));
    check_merges();
    keep_time();
    if (auto end = evaluate()) {
      ended_by_evaluation_ = true;
      return *end;
    }
    if (const auto limit = reached_limit(files_->options(), files_->totals())) return *limit;
    if (has_last()) return "max_steps";  // as the Parent's thread has counted
    check_rule(status);
    if (upper_) {
      if (const auto reason = upper_->over()) {
        log(LogLevel::kInfo, "the upper Parent: {}", *reason);
        return kEndedByUpper;
      }
    }
    if (std::string reason = files_->end_reason(); !reason.empty()) return reason;
    tell_links(status);
    files_->observer().on_wait(progress(status));
  }
}

void ParentRun::Impl::tell_links(const ParentStatus& status) {
  if (!upper_) {
    files_->observer().on_links({.parent = &status});
    return;
  }
  const UpperParentStatus upper = upper_->status();
  files_->observer().on_links({.parent = &status, .upper = &upper});
}

ParentStatus ParentRun::Impl::take_merges(Milliseconds span, std::uint64_t last) {
  auto merges = queue_.take(pending_.empty() ? span : Milliseconds(0));
  std::move(merges.begin(), merges.end(), std::back_inserter(pending_));
  ParentStatus status = parent_->status();
  while (!pending_.empty() && pending_.front().update.update <= last) {
    const MergeRecord merge = std::move(pending_.front());
    pending_.pop_front();
    record(merge, status);
    if (has_last()) {
      final_weights_ = merge.weights;
      final_average_ = merge.average;
      memory_.rounds = merge.rounds;
    }
  }
  return status;
}

void ParentRun::Impl::check_merges() {
  const auto divergence = watch_.divergence();
  if (!divergence) return;
  take_merges(Milliseconds(0));
  throw Error(files_->diverged_text(divergence->update, divergence->text));
}

void ParentRun::Impl::check_rule(const ParentStatus& status) {
  if (status.failure.empty()) return;
  // The weights are as sound as after the merge before; only what dropped records belong to is not known.
  take_merges(Milliseconds(0));
  const bool whole = status.updates == files_->totals().updates;
  const auto weights = parent_->weights();
  const bool kept = whole && checkpoint({weights, watch_.average()}, round_memory());
  throw Error(files_->merge_rule_text(status.failure, kept));
}

void ParentRun::Impl::record(const MergeRecord& merge, const ParentStatus& status) {
  const ParentUpdate& update = merge.update;
  RunTotals after = files_->totals();
  after.updates = update.update;
  const Played played = children_.add(update);
  after.in_run += played;
  recent_returns_.add(update.mean_return, played.episodes);
  const std::size_t children = status.children.size();
  auto fields = has_members()    ? fields_of_member(update, played, children)
                : makes_rounds() ? fields_of_round(update, played, children)
                                 : fields_of(update, played, children);
  if (upper_) {
    const UpperParentStatus upper = upper_->status();
    fields.push_back(upper.connected ? "1" : "0");
    fields.push_back(fmt::format("{}", upper.exchanges));
  }
  files_->record(after, fields, recent_returns_.mean());
  if (population_table_) population_table_->append(files_->totals(), update.changes);
  files_->observer().on_update({files_->totals(), progress(status), nullptr, &update, [this] {
                                  take_statistics();
                                  const auto weights = parent_->weights();
                                  const auto average = watch_.average();
                                  return files_->policy({weights, average});
                                }});
  if (files_->is_checkpoint_due() && !merge.weights.empty()) {
    checkpoint({merge.weights, merge.average}, merge.rounds);
  }
  if (files_->is_evaluation_due(recent_returns_)) evaluation_due_ = true;
}

bool ParentRun::Impl::checkpoint(const PolicySnapshot& snapshot, RoundMemory rounds) {
  kept_update_ = files_->totals().updates;
  memory_.rounds = std::move(rounds);
  take_statistics();
  if (population_table_) population_table_->sync();
  return files_->checkpoint(snapshot, fill_state());
}

void ParentRun::Impl::use_statistics(StreamStatistics statistics) {
  memory_.statistics = std::move(statistics);
  if (memory_.statistics.components() > 0) evaluator_.write_other_statistics(memory_.statistics.all());
}

void ParentRun::Impl::take_final() {
  final_weights_ = parent_->weights();
  final_average_ = watch_.average();
  memory_.rounds = round_memory();
}

FillState ParentRun::Impl::fill_state() {
  return [this](RunState& state) {
    state.trainer = &memory_;
    state.children = children_.text();
    const auto& returns = recent_returns_.values();
    state.recent_returns.assign(returns.begin(), returns.end());
    if (!upper_) return;
    // Until the first exchange it is that of the process before.
    if (auto session = upper_->status().session; !session.run_id.empty()) session_ = std::move(session);
    state.session = session_;
  };
}

void ParentRun::Impl::keep_time() {
  if (!files_->is_state_due() || kept_update_ == files_->totals().updates) return;
  const auto weights = parent_->weights();
  const auto average = watch_.average();
  auto rounds = round_memory();
  // Asked last: if nothing was merged until now, these belong to the update that was recorded last.
  const bool still = parent_->status().updates == files_->totals().updates;
  if (still && !find_divergence(weights, evaluator_.layout(), files_->options())) {
    checkpoint({weights, average}, std::move(rounds));
  } else {
    weights_due_ = true;
  }
}

std::optional<ParentRun::Impl::Merged> ParentRun::Impl::merged_now() const {
  constexpr int kTries = 100;
  for (int i = 0; i < kTries; ++i) {
    const std::uint64_t update = queued_update_;
    if (parent_->status().updates != update) continue;
    Merged merged{update, parent_->weights(), watch_.average(), round_memory()};
    // Asked last: if nothing was merged meanwhile, all of it belongs to that update.
    if (parent_->status().updates == update) return merged;
  }
  return {};
}

std::optional<ParentRun::Impl::Merged> ParentRun::Impl::take_for_evaluation() {
  // What comes after the run's last merge is no part of it.
  if (has_last()) return Merged{last_update_, final_weights_, final_average_, memory_.rounds};
  // The present weights, which may be some merges ahead of the update that made the evaluation due.
  auto merged = merged_now();
  if (!merged) return {};
  take_merges(Milliseconds(0), merged->update);
  // Its record may have been dropped: then the steps that belong to it are not known.
  if (merged->update != files_->totals().updates) return {};
  return merged;
}

std::optional<std::string> ParentRun::Impl::evaluate() {
  if (!evaluation_due_) return {};
  auto merged = take_for_evaluation();
  if (!merged) return {};
  evaluation_due_ = false;
  // The last merge may have spoilt them a moment ago; check_merges() will tell.
  if (find_divergence(merged->weights, evaluator_.layout(), files_->options())) return {};
  std::optional<std::string> end;
  take_statistics();
  try {
    end = files_->evaluate({merged->weights, merged->average});
  } catch (const StoppedError&) {
    return {};  // serve() asks for the signal next
  }
  if (!end) return {};
  final_weights_ = std::move(merged->weights);
  final_average_ = std::move(merged->average);
  memory_.rounds = std::move(merged->rounds);
  return end;
}

RunProgress ParentRun::Impl::progress(const ParentStatus& status) const {
  const RunTotals& totals = files_->totals();
  RunProgress progress{totals.updates, totals.in_run, recent_returns_.mean(), files_->done(),
                       status.children.size()};
  if (makes_rounds()) progress.late_contributions = status.rounds.late;
  return progress;
}

ParentRun::ParentRun(CoreOrchestrator& evaluator, RunOptions options, ParentOptions parent,
                     RunObserver* observer, std::optional<UpperParentOptions> upper)
    : impl_(Impl::make(evaluator, std::move(options), std::move(parent), observer, std::move(upper))) {}

ParentRun::~ParentRun() = default;

RunSummary ParentRun::run() {
  return impl_->run();
}

}  // namespace genkidama::run
