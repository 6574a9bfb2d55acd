#include "run/report/run_page_charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "run/evaluation/evaluation_report.h"
#include "run/report/run_curves.h"
#include "run/report/time_axis.h"

namespace genkidama::run {
namespace {

struct ShownColumn {
  const char* column;
  const char* title;
};

// In the order of the page; which of them a run has depends on its command and its algorithm.
constexpr ShownColumn kShown[] = {
    {"steps_per_second", "Environment steps per second"},
    {"updates_per_second", "Optimizer steps per second"},
    {"policy_loss", "Policy loss"},
    {"value_loss", "Value loss"},
    {"entropy", "Entropy of the policy"},
    {"approximate_kl", "How far the policy moves in a round (KL)"},
    {"clip_fraction", "Share of clipped steps"},
    {"explained_variance", "Explained variance of the value estimate"},
    {"deviation", "Deviation of continuous actions"},
    {"gradient_norm", "Norm of the gradient"},
    {"learning_rate", "Learning rate"},
    {"length_mean", "Steps per episode"},
    {"model_error", "Error of the world model"},
    {"policy_lag_mean", "Policy lag"},
    {"children", "Children that are connected"},
    {"movement", "What a merge moves (norm)"},
    {"agreement", "Agreement of a merge with the others"},
    {"agreement_mean", "Agreement of a round's changes"},
    {"staleness", "Staleness of a merge"},
    {"staleness_mean", "Staleness of a round's contributions"},
    {"neighbours", "Neighbours that are there"},
    {"distance_mean", "Distance from the neighbours"},
};

constexpr std::size_t kMostMetrics = 20;

bool says_something(const ColumnCurve& curve) {
  return std::any_of(curve.points.begin(), curve.points.end(),
                     [](const ChartPoint& point) { return point.low != 0 || point.high != 0; });
}

LineChart chart_of_column(std::string title, ColumnCurve curve, const std::string& name, CurveAxis axis) {
  LineChart chart;
  chart.title = std::move(title);
  chart.y_label = name;
  chart.series.push_back({name, std::move(curve.points), false});
  set_axis(chart, axis);
  return chart;
}

LineChart returns_of(const RunDirectory& directory, CurveAxis axis) {
  LineChart chart;
  chart.title = "Mean return";
  chart.y_label = "return";
  if (const std::string column = return_column(directory.metrics()); !column.empty()) {
    auto training = std::move(read_curves(directory.metrics(), axis, {column})[0]);
    if (!training.points.empty()) {
      chart.series.push_back({"training episodes, with the least and greatest of what a point stands for",
                              std::move(training.points), false});
    }
  }
  auto evaluated = std::move(read_curves(directory.evaluations(), axis, {"return_mean"})[0]);
  if (!evaluated.points.empty()) {
    const bool has_marks = evaluated.points.size() <= 100;
    chart.series.push_back({"evaluations", std::move(evaluated.points), has_marks});
  }
  set_axis(chart, axis);
  return chart;
}

// A shard counts no steps of environments.
CurveAxis axis_of(const RunDirectory& directory) {
  const auto columns = columns_of(directory.metrics());
  const auto* const steps = axis_column(CurveAxis::kSteps);
  const bool has_steps = std::find(columns.begin(), columns.end(), steps) != columns.end();
  return has_steps || columns.empty() ? CurveAxis::kSteps : CurveAxis::kUpdates;
}

}  // namespace

std::vector<LineChart> charts_of(const RunDirectory& directory) {
  const CurveAxis axis = axis_of(directory);
  std::vector<LineChart> charts;
  if (LineChart returns = returns_of(directory, axis); !returns.series.empty()) {
    charts.push_back(std::move(returns));
  }
  std::vector<std::string> columns;
  for (const ShownColumn& shown : kShown) columns.emplace_back(shown.column);
  const std::string own = metric_column("");
  for (const std::string& column : columns_of(directory.metrics())) {
    if (column.starts_with(own) && columns.size() < std::size(kShown) + kMostMetrics)
      columns.push_back(column);
  }
  auto curves = read_curves(directory.metrics(), axis, columns);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (!says_something(curves[i])) continue;
    const std::string title = i < std::size(kShown) ? kShown[i].title : columns[i].substr(own.size());
    charts.push_back(chart_of_column(title, std::move(curves[i]), columns[i], axis));
  }
  return charts;
}

}  // namespace genkidama::run
