#include "run/parent_run.h"

#include <fmt/format.h>

#include <exception>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "run/divergence.h"

namespace genkidama::run {
namespace {

const std::vector<std::string> kColumns = {"child",          "child_sequence",    "child_environment_steps",
                                           "child_episodes", "child_return_mean", "staleness",
                                           "children"};

std::string parting_words(const std::string& ended_by) {
  if (ended_by == "signal") return "the Parent was stopped by a signal";
  return fmt::format("the run is over ({})", ended_by);
}

}  // namespace

ParentRun::ParentRun(RunOptions run, ParentRunOptions options, CoreOrchestrator& evaluator,
                     RunObserver& observer)
    : options_(std::move(options)),
      observer_(observer),
      evaluator_(evaluator),
      files_(std::move(run), evaluator, observer, false, kColumns),
      earlier_steps_(files_.totals.environment_steps),
      children_(files_.resumed() ? files_.resumed()->children : ""),
      // On the disk before anything is listened to: no later process may be taken for this one.
      identity_(next_identity(files_.directory().identity(), files_.goes_on())),
      final_weights_(evaluator.layout().size()),
      final_average_(files_.first_average()),
      watch_(evaluator.layout(), files_.options(), final_average_) {
  evaluator_.read_weights(final_weights_);
  if (auto state = files_.take_resumed()) {
    final_weights_ = std::move(state->weights);
    for (const double value : state->recent_returns) recent_returns_.add(value);
  }
  kept_update_ = files_.totals.updates;
  evaluation_due_ = files_.is_evaluation_missing();
  files_.complete_checkpoint(learnt(final_weights_, final_average_));
  ParentOptions parent = options_.parent;
  parent.first_update = files_.totals.updates;
  parent.run_id = identity_.run_id;
  parent.epoch = identity_.epoch;
  parent_ = std::make_unique<Parent>(std::move(parent), evaluator_.layout(), final_weights_);
  parent_->on_update([this](const ParentUpdate& update) { on_merge(update); });
}

void ParentRun::on_merge(const ParentUpdate& update) {
  using Weights = UpdateQueue::Weights;
  // Merges that come after the last one asked for are not part of the run.
  if (files_.options().updates && update.update > *files_.options().updates) return;
  double share = 1;
  if (files_.options().policy_average.kind == PolicyAverageKind::kSwa) {
    const std::uint64_t steps = earlier_steps_ + parent_->status().environment_steps;
    share = share_of_run(files_.options(), update.update, steps).value_or(1);
  }
  if (!watch_.follow(update, share)) return;
  if (files_.options().updates && update.update == *files_.options().updates) {
    queue_.push(update, Weights::kSurely, watch_.average());
  } else if (weights_due_.exchange(false) || is_policy_kept(files_.options(), update.update)) {
    queue_.push(update, Weights::kIfRoom, watch_.average());
  } else {
    queue_.push(update, Weights::kNone);
  }
}

RunSummary ParentRun::run() {
  try {
    std::string ended_by = files_.reached_limit().value_or("");
    if (ended_by.empty()) {
      parent_->start();
      announce();
      ended_by = serve();
      parent_->stop(parting_words(ended_by));
      if (ended_by != "updates" && ended_by != "target") {
        // What was merged before the end belongs to the run, in the files as in the weights.
        final_weights_ = parent_->weights();
        final_average_ = watch_.average();
        take_merges(Milliseconds(0));
        check_merges();
      }
    }
    const ParentStatus status = parent_->status();
    nlohmann::ordered_json extra;
    extra["name"] = options_.parent.name;
    extra["alpha"] = options_.parent.alpha;
    extra["merge_rule"] = options_.parent.merge_rule ? "own" : "average";
    extra["children_joined"] = status.joined;
    extra["children_resumed"] = status.resumed;
    extra["children_left"] = status.left;
    extra["refused_peers"] = status.refused_peers;
    extra["refusals"] = {
        {"token", status.refusals.token},           {"origin", status.refusals.origin},
        {"request", status.refusals.request},       {"tls", status.refusals.tls},
        {"quarantine", status.refusals.quarantine}, {"connections", status.refusals.connections}};
    extra["refused_updates"] = status.refused_updates;
    extra["last_refusal"] = status.last_refusal;
    extra["dropped_records"] = queue_.dropped();
    extra["run_id"] = identity_.run_id;
    extra["epoch"] = identity_.epoch;
    extra["children"] = children_.report();
    return files_.finish(ended_by, learnt(final_weights_, final_average_), extra);
  } catch (const std::exception&) {
    parent_->stop("the Parent's run failed");
    files_.fail();
  }
}

void ParentRun::announce() const {
  log(LogLevel::kInfo, "run {}, epoch {}", identity_.run_id, identity_.epoch);
  const auto ports = parent_->ports();
  for (const std::uint16_t port : ports)
    log(LogLevel::kInfo, "{} listens on port {}", options_.parent.name, port);
  if (options_.on_listening) options_.on_listening(ports);
}

std::string ParentRun::serve() {
  observer_.on_start(progress_state(parent_->status()));
  while (true) {
    const ParentStatus status = take_merges(Milliseconds(100));
    check_merges();
    keep_time();
    if (is_target_reached()) return "target";
    if (const auto limit = files_.reached_limit()) return *limit;
    check_rule(status);
    if (std::string reason = files_.end_reason(); !reason.empty()) return reason;
    observer_.on_progress(progress_state(status));
  }
}

ParentStatus ParentRun::take_merges(Milliseconds span) {
  const auto merges = queue_.take(span);
  ParentStatus status = parent_->status();
  for (const MergeRecord& merge : merges) {
    record(merge, status);
    if (files_.options().updates && files_.totals.updates == *files_.options().updates) {
      final_weights_ = merge.weights;
      final_average_ = merge.average;
    }
  }
  return status;
}

void ParentRun::check_merges() {
  const auto divergence = watch_.divergence();
  if (!divergence) return;
  take_merges(Milliseconds(0));
  throw Error(files_.diverged_text(divergence->update, divergence->text));
}

void ParentRun::check_rule(const ParentStatus& status) {
  if (status.failure.empty()) return;
  // The weights are as sound as after the merge before; only what dropped records belong to is not known.
  take_merges(Milliseconds(0));
  const bool whole = status.updates == files_.totals.updates;
  const bool kept = whole && files_.checkpoint(learnt(parent_->weights(), watch_.average()));
  throw Error(files_.merge_rule_text(status.failure, kept));
}

void ParentRun::record(const MergeRecord& merge, const ParentStatus& status) {
  const ParentUpdate& update = merge.update;
  RunTotals& totals = files_.totals;
  totals.updates = update.update;
  totals.environment_steps = earlier_steps_ + status.environment_steps;
  const std::uint64_t episodes = children_.add(update);
  totals.episodes += episodes;
  recent_returns_.add(update.mean_return, episodes);
  files_.append_metrics({update.child, fmt::format("{}", update.sequence),
                         fmt::format("{}", update.environment_steps), fmt::format("{}", update.episodes),
                         episodes > 0 ? fmt::format("{:.6g}", update.mean_return) : "",
                         fmt::format("{}", update.staleness), fmt::format("{}", status.children.size())});
  if (files_.is_checkpoint_due() && !merge.weights.empty()) {
    files_.checkpoint(learnt(merge.weights, merge.average));
    kept_update_ = totals.updates;
  }
  if (files_.is_evaluation_due()) evaluation_due_ = true;
}

Learnt ParentRun::learnt(std::span<const float> weights, const PolicyAverage& average) const {
  return {weights, average, TrainerState(), recent_returns_, children_.text()};
}

void ParentRun::keep_time() {
  if (!files_.is_state_due() || kept_update_ == files_.totals.updates) return;
  const auto weights = parent_->weights();
  const auto average = watch_.average();
  // Asked last: if nothing was merged until now, these belong to the update that was recorded last.
  const bool still = parent_->status().updates == files_.totals.updates;
  if (still && !find_divergence(weights, evaluator_.layout(), files_.options())) {
    files_.checkpoint(learnt(weights, average));
    kept_update_ = files_.totals.updates;
  } else {
    weights_due_ = true;
  }
}

bool ParentRun::is_target_reached() {
  if (!evaluation_due_) return false;
  evaluation_due_ = false;
  // The present weights, which may be some merges ahead of the update that made the evaluation due.
  auto weights = parent_->weights();
  // The last merge may have spoilt them a moment ago; check_merges() will tell.
  if (find_divergence(weights, evaluator_.layout(), files_.options())) return false;
  auto average = watch_.average();
  try {
    if (!files_.evaluate_policy(weights, average)) return false;
  } catch (const StoppedError&) {
    return false;  // serve() asks for the signal next
  }
  final_weights_ = std::move(weights);
  final_average_ = std::move(average);
  return true;
}

ProgressState ParentRun::progress_state(const ParentStatus& status) const {
  ProgressState state;
  state.updates = files_.totals.updates;
  state.environment_steps = files_.totals.environment_steps;
  state.mean_return = recent_returns_.mean();
  state.done = files_.done();
  state.children = status.children.size();
  return state;
}

}  // namespace genkidama::run
