#pragma once

/// @file
/// Curves of a run's tables, and what its training episodes have come to.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "run/charts/line_chart.h"
#include "run/report/curve_axis.h"

namespace genkidama::run {

/// The column of metrics.csv and evaluations.csv: environment_steps, wall_seconds, update.
const char* axis_column(CurveAxis axis);

/// A column over the axis. Without such a column in the table, or without numbers in it, there are no points.
struct ColumnCurve {
  std::vector<ChartPoint> points;
  std::uint64_t not_drawn = 0;  ///< values that are no finite numbers; fields without a value are not counted
};

/// Reads these columns of a table in one go, in memory that does not grow with its rows; one curve for each.
std::vector<ColumnCurve> read_curves(const std::filesystem::path& table, CurveAxis axis,
                                     const std::vector<std::string>& columns);

/// The names of a table's columns; none without a table.
std::vector<std::string> columns_of(const std::filesystem::path& table);

/// The column of training returns in a run's metrics: return_mean, or child_return_mean where each merge has
/// a row; empty when there is none.
std::string return_column(const std::filesystem::path& metrics);

/// The mean return of the latest 100 training episodes, as the progress line has it.
struct TrainingReturns {
  std::optional<double> last;     ///< at the table's end; of fewer episodes where there were not so many
  std::optional<double> reached;  ///< environment steps at which it was first at the threshold
};
TrainingReturns training_returns(const std::filesystem::path& metrics, std::optional<double> threshold);

/// The same of the evaluations during a run.
TrainingReturns evaluated_returns(const std::filesystem::path& evaluations, std::optional<double> threshold);

/// Of a run of a sweep: what the sweep has evaluated its final weights to; nothing before it has.
std::optional<double> return_in_sweep(const std::filesystem::path& checkpoint_evaluations);

}  // namespace genkidama::run
