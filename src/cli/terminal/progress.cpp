#include "cli/terminal/progress.h"

#include <fmt/format.h>

#include <algorithm>

#include "run/evaluation/figure_text.h"

namespace genkidama::cli {
namespace {

constexpr Milliseconds kPlainInterval{5'000};

}  // namespace

Progress::Progress(const run::RunProgress& start)
    : line_(kPlainInterval), start_(start), last_played_(start.in_run.steps) {}

void Progress::show(const run::RunProgress& state, const std::optional<RoundProgress>& round) {
  const std::uint64_t played = state.in_run.steps + (round ? round->so_far.steps : 0);
  line_.show_parts(line_of(state, round, played));
  last_played_ = played;
}

std::vector<LinePart> Progress::line_of(const run::RunProgress& state,
                                        const std::optional<RoundProgress>& round,
                                        std::uint64_t played) const {
  const double seconds = std::max(1e-3, seconds_since(line_.shown()));
  // A worker that was replaced in the round plays it anew.
  const double rate = static_cast<double>(played - std::min(played, last_played_)) / seconds;
  std::vector<LinePart> line = {{fmt::format("update {}", state.updates), 4},
                                {fmt::format("steps {}", state.in_run.steps), 3},
                                {fmt::format("{:.0f} steps/s", rate), 5}};
  if (round && round->evaluation)
    line.push_back({fmt::format("evaluation: episode {}", round->so_far.episodes), 6});
  if (round && !round->evaluation)
    line.push_back({fmt::format("{} steps in this round", round->so_far.steps), 6});
  if (state.mean_return) line.push_back({"mean return " + run::figure_text(*state.mean_return), 0});
  if (state.children) {
    line.push_back({fmt::format("{} {}", state.policy_lag ? "actors" : "children", *state.children), 7});
  }
  if (state.late_contributions.value_or(0) > 0) {
    line.push_back({fmt::format("late {}", *state.late_contributions), 8});
  }
  if (state.policy_lag) {
    line.push_back({fmt::format("policy lag {:.3g}, at most {}", *state.policy_lag,
                                state.largest_policy_lag.value_or(0)),
                    9});
  }
  if (state.dropped_steps.value_or(0) > 0) {
    line.push_back({fmt::format("dropped steps {}", *state.dropped_steps), 8});
  }
  if (state.model_error) line.push_back({fmt::format("model error {:.2g}", *state.model_error), 8});
  if (state.done) {
    line.push_back({fmt::format("{:.0f} %", 100 * *state.done), 2});
    const double gained = *state.done - start_.done.value_or(0);
    if (gained > 0) {
      line.push_back({run::duration_text(seconds_since(started_) * (1 - *state.done) / gained) + " left", 1});
    }
  }
  return line;
}

}  // namespace genkidama::cli
