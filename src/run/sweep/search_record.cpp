#include "run/sweep/search_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <system_error>

#include "genkidama/core/error.h"
#include "run/directory/json_file.h"
#include "run/search/rungs.h"
#include "run/sweep/record.h"

namespace genkidama::run {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

std::filesystem::path record_in(const std::filesystem::path& directory) {
  return directory / "search.json";
}

// What must be the same in every call.
ordered_json head_of(const SearchRecord& record) {
  ordered_json head;
  head["method"] = record.method;
  head["seeds"] = record.seeds;
  head["eval_episodes"] = record.evaluation.episodes;
  head["eval_seed"] = record.evaluation.seed;
  head["greedy"] = record.evaluation.greedy;
  if (!record.rungs.empty()) {
    head["rungs"] = record.rungs;
    head["reduction"] = record.reduction;
  }
  return head;
}

// JSON has no infinite numbers.
ordered_json score_json(double score) {
  if (std::isfinite(score)) return score;
  return score > 0 ? "inf" : "-inf";
}

double score_in(const json& value) {
  if (!value.is_string()) return value.get<double>();
  const bool is_high = value.get<std::string>() == "inf";
  return is_high ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
}

ordered_json trial_json(const SearchTrial& trial) {
  ordered_json value;
  if (trial.number > 0) value["number"] = trial.number;
  value["setting"] = point_json(trial.point);
  value["rung"] = trial.rung;
  value["scores"] = ordered_json::array();
  for (const double score : trial.scores) value["scores"].push_back(score_json(score));
  return value;
}

SearchTrial trial_in(const json& value, const SearchRecord& asked) {
  SearchTrial trial;
  trial.number = value.value("number", std::size_t{0});
  trial.point = point_in(value.at("setting"));
  trial.rung = value.at("rung").get<std::size_t>();
  for (const json& score : value.at("scores")) trial.scores.push_back(score_in(score));
  const std::size_t rungs = std::max<std::size_t>(1, asked.rungs.size());
  const bool fits = trial.rung >= 1 && trial.rung <= rungs && trial.scores.size() <= trial.rung &&
                    trial.scores.size() + 1 >= trial.rung;
  if (fits) return trial;
  throw ArgumentError(fmt::format("the trial {} has {} scores for {} rungs of {}", setting_name(trial.point),
                                  trial.scores.size(), trial.rung, rungs));
}

void check_head(const json& found, const SearchRecord& asked) {
  const ordered_json head = head_of(asked);
  for (const auto& [key, value] : head.items()) {
    const json before = found.value(key, json());
    if (before == json(value)) continue;
    throw ArgumentError(
        fmt::format("the search in this directory was begun with {} {}, this call has {}; expected the same, "
                    "or another directory",
                    key, before.dump(), value.dump()));
  }
}

}  // namespace

SearchRecord record_of_search(const SweepOptions& options) {
  SearchRecord record;
  record.method = options.halving ? "asha" : "ask";
  record.seeds = options.definition.seeds;
  const SweepPoint point =
      options.definition.points.empty() ? SweepPoint{} : options.definition.points.front();
  record.evaluation = options.evaluation
                          ? options.evaluation({point, record.seeds.front(), options.directory})
                          : EvaluationRequest{};
  if (options.halving) {
    const SweepHalving& halving = *options.halving;
    record.rungs = rungs_of(halving.min_steps, halving.max_steps, halving.reduction);
    record.reduction = halving.reduction;
  }
  return record;
}

SearchRecord read_search_record(const SweepOptions& options, SearchRecord asked) {
  const auto path = record_in(options.directory);
  const auto refuse = [&](const std::string& what) -> ArgumentError {
    return ArgumentError(fmt::format("{} {}: {}", name_of(options, "directory"), path.string(), what));
  };
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return asked;
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  try {
    const json found = json::parse(text);
    check_head(found, asked);
    for (const json& trial : found.at("trials")) asked.trials.push_back(trial_in(trial, asked));
    return asked;
  } catch (const json::exception& error) {
    throw refuse(
        fmt::format("not the record of a search: {}; expected what a sweep has written: put that "
                    "back, or take another directory",
                    json_problem(error, text)));
  } catch (const ArgumentError& error) {
    throw refuse(error.what());
  }
}

void write_search_record(const SweepOptions& options, const SearchRecord& record) {
  ordered_json value = head_of(record);
  value["trials"] = ordered_json::array();
  for (const SearchTrial& trial : record.trials) value["trials"].push_back(trial_json(trial));
  write_json_file(record_in(options.directory), value);
}

}  // namespace genkidama::run
