#pragma once

/// @file
/// metrics.csv: a row per update, rarer as a run gets longer.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "genkidama/run/run_options.h"
#include "genkidama/run/run_totals.h"
#include "run/metrics/csv_file.h"
#include "run/metrics/tensorboard_log.h"

namespace genkidama::run {

class MetricsTable {
 public:
  /// `columns` follow update, environment_steps, wall_seconds and steps_per_second. `start`: where this
  /// process begins. `keep_until` and errors as CsvFile; rows that are missing before it earn a warning.
  /// `options` must outlive this.
  MetricsTable(const std::filesystem::path& path, const std::vector<std::string>& columns,
               std::optional<std::uint64_t> keep_until, const RunOptions& options, const RunTotals& start);

  /// Every row goes there too, with environment_steps as its step; nullptr: nowhere. It must outlive this.
  void also_write_to(TensorBoardLog* log);
  /// The row of the update that `totals` have come to, unless it is one that is left out (is_row_kept()).
  /// `recent_return`, the mean return of the latest 100 episodes, is no column and goes to the TensorBoardLog
  /// alone.
  void append(const RunTotals& totals, const std::vector<std::string>& fields,
              std::optional<double> recent_return);
  /// The row of the last update, if it was left out: a run's end always has one.
  void append_left_out();
  /// As CsvFile::sync().
  void sync() { file_.sync(); }

 private:
  struct Row {
    RunTotals totals;
    std::vector<std::string> fields;
    std::optional<double> recent_return;
  };
  void warn_of_missing_rows(const std::filesystem::path& file, std::uint64_t update) const;
  void write(const Row& row);

  const RunOptions& options_;
  const std::vector<std::string> columns_;
  CsvFile file_;
  TensorBoardLog* log_ = nullptr;
  std::optional<Row> left_out_;  // the last update's
  double last_seconds_;          // of the last row
  std::uint64_t last_steps_;
};

}  // namespace genkidama::run
