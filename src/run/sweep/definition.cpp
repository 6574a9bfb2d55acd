#include "run/sweep/definition.h"

#include <fmt/format.h>

#include <algorithm>

#include "genkidama/core/error.h"
#include "run/directory/run_directory.h"

namespace genkidama::run {
namespace {

// A file system takes 255 bytes, and something may have to follow the name.
constexpr std::size_t kLongestName = 200;

void check_value(const SweepPoint& point, const SweepValue& value) {
  if (value.option.empty() || !fits_a_directory_name(value.option) || !fits_a_directory_name(value.value)) {
    throw ArgumentError(
        fmt::format("the setting '{}' cannot be a directory's name; expected options and values without '/', "
                    "'=' and control characters",
                    setting_name(point)));
  }
}

void check_options_differ(const SweepPoint& point) {
  for (std::size_t i = 0; i < point.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (point[i].option != point[j].option) continue;
      throw ArgumentError(fmt::format("the setting '{}' has the option '{}' twice; expected each option once",
                                      setting_name(point), point[i].option));
    }
  }
}

void check_names(const std::vector<SweepPoint>& points) {
  std::vector<std::string> names;
  for (const SweepPoint& point : points) names.push_back(setting_name(point));
  for (const std::string& name : names) {
    if (name.size() > kLongestName) {
      throw ArgumentError(fmt::format(
          "the setting '{}' has a name of {} letters, which is a directory's; expected at most {}: "
          "leave out of it what all runs share",
          name, name.size(), kLongestName));
    }
  }
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) throw ArgumentError(fmt::format("the setting '{}' is given twice", *twice));
}

}  // namespace

std::string setting_name(const SweepPoint& point) {
  std::string name;
  for (const SweepValue& value : point) {
    if (!name.empty()) name += ',';
    name += value.option + "=" + value.value;
  }
  return name.empty() ? "default" : name;
}

std::string SweepRun::name() const {
  return fmt::format("{} seed {}", setting(), seed);
}

std::filesystem::path SweepRun::log() const {
  return directory.string() + ".log";
}

std::filesystem::path SweepRun::evaluations() const {
  return RunDirectory(directory).checkpoint_evaluations();
}

std::filesystem::path SweepRun::returns() const {
  return directory / "checkpoint_returns.csv";
}

bool fits_a_directory_name(const std::string& text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c != '/' && c != '=' && static_cast<unsigned char>(c) >= ' '; });
}

void check_definition(const SweepDefinition& definition, bool grows) {
  for (const SweepPoint& point : definition.points) {
    for (const SweepValue& value : point) check_value(point, value);
    check_options_differ(point);
  }
  check_names(definition.points);
  std::vector<std::uint64_t> seeds = definition.seeds;
  std::sort(seeds.begin(), seeds.end());
  const auto twice = std::adjacent_find(seeds.begin(), seeds.end());
  if (twice != seeds.end()) throw ArgumentError(fmt::format("the seed {} is given twice", *twice));
  const std::size_t runs = definition.points.size() * seeds.size();
  const bool may_be_empty = grows && !seeds.empty();
  if ((runs == 0 && !may_be_empty) || runs > kMostSweepRuns) {
    throw ArgumentError(
        fmt::format("the sweep has {} runs; expected at least 1 and at most {}", runs, kMostSweepRuns));
  }
}

std::vector<std::string> varied_options(const std::vector<SweepPoint>& points) {
  std::vector<std::string> options;
  for (const SweepPoint& point : points) {
    for (const SweepValue& value : point) {
      if (std::find(options.begin(), options.end(), value.option) == options.end()) {
        options.push_back(value.option);
      }
    }
  }
  return options;
}

SweepDefinition united(const SweepDefinition& first, const SweepDefinition& second) {
  SweepDefinition result = first;
  for (const SweepPoint& point : second.points) {
    if (std::find(result.points.begin(), result.points.end(), point) == result.points.end()) {
      result.points.push_back(point);
    }
  }
  for (const std::uint64_t seed : second.seeds) {
    if (std::find(result.seeds.begin(), result.seeds.end(), seed) == result.seeds.end()) {
      result.seeds.push_back(seed);
    }
  }
  return result;
}

SweepRun run_of(const SweepPoint& point, std::uint64_t seed, const std::filesystem::path& sweep) {
  return {point, seed, sweep / "runs" / setting_name(point) / fmt::format("seed_{}", seed), false};
}

std::vector<SweepRun> runs_of(const SweepDefinition& definition, const std::filesystem::path& sweep) {
  std::vector<SweepRun> runs;
  for (const std::uint64_t seed : definition.seeds) {
    for (const SweepPoint& point : definition.points) {
      runs.push_back(run_of(point, seed, sweep));
    }
  }
  return runs;
}

}  // namespace genkidama::run
