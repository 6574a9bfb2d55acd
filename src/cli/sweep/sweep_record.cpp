#include "cli/sweep/sweep_record.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <system_error>

#include "cli/options/config_file.h"
#include "genkidama/core/error.h"
#include "genkidama/core/utf8.h"
#include "genkidama/core/version.h"
#include "run/directory/json_file.h"

namespace genkidama::cli {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// Arguments need not be UTF-8, which JSON is.
std::vector<std::string> escaped(std::vector<std::string> words) {
  for (std::string& word : words) word = escape_bytes(word);
  return words;
}

SweepDefinition definition_of(const json& values) {
  SweepDefinition definition;
  for (const json& options : values.at("runs").at("settings")) {
    SweepPoint& point = definition.points.emplace_back();
    for (const json& option : options) {
      point.push_back({option.at(0).get<std::string>(), unescape_bytes(option.at(1).get<std::string>())});
    }
  }
  definition.seeds = values.at("runs").at("seeds").get<std::vector<std::uint64_t>>();
  return definition;
}

}  // namespace

SweepDefinition read_sweep_record(const SweepDirectory& directory, Command command) {
  std::error_code ignored;
  if (!std::filesystem::exists(directory.record(), ignored)) return {};
  const ConfigFile file = read_config_file("--run-dir:", directory.record());
  try {
    const auto made_for = file.values.at("command").get<std::string>();
    if (made_for != command_name(command)) {
      throw ArgumentError(
          fmt::format("--run-dir {}: the sweep in this directory runs '{}', not '{}'; take "
                      "another directory",
                      directory.path().string(), made_for, command_name(command)));
    }
    return definition_of(file.values);
  } catch (const json::exception& error) {
    throw ArgumentError(fmt::format("{}: not the record of a sweep: {}", file.source, error.what()));
  }
}

void write_sweep_record(const SweepDirectory& directory, const Job& job, const SweepDefinition& all) {
  const Settings& settings = job.settings;
  ordered_json record;
  record["program"] = job.program.name;
  record["version"] = kVersion;
  record["command"] = settings.sweep.run_words.front();
  record["flags"] = escaped({settings.sweep.run_words.begin() + 1, settings.sweep.run_words.end()});
  record["setting"] = escaped(settings.sweep.settings);
  record["grid"] = escaped(settings.sweep.grids);
  record["seeds"] = settings.sweep.seeds;
  record["eval_episodes"] = settings.run.eval_episodes;
  ordered_json points = ordered_json::array();
  for (const SweepPoint& point : all.points) {
    ordered_json options = ordered_json::array();
    for (const SweepValue& value : point) options.push_back({value.option, escape_bytes(value.value)});
    points.push_back(std::move(options));
  }
  record["runs"]["settings"] = std::move(points);
  record["runs"]["seeds"] = all.seeds;
  run::write_json_file(directory.record(), record);
}

}  // namespace genkidama::cli
