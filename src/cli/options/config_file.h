#pragma once

/// @file
/// Options in JSON: reading --config and a run's config.json, and writing the latter.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/options/option_row.h"

namespace genkidama::cli {

/// A config file as read: an object whose keys are options or say how it came about.
struct ConfigFile {
  std::string source;  ///< for errors: "--config x.json"
  nlohmann::json values;
};

/// Throws ArgumentError that starts with `flag` when the file cannot be read or is no JSON object.
ConfigFile read_config_file(const std::string& flag, const std::filesystem::path& path);

/// Applies every key. Throws ArgumentError naming a key that is unknown, not of this subcommand, or has a
/// wrong value.
void apply_config(const ConfigFile& config, const std::vector<OptionRow>& table, Settings& settings);

/// Everything that shapes the run, readable by read_config_file().
nlohmann::ordered_json config_of(const Settings& settings, const std::vector<OptionRow>& table,
                                 const std::string& program, const std::string& environment);

/// Flags that give another process of this program the same values for the options it takes.
std::vector<std::string> flags_of(const Settings& settings, const std::vector<OptionRow>& table,
                                  Command command);

}  // namespace genkidama::cli
