#include "run/metrics/metrics_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "run/directory/thinning.h"

namespace genkidama::run {
namespace {

std::vector<std::string> all_columns(const std::vector<std::string>& columns) {
  std::vector<std::string> all = {"update", "environment_steps", "wall_seconds", "steps_per_second"};
  all.insert(all.end(), columns.begin(), columns.end());
  return all;
}

}  // namespace

MetricsTable::MetricsTable(std::filesystem::path file, const std::vector<std::string>& columns,
                           std::optional<std::uint64_t> keep_until, const RunOptions& options,
                           const RunTotals& start)
    : options_(options),
      file_(std::move(file), all_columns(columns), keep_until),
      last_seconds_(start.wall_seconds),
      last_steps_(start.in_run.steps) {}

void MetricsTable::append(const RunTotals& totals, const std::vector<std::string>& fields) {
  left_out_.reset();
  if (is_row_kept(options_, totals.updates)) {
    write({totals, fields});
  } else {
    left_out_ = {totals, fields};
  }
}

void MetricsTable::append_left_out() {
  if (left_out_) write(*left_out_);
  left_out_.reset();
}

void MetricsTable::write(const Row& row) {
  const double seconds = row.totals.wall_seconds;
  const auto steps = static_cast<double>(row.totals.in_run.steps - last_steps_);
  std::vector<std::string> fields = {
      fmt::format("{}", row.totals.updates), fmt::format("{}", row.totals.in_run.steps),
      fmt::format("{:.3f}", seconds), fmt::format("{:.0f}", steps / std::max(1e-6, seconds - last_seconds_))};
  fields.insert(fields.end(), row.fields.begin(), row.fields.end());
  file_.append(fields);
  last_seconds_ = seconds;
  last_steps_ = row.totals.in_run.steps;
}

}  // namespace genkidama::run
