#include "run/report/run_curves.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "run/charts/ticks.h"
#include "run/metrics/csv_reader.h"
#include "run/metrics/recent_mean.h"
#include "run/report/curve_bins.h"

namespace genkidama::run {
namespace {

constexpr const char* kReturn = "return_mean";

// How many training episodes a row stands for.
class RowEpisodes {
 public:
  explicit RowEpisodes(const CsvReader& table)
      : column_(table.column("episodes")), is_of_row_(table.column("contributions").has_value()) {}

  std::uint64_t of(const CsvRow& row) {
    if (!column_) return 1;
    const double told = number_in(row[*column_]).value_or(0);
    const double episodes = is_of_row_ ? told : told - std::exchange(before_, told);
    return episodes >= 1 ? static_cast<std::uint64_t>(std::min(episodes, 1e6)) : 0;
  }

 private:
  std::optional<std::size_t> column_;
  bool is_of_row_;  ///< else since the run began
  double before_ = 0;
};

}  // namespace

const char* axis_column(CurveAxis axis) {
  switch (axis) {
    case CurveAxis::kSteps:
      return "environment_steps";
    case CurveAxis::kSeconds:
      return "wall_seconds";
    case CurveAxis::kUpdates:
      return "update";
  }
  return "";
}

std::vector<ColumnCurve> read_curves(const std::filesystem::path& table, CurveAxis axis,
                                     const std::vector<std::string>& columns) {
  std::vector<ColumnCurve> curves(columns.size());
  CsvReader reader(table);
  const auto x_column = reader.column(axis_column(axis));
  if (!x_column) return curves;
  std::vector<std::optional<std::size_t>> places;
  for (const std::string& column : columns) places.push_back(reader.column(column));
  std::vector<CurveBins> bins(columns.size());
  for (CsvRow row; reader.next(row);) {
    const auto x = number_in(row[*x_column]);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (!places[i] || row[*places[i]].empty()) continue;
      constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
      bins[i].add(x.value_or(kNaN), number_in(row[*places[i]]).value_or(kNaN));
    }
  }
  for (std::size_t i = 0; i < columns.size(); ++i) curves[i] = {bins[i].points(), bins[i].not_drawn()};
  return curves;
}

std::vector<std::string> columns_of(const std::filesystem::path& table) {
  return CsvReader(table).columns();
}

std::string return_column(const std::filesystem::path& metrics) {
  const auto columns = columns_of(metrics);
  for (const char* const name : {kReturn, "child_return_mean"}) {
    if (std::find(columns.begin(), columns.end(), name) != columns.end()) return name;
  }
  return "";
}

TrainingReturns training_returns(const std::filesystem::path& metrics, std::optional<double> threshold) {
  TrainingReturns result;
  CsvReader reader(metrics);
  auto column = reader.column(kReturn);
  if (!column) column = reader.column("child_return_mean");
  const auto steps = reader.column(axis_column(CurveAxis::kSteps));
  if (!column) return result;
  RecentMean recent;
  RowEpisodes episodes(reader);
  for (CsvRow row; reader.next(row);) {
    const std::uint64_t count = episodes.of(row);
    const auto value = number_in(row[*column]);
    if (!value || !is_drawable(*value)) continue;
    recent.add(*value, count);
    if (!threshold || !steps || result.reached) continue;
    const auto mean = recent.latest(RecentMean::kEpisodes);
    if (mean && *mean >= *threshold) result.reached = number_in(row[*steps]);
  }
  result.last = recent.mean();
  return result;
}

TrainingReturns evaluated_returns(const std::filesystem::path& evaluations, std::optional<double> threshold) {
  TrainingReturns result;
  CsvReader reader(evaluations);
  const auto column = reader.column(kReturn), steps = reader.column(axis_column(CurveAxis::kSteps));
  if (!column || !steps) return result;
  for (CsvRow row; reader.next(row);) {
    const auto value = number_in(row[*column]);
    if (!value || !is_drawable(*value)) continue;
    result.last = value;
    if (threshold && !result.reached && *value >= *threshold) result.reached = number_in(row[*steps]);
  }
  return result;
}

std::optional<double> return_in_sweep(const std::filesystem::path& checkpoint_evaluations) {
  std::optional<double> result;
  CsvReader reader(checkpoint_evaluations);
  const auto file = reader.column("checkpoint"), mean = reader.column("mean");
  if (!file || !mean) return result;
  for (CsvRow row; reader.next(row);) {
    if (std::filesystem::path(row[*file]).filename() != "final.safetensors") continue;
    const auto value = number_in(row[*mean]);
    if (value && is_drawable(*value)) result = value;
  }
  return result;
}

}  // namespace genkidama::run
