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

namespace genkidama::run {

class MetricsTable {
 public:
  /// `columns` follow update, environment_steps, wall_seconds and steps_per_second. `start`: where this
  /// process begins. `keep_until` and errors as CsvFile; rows that are missing before it earn a warning.
  /// `options` must outlive this.
  MetricsTable(const std::filesystem::path& path, const std::vector<std::string>& columns,
               std::optional<std::uint64_t> keep_until, const RunOptions& options, const RunTotals& start);

  /// The row of the update that `totals` have come to, unless it is one that is left out (is_row_kept()).
  void append(const RunTotals& totals, const std::vector<std::string>& fields);
  /// The row of the last update, if it was left out: a run's end always has one.
  void append_left_out();
  /// As CsvFile::sync().
  void sync() { file_.sync(); }

 private:
  struct Row {
    RunTotals totals;
    std::vector<std::string> fields;
  };
  void warn_of_missing_rows(const std::filesystem::path& file, std::uint64_t update) const;
  void write(const Row& row);

  const RunOptions& options_;
  CsvFile file_;
  std::optional<Row> left_out_;  // the last update's
  double last_seconds_;          // of the last row
  std::uint64_t last_steps_;
};

}  // namespace genkidama::run
