#include "cli/options/config_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "core/spelling.h"
#include "genkidama/core/error.h"
#include "genkidama/core/utf8.h"
#include "genkidama/core/version.h"
#include "run/directory/json_file.h"

namespace genkidama::cli {
namespace {

using nlohmann::json;

// Written into config.json for people; a file that is used again may hold them.
constexpr const char* kNotes[] = {"program", "version", "environment", "command", "command_line", "run_dir"};

// More than any config file; a wrong path such as a device must not fill the memory.
constexpr std::streamsize kMaxBytes = 1 << 20;

// Whether a process of ours has written it: then the notes are no mistakes of a person.
bool is_record(const json& values) {
  return values.contains("version");
}

// Either spelling: max_steps as in config.json, max-steps as in a flag.
const OptionRow* find_key(const std::vector<OptionRow>& table, const std::string& key) {
  for (const OptionRow& row : table) {
    if (row.in_config && row.name == option_spelling(key)) return &row;
  }
  return nullptr;
}

// What to do about a key that stands for no option.
std::string advice(const std::vector<OptionRow>& table, Command command, const std::string& key) {
  std::vector<std::string> keys;
  for (const OptionRow& row : table) {
    if ((row.commands & command) == 0 || row.hidden) continue;
    if (!row.in_config && row.name == option_spelling(key)) {
      return fmt::format(" (it cannot be given in a file, only as {})", row.flag());
    }
    if (row.in_config) keys.push_back(row.key());
  }
  return did_you_mean(key, keys);
}

// JSON's parsers take the last of equal keys in silence.
json parse_with_unique_keys(const std::string& text, const std::string& source) {
  std::vector<std::set<std::string>> keys;  // of each object that is being read
  return json::parse(text, [&](int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second) {
      throw ArgumentError(fmt::format("{}: key '{}' is given twice; expected each key once", source,
                                      parsed.get<std::string>()));
    }
    return true;
  });
}

template <typename Rewrite>
json rewritten(const json& value, Rewrite rewrite) {
  if (value.is_string()) return rewrite(value.get_ref<const std::string&>());
  if (!value.is_array()) return value;
  json list = json::array();
  for (const json& item : value) list.push_back(rewritten(item, rewrite));
  return list;
}

// Version 0.1 recorded the interval of evaluations in every run, whether it was given and used or not.
void drop_old_default(json& values) {
  const json version = values.value("version", json());
  const bool is_old = version.is_string() && version.get<std::string>().rfind("0.1.", 0) == 0;
  if (is_old && values.value("evaluate_every", json()) == 100) values.erase("evaluate_every");
}

}  // namespace

bool is_note(const std::string& key) {
  return std::find(std::begin(kNotes), std::end(kNotes), key) != std::end(kNotes);
}

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
  ConfigFile config{fmt::format("{} {}", flag, path.string()), {}, false};
  try {
    config.values = parse_with_unique_keys(text, config.source);
  } catch (const json::exception& error) {
    throw ArgumentError(fmt::format("{}: {}; expected a JSON object such as {{\"gamma\": 0.99}}",
                                    config.source, run::json_problem(error, text)));
  }
  if (!config.values.is_object()) {
    throw ArgumentError(fmt::format("{}: expected a JSON object such as {{\"gamma\": 0.99}}", config.source));
  }
  drop_old_default(config.values);
  return config;
}

void check_origin(const ConfigFile& config, const std::string& program, Command command) {
  if (!is_record(config.values)) return;
  for (const auto& [key, expected] :
       {std::pair<const char*, std::string>("program", program),
        std::pair<const char*, std::string>("command", command_name(command))}) {
    const json recorded = config.values.value(key, json());
    if (!recorded.is_string() || recorded == expected) continue;
    throw ArgumentError(fmt::format(
        "{}: these are the options of the {} '{}'; expected those of '{}' (without its key '{}' the "
        "file is taken all the same)",
        config.source, key, recorded.get<std::string>(), expected, key));
  }
}

void apply_config(const ConfigFile& config, const std::vector<OptionRow>& table, Settings& settings) {
  std::map<const OptionRow*, std::string> given;
  for (const auto& [key, value] : config.values.items()) {
    if (is_note(key) && is_record(config.values)) continue;
    const OptionRow* row = find_key(table, key);
    if (row == nullptr) {
      throw ArgumentError(fmt::format("{}: unknown key '{}'{}; the keys are the options of '{} --help'",
                                      config.source, key, advice(table, settings.command, key),
                                      command_name(settings.command)));
    }
    if ((row->commands & settings.command) == 0) {
      throw ArgumentError(fmt::format("{}: key '{}' is not an option of '{}'", config.source, key,
                                      command_name(settings.command)));
    }
    if (const auto [before, is_new] = given.emplace(row, key); !is_new) {
      throw ArgumentError(fmt::format("{}: '{}' and '{}' are the same option; expected it once",
                                      config.source, before->second, key));
    }
    if (!row->set(settings, rewritten(value, unescape_bytes))) {
      throw ArgumentError(
          fmt::format("{}: key '{}' is {}; expected {}", config.source, key, value.dump(), row->expected));
    }
  }
}

nlohmann::ordered_json config_of(const Settings& settings, const std::vector<OptionRow>& table,
                                 const std::string& program, const std::string& environment) {
  nlohmann::ordered_json config;
  config["program"] = to_utf8(program);
  config["version"] = kVersion;
  config["environment"] = to_utf8(environment);
  config["command"] = command_name(settings.command);
  config["command_line"] = rewritten(settings.command_line, escape_bytes);
  config["run_dir"] = escape_bytes(settings.run_dir);
  for (const OptionRow& row : table) {
    if (row.in_config && (row.commands & settings.command) != 0)
      config[row.key()] = rewritten(row.get(settings), escape_bytes);
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
