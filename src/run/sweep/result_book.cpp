#include "run/sweep/result_book.h"

#include <algorithm>

namespace genkidama::run {

void ResultBook::keep(std::size_t run) {
  if (run >= results_.size()) results_.resize(run + 1);
  const bool greedy = options_.evaluation ? options_.evaluation(runs_[run]).greedy : false;
  results_[run] = result_of(runs_[run], greedy);
}

void ResultBook::write() const {
  const std::vector<std::string> varied = runs_.varied();
  std::vector<RunResult> results = all();
  for (RunResult& result : results) result.values = values_of(result.run, varied);
  write_results(options_.directory, varied, results);
}

std::vector<SettingStatistics> ResultBook::settings() const {
  return statistics_by_setting(all());
}

std::vector<double> ResultBook::wall_seconds() const {
  std::vector<double> seconds;
  for (const auto& result : results_) {
    if (result) seconds.push_back(result->wall_seconds);
  }
  return seconds;
}

std::vector<RunResult> ResultBook::all() const {
  std::vector<RunResult> found;
  for (const auto& result : results_) {
    if (result) found.push_back(*result);
  }
  return found;
}

std::vector<std::string> ResultBook::values_of(const SweepRun& run,
                                               const std::vector<std::string>& varied) const {
  std::vector<std::string> values;
  for (const std::string& option : varied) {
    const auto own = std::find_if(run.point.begin(), run.point.end(),
                                  [&option](const SweepValue& value) { return value.option == option; });
    if (own != run.point.end()) {
      values.push_back(own->value);
    } else {
      values.push_back(options_.value ? options_.value(run, option) : "");
    }
  }
  return values;
}

}  // namespace genkidama::run
