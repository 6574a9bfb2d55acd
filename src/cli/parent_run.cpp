#include "cli/parent_run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <exception>
#include <numeric>
#include <utility>

#include "cli/stop_signal.h"
#include "genkidama/core/error.h"
#include "genkidama/core/log.h"

namespace genkidama::cli {
namespace {

constexpr std::size_t kRecentRounds = 100;

const std::vector<std::string> kColumns = {"child",          "child_sequence",    "child_environment_steps",
                                           "child_episodes", "child_return_mean", "staleness",
                                           "children"};

ParentOptions parent_options(const Settings& settings, std::uint64_t first_update) {
  ParentOptions options;
  for (const std::string& text : settings.listen) options.listen.push_back(Endpoint::parse(text));
  for (const std::string& text : settings.connect) options.connect.push_back(Endpoint::parse(text));
  options.alpha = settings.alpha;
  options.name = settings.name;
  options.first_update = first_update;
  return options;
}

std::string parting_words(const std::string& ended_by) {
  if (ended_by == "signal") return "the Parent was stopped by a signal";
  return fmt::format("the run is over ({})", ended_by);
}

}  // namespace

ParentRun::ParentRun(const Job& job, CoreOrchestrator& evaluator)
    : settings_(job.settings), evaluator_(evaluator), files_(job, evaluator, kColumns) {
  earlier_steps_ = files_.totals.environment_steps;
  if (files_.resumed()) evaluator_.write_weights(files_.resumed()->weights);
  final_weights_.resize(evaluator_.layout().size());
  evaluator_.read_weights(final_weights_);
  parent_ = std::make_unique<Parent>(parent_options(settings_, files_.totals.updates), evaluator_.layout(),
                                     final_weights_);
  parent_->on_update([this](const ParentUpdate& update) {
    const bool is_last = settings_.updates && update.update == *settings_.updates;
    queue_.push(update, is_last || update.update % settings_.checkpoint_every == 0);
  });
}

int ParentRun::run() {
  try {
    std::string ended_by = files_.reached_limit().value_or("");
    if (ended_by.empty()) {
      parent_->start();
      announce();
      ended_by = serve();
      parent_->stop(parting_words(ended_by));
      if (ended_by == "max_steps" || ended_by == "signal") {
        // What was merged before the end belongs to the run, in the files as in the weights.
        final_weights_ = parent_->weights();
        take_merges(Milliseconds(0));
      }
    }
    const ParentStatus status = parent_->status();
    evaluator_.write_weights(final_weights_);
    nlohmann::ordered_json extra;
    extra["name"] = settings_.name;
    extra["alpha"] = settings_.alpha;
    extra["children_joined"] = status.joined;
    extra["children_left"] = status.left;
    extra["refused_peers"] = status.refused_peers;
    extra["refused_updates"] = status.refused_updates;
    extra["last_refusal"] = status.last_refusal;
    extra["dropped_records"] = queue_.dropped();
    return files_.finish(ended_by, final_weights_, {}, extra);
  } catch (const std::exception& error) {
    files_.fail(error.what());
    throw;
  }
}

void ParentRun::announce() const {
  const auto ports = parent_->ports();
  for (const std::uint16_t port : ports) log(LogLevel::kInfo, "{} listens on port {}", settings_.name, port);
  if (settings_.ready_fd < 0) return;
  const std::string text = fmt::format("{}\n", ports.empty() ? 0 : ports.front());
  if (write(settings_.ready_fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw IoError("the port could not be told to the process that started this one");
  }
  close(settings_.ready_fd);
}

std::string ParentRun::serve() {
  Progress progress(progress_state(parent_->status()));
  while (true) {
    const ParentStatus status = take_merges(Milliseconds(100));
    if (is_target_reached()) return "target";
    if (const auto limit = files_.reached_limit()) return *limit;
    if (stop_signal() != 0) return "signal";
    if (progress.due()) progress.show(progress_state(status));
  }
}

ParentStatus ParentRun::take_merges(Milliseconds span) {
  const auto merges = queue_.take(span);
  ParentStatus status = parent_->status();
  for (const MergeRecord& merge : merges) {
    // Merges that came after the last one asked for are not part of the run.
    if (settings_.updates && files_.totals.updates >= *settings_.updates) break;
    record(merge, status);
    if (settings_.updates && files_.totals.updates >= *settings_.updates) {
      final_weights_ = merge.weights.empty() ? parent_->weights() : merge.weights;
    }
  }
  return status;
}

void ParentRun::record(const MergeRecord& merge, const ParentStatus& status) {
  const ParentUpdate& update = merge.update;
  RunTotals& totals = files_.totals;
  totals.updates = update.update;
  totals.environment_steps = earlier_steps_ + status.environment_steps;
  totals.episodes -= std::exchange(episodes_of_child_[update.child], update.episodes);
  totals.episodes += update.episodes;
  recent_returns_.push_back(update.mean_return);
  if (recent_returns_.size() > kRecentRounds) recent_returns_.pop_front();
  files_.append_metrics({update.child, fmt::format("{}", update.sequence),
                         fmt::format("{}", update.environment_steps), fmt::format("{}", update.episodes),
                         fmt::format("{:.6g}", update.mean_return), fmt::format("{}", update.staleness),
                         fmt::format("{}", status.children.size())});
  if (files_.is_checkpoint_due() && !merge.weights.empty()) files_.checkpoint(merge.weights, {});
  if (files_.is_evaluation_due()) evaluation_due_ = true;
}

bool ParentRun::is_target_reached() {
  if (!evaluation_due_) return false;
  evaluation_due_ = false;
  // The present weights, which may be some merges ahead of the update that made the evaluation due.
  auto weights = parent_->weights();
  evaluator_.write_weights(weights);
  if (!files_.evaluate_target()) return false;
  final_weights_ = std::move(weights);
  return true;
}

ProgressState ParentRun::progress_state(const ParentStatus& status) const {
  ProgressState state;
  state.updates = files_.totals.updates;
  state.environment_steps = files_.totals.environment_steps;
  if (!recent_returns_.empty()) {
    state.mean_return = std::accumulate(recent_returns_.begin(), recent_returns_.end(), 0.0) /
                        static_cast<double>(recent_returns_.size());
  }
  state.done = files_.done();
  state.children = status.children.size();
  return state;
}

}  // namespace genkidama::cli
