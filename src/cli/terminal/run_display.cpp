#include "cli/terminal/run_display.h"
#include "cli/terminal/evaluation_table.h"
#include "cli/terminal/output.h"
#include "run/evaluation/figure_text.h"

namespace genkidama::cli {

void RunDisplay::on_start(const run::RunInfo& info) {
  progress_ = std::make_unique<Progress>(info.progress);
  latest_ = info.progress;
  latest_at_ = Clock::now();
}

void RunDisplay::show(const run::RunProgress& progress) {
  if (progress_ && progress_->due()) progress_->show(progress);
  latest_ = progress;
  latest_at_ = Clock::now();
}

void RunDisplay::on_round(const RoundProgress& round) {
  // A live line would otherwise change its form with each short round.
  constexpr double kLong_s = 2;
  if (progress_ && progress_->due() && seconds_since(latest_at_) >= kLong_s) progress_->show(latest_, round);
}

void RunDisplay::on_end(const run::RunSummary& summary) {
  progress_.reset();
  print("Run ended by {} after {} updates, {} environment steps, {}.\n", summary.ended_by,
        summary.totals.updates, summary.totals.in_run.steps, duration_text(summary.totals.wall_seconds));
  if (summary.totals.time_to_target_seconds) {
    print("Target {} reached after {:.1f} s.\n", summary.target.value_or(0),
          *summary.totals.time_to_target_seconds);
  }
  if (const auto restarts = summary.totals.worker_restarts; restarts > 0) {
    print("Workers that died or hung and were started again: {}.\n", restarts);
  }
  if (const auto lost = summary.totals.lost_episodes; lost > 0) {
    print("Episodes that were lost because their environment failed: {}.\n", lost);
  }
  if (const auto dropped = summary.totals.dropped_steps; dropped > 0) {
    print("Steps that were played and not learnt from, beside these: {}.\n", dropped);
  }
  if (summary.best) {
    print("Best evaluation: mean return {} after update {}, kept as {}.\n",
          run::figure_text(summary.best->mean_return), summary.best->update, summary.best->file.string());
  }
  if (summary.final_evaluation) print("Final evaluation:\n{}", to_table(*summary.final_evaluation));
  print("Files: {}\n", summary.directory.string());
}

}  // namespace genkidama::cli
