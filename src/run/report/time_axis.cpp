#include "run/report/time_axis.h"

#include <algorithm>

namespace genkidama::run {
namespace {

constexpr double kMinute = 60, kHour = 3600;

void divide_x(LineChart& chart, double unit) {
  for (ChartSeries& series : chart.series) {
    for (ChartPoint& point : series.points) point.x /= unit;
  }
}

}  // namespace

void set_axis(LineChart& chart, CurveAxis axis) {
  chart.x_label = axis == CurveAxis::kSteps ? "environment steps" : "updates";
  if (axis != CurveAxis::kSeconds) return;
  double last = 0;
  for (const ChartSeries& series : chart.series) {
    if (!series.points.empty()) last = std::max(last, series.points.back().x);
  }
  chart.x_label = "seconds since the run began";
  if (last > 3 * kHour) {
    chart.x_label = "hours since the run began";
    divide_x(chart, kHour);
  } else if (last > 10 * kMinute) {
    chart.x_label = "minutes since the run began";
    divide_x(chart, kMinute);
  }
}

}  // namespace genkidama::run
