#pragma once

/// @file
/// Options in JSON: reading --config and a run's config.json, and writing the latter.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/options/option_row.h"

namespace genkidama::cli {

/// Whether config.json has this key for a note on how it came about, such as "command".
bool is_note(const std::string& key);

/// A config file as read: an object whose keys are options or say how it came about.
struct ConfigFile {
  std::string source;  ///< for errors: "--config x.json"
  nlohmann::json values;
  bool is_own = false;  ///< of the directory of a run that goes on: not from a stranger
};

/// Throws ArgumentError that starts with `flag` when the file cannot be read, is no JSON object, or has a key
/// twice.
ConfigFile read_config_file(const std::string& flag, const std::filesystem::path& path);

/// Throws ArgumentError when the file is the record of another program's or subcommand's run.
void check_origin(const ConfigFile& config, const std::string& program, Command command);

/// Applies every key; - and _ are the same in a key. Notes on how the file came about are left out if a run
/// has written it. Throws ArgumentError naming a key that is unknown, given twice or not of this subcommand,
/// or one with a wrong value.
void apply_config(const ConfigFile& config, const std::vector<OptionRow>& table, Settings& settings);

/// Everything that shapes the run, readable by read_config_file(). Paths and arguments that are not UTF-8 are
/// escaped (escape_bytes()), and read back as they were.
nlohmann::ordered_json config_of(const Settings& settings, const std::vector<OptionRow>& table,
                                 const std::string& program, const std::string& environment);

/// Flags that give another process of this program the same values for the options it takes.
std::vector<std::string> flags_of(const Settings& settings, const std::vector<OptionRow>& table,
                                  Command command);

}  // namespace genkidama::cli
