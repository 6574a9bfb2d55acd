#include "genkidama/run/trainer_run.h"

#include <fmt/format.h>
#include <algorithm>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "genkidama/core/error.h"
#include "genkidama/net/environments.h"
#include "run/host_report.h"
#include "run/local_run.h"
#include "run/segment_report.h"

namespace genkidama::run {

class TrainerRun::Impl {
 public:
  Impl(CoreOrchestrator& trainer, RunOptions options, RunObserver* observer, Exchange* exchange,
       const HostedEnvironments* environments)
      : trainer_(trainer),
        exchange_(exchange),
        environments_(environments),
        run_(trainer, std::move(options), observer, run_kind::kTrainer,
             columns(trainer, exchange, environments != nullptr)),
        drops_(may_drop_gradients(trainer)) {
    if (!is_asynchronous(trainer)) return;
    run_.tell_progress([this](RunProgress& progress) {
      segments_.complete(progress);
      progress.dropped_steps = run_.totals().dropped_steps;
    });
  }

  bool advance() {
    if (run_.ended_by() == "error" || finished_) return false;
    bool played = false;
    run_.attempt([this, &played] {
      if (run_.is_over() || !begin_exchange()) return;
      const RoundReport round = trainer_.train_round();
      played = true;
      // The machines of an exchange wait for this one, whatever it has played.
      if (is_nothing(round) && !exchange_) return;
      run_.record(round, fields_of(round));
      if (environments_) {
        const HostedEnvironmentsStatus status = environments_->status();
        run_.observer().on_links({.hosts = &status});
      }
      if (exchange_) end_with_exchange();
    });
    return played;
  }

  const LocalRun& run() const { return run_; }

  RunSummary finish() {
    if (std::exchange(finished_, true) || run_.ended_by() == "error") {
      throw ArgumentError("TrainerRun::finish() was called on a run that is finished or has failed");
    }
    nlohmann::ordered_json extra = {{"workers", trainer_.workers()}};
    if (is_asynchronous(trainer_)) {
      extra["actors"] = actor_mode_name(trainer_.actor_mode());
      extra["segments"] = segments_.json();
    }
    if (exchange_) {
      run_.attempt([this] {
        if (begun_) waited_seconds_ += exchange_->finish(trainer_).waited_seconds;
      });
      extra["exchanges"] = averaged_;
      extra["waited_seconds"] = waited_seconds_;
    }
    if (environments_) extra["hosts"] = to_json(environments_->status());
    if (drops_) {
      const DroppedGradients dropped = trainer_.dropped_gradients();
      extra["stale_gradients"] = dropped.stale;
      extra["outlier_gradients"] = dropped.outliers;
      extra["lost_gradients"] = dropped.lost;
    }
    return run_.finish("caller", extra);
  }

 private:
  static bool may_drop_gradients(const CoreOrchestrator& trainer) {
    const Hyperparameters& hyper = trainer.hyperparameters();
    return hyper.max_gradient_age > 0 || hyper.max_loss_deviations > 0 || trainer.has_shards() ||
           trainer.servers() > 1;
  }

  static void tell_dropped(const RoundReport& round, std::vector<std::string>& fields) {
    for (const std::uint64_t count : {round.stale_gradients, round.outlier_gradients, round.lost_gradients})
      fields.push_back(fmt::format("{}", count));
  }

  /// Observations that a predictor computed at once, in the mean, and who works in the next round.
  void tell_inference(const RoundReport& round, std::vector<std::string>& fields) const {
    const auto batches = static_cast<double>(std::max<std::uint64_t>(round.inference_batches, 1));
    fields.push_back(fmt::format("{:.4g}", static_cast<double>(round.inference_rows) / batches));
    fields.push_back(fmt::format("{}", trainer_.active_predictors()));
    fields.push_back(fmt::format("{}", trainer_.active_workers()));
  }

  static bool is_asynchronous(const CoreOrchestrator& trainer) {
    return trainer.actor_mode() == ActorMode::kAsynchronous;
  }

