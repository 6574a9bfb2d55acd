#include "genkidama/run/shard_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/failpoint.h"
#include "genkidama/core/atomic_file.h"
#include "genkidama/core/clock.h"
#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/nn/optimizer_text.h"
#include "genkidama/params/policy_average.h"
#include "run/check_run_options.h"
#include "run/directory/parent_identity.h"
#include "run/directory/run_directory.h"
#include "run/directory/run_lock.h"
#include "run/directory/summary_file.h"
#include "run/evaluation/first_policy.h"
#include "run/metrics/csv_table.h"
#include "run/shard_metrics.h"
#include "run/state/run_state.h"

namespace genkidama::run {
namespace {

constexpr Milliseconds kLockPatience{10'000};
constexpr Milliseconds kLook{100};
constexpr double kReport_s = 30;

ParameterLayout layout_of(const WeightSlice& slice) {
  return ParameterLayout({{fmt::format("slice_{}_of_{}", slice.number, slice.count),
                           {static_cast<std::int64_t>(slice.size())}}});
}

/// What a state has beside the slice.
class ShardMemory final : public Saveable {
 public:
  explicit ShardMemory(std::size_t state_size) : optimizer_state(state_size) {}

  void save(StateWriter& state) const override {
    state.floats("optimizer_state", std::span<const float>(optimizer_state));
    state.u64("stale_gradients", stale);
  }
  void restore(const StateReader& state) override {
    const auto values = state.floats("optimizer_state", optimizer_state.size());
    stale = state.u64("stale_gradients");
    optimizer_state.assign(values.begin(), values.end());
  }

  std::vector<float> optimizer_state;
  std::uint64_t stale = 0;
};

RunOptions with_directory(RunOptions options) {
  check_run_options(options);
  if (options.directory.empty()) options.directory = default_run_directory(options.record.program);
  return options;
}

}  // namespace

class ShardRun::Impl {
 public:
  Impl(CoreOrchestrator& described, RunOptions options, ShardRunOptions shard, RunObserver* observer)
      : described_(described),
        options_(with_directory(std::move(options))),
        observer_(observer),
        directory_(options_.directory),
        optimizer_(shard.optimizer ? shard.optimizer(described.hyperparameters())
                                   : make_shared_optimizer(described.hyperparameters())) {
    if (!(shard.metrics_seconds > 0)) {
      throw ArgumentError(
          fmt::format("metrics_seconds is {}; expected a number above 0", shard.metrics_seconds));
    }
    ShardOptions& own = shard.shard;
    own.slice = weight_slice(described.layout().size(), own.slice.number, own.slice.count);
    if (!options_.demonstrations.empty()) {
      throw ArgumentError(
          fmt::format("{} {}: a shard fits no policy; expected {} with a policy that another run "
                      "has fitted",
                      options_.name_of("demonstrations"), options_.demonstrations.string(),
                      options_.name_of("init_from")));
    }
    const bool begins = !directory_.goes_on(options_) || !directory_.has_state();
    const auto first = begins ? read_first_policy(options_, described) : std::nullopt;
    directory_.create(options_);
    lock_ =
        std::make_unique<RunLock>(directory_.lock(), kLockPatience, [this] { return !end_reason().empty(); });
    remove_leftovers(directory_.path());
    goes_on_ = directory_.goes_on(options_);
    if (first) described.write_weights(first->weights);
    ShardContents contents = first_contents(own.slice);
    if (goes_on_) restore(own.slice, contents);
    ShardStatus start;
    start.steps = contents.steps;
    start.stale = contents.stale;
    const auto keep_until = goes_on_ ? std::optional(contents.steps) : std::nullopt;
    std::unique_ptr<TensorBoardLog> log;
    if (options_.tensorboard) {
      log = std::make_unique<TensorBoardLog>(directory_.path(), described.hyperparameters().algorithm,
                                             options_.record.config, keep_until);
    }
    metrics_ = std::make_unique<ShardMetrics>(directory_.metrics(), keep_until, shard.metrics_seconds, start,
                                              earlier_seconds_, std::move(log));
    if (!options_.record.config.empty()) write_file_atomically(directory_.config(), options_.record.config);
    const ParentIdentity identity = next_identity(directory_.identity(), goes_on_);
    own.run_id = identity.run_id;
    own.policy = described.policy_description();
    own.optimizer = optimizer_text(described.hyperparameters());
    own.max_gradient_age = described.hyperparameters().max_gradient_age;
    slice_ = own.slice;
    name_ = own.name;
    run_id_ = identity.run_id;
    const auto step = [this](std::span<float> weights, std::span<const float> gradient,
                             std::span<float> state, std::uint64_t number,
                             double rate) { optimizer_->step_alone(weights, gradient, state, number, rate); };
    shard_ = std::make_unique<Shard>(std::move(own), described.layout(), std::move(contents), step);
  }

