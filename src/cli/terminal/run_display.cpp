#include "cli/terminal/run_display.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "cli/terminal/evaluation_table.h"
#include "cli/terminal/output.h"
#include "cli/terminal/text_table.h"
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

}  // namespace

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