  static std::vector<std::string> columns(const CoreOrchestrator& trainer, const Exchange* exchange,
                                          bool has_hosts) {
    std::vector<std::string> names;
    if (is_asynchronous(trainer)) names = SegmentReport::columns();
    if (trainer.inference().predictors > 0)
      names.insert(names.end(), {"inference_batch", "active_predictors", "active_workers"});
    if (exchange != nullptr) names.insert(names.end(), {"averaged", "waited_seconds"});
    if (may_drop_gradients(trainer))
      names.insert(names.end(), {"stale_gradients", "outlier_gradients", "lost_gradients"});
    if (has_hosts) {
      const std::vector<std::string> of_hosts = HostReport::columns();
      names.insert(names.end(), of_hosts.begin(), of_hosts.end());
    }
    return names;
  }

  /// What this run's metrics have beside those of every run.
  std::vector<std::string> fields_of(const RoundReport& round) {
    std::vector<std::string> fields;
    if (is_asynchronous(trainer_)) {
      segments_.add(round.segments.value_or(SegmentCounts()), round.queued_steps);
      fields = segments_.fields();
    }
    if (trainer_.inference().predictors > 0) tell_inference(round, fields);
    const std::vector<std::string> of_exchange = exchanged(round);
    fields.insert(fields.end(), of_exchange.begin(), of_exchange.end());
    if (drops_) tell_dropped(round, fields);
    if (environments_) {
      const std::vector<std::string> of_hosts = hosts_.fields(environments_->status());
      fields.insert(fields.end(), of_hosts.begin(), of_hosts.end());
    }
    return fields;
  }

  /// Whether there is a round to play.
  bool begin_exchange() {
    if (!exchange_ || begun_) return true;
    begun_ = true;
    exchange_->begin(trainer_);
    end_with_exchange();
    return !run_.ended_by();
  }

  void end_with_exchange() {
    if (const auto over = exchange_->over()) run_.end(*over);
  }

  /// The columns that an exchange has in the metrics.
  std::vector<std::string> exchanged(const RoundReport& round) {
    if (!exchange_) return {};
    const ExchangeReport report = exchange_->after_round(trainer_, round);
    averaged_ += report.averaged;
    waited_seconds_ += report.waited_seconds;
    return {fmt::format("{}", report.averaged), fmt::format("{:.6g}", report.waited_seconds)};
  }

  CoreOrchestrator& trainer_;
  Exchange* exchange_;
  const HostedEnvironments* environments_;
  HostReport hosts_;
  LocalRun run_;
  SegmentReport segments_;  ///< of asynchronous workers
  bool begun_ = false;      ///< the exchange
  bool finished_ = false;
  const bool drops_;            ///< gradients, for one reason or another
  std::uint64_t averaged_ = 0;  ///< of this process
  double waited_seconds_ = 0;   ///< of this process
};

TrainerRun::TrainerRun(CoreOrchestrator& trainer, RunOptions options, RunObserver* observer,
                       Exchange* exchange, const HostedEnvironments* environments)
    : impl_(std::make_unique<Impl>(trainer, std::move(options), observer, exchange, environments)) {}

TrainerRun::~TrainerRun() = default;

bool TrainerRun::advance() {
  return impl_->advance();
}

const RunTotals& TrainerRun::totals() const {
  return impl_->run().totals();
}

const std::optional<std::string>& TrainerRun::ended_by() const {
  return impl_->run().ended_by();
}

RunSummary TrainerRun::finish() {
  return impl_->finish();
}

RunSummary train(CoreOrchestrator& trainer, RunOptions options, RunObserver* observer) {
  if (!options.updates && !options.max_steps && !options.target && !options.patience && !options.end_reason) {
    throw ArgumentError(
        "the run has no end; set updates, max_steps, target, patience or end_reason in its RunOptions, or "
        "write the "
        "loop "
        "yourself with TrainerRun");
  }
  TrainerRun run(trainer, std::move(options), observer);
  while (run.advance()) {
  }
  return run.finish();
}

}  // namespace genkidama::run
