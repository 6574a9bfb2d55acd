#include "cli/reading/comparison_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cli/terminal/text_table.h"
#include "core/one_line.h"
#include "genkidama/core/utf8.h"
#include "run/evaluation/figure_text.h"

namespace genkidama::cli {
namespace {

constexpr std::size_t kMostNameBytes = 60;
constexpr const char* kNothing = "-";

std::string name_text(const std::string& name) {
  const std::string line = as_one_line(name);
  return line.size() > kMostNameBytes ? std::string(cut_utf8(line, kMostNameBytes)) + "..." : line;
}

// The interval says how many digits of the mean are known.
std::string mean_text(const run::SeedMean& mean) {
  if (mean.seeds == 0) return kNothing;
  if (!mean.interval) return run::figure_text(mean.mean);
  return run::figure_text(mean.mean, (mean.interval->high - mean.interval->low) / 4);
}

std::string interval_text(const run::SeedMean& mean) {
  return mean.interval ? run::interval_text(*mean.interval) : kNothing;
}

std::string steps_text(const run::StepsToThreshold& steps) {
  if (steps.reached == 0) return kNothing;
  const std::string median = steps.median ? fmt::format("{:.0f}", *steps.median) : "never";
  if (steps.seeds == 1) return median;
  const std::string last = steps.reached == steps.seeds ? fmt::format("{:.0f}", steps.last) : "never";
  return fmt::format("{} ({:.0f} to {})", median, steps.first, last);
}

std::string count_text(const run::SeedMean& mean) {
  return mean.seeds == 0 ? kNothing : fmt::format("{:.0f}", mean.mean);
}

std::string time_text(const run::SeedMean& mean) {
  return mean.seeds == 0 ? kNothing : run::duration_text(mean.mean);
}

}  // namespace

std::string to_table(const run::Comparison& comparison) {
  std::vector<std::string> columns = {"group", "seeds", "final return", "95 % interval"};
  if (comparison.threshold) {
    columns.push_back(fmt::format("steps to {:g}", *comparison.threshold));
    columns.emplace_back("reached by");
  }
  columns.insert(columns.end(), {"steps/s", "wall time", "processor time"});
  std::vector<std::vector<std::string>> rows;
  for (const run::ComparedGroup& group : comparison.groups) {
    auto& row = rows.emplace_back(
        std::vector<std::string>{name_text(group.name), fmt::format("{}", group.runs),
                                 mean_text(group.final_return), interval_text(group.final_return)});
    if (comparison.threshold) {
      row.push_back(steps_text(group.steps));
      row.push_back(fmt::format("{} of {}", group.steps.reached, group.steps.seeds));
    }
    row.push_back(count_text(group.steps_per_second));
    row.push_back(time_text(group.wall_seconds));
    row.push_back(time_text(group.processor_seconds));
  }
  return aligned_table(columns, rows);
}

}  // namespace genkidama::cli
