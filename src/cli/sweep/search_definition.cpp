#include "cli/sweep/search_definition.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "cli/options/interval_text.h"
#include "cli/sweep/sweep_values.h"
#include "genkidama/core/error.h"
#include "run/search/rungs.h"
#include "run/sweep/definition.h"

namespace genkidama::cli {
namespace {

constexpr const char* kRangeExpected =
    "NAME=LOW..HIGH, NAME=LOW..HIGH log, NAME=LOW..HIGH int, or NAME=VALUE,VALUE,...";

run::SweepRange parse_interval(const SweepValue& value, const std::string& given) {
  const auto interval = interval_of(value.value);
  if (!interval) throw ArgumentError(fmt::format("{}; expected {}", given, kRangeExpected));
  run::SweepRange range{value.option};
  range.low = interval->low;
  range.high = interval->high;
  range.logarithmic = interval->logarithmic;
  range.whole = interval->whole;
  return range;
}

run::SweepRange parse_choices(const std::string& text, const std::string& given) {
  run::SweepRange range;
  for (const std::string& part : split(text)) {
    const std::string whole = range.choices.empty() ? part : range.option + "=" + part;
    const SweepValue value = parse_value(whole, given, kRangeExpected);
    if (std::count(range.choices.begin(), range.choices.end(), value.value) > 0) {
      throw ArgumentError(fmt::format("{}: the value '{}' is given twice", given, value.value));
    }
    range.option = value.option;
    range.choices.push_back(value.value);
  }
  return range;
}

run::SweepRange parse_range(const std::string& text) {
  const std::string given = fmt::format("--range is '{}'", text);
  const bool is_interval = text.find("..") != std::string::npos && text.find(',') == std::string::npos;
  if (!is_interval) return parse_choices(text, given);
  return parse_interval(parse_value(text, given, kRangeExpected), given);
}

[[noreturn]] void refuse_flag(const SweepOptions& sweep, const std::string& flag, const std::string& with) {
  throw ArgumentError(
      fmt::format("{} is given with --search {}; expected it with {}", flag, sweep.search, with));
}

std::size_t trials_of(const SweepOptions& sweep, std::size_t seeds, std::uint64_t max_steps) {
  const std::size_t most = std::max<std::size_t>(1, run::kMostSweepRuns / seeds);
  if (sweep.trials) {
    if (*sweep.trials <= most) return *sweep.trials;
    throw ArgumentError(fmt::format("--trials is {} with {} seeds; expected at most {} runs", *sweep.trials,
                                    seeds, run::kMostSweepRuns));
  }
  // No more could begin before the budget is spent.
  const std::uint64_t first = run::rungs_of(sweep.min_steps, max_steps, sweep.reduction).front() * seeds;
  return std::min<std::uint64_t>(most, *sweep.budget / first + 1);
}

}  // namespace

std::vector<run::SweepRange> parse_ranges(const std::vector<std::string>& texts) {
  std::vector<run::SweepRange> ranges;
  for (const std::string& text : texts) {
    const run::SweepRange range = parse_range(text);
    for (const run::SweepRange& other : ranges) {
      if (other.option != range.option) continue;
      throw ArgumentError(fmt::format("--range is '{}': '{}' is varied already; expected each option once",
                                      text, range.option));
    }
    ranges.push_back(range);
  }
  return ranges;
}

void check_search(const SweepOptions& sweep) {
  const bool draws = sweep.search == "random" || is_halving(sweep);
  if (!draws && !sweep.ranges.empty()) refuse_flag(sweep, "--range", "random or asha");
  if (!draws && sweep.search_seed != SweepOptions().search_seed)
    refuse_flag(sweep, "--search-seed", "random or asha");
  if (sweep.trials && sweep.search == "grid") refuse_flag(sweep, "--trials", "random, asha or ask");
  if (!is_halving(sweep) && sweep.min_steps != 0) refuse_flag(sweep, "--min-steps", "asha");
  if (!is_halving(sweep) && sweep.reduction != SweepOptions().reduction)
    refuse_flag(sweep, "--reduction", "asha");
  if (is_asking(sweep) && !(sweep.grids.empty() && sweep.settings.empty())) {
    refuse_flag(sweep, "--grid or --setting", "grid, random or asha: the other program names the settings");
  }
  if (sweep.search == "random" && !sweep.trials) {
    throw ArgumentError("--search is 'random'; expected --trials N to say how many settings are drawn");
  }
  if (is_halving(sweep) && !sweep.trials && !sweep.budget) {
    throw ArgumentError(
        "--search is 'asha'; expected --trials N, --budget STEPS or both to say when it ends");
  }
}

SweepDefinition searched_definition(const SweepOptions& sweep, std::uint64_t max_steps) {
  SweepDefinition definition = parse_sweep_definition(sweep.settings, sweep.grids, sweep.seeds);
  if (sweep.search == "grid") return definition;
  if (is_asking(sweep)) {
    definition.points.clear();
    return definition;
  }
  const std::size_t trials = trials_of(sweep, definition.seeds.size(), max_steps);
  definition.points =
      run::sampled_points(definition.points, parse_ranges(sweep.ranges), trials, sweep.search_seed);
  run::check_definition(definition);
  return definition;
}

}  // namespace genkidama::cli
