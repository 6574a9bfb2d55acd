#pragma once

/// @file
/// metrics.csv of a shard: a row every few seconds in which something happened, rarer as a run gets longer.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "genkidama/net/shard.h"
#include "run/metrics/csv_file.h"
#include "run/metrics/tensorboard_log.h"

namespace genkidama::run {

class ShardMetrics {
 public:
  /// Rows are at least `seconds` (> 0) apart, and at least a thousandth of the run's age, so their number
  /// grows with the logarithm of it. `start` and `wall_seconds`: where this process begins. `keep_until` and
  /// errors as CsvFile.
  /// `log` is given every row too, with the optimizer steps as its step; nullptr: nobody is.
  ShardMetrics(const std::filesystem::path& path, std::optional<std::uint64_t> keep_until, double seconds,
               const ShardStatus& start, double wall_seconds, std::unique_ptr<TensorBoardLog> log = nullptr);

  /// Writes a row if one is due and something has happened since the last one. Ask often.
  void look(const ShardStatus& status, double wall_seconds);
  /// Writes a row if something has happened since the last one: a run's end always has one.
  void finish(const ShardStatus& status, double wall_seconds);
  /// As AppendedFile::sync().
  void sync() {
    file_.sync();
    if (log_) log_->sync();
  }

 private:
  bool has_changed(const ShardStatus& status) const;
  void write(const ShardStatus& status, double wall_seconds);

  CsvFile file_;
  const std::unique_ptr<TensorBoardLog> log_;
  const double seconds_;
  ShardStatus last_;  // of the last row
  double last_seconds_;
};

}  // namespace genkidama::run
