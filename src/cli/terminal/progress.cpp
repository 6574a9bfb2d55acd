#include "cli/terminal/progress.h"

#include <fmt/format.h>

#include <algorithm>

namespace genkidama::cli {
namespace {

constexpr Milliseconds kPlainInterval{5'000};

}  // namespace

std::string duration_text(double seconds) {
  const auto whole = static_cast<long long>(std::max(0.0, seconds));
  if (whole >= 3600) return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
  if (whole >= 60) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  return fmt::format("{}s", whole);
}

Progress::Progress(const run::RunProgress& start)
    : line_(kPlainInterval), start_(start), last_played_(start.environment_steps) {}

void Progress::show(const run::RunProgress& state, const std::optional<RoundProgress>& round) {
  const std::uint64_t played = state.environment_steps + (round ? round->environment_steps : 0);
  line_.show(line_of(state, round, played));
  last_played_ = played;
}

std::string Progress::line_of(const run::RunProgress& state, const std::optional<RoundProgress>& round,
                              std::uint64_t played) const {
  const double seconds = std::max(1e-3, seconds_since(line_.shown()));
  // A worker that was replaced in the round plays it anew.
  const double rate = static_cast<double>(played - std::min(played, last_played_)) / seconds;
  std::string line =
      fmt::format("update {}  steps {}  {:.0f} steps/s", state.updates, state.environment_steps, rate);
  if (round && round->evaluation) line += fmt::format("  evaluation: episode {}", round->episodes);
  if (round && !round->evaluation) line += fmt::format("  {} steps in this round", round->environment_steps);
  if (state.mean_return) line += fmt::format("  mean return {:.1f}", *state.mean_return);
  if (state.children) line += fmt::format("  children {}", *state.children);
  if (state.done) {
    line += fmt::format("  {:.0f} %", 100 * *state.done);
    const double gained = *state.done - start_.done.value_or(0);
    if (gained > 0)
      line += fmt::format("  {} left", duration_text(seconds_since(started_) * (1 - *state.done) / gained));
  }
  return line;
}

}  // namespace genkidama::cli
