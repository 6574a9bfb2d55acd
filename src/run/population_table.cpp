#include "run/population_table.h"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace genkidama::run {
namespace {

std::vector<std::string> columns_of(const PopulationOptions& options) {
  std::vector<std::string> columns = {
      "update", "environment_steps", "wall_seconds", "member", "member_steps", "change", "source",
      "score",  "source_score"};
  for (const ExploredHyperparameter& each : options.explored) {
    columns.push_back(each.name + "_before");
    columns.push_back(each.name);
  }
  return columns;
}

std::string text_of(const std::optional<double>& score) {
  return score ? fmt::format("{:.6g}", *score) : "";
}

}  // namespace

PopulationTable::PopulationTable(std::filesystem::path path, const PopulationOptions& options,
                                 std::optional<std::uint64_t> keep_until)
    : file_(std::move(path), columns_of(options), keep_until) {}

void PopulationTable::append(const RunTotals& totals, const std::vector<PopulationChange>& changes) {
  for (const PopulationChange& each : changes) {
    std::vector<std::string> fields = {fmt::format("{}", totals.updates),
                                       fmt::format("{}", totals.in_run.steps),
                                       fmt::format("{:.3f}", totals.wall_seconds),
                                       each.member,
                                       fmt::format("{}", each.steps),
                                       population_change_name(each.kind),
                                       each.source,
                                       text_of(each.score),
                                       text_of(each.source_score)};
    for (std::size_t i = 0; i < each.after.size(); ++i) {
      fields.push_back(i < each.before.size() ? fmt::format("{}", each.before[i]) : "");
      fields.push_back(fmt::format("{}", each.after[i]));
    }
    file_.append(fields);
  }
}

nlohmann::ordered_json population_report(const Population& population) {
  nlohmann::ordered_json report;
  const PopulationMember* const best = population.best();
  if (best != nullptr) report["best"] = best->name;
  report["ready_steps"] = population.options().ready_steps;
  report["members"] = nlohmann::ordered_json::array();
  for (const PopulationMember& each : population.members()) {
    nlohmann::ordered_json member = {{"name", each.name}, {"environment_steps", each.steps}};
    if (each.score) member["score"] = *each.score;
    member["decisions"] = each.decisions;
    member["copies"] = each.copies;
    for (std::size_t i = 0; i < each.values.size(); ++i)
      member["values"][population.options().explored[i].name] = each.values[i];
    report["members"].push_back(std::move(member));
  }
  return report;
}

}  // namespace genkidama::run
