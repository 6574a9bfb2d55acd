#include "run/sweep/standing.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "genkidama/core/error.h"
#include "run/directory/summary_file.h"
#include "run/metrics/csv_table.h"

namespace genkidama::run {
namespace {

bool is_there(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

bool is_run(const RunDirectory& directory) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(directory.path(), ignored)) return false;
  return is_there(directory.config()) || is_there(directory.metrics()) ||
         std::filesystem::is_empty(directory.path(), ignored) || is_there(directory.path() / "checkpoints");
}

bool ended_by_itself(const nlohmann::ordered_json& summary) {
  const auto ended_by = summary.value("ended_by", nlohmann::ordered_json());
  return ended_by == "updates" || ended_by == "max_steps" || ended_by == "target" || ended_by == "patience";
}

}  // namespace

RunStanding standing_of(const RunDirectory& directory) {
  std::error_code ignored;
  if (!is_there(directory.path()) || std::filesystem::is_empty(directory.path(), ignored)) {
    return RunStanding::kNew;
  }
  if (ended_by_itself(read_summary(directory)) && is_there(directory.final_weights())) {
    return RunStanding::kFinished;
  }
  return directory.has_state() ? RunStanding::kStopped : RunStanding::kDead;
}

RunStanding standing_of(const RunDirectory& directory, std::optional<std::uint64_t> max_steps) {
  const RunStanding standing = standing_of(directory);
  if (standing != RunStanding::kFinished || !max_steps) return standing;
  if (read_summary(directory).value("environment_steps", std::uint64_t{0}) >= *max_steps) return standing;
  return directory.has_state() ? RunStanding::kStopped : RunStanding::kDead;
}

std::uint64_t steps_taken(const RunDirectory& directory) {
  const auto latest = latest_metrics(directory);
  return std::max(read_summary(directory).value("environment_steps", std::uint64_t{0}),
                  latest ? latest->environment_steps : 0);
}

std::optional<LatestMetrics> latest_metrics(const RunDirectory& directory) {
  const auto table = read_last_row(directory.metrics());
  if (!table) return {};
  const auto number = [&table](const char* column) {
    return number_in(table->field(table->rows[0], column));
  };
  LatestMetrics latest;
  latest.updates = static_cast<std::uint64_t>(number("update").value_or(0));
  latest.environment_steps = static_cast<std::uint64_t>(number("environment_steps").value_or(0));
  latest.steps_per_second = number("steps_per_second").value_or(0);
  // A Parent's row is of one Child's round.
  latest.mean_return = number(table->column("return_mean") ? "return_mean" : "child_return_mean");
  return latest;
}

void check_usable(const RunDirectory& directory) {
  const std::string path = directory.path().string();
  if (!is_there(directory.path())) return;
  if (!is_run(directory)) {
    throw ArgumentError(fmt::format("{}: this is not the directory of a run; move it away", path));
  }
  // A run that somebody else has started here must not be run twice.
  if (standing_of(directory) != RunStanding::kFinished && directory.is_at_work()) {
    throw ArgumentError(
        fmt::format("{}: a process is at work in this run's directory; wait until it has ended", path));
  }
}

}  // namespace genkidama::run
