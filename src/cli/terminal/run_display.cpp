#include "cli/terminal/run_display.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "cli/terminal/evaluation_table.h"
#include "cli/terminal/output.h"
#include "cli/terminal/text_table.h"
#include "genkidama/core/log.h"
#include "genkidama/rl/behaviour_cloning.h"
#include "run/evaluation/figure_text.h"

namespace genkidama::cli {
namespace {

/// Of many Children, those that have moved the weights most.
std::string influence_table(std::vector<run::ChildInfluence> children) {
  constexpr std::size_t kMost = 16;
  std::stable_sort(children.begin(), children.end(),
                   [](const auto& a, const auto& b) { return a.share > b.share; });
  const std::size_t shown = std::min(kMost, children.size());
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < shown; ++i) {
    const run::ChildInfluence& child = children[i];
    rows.push_back({child.child, fmt::format("{}", child.merges), fmt::format("{:.1f} %", 100 * child.share),
                    child.agreement ? fmt::format("{:.2f}", *child.agreement) : "-",
                    fmt::format("{:.1f}", child.staleness)});
  }
  std::string text = aligned_table({"child", "merges", "of the movement", "agreement", "staleness"}, rows);
  if (shown < children.size()) text += fmt::format("and {} others\n", children.size() - shown);
  return text;
}

std::string fit_text(const CloningFit& fit) {
  std::string text = fmt::format("loss {:.4g}", fit.loss);
  if (fit.agreement) text += fmt::format(", {:.1f} % of the choices agree", 100 * *fit.agreement);
  if (fit.distance) text += fmt::format(", distance {:.1f} % of the range", 100 * *fit.distance);
  if (fit.value_error) text += fmt::format(", value error {:.3g}", *fit.value_error);
  return text;
}

}  // namespace

void RunDisplay::on_cloning(const run::CloningEvent& event) {
  constexpr Milliseconds kPlainInterval{5'000};
  if (!cloning_) cloning_ = std::make_unique<LiveLine>(kPlainInterval);
  if (event.epoch != nullptr) {
    if (!cloning_->due()) return;
    cloning_->show(fmt::format("fitting the policy to {}: pass {} of at most {}, {}", event.file.string(),
                               event.epoch->epoch, event.epochs, fit_text(event.epoch->held_out)));
    return;
  }
  cloning_->erase();
  cloning_.reset();
  cloned_ = true;
  const CloningReport& report = *event.report;
  print_error(
      fmt::format("fitted the policy to {}: {} episodes, {} steps, mean return {}; on {}: {} (before: {}), "
                  "after pass {} of {}\n",
                  event.file.string(), report.episodes, report.steps, run::figure_text(report.mean_return),
                  report.held_out_episodes > 0 ? fmt::format("{} held-out episodes", report.held_out_episodes)
                                               : "what it was fitted to",
                  fit_text(report.held_out), fit_text(report.first), report.best_epoch, report.epochs));
}

void RunDisplay::on_evaluation(const run::EvaluationEvent& event) {
  if (!cloned_ || event.update > 0 || event.final) return;
  log(LogLevel::kInfo, "the fitted policy, after 0 steps of training: mean return {} in {} episodes",
      run::figure_text(event.statistics.mean), event.statistics.episodes);
}

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
        summary.totals.updates, summary.totals.in_run.steps, run::duration_text(summary.totals.wall_seconds));
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
  if (summary.influence.size() > 1) {
    print("What each Child did to the weights:\n{}{}\n", influence_table(summary.influence),
          summary.influence_suggestion);
  }
  if (summary.best) {
    print("Best evaluation: mean return {} after update {}, kept as {}.\n",
          run::figure_text(summary.best->mean_return), summary.best->update, summary.best->file.string());
  }
  if (summary.final_evaluation) print("Final evaluation:\n{}", to_table(*summary.final_evaluation));
  print("Files: {}\n", summary.directory.string());
}

}  // namespace genkidama::cli