  RunSummary run() {
    if (std::exchange(ran_, true))
      throw ArgumentError("ShardRun::run() was already called; make a new ShardRun");
    try {
      // A shard that dies at once comes back as the same run.
      write_state();
      start();
      const auto ports = shard_->ports();
      log(LogLevel::kInfo, "{}: slice {} of {}, weights from {} to before {}, at step {} (run {})", name_,
          slice_.number, slice_.count, slice_.begin, slice_.end, shard_->status().steps, run_id_);
      for (const std::uint16_t port : ports) log(LogLevel::kInfo, "{} listens on port {}", name_, port);
      if (observer_ != nullptr) observer_->on_listening(ports);
      const std::string ended_by = serve();
      shard_->stop("the shard was stopped");
      return finish(ended_by);
    } catch (const std::exception& error) {
      shard_->stop("the shard failed");
      if (is_left_) throw;
      auto report = summary("error");
      report["error"] = error.what();
      write_summary(directory_.summary(), report);
      throw;
    }
  }

 private:
  /// A new shard that cannot listen leaves its directory to the next try.
  void start() {
    try {
      shard_->start();
    } catch (const std::exception&) {
      if (goes_on_) throw;
      metrics_.reset();
      std::error_code ignored;
      for (const auto& file : event_files(directory_.path())) std::filesystem::remove(file, ignored);
      for (const auto& file :
           {directory_.state(), directory_.identity(), directory_.metrics(), directory_.config()})
        std::filesystem::remove(file, ignored);
      is_left_ = true;
      throw;
    }
  }

  std::string end_reason() const { return options_.end_reason ? options_.end_reason() : ""; }

  ShardContents first_contents(const WeightSlice& slice) const {
    std::vector<float> all(described_.layout().size());
    described_.read_weights(all);
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(slice.begin);
    return {{begin, begin + static_cast<std::ptrdiff_t>(slice.size())},
            std::vector<float>(optimizer_->state_size(slice.size())),
            0,
            0};
  }

  RunSubject subject() const {
    return {run_kind::kShard, described_.environment_spec().name, described_.policy_description()};
  }

  void restore(const WeightSlice& slice, ShardContents& contents) {
    if (!directory_.has_state()) {
      // The state is written before the first row.
      if (!read_last_row(directory_.metrics())) return;
      throw ArgumentError(fmt::format(
          "{} {}: there is no state.safetensors, although the shard has made steps; it was removed, and "
          "without it the shard cannot go on: start another in a new directory, and its learners again",
          options_.name_of("resume"), directory_.path().string()));
    }
    ShardMemory memory(contents.optimizer_state.size());
    PolicyAverage none;
    try {
      NewestRunState newest =
          read_newest_run_state(directory_.state(), layout_of(slice), &memory, none, subject());
      if (!newest.problem.empty())
        log(LogLevel::kWarning, "{}; going on from {}", newest.problem, newest.file.string());
      contents.weights = std::move(newest.state.weights);
      contents.optimizer_state = std::move(memory.optimizer_state);
      contents.steps = newest.state.totals.updates;
      contents.stale = memory.stale;
      earlier_stale_ = memory.stale;
      earlier_seconds_ = newest.state.totals.wall_seconds;
    } catch (const LayoutError& error) {
      throw ArgumentError(fmt::format("{}; expected the state of slice {} of {}, with the same optimizer",
                                      error.what(), slice.number, slice.count));
    }
  }

  /// Until the run is over; why it is.
  std::string serve() {
    Clock::time_point reported = Clock::now();
    while (true) {
      const ShardStatus status = shard_->status();
      if (!status.failure.empty()) {
        throw Error(fmt::format(
            "learning diverged: {}; the state of step {} is kept in {}; try a lower {} or {} at the learners",
            status.failure, kept_step_, directory_.state().string(), options_.name_of("learning_rate"),
            options_.name_of("max_gradient_norm")));
      }
      if (options_.updates && status.steps >= *options_.updates) return "updates";
      if (std::string reason = end_reason(); !reason.empty()) return reason;
      metrics_->look(status, wall_seconds());
      if (observer_ != nullptr) observer_->on_links({.shard = &status});
      if (is_state_due(status)) write_state();
      if (seconds_since(reported) >= kReport_s && status.steps != reported_step_) {
        reported = Clock::now();
        reported_step_ = status.steps;
        log(LogLevel::kInfo, "{}: step {}, {} gradients were too old, {} learner{}", name_, status.steps,
            status.stale, status.learners.size(), status.learners.size() == 1 ? "" : "s");
      }
      std::this_thread::sleep_for(kLook);
    }
  }

