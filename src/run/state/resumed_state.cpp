#include "run/state/resumed_state.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"

namespace genkidama::run {

std::optional<RunState> read_resumed_state(const RunOptions& options, const RunDirectory& directory,
                                           const PolicyOrigin& network, Saveable* trainer) {
  if (!directory.has_state()) {
    log(LogLevel::kInfo, "the run in {} was ended before its first checkpoint and begins again",
        directory.path().string());
    return {};
  }
  try {
    NewestRunState newest = read_newest_run_state(directory.state(), network.layout, trainer, network.name());
    if (!newest.problem.empty()) {
      log(LogLevel::kWarning, "{}; the run goes on from {}, of update {}", newest.problem,
          newest.file.string(), newest.state.totals.updates);
      // The next state would otherwise take the place of the good one, and keep the damaged one beside it.
      std::error_code ignored;
      std::filesystem::rename(directory.state(), directory.damaged_state(), ignored);
    }
    return std::move(newest.state);
  } catch (const Error& error) {
    throw ArgumentError(
        fmt::format("{} {}: {}", options.name_of("resume"), directory.path().string(), error.what()));
  }
}

PolicyAverage resumed_average(const RunOptions& options, const std::optional<RunState>& state) {
  PolicyAverage average(options.policy_average);
  if (!state || state->average.count == 0) return average;
  if (state->policy_average == policy_average_name(options.policy_average.kind)) {
    average.restore(state->average);
  } else {
    log(LogLevel::kInfo, "the {} average of the policy ends here: {} is {} now", state->policy_average,
        options.name_of("policy_average"), policy_average_name(options.policy_average.kind));
  }
  return average;
}

}  // namespace genkidama::run
