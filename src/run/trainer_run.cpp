#include "genkidama/run/trainer_run.h"

#include <utility>

#include "genkidama/core/error.h"
#include "run/local_run.h"

namespace genkidama::run {

class TrainerRun::Impl {
 public:
  Impl(CoreOrchestrator& trainer, RunOptions options, RunObserver* observer)
      : trainer_(trainer), run_(trainer, std::move(options), observer, run_kind::kTrainer) {}

  bool advance() {
    if (run_.ended_by() == "error" || finished_) return false;
    bool played = false;
    run_.attempt([this, &played] {
      if (run_.is_over()) return;
      run_.record(trainer_.train_round());
      played = true;
    });
    return played;
  }

  const LocalRun& run() const { return run_; }

  RunSummary finish() {
    if (std::exchange(finished_, true) || run_.ended_by() == "error") {
      throw ArgumentError("TrainerRun::finish() was called on a run that is finished or has failed");
    }
    return run_.finish("caller", {{"workers", trainer_.workers()}});
  }

 private:
  CoreOrchestrator& trainer_;
  LocalRun run_;
  bool finished_ = false;
};

TrainerRun::TrainerRun(CoreOrchestrator& trainer, RunOptions options, RunObserver* observer)
    : impl_(std::make_unique<Impl>(trainer, std::move(options), observer)) {}

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