  double wall_seconds() const { return earlier_seconds_ + seconds_since(started_); }

  bool is_state_due(const ShardStatus& status) const {
    if (options_.checkpoint_seconds <= 0 || status.steps == kept_step_) return false;
    // A young shard has little to lose, but all of it.
    const double young = std::max(1.0, wall_seconds() / 2);
    return seconds_since(last_state_) >= std::min(options_.checkpoint_seconds, young);
  }

  /// Whether it was written. A failure is logged, once in a row, and tried again.
  bool write_state() {
    last_state_ = Clock::now();
    ShardContents contents = shard_->contents();
    // Spoilt between two looks.
    if (!shard_->status().failure.empty()) return false;
    ShardMemory memory(0);
    memory.optimizer_state = std::move(contents.optimizer_state);
    memory.stale = contents.stale;
    RunState state;
    state.subject = subject();
    state.totals.updates = contents.steps;
    state.totals.wall_seconds = wall_seconds();
    state.trainer = &memory;
    // A state must not outlive the rows that led to it.
    metrics_->sync();
    GENKIDAMA_FAILPOINT("shard_state");
    try {
      write_run_state(directory_.state(), layout_of(slice_), contents.weights, state);
      kept_step_ = contents.steps;
      write_failure_.clear();
    } catch (const IoError& error) {
      if (write_failure_.empty())
        log(LogLevel::kError, "{}: the state was not written: {}", name_, error.what());
      write_failure_ = error.what();
    }
    return write_failure_.empty();
  }

  nlohmann::ordered_json summary(const std::string& ended_by) const {
    const ShardStatus status = shard_->status();
    RunTotals totals;
    totals.updates = status.steps;
    totals.wall_seconds = wall_seconds();
    auto report = summary_of(options_, described_.environment_spec().name, totals, ended_by);
    report["name"] = name_;
    report["run_id"] = run_id_;
    report["slice"] = {
        {"number", slice_.number}, {"count", slice_.count}, {"begin", slice_.begin}, {"end", slice_.end}};
    report["gradients"] = status.gradients;
    report["stale_gradients"] = status.stale;
    report["learners_joined"] = status.joined;
    report["refused_peers"] = status.refused_peers;
    report["refused_frames"] = status.refused_frames;
    report["last_refusal"] = status.last_refusal;
    report["bytes_received"] = status.bytes_received;
    report["bytes_sent"] = status.bytes_sent;
    return report;
  }

  RunSummary finish(const std::string& ended_by) {
    metrics_->finish(shard_->status(), wall_seconds());
    RunSummary result;
    result.directory = directory_.path();
    result.ended_by = ended_by;
    result.stopped = !end_reason().empty() && ended_by == end_reason();
    result.files_written = write_state();
    result.write_failure = write_failure_;
    if (!write_summary(directory_.summary(), summary(ended_by))) {
      result.files_written = false;
      result.write_failure +=
          fmt::format("{}{} could not be written", result.write_failure.empty() ? "" : "; ",
                      directory_.summary().string());
    }
    const ShardStatus status = shard_->status();
    result.totals.updates = status.steps;
    result.totals.wall_seconds = wall_seconds();
    log(LogLevel::kInfo, "{}: ended by {} at step {}; {} of {} gradients of this process were too old", name_,
        ended_by, status.steps, status.stale - std::min(status.stale, earlier_stale_), status.gradients);
    return result;
  }

  CoreOrchestrator& described_;
  const RunOptions options_;
  RunObserver* const observer_;
  const RunDirectory directory_;
  const std::unique_ptr<SharedOptimizer> optimizer_;
  std::unique_ptr<RunLock> lock_;
  WeightSlice slice_;
  std::string name_, run_id_;
  const Clock::time_point started_ = Clock::now();
  double earlier_seconds_ = 0;       // of earlier processes
  std::uint64_t earlier_stale_ = 0;  // as above
  Clock::time_point last_state_;
  std::uint64_t kept_step_ = 0, reported_step_ = 0;
  std::string write_failure_;
  std::unique_ptr<ShardMetrics> metrics_;
  bool ran_ = false;
  bool goes_on_ = false;          // with what is in its directory
  bool is_left_ = false;          // its directory has nothing of this run
  std::unique_ptr<Shard> shard_;  // the last: its thread uses the optimizer
};

ShardRun::ShardRun(CoreOrchestrator& described, RunOptions options, ShardRunOptions shard,
                   RunObserver* observer)
    : impl_(std::make_unique<Impl>(described, std::move(options), std::move(shard), observer)) {}
ShardRun::~ShardRun() = default;

RunSummary ShardRun::run() {
  return impl_->run();
}

}  // namespace genkidama::run
