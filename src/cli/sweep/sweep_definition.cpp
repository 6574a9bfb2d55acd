#include "cli/sweep/sweep_definition.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "cli/sweep/sweep_values.h"
#include "genkidama/core/error.h"
#include "run/sweep/definition.h"

namespace genkidama::cli {
namespace {

constexpr const char* kSeedsExpected = "expected 3 (for the seeds 1 to 3), 4-6, or 1,4,7";

void check_not_varied(const SweepPoint& point, const std::string& option, const std::string& given) {
  for (const SweepValue& value : point) {
    if (value.option == option) {
      throw ArgumentError(
          fmt::format("{}: '{}' is varied already; expected each option once", given, option));
    }
  }
}

SweepPoint parse_point(const std::string& text) {
  const std::string given = fmt::format("--setting is '{}'", text);
  SweepPoint point;
  for (const std::string& part : split(text)) {
    const SweepValue value = parse_value(part, given, "NAME=VALUE,NAME=VALUE,...");
    check_not_varied(point, value.option, given);
    point.push_back(value);
  }
  return point;
}

std::vector<SweepValue> parse_grid(const std::string& text) {
  const std::string given = fmt::format("--grid is '{}'", text);
  std::vector<SweepValue> values;
  for (const std::string& part : split(text)) {
    const std::string whole = values.empty() ? part : values.front().option + "=" + part;
    const SweepValue value = parse_value(whole, given, "NAME=VALUE,VALUE,...");
    if (std::find(values.begin(), values.end(), value) != values.end()) {
      throw ArgumentError(fmt::format("{}: the value '{}' is given twice", given, value.value));
    }
    values.push_back(value);
  }
  return values;
}

std::optional<std::uint64_t> parse_count(const std::string& text) {
  std::uint64_t count = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), count);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return {};
  return count;
}

std::vector<std::uint64_t> parse_seeds(const std::string& text) {
  const auto refuse = [&text](const std::string& why) -> ArgumentError {
    return ArgumentError(fmt::format("--seeds is '{}'{}; {}", text, why, kSeedsExpected));
  };
  const std::vector<std::string> parts = split(text);
  std::vector<std::uint64_t> seeds;
  for (const std::string& part : parts) {
    const auto dash = part.find('-');
    const auto first = dash == std::string::npos ? parse_count(part) : parse_count(part.substr(0, dash));
    const auto last = dash == std::string::npos ? first : parse_count(part.substr(dash + 1));
    if (!first || !last || *last < *first) throw refuse("");
    // A number alone is how many.
    const bool is_count = parts.size() == 1 && dash == std::string::npos;
    if (is_count && *last == 0) throw refuse("");
    const std::uint64_t from = is_count ? 1 : *first;
    if (*last - from >= run::kMostSweepRuns)
      throw refuse(fmt::format(", more than {} seeds", run::kMostSweepRuns));
    for (std::uint64_t i = 0; i <= *last - from; ++i) {
      if (std::find(seeds.begin(), seeds.end(), from + i) != seeds.end()) {
        throw refuse(fmt::format(" with {} twice", from + i));
      }
      seeds.push_back(from + i);
    }
  }
  return seeds;
}

std::vector<SweepPoint> multiplied(const std::vector<SweepPoint>& points,
                                   const std::vector<SweepValue>& values, const std::string& grid) {
  if (points.size() * values.size() > run::kMostSweepRuns) {
    throw ArgumentError(
        fmt::format("--grid is '{}': the sweep has more than {} settings", grid, run::kMostSweepRuns));
  }
  std::vector<SweepPoint> result;
  for (const SweepPoint& point : points) {
    check_not_varied(point, values.front().option, fmt::format("--grid is '{}'", grid));
    for (const SweepValue& value : values) {
      result.push_back(point);
      result.back().push_back(value);
    }
  }
  return result;
}

}  // namespace

SweepDefinition parse_sweep_definition(const std::vector<std::string>& settings,
                                       const std::vector<std::string>& grids, const std::string& seeds) {
  SweepDefinition definition;
  for (const std::string& setting : settings) definition.points.push_back(parse_point(setting));
  if (definition.points.empty()) definition.points.emplace_back();
  for (const std::string& grid : grids) {
    definition.points = multiplied(definition.points, parse_grid(grid), grid);
  }
  definition.seeds = parse_seeds(seeds);
  run::check_definition(definition);
  return definition;
}

}  // namespace genkidama::cli
