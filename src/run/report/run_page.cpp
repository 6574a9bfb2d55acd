#include "run/report/run_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <utility>
#include <vector>

#include "core/markup.h"
#include "genkidama/core/version.h"
#include "genkidama/run/evaluation.h"
#include "run/charts/line_chart.h"
#include "run/evaluation/figure_text.h"
#include "run/metrics/csv_reader.h"
#include "run/report/run_page_charts.h"

namespace genkidama::run {
namespace {

using nlohmann::ordered_json;
using Row = std::vector<std::string>;

constexpr std::size_t kMostRows = 200;
constexpr std::size_t kMostColumns = 40;

constexpr const char* kStyle =
    "body{font:16px/1.5 system-ui,sans-serif;color:#222;background:#fff;margin:0 auto;max-width:1200px;"
    "padding:1rem}\n"
    "h1{font-size:1.6rem;margin:.2em 0}h2{font-size:1.2rem;margin:1.6em 0 .4em}\n"
    ".charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,30rem),1fr));gap:.6rem}\n"
    "svg.chart{width:100%;height:auto}.episode{max-width:100%;height:auto}\n"
    ".wide{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem}\n"
    "th,td{text-align:left;padding:.15rem .9rem .15rem 0;border-bottom:1px solid #ddd;vertical-align:top}\n"
    "td{font-variant-numeric:tabular-nums;overflow-wrap:anywhere}summary{cursor:pointer}\n"
    ".error{border-left:4px solid #c0392b;padding-left:.7rem}.faint{color:#666;font-size:.9rem}\n"
    "@media (prefers-color-scheme:dark){body{color:#ddd;background:#161616}th,td{border-color:#3a3a3a}"
    ".faint{color:#aaa}}\n";

std::string cells(const Row& row, const char* tag) {
  std::string html = "<tr>";
  for (const std::string& cell : row) html += fmt::format("<{0}>{1}</{0}>", tag, markup_text(cell));
  return html + "</tr>\n";
}

/// A table of at most kMostRows rows; `all` is how many there are.
std::string table_of(const Row& columns, const std::vector<Row>& rows, std::size_t all) {
  std::string html = "<div class=\"wide\"><table>\n";
  if (!columns.empty()) html += cells(columns, "th");
  for (const Row& row : rows) html += cells(row, "td");
  html += "</table></div>\n";
  if (all > rows.size()) {
    html += fmt::format("<p class=\"faint\">These are {} of {} rows.</p>\n", rows.size(), all);
  }
  return html;
}

std::string section(const std::string& title, const std::string& content) {
  if (content.empty()) return "";
  return fmt::format("<h2>{}</h2>\n{}", markup_text(title), content);
}

std::string details(const std::string& title, const std::string& content) {
  return fmt::format("<details><summary>{}</summary>\n{}</details>\n", markup_text(title), content);
}

/// Keys and values, those that are objects or lists too as their text.
std::string table_of_object(const ordered_json& object) {
  if (object.empty()) return "";
  std::vector<Row> rows;
  for (const auto& [key, value] : object.items()) {
    if (rows.size() < kMostRows) rows.push_back({key, value_text(value)});
  }
  return table_of({}, rows, object.size());
}

std::string count_text(const ordered_json& object, const char* key) {
  const auto value = number_at(object, key);
  return value ? fmt::format("{:.0f}", *value) : "";
}

std::string title_of(const RecordedRun& run) {
  const std::string environment = run.environment();
  const std::string preset = text_at(run.config.contains("preset") ? run.config : run.summary, "preset");
  std::string title = environment.empty() ? run.directory.path().string() : environment;
  if (!preset.empty()) title += ", preset " + preset;
  const auto& seeds = run.config.contains("seed") ? run.config : run.summary;
  if (const std::string seed = count_text(seeds, "seed"); !seed.empty()) title += ", seed " + seed;
  return title;
}

std::string ending_of(const RecordedRun& run) {
  std::string html;
  const std::string ended_by = text_at(run.summary, "ended_by");
  if (run.is_at_work) {
    html = "<p>The run was still under way when this page was made.</p>\n";
  } else if (ended_by.empty()) {
    html =
        "<p>How the run ended is not known: it has no summary.json that can be read, so it was killed, or "
        "its "
        "files were changed.</p>\n";
  } else {
    html = fmt::format("<p>The run was ended by <b>{}</b>.</p>\n", markup_text(ended_by));
  }
  if (const std::string error = text_at(run.summary, "error"); !error.empty()) {
    html += fmt::format("<p class=\"error\">{}</p>\n", markup_text(error));
  }
  return html;
}

std::string evaluation_text(const ordered_json& evaluation) {
  const auto mean = number_at(evaluation, "mean");
  if (!mean) return "";
  const double error = number_at(evaluation, "standard_error").value_or(0);
  std::string text = figure_text(*mean, error);
  const auto low = number_at(evaluation, "ci_low"), high = number_at(evaluation, "ci_high");
  if (low && high) text += fmt::format(" (95 % interval {})", interval_text({*low, *high}));
  return text;
}

std::string figures_of(const RecordedRun& run) {
  const ordered_json& summary = run.summary;
  std::vector<Row> rows;
  const auto add = [&rows](const char* name, std::string text) {
    if (!text.empty()) rows.push_back({name, std::move(text)});
  };
  const auto time = [&summary](const char* key) {
    const auto seconds = number_at(summary, key);
    return seconds ? duration_text(*seconds) : "";
  };
  add("mean return at the end", evaluation_text(object_at(summary, "final_evaluation")));
  const ordered_json& best = object_at(summary, "best_evaluation");
  if (const auto mean = number_at(best, "return_mean")) {
    add("best evaluation", fmt::format("{} after update {}", figure_text(*mean), count_text(best, "update")));
  }
  add("environment steps", count_text(summary, "environment_steps"));
  add("updates", count_text(summary, "updates"));
  add("episodes", count_text(summary, "episodes"));
  add("wall time", time("wall_seconds"));
  add("processor time", time("processor_seconds"));
  add("steps per second", count_text(summary, "env_steps_per_second"));
  add("time to the target", time("time_to_target_seconds"));
  add("workers", count_text(summary, "workers"));
  add("worker restarts", count_text(summary, "worker_restarts"));
  add("lost episodes", count_text(summary, "lost_episodes"));
  return rows.empty() ? "" : table_of({}, rows, rows.size());
}

std::string charts_html(const RunDirectory& directory) {
  const auto charts = charts_of(directory);
  if (charts.empty()) return "<p>There is nothing to draw yet.</p>\n";
  std::string html = "<div class=\"charts\">\n";
  for (const LineChart& chart : charts) html += chart_element(chart);
  return html +
         "</div>\n<p class=\"faint\">Where a point stands for several rows of the table, the line is their "
         "mean, and the band reaches from the least to the greatest.</p>\n";
}

// The last of them: a run's end is what most people look for.
std::string evaluation_rows(const std::filesystem::path& table) {
  CsvReader reader(table);
  std::vector<Row> rows;
  std::size_t all = 0;
  for (CsvRow row; reader.next(row); ++all) {
    if (rows.size() == kMostRows) rows.erase(rows.begin());
    row.resize(std::min(row.size(), kMostColumns));
    rows.push_back(row);
  }
  if (rows.empty()) return "";
  Row columns = reader.columns();
  columns.resize(std::min(columns.size(), kMostColumns));
  return details("Evaluations during the run", table_of(columns, rows, all));
}

std::string evaluations_of(const RecordedRun& run) {
  return table_of_object(object_at(run.summary, "final_evaluation")) +
         evaluation_rows(run.directory.evaluations());
}

/// A row for each of the things that have a name and figures, with a column for every figure that one has.
std::string table_of_named(const ordered_json& all, const char* what) {
  Row columns = {what};
  std::vector<Row> rows;
  for (const auto& [name, figures] : all.items()) {
    if (!figures.is_object()) continue;
    for (const auto& [key, unused] : figures.items()) {
      const bool is_new = std::find(columns.begin() + 1, columns.end(), key) == columns.end();
      if (is_new && columns.size() < kMostColumns) columns.push_back(key);
    }
  }
  for (const auto& [name, figures] : all.items()) {
    if (!figures.is_object() || rows.size() == kMostRows) continue;
    Row& row = rows.emplace_back(Row{name});
    for (std::size_t i = 1; i < columns.size(); ++i) {
      const auto found = figures.find(columns[i]);
      const auto number = number_at(figures, columns[i]);
      row.push_back(found == figures.end()               ? ""
                    : found->is_number_float() && number ? figure_text(*number)
                                                         : value_text(*found));
    }
  }
  return rows.empty() ? "" : table_of(columns, rows, all.size());
}

std::string children_of(const RecordedRun& run) {
  std::string html = table_of_named(object_at(run.summary, "children"), "Child");
  if (const std::string advice = text_at(run.summary, "influence_suggestion"); !advice.empty()) {
    html += fmt::format("<p>{}</p>\n", markup_text(advice));
  }
  return html;
}

/// What the other sections have not shown.
std::string others_of(const ordered_json& summary) {
  constexpr const char* kShown[] = {"children", "machine", "final_evaluation", "influence_suggestion",
                                    "error"};
  ordered_json others = ordered_json::object();
  for (const auto& [key, value] : summary.items()) {
    if (std::find(std::begin(kShown), std::end(kShown), key) == std::end(kShown)) others[key] = value;
  }
  if (others.empty()) return "";
  return details("All that summary.json says besides", table_of_object(others));
}

std::string notes_of(const RecordedRun& run) {
  std::string html;
  for (const std::string& note : run.notes) html += fmt::format("<p>{}</p>\n", markup_text(note));
  return html;
}

std::string settings_of(const RecordedRun& run) {
  if (run.config.empty()) return "";
  return details("All options of the run", table_of_object(run.config));
}

}  // namespace

std::string run_page(const RecordedRun& run, const PageParts& parts) {
  const std::string title = markup_text(title_of(run));
  std::string html =
      "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n"
      "<meta charset=\"utf-8\"/>\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'; img-src data:\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
      "<meta name=\"color-scheme\" content=\"light dark\"/>\n";
  html += fmt::format("<title>{}</title>\n<style>\n{}{}</style>\n</head>\n<body>\n<h1>{}</h1>\n", title,
                      kStyle, chart_style(), title);
  html += fmt::format("<p class=\"faint\">{}</p>\n", markup_text(run.directory.path().string()));
  html += ending_of(run) + figures_of(run);
  html += section("An episode", parts.episode);
  html += section("Curves", charts_html(run.directory));
  html += section("Evaluation", evaluations_of(run));
  html += section("Children", children_of(run));
  html += section("Machine", table_of_object(object_at(run.summary, "machine")));
  html += section("Settings", settings_of(run) + others_of(run.summary));
  html += section("Notes", notes_of(run));
  html += fmt::format("<p class=\"faint\">Made by Genkidama {}.</p>\n</body>\n</html>\n", kVersion);
  return html;
}

}  // namespace genkidama::run
