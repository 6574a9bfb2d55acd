#include "run/directory/summary_file.h"

#include <algorithm>

#include "core/processor_time.h"
#include "genkidama/core/error.h"
#include "genkidama/core/log.h"
#include "genkidama/core/utf8.h"
#include "genkidama/core/version.h"
#include "run/directory/json_file.h"
#include "run/directory/machine.h"

namespace genkidama::run {

nlohmann::ordered_json summary_of(const RunOptions& options, const std::string& environment,
                                  const RunTotals& totals, const std::string& ended_by) {
  nlohmann::ordered_json json;
  json["program"] = options.record.program;
  json["version"] = kVersion;
  json["environment"] = environment;
  json["command"] = options.record.command;
  json["preset"] = options.record.preset;
  json["seed"] = options.record.seed;
  json["policy_average"] = PolicyAverage(options.policy_average).text();
  json["ended_by"] = ended_by;
  json["updates"] = totals.updates;
  json["environment_steps"] = totals.in_run.steps;
  json["episodes"] = totals.in_run.episodes;
  json["wall_seconds"] = totals.wall_seconds;
  json["env_steps_per_second"] =
      static_cast<double>(totals.in_run.steps) / std::max(1e-6, totals.wall_seconds);
  json["processor_seconds"] = processor_seconds();
  json["machine"] = machine_json();
  json["target"] = nullptr;
  json["time_to_target_seconds"] = nullptr;
  if (options.target) json["target"] = *options.target;
  if (totals.time_to_target_seconds) json["time_to_target_seconds"] = *totals.time_to_target_seconds;
  json["worker_restarts"] = totals.worker_restarts;
  json["lost_episodes"] = totals.lost_episodes;
  json["dropped_steps"] = totals.dropped_steps;
  if (totals.model_error) json["model_error"] = *totals.model_error;
  json["init_from"] = nullptr;
  if (!options.init_from.empty()) json["init_from"] = escape_bytes(options.init_from.string());
  json["best_evaluation"] = nullptr;
  json["final_evaluation"] = nullptr;
  json["error"] = nullptr;
  return json;
}

bool write_summary(const std::filesystem::path& file, const nlohmann::ordered_json& summary) {
  try {
    write_json_file(file, summary);
    return true;
  } catch (const Error& error) {
    log(LogLevel::kError, "summary.json could not be written: {}", error.what());
    return false;
  }
}

nlohmann::ordered_json read_summary(const RunDirectory& directory) {
  return read_json_object(directory.summary()).value_or(nlohmann::ordered_json::object());
}

}  // namespace genkidama::run
