#include "run/sweep/record.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <system_error>

#include "genkidama/core/error.h"
#include "genkidama/core/utf8.h"
#include "run/directory/json_file.h"

namespace genkidama::run {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

std::filesystem::path record_in(const std::filesystem::path& directory) {
  return directory / "sweep.json";
}

SweepDefinition definition_of(const json& values) {
  SweepDefinition definition;
  for (const json& point : values.at("runs").at("settings")) definition.points.push_back(point_in(point));
  definition.seeds = values.at("runs").at("seeds").get<std::vector<std::uint64_t>>();
  return definition;
}

}  // namespace

ordered_json point_json(const SweepPoint& point) {
  ordered_json values = ordered_json::array();
  for (const SweepValue& value : point)
    values.push_back({escape_bytes(value.option), escape_bytes(value.value)});
  return values;
}

SweepPoint point_in(const json& value) {
  SweepPoint point;
  for (const json& option : value) {
    point.push_back(
        {unescape_bytes(option.at(0).get<std::string>()), unescape_bytes(option.at(1).get<std::string>())});
  }
  return point;
}

std::string name_of(const SweepOptions& options, std::string_view field) {
  return options.option_name ? options.option_name(field) : std::string(field);
}

SweepDefinition read_sweep_record(const SweepOptions& options) {
  const auto path = record_in(options.directory);
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return {};
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  try {
    const json values = json::parse(text);
    const auto made_for = values.at("command").get<std::string>();
    if (made_for != options.command) {
      throw ArgumentError(
          fmt::format("{} {}: the sweep in this directory runs '{}', not '{}'; take another directory",
                      name_of(options, "directory"), options.directory.string(), made_for, options.command));
    }
    return definition_of(values);
  } catch (const json::exception& error) {
    throw ArgumentError(
        fmt::format("{} {}: not the record of a sweep: {}; expected what a sweep has written: put that back, "
                    "or take another "
                    "directory",
                    name_of(options, "directory"), path.string(), json_problem(error, text)));
  }
}

void write_sweep_record(const SweepOptions& options, const SweepDefinition& all) {
  auto record = options.record.empty() ? ordered_json::object() : ordered_json::parse(options.record);
  record["command"] = options.command;
  ordered_json points = ordered_json::array();
  for (const SweepPoint& point : all.points) points.push_back(point_json(point));
  record["runs"]["settings"] = std::move(points);
  record["runs"]["seeds"] = all.seeds;
  write_json_file(record_in(options.directory), record);
}

}  // namespace genkidama::run
