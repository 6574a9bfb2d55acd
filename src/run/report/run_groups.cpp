#include "run/report/run_groups.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "genkidama/core/error.h"
#include "genkidama/core/utf8.h"

namespace genkidama::run {
namespace {

using nlohmann::ordered_json;

// Where a machine is, and where it is looked at, is nothing that it learns by.
constexpr const char* kNotCompared[] = {"seed",    "run_dir",   "command_line", "name",         "connect",
                                        "listen",  "neighbour", "send_to",      "receive_from", "upper",
                                        "metrics", "page",      "tensorboard"};
constexpr const char* kFirstKeys[] = {"environment", "task", "command", "preset"};
constexpr std::size_t kMostValueBytes = 40;

bool is_compared(const std::string& key) {
  return std::find(std::begin(kNotCompared), std::end(kNotCompared), key) == std::end(kNotCompared);
}

/// Equal for runs of one group.
std::string identity_of(const RecordedRun& run) {
  if (run.config.empty()) return run.directory.path().string();
  // Sorted: files of other versions may have another order.
  std::map<std::string, std::string> options;
  for (const auto& [key, value] : run.config.items()) {
    if (is_compared(key)) options[key] = value_text(value);
  }
  std::string identity;
  for (const auto& [key, value] : options) identity += fmt::format("{}\n{}\n", key, value);
  return identity;
}

std::string option_text(const ordered_json& config, const std::string& key) {
  const auto found = config.find(key);
  if (found == config.end()) return "none";
  const std::string text = value_text(*found);
  return text.size() > kMostValueBytes ? std::string(cut_utf8(text, kMostValueBytes)) + "..." : text;
}

bool was_typed(const ordered_json& config, const std::string& key) {
  std::string flag = "--" + key;
  std::replace(flag.begin(), flag.end(), '_', '-');
  const auto line = config.find("command_line");
  if (line == config.end()) return false;
  return value_text(*line).find(flag) != std::string::npos;
}

/// The keys of all configs, those first that a name had better have.
std::vector<std::string> ordered_keys(const std::vector<const ordered_json*>& configs) {
  std::vector<std::string> typed, others;
  std::set<std::string> seen(std::begin(kFirstKeys), std::end(kFirstKeys));
  for (const ordered_json* const config : configs) {
    for (const auto& [key, unused] : config->items()) {
      if (!is_compared(key) || !seen.insert(key).second) continue;
      const bool is_typed = std::any_of(configs.begin(), configs.end(),
                                        [&key](const ordered_json* each) { return was_typed(*each, key); });
      (is_typed ? typed : others).push_back(key);
    }
  }
  std::vector<std::string> keys(std::begin(kFirstKeys), std::end(kFirstKeys));
  keys.insert(keys.end(), typed.begin(), typed.end());
  keys.insert(keys.end(), others.begin(), others.end());
  return keys;
}

/// A name for each config; those of different configs differ unless values are too long to be told apart.
std::vector<std::string> names_of(const std::vector<const ordered_json*>& configs) {
  std::vector<std::string> names(configs.size());
  if (configs.empty()) return names;
  if (configs.size() == 1) return {"preset=" + option_text(*configs[0], "preset")};
  std::size_t told_apart = 1;
  for (const std::string& key : ordered_keys(configs)) {
    std::vector<std::string> longer = names;
    for (std::size_t i = 0; i < configs.size(); ++i) {
      longer[i] += fmt::format("{}{}={}", names[i].empty() ? "" : ", ", key, option_text(*configs[i], key));
    }
    const std::size_t distinct = std::set<std::string>(longer.begin(), longer.end()).size();
    if (distinct <= told_apart) continue;
    names = std::move(longer);
    told_apart = distinct;
    if (told_apart == configs.size()) break;
  }
  return names;
}

void make_unique(std::vector<RunGroup>& groups) {
  std::set<std::string> seen;
  for (RunGroup& group : groups) {
    const std::string name = group.name;
    for (int number = 2; !seen.insert(group.name).second; ++number) {
      group.name = fmt::format("{} ({})", name, number);
    }
  }
}

bool matches(const std::string& pattern, const RecordedRun& run) {
  // "runs/a/" has an empty last part.
  const auto path = run.directory.path();
  const std::string last = (path.has_filename() ? path : path.parent_path()).filename().string();
  return fnmatch(pattern.c_str(), path.c_str(), 0) == 0 || fnmatch(pattern.c_str(), last.c_str(), 0) == 0;
}

}  // namespace

std::vector<RunGroup> group_runs(const std::vector<RecordedRun>& runs) {
  std::vector<RunGroup> groups;
  std::map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto [place, is_new] = places.emplace(identity_of(runs[i]), groups.size());
    if (is_new) groups.emplace_back();
    groups[place->second].runs.push_back(i);
  }
  std::vector<const ordered_json*> configs;
  for (const RunGroup& group : groups) {
    const RecordedRun& first = runs[group.runs.front()];
    if (!first.config.empty()) configs.push_back(&first.config);
  }
  const std::vector<std::string> names = names_of(configs);
  std::size_t next = 0;
  for (RunGroup& group : groups) {
    const RecordedRun& first = runs[group.runs.front()];
    group.name = first.config.empty() ? to_utf8(first.directory.path().string()) : names[next++];
  }
  make_unique(groups);
  return groups;
}

std::vector<RunGroup> group_runs(const std::vector<RecordedRun>& runs,
                                 const std::vector<std::string>& patterns) {
  std::vector<RunGroup> groups;
  std::vector<bool> is_taken(runs.size());
  for (const std::string& text : patterns) {
    // A sweep's directories have an equals sign, which stands behind a slash.
    const auto sign = text.find_first_of("=/*?[");
    const bool has_name = sign != std::string::npos && text[sign] == '=';
    const std::string pattern = has_name ? text.substr(sign + 1) : text;
    RunGroup group{has_name ? text.substr(0, sign) : text, {}};
    for (std::size_t i = 0; i < runs.size(); ++i) {
      if (is_taken[i] || !matches(pattern, runs[i])) continue;
      is_taken[i] = true;
      group.runs.push_back(i);
    }
    if (group.runs.empty()) {
      throw ArgumentError(
          fmt::format("group is '{}', and no run that is left matches it; expected PATTERN or NAME=PATTERN "
                      "that matches "
                      "the directory of a run",
                      text));
    }
    groups.push_back(std::move(group));
  }
  const auto missed = std::find(is_taken.begin(), is_taken.end(), false);
  if (missed != is_taken.end()) {
    const RecordedRun& run = runs[static_cast<std::size_t>(missed - is_taken.begin())];
    throw ArgumentError(
        fmt::format("group is '{}', which {} does not match; expected a pattern for each run, or "
                    "the run left out",
                    fmt::join(patterns, "', '"), run.directory.path().string()));
  }
  make_unique(groups);
  return groups;
}

}  // namespace genkidama::run
