#include "run/state/resumed_state.h"

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "genkidama/core/error.h"
#include "genkidama/core/log.h"

namespace genkidama::run {

std::optional<RunState> read_resumed_state(const RunOptions& options, const RunDirectory& directory,
                                           const PolicyOrigin& origin, Saveable* trainer,
                                           PolicyAverage& average, const std::string& kind) {
  if (!directory.has_state()) {
    log(LogLevel::kInfo, "the run in {} was ended before its first checkpoint and begins again",
        directory.path().string());
    return {};
  }
  try {
    const RunSubject subject{kind, origin.environment, origin.policy};
    NewestRunState newest =
        read_newest_run_state(directory.state(), origin.layout, trainer, average, subject);
    if (!newest.problem.empty()) {
      log(LogLevel::kWarning, "{}; the run goes on from {}, of update {}", newest.problem,
          newest.file.string(), newest.state.totals.updates);
      // The next state would otherwise take the place of the good one, and keep the damaged one beside it.
      std::error_code ignored;
      std::filesystem::rename(directory.state(), directory.damaged_state(), ignored);
    }
    const std::string asked = policy_average_name(average.options().kind);
    if (const std::string& ended = newest.state.average_kind; ended != "none" && ended != asked) {
      log(LogLevel::kInfo, "the {} average of the policy ends here: {} is {} now", ended,
          options.name_of("policy_average"), asked);
    }
    return std::move(newest.state);
  } catch (const OtherSubjectError& error) {
    throw ArgumentError(fmt::format(
        "{} {}: {}; go on as the run was made, or begin a new run in another directory, where {} FILE takes "
        "the weights of a policy",
        options.name_of("resume"), directory.path().string(), error.what(), options.name_of("init_from")));
  } catch (const Error& error) {
    throw ArgumentError(
        fmt::format("{} {}: {}", options.name_of("resume"), directory.path().string(), error.what()));
  }
}

}  // namespace genkidama::run
