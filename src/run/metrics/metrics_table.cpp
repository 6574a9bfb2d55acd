#include "run/metrics/metrics_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "genkidama/core/log.h"
#include "run/directory/thinning.h"

namespace genkidama::run {
namespace {

std::vector<std::string> all_columns(const std::vector<std::string>& columns) {
  std::vector<std::string> all = {"update", "environment_steps", "wall_seconds", "steps_per_second"};
  all.insert(all.end(), columns.begin(), columns.end());
  return all;
}

}  // namespace

MetricsTable::MetricsTable(const std::filesystem::path& path, const std::vector<std::string>& columns,
                           std::optional<std::uint64_t> keep_until, const RunOptions& options,
                           const RunTotals& start)
    : options_(options),
      columns_(all_columns(columns)),
      file_(path, columns_, keep_until),
      last_seconds_(start.wall_seconds),
      last_steps_(start.in_run.steps) {
  if (keep_until) warn_of_missing_rows(path, *keep_until);
}

void MetricsTable::warn_of_missing_rows(const std::filesystem::path& file, std::uint64_t update) const {
  if (update == 0) return;
  // The rows were on the disk before the state. Of a long run the last one may have been left out.
  const auto last = file_.last_number();
  if (last && (*last == update || thinning(update, kRowsOfAllUpdates) > 1)) return;
  log(LogLevel::kWarning,
      "{} has {}, and the run goes on after update {}: somebody has changed the file, or "
      "its disk was full; the rows in between stay missing",
      file.string(), last ? fmt::format("rows up to update {}", *last) : "no rows", update);
}

void MetricsTable::also_write_to(TensorBoardLog* log) {
  log_ = log;
  if (log != nullptr) log->set_columns(columns_);
}

void MetricsTable::append(const RunTotals& totals, const std::vector<std::string>& fields,
                          std::optional<double> recent_return) {
  left_out_.reset();
  if (is_row_kept(options_, totals.updates)) {
    write({totals, fields, recent_return});
  } else {
    left_out_ = {totals, fields, recent_return};
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
  if (log_ != nullptr) {
    std::vector<Scalar> more;
    if (row.recent_return) more.push_back({"rollout/ep_rew_mean", *row.recent_return});
    // Since the run began, as there.
    more.push_back({"time/fps", static_cast<double>(row.totals.in_run.steps) / std::max(1e-6, seconds)});
    log_->row(row.totals.in_run.steps, fields, std::move(more));
  }
  last_seconds_ = seconds;
  last_steps_ = row.totals.in_run.steps;
}

}  // namespace genkidama::run
