#include "run/report/recorded_run.h"

#include <fmt/format.h>

#include <system_error>

#include "genkidama/core/error.h"
#include "genkidama/core/is_finite.h"
#include "genkidama/core/utf8.h"
#include "run/directory/json_file.h"
#include "run/metrics/csv_reader.h"

namespace genkidama::run {
namespace {

using nlohmann::ordered_json;

bool is_file(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored);
}

void check_is_run(const RunDirectory& directory) {
  const std::string path = directory.path().string();
  std::error_code ignored;
  if (!std::filesystem::exists(directory.path(), ignored)) {
    throw ArgumentError(fmt::format("{}: there is no such directory; expected the directory of a run", path));
  }
  if (!std::filesystem::is_directory(directory.path(), ignored)) {
    throw ArgumentError(fmt::format("{}: this is a file; expected the directory of a run", path));
  }
  if (is_file(directory.config()) || is_file(directory.metrics()) || is_file(directory.summary())) return;
  throw ArgumentError(
      fmt::format("{}: no run is in this directory (neither config.json nor metrics.csv nor summary.json); "
                  "expected the directory of a run",
                  path));
}

ordered_json read_object(const std::filesystem::path& path, const std::string& what,
                         std::vector<std::string>& notes, const std::filesystem::path& directory) {
  if (auto object = read_json_object(path)) return std::move(*object);
  std::error_code ignored;
  const bool is_there = std::filesystem::exists(path, ignored);
  notes.push_back(fmt::format("{}: {} {}, so {} not known.", directory.string(), path.filename().string(),
                              is_there ? "cannot be read as a JSON object" : "is missing", what));
  return ordered_json::object();
}

/// What of a table cannot be shown.
void note_damage(const std::filesystem::path& path, bool is_at_work, std::vector<std::string>& notes,
                 const std::filesystem::path& directory) {
  if (!is_file(path)) return;
  const std::string place = fmt::format("{}: {}", directory.string(), path.filename().string());
  CsvReader reader(path);
  if (!reader.column("update") && !reader.column("environment_steps")) {
    // The first line of a run at work may be on its way.
    if (!is_at_work)
      notes.push_back(
          fmt::format("{} is no table of a run (it has neither a column 'update' nor "
                      "'environment_steps'), so nothing of it is shown.",
                      place));
    return;
  }
  CsvRow row;
  while (reader.next(row)) {
  }
  if (const std::uint64_t lines = reader.left_out(); lines > 0) {
    notes.push_back(fmt::format("{} is damaged: {} {} no row of it and {} left out.", place, lines,
                                lines == 1 ? "line is" : "lines are", lines == 1 ? "is" : "are"));
  }
}

}  // namespace

std::string RecordedRun::environment() const {
  const std::string name = text_at(config, "environment");
  return name.empty() ? text_at(summary, "environment") : name;
}

RecordedRun read_recorded_run(const std::filesystem::path& directory) {
  RecordedRun record{RunDirectory(directory), {}, {}, false, {}};
  check_is_run(record.directory);
  record.is_at_work = record.directory.is_at_work();
  record.config = read_object(record.directory.config(), "its options are", record.notes, directory);
  if (!record.is_at_work) {
    record.summary = read_object(record.directory.summary(), "how it ended is", record.notes, directory);
  } else {
    // That of a resumed run tells how its earlier process ended.
    record.summary = ordered_json::object();
    record.notes.push_back(
        fmt::format("{}: the run is still under way, and its figures are those so far.", directory.string()));
  }
  if (!is_file(record.directory.metrics())) {
    record.notes.push_back(
        fmt::format("{}: metrics.csv is missing{}.", directory.string(),
                    record.directory.has_peers() ? "; each peer's is in its own directory below peers" : ""));
  }
  note_damage(record.directory.metrics(), record.is_at_work, record.notes, directory);
  note_damage(record.directory.evaluations(), record.is_at_work, record.notes, directory);
  return record;
}

std::optional<double> number_at(const ordered_json& object, const std::string& key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number()) return {};
  const auto value = found->get<double>();
  return is_finite(value) ? std::optional(value) : std::nullopt;
}

std::string text_at(const ordered_json& object, const std::string& key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

const ordered_json& object_at(const ordered_json& object, const std::string& key) {
  static const ordered_json nothing = ordered_json::object();
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? *found : nothing;
}

std::string value_text(const ordered_json& value) {
  if (value.is_null()) return "none";
  if (value.is_string()) return to_utf8(unescape_bytes(value.get<std::string>()));
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace genkidama::run
