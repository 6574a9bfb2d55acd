#include "cli/options/config_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "genkidama/core/error.h"
#include "genkidama/core/version.h"

namespace genkidama::cli {
namespace {

using nlohmann::json;

// Written into config.json for people; a file that is used again may hold them.
constexpr const char* kNotes[] = {"program", "version", "environment", "command", "command_line", "run_dir"};

// More than any config file; a wrong path such as a device must not fill the memory.
constexpr std::streamsize kMaxBytes = 1 << 20;

bool is_note(const std::string& key) {
  return std::find(std::begin(kNotes), std::end(kNotes), key) != std::end(kNotes);
}

const OptionRow* find_key(const std::vector<OptionRow>& table, const std::string& key) {
  for (const OptionRow& row : table) {
    if (row.in_config && row.key() == key) return &row;
  }
  return nullptr;
}

// Version 0.1 recorded the interval of evaluations in every run, whether it was given and used or not.
void drop_old_default(json& values) {
  const json version = values.value("version", json());
  const bool is_old = version.is_string() && version.get<std::string>().rfind("0.1.", 0) == 0;
  if (is_old && values.value("evaluate_every", json()) == 100) values.erase("evaluate_every");
}

}  // namespace

ConfigFile read_config_file(const std::string& flag, const std::filesystem::path& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text;
  if (file) {
    text.resize(static_cast<std::size_t>(kMaxBytes) + 1);
    file.read(text.data(), kMaxBytes + 1);
    text.resize(static_cast<std::size_t>(file.gcount()));
  }
  if (file.bad() || !file.is_open() || (file.fail() && !file.eof())) {
    throw ArgumentError(fmt::format("{} {}: cannot read the file ({})", flag, path.string(),
                                    errno != 0 ? std::strerror(errno) : "read error"));
  }
  if (static_cast<std::streamsize>(text.size()) > kMaxBytes) {
    throw ArgumentError(
        fmt::format("{} {}: the file is larger than {} bytes; expected a JSON object of options", flag,
                    path.string(), kMaxBytes));
  }
  ConfigFile config{fmt::format("{} {}", flag, path.string()), {}};
  try {
    config.values = json::parse(text);
  } catch (const json::exception& error) {
    throw ArgumentError(fmt::format("{}: not JSON: {}", config.source, error.what()));
  }
  if (!config.values.is_object()) {
    throw ArgumentError(fmt::format("{}: expected a JSON object such as {{\"gamma\": 0.99}}", config.source));
  }
  drop_old_default(config.values);
  return config;
}

void apply_config(const ConfigFile& config, const std::vector<OptionRow>& table, Settings& settings) {
  for (const auto& [key, value] : config.values.items()) {
    if (is_note(key)) continue;
    const OptionRow* row = find_key(table, key);
    if (row == nullptr) {
      throw ArgumentError(
          fmt::format("{}: unknown key '{}'; the keys are the options of '{} --help' with _ for -",
                      config.source, key, command_name(settings.command)));
    }
    if ((row->commands & settings.command) == 0) {
      throw ArgumentError(fmt::format("{}: key '{}' is not an option of '{}'", config.source, key,
                                      command_name(settings.command)));
    }
    if (!row->set(settings, value)) {
      throw ArgumentError(
          fmt::format("{}: key '{}' is {}; expected {}", config.source, key, value.dump(), row->expected));
    }
  }
}

nlohmann::ordered_json config_of(const Settings& settings, const std::vector<OptionRow>& table,
                                 const std::string& program, const std::string& environment) {
  nlohmann::ordered_json config;
  config["program"] = program;
  config["version"] = kVersion;
  config["environment"] = environment;
  config["command"] = command_name(settings.command);
  config["command_line"] = settings.command_line;
  config["run_dir"] = settings.run_dir;
  for (const OptionRow& row : table) {
    if (row.in_config && (row.commands & settings.command) != 0) config[row.key()] = row.get(settings);
  }
  return config;
}

std::vector<std::string> flags_of(const Settings& settings, const std::vector<OptionRow>& table,
                                  Command command) {
  std::vector<std::string> flags;
  for (const OptionRow& row : table) {
    if (!row.in_config || (row.commands & command) == 0) continue;
    if (row.kind == ValueKind::kTextList) {
      const json list = row.get(settings);
      for (const json& item : list) flags.push_back(row.flag() + "=" + item.get<std::string>());
    } else if (const std::string text = row.value_text(settings); !text.empty()) {
      flags.push_back(row.flag() + "=" + text);
    }
  }
  return flags;
}

}  // namespace genkidama::cli
